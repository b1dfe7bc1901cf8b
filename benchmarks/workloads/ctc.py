"""The loss of a recognizer's sequences: from logits to the loss and back."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload


def build(peer: Peer) -> Job:
    """log_softmax and CTC loss, forward and backward: 32 sequences of 400 frames, 41 symbols, 60 labels."""
    lib = peer.lib
    rng = np.random.default_rng(0)
    logits = lib.from_numpy(rng.standard_normal((400, 32, 41), dtype=np.float32)).requires_grad_()
    labels = lib.from_numpy(rng.integers(1, 41, (32, 60)))
    input_lengths, target_lengths = lib.full((32,), 400), lib.full((32,), 60)
    criterion = lib.nn.CTCLoss()

    def step() -> None:
        logits.grad = None
        criterion(logits.log_softmax(2), labels, input_lengths, target_lengths).backward()

    def outcome() -> float:
        return float(logits.grad.abs().sum().item())

    return Job(step, outcome)


WORKLOAD = Workload(
    title="CTC loss with log_softmax, forward + backward, T 400, batch 32, 41 symbols, 60 labels",
    aim=0.7,
    build=build,
    warmup=2,
    samples=20,
    tolerance=1e-3,
)
