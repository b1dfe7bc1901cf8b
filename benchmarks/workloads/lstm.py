"""A training step of a layer of long short-term memory: four gates and two states."""

from __future__ import annotations

from functools import partial

from benchmarks.workloads import Workload, recurrent

WORKLOAD = Workload(
    title="training step, batch 32, LSTM 256-256, both directions, 200 steps",
    aim=0.8,
    build=partial(recurrent, "LSTM"),
    warmup=5,
    samples=20,
)
