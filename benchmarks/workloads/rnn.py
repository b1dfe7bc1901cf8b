"""A training step of a plain recurrent layer: the step-by-step products weigh as much as those with the input."""

from __future__ import annotations

from functools import partial

from benchmarks.workloads import Workload, recurrent

WORKLOAD = Workload(
    title="training step, batch 32, RNN 256-256, both directions, 200 steps",
    aim=0.8,
    build=partial(recurrent, "RNN"),
    warmup=5,
    samples=20,
)
