"""A training step of a frame classifier: a network wide enough that matrix products weigh the most."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload, training


def build(peer: Peer) -> Job:
    """Batch of 1024, MLP 1000-1024-512-41 with BatchNorm, ReLU and Dropout, cross-entropy, AdamW."""
    lib = peer.lib
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((1024, 1000), dtype=np.float32)
    phonemes = rng.integers(0, 41, 1024)

    lib.manual_seed(0)
    nn = lib.nn
    model = nn.Sequential(
        nn.Linear(1000, 1024),
        nn.BatchNorm1d(1024),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(1024, 512),
        nn.BatchNorm1d(512),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(512, 41),
    )
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-3)
    return training(model, nn.CrossEntropyLoss(), optimizer, lib.from_numpy(frames), lib.from_numpy(phonemes))


WORKLOAD = Workload(
    title="training step, batch 1024, MLP 1000-1024-512-41, AdamW",
    aim=0.8,
    build=build,
    warmup=5,
    samples=30,
    tolerance=0.02,  # the same units are dropped; sums in another order drift apart over the steps
)
