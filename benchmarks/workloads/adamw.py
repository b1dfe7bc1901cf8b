"""The optimizer alone: one AdamW step over ten million parameters, as a model of many layers has them."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Peer
from benchmarks.workloads import Job, Workload

# 60 tensors, 10.0 million numbers: twelve blocks of two square weights, one wide weight and two vectors.
BLOCK = ((512, 512), (512, 512), (160, 1930), (512,), (1930,))
SHAPES = BLOCK * 12


def build(peer: Peer) -> Job:
    """``AdamW.step`` with PyTorch's default arguments; gradients are set once and kept."""
    lib = peer.lib
    rng = np.random.default_rng(0)
    parameters = []
    for shape in SHAPES:
        parameter = lib.nn.Parameter(lib.from_numpy(rng.standard_normal(shape, dtype=np.float32)))
        parameter.grad = lib.from_numpy(rng.standard_normal(shape, dtype=np.float32))
        parameters.append(parameter)
    optimizer = lib.optim.AdamW(parameters)

    def outcome() -> float:
        return float(sum(np.abs(parameter.detach().numpy()).sum(dtype=np.float64) for parameter in parameters))

    return Job(optimizer.step, outcome)


WORKLOAD = Workload(
    title="AdamW.step, 10 million parameters in 60 tensors",
    aim=0.6,
    build=build,
    warmup=5,
    samples=30,
    tolerance=1e-5,
)
