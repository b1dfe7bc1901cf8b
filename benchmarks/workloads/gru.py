"""A training step of a layer of gated recurrent units: three gates, and a product within one of them."""

from __future__ import annotations

from functools import partial

from benchmarks.workloads import Workload, recurrent

WORKLOAD = Workload(
    title="training step, batch 32, GRU 256-256, both directions, 200 steps",
    aim=0.6,
    build=partial(recurrent, "GRU"),
    warmup=5,
    samples=20,
)
