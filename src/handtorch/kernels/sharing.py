"""Threads that share the stages of one work inside of a kernel: whoever is there takes the next piece.

A stage of some microseconds is over before a sleeping thread has woken up. So nobody waits for a thread to come: the
one that asked begins, others join in at the stage that they find, and a stage is over when all of its pieces are done.
Only then does a thread wait, awake, for another one that is still at its piece::

    @kernel
    def work(x, counters):  # all threads run this, with the same arguments
        while (i := take(counters, 0)) < pieces:
            first_stage(x, i)
            put_down(counters, 0)
        wait(counters, 0, pieces)
        while (i := take(counters, 1)) < pieces:
            ...


    join_in(lambda counters: work(x, counters), threads, stages=2)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import get_num_threads, parallel_for

_PATIENCE = 2_000  # looks at a counter, some microseconds in all
_let_others_run = types.ExternalFunction("SwitchToThread" if os.name == "nt" else "sched_yield", types.int32())


@intrinsic
def _added(context: Any, counters: Any, i: Any) -> Any:
    """counters.flat[i] before 1 was added to it, whatever other threads do at the same time."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), ir.Constant(ir.IntType(64), 1), "seq_cst")

    return types.int64(counters, types.int64), generate


@intrinsic
def _seen(context: Any, counters: Any, i: Any) -> Any:
    """counters.flat[i] as other threads have left it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load_atomic(builder.gep(data, [args[1]]), "seq_cst", 8)

    return types.int64(counters, types.int64), generate


@kernel
def take(counters: Any, stage: int) -> int:
    """The number of a piece of the stage that nobody else does; one that the stage has not if all are taken."""
    return _added(counters, 2 * stage)


@kernel
def put_down(counters: Any, stage: int) -> None:
    """Say that a piece of the stage is done."""
    _added(counters, 2 * stage + 1)


@kernel
def wait(counters: Any, stage: int, pieces: int) -> None:
    """Wait until all pieces of the stage are done."""
    looks = 0
    while _seen(counters, 2 * stage + 1) < pieces:
        looks += 1
        if looks > _PATIENCE:
            _let_others_run()


def join_in(work: Callable[[Any], object], threads: int, stages: int) -> None:
    """Call ``work(counters)`` in up to ``threads`` threads, and return when it is done."""
    counters = np.zeros((stages, 2), np.int64)
    parallel_for(lambda low, high: work(counters), min(threads, get_num_threads()))
