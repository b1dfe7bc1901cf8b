"""A training step of a network so small that only the overhead of each operation is left."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload, training


def build(peer: Peer) -> Job:
    """Batch of 32, MLP 2-16-16-1 with tanh, mean squared error, plain SGD."""
    lib = peer.lib
    rng = np.random.default_rng(0)
    points = rng.standard_normal((32, 2), dtype=np.float32)
    heights = np.sin(points.sum(axis=1, keepdims=True))

    lib.manual_seed(0)
    nn = lib.nn
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01)
    return training(model, nn.MSELoss(), optimizer, lib.from_numpy(points), lib.from_numpy(heights))


WORKLOAD = Workload(
    title="training step, batch 32, MLP 2-16-16-1, SGD",
    aim=1.2,
    build=build,
    warmup=200,
    samples=20,
    steps=100,
)
