"""A training step of one convolution: three products, for the result, for its input and for its weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload


def build(peer: Peer) -> Job:
    """64 channels to 64, 3 x 3, on 32 x 32, batch of 32, mean of squares, SGD; the input wants its gradient too."""
    lib = peer.lib
    rng = np.random.default_rng(0)
    pictures = lib.from_numpy(rng.standard_normal((32, 64, 32, 32), dtype=np.float32)).requires_grad_()

    lib.manual_seed(0)
    layer = lib.nn.Conv2d(64, 64, 3, padding=1)
    optimizer = lib.optim.SGD(layer.parameters(), lr=0.01)

    def loss() -> Any:
        return layer(pictures).square().mean()

    def step() -> None:
        optimizer.zero_grad()
        pictures.grad = None
        loss().backward()
        optimizer.step()

    return Job(step, lambda: float(loss().item()))


WORKLOAD = Workload(
    title="training step, batch 32, one convolution 64-64, 3 x 3, on 32 x 32",
    aim=1.0,
    build=build,
    warmup=5,
    samples=30,
)
