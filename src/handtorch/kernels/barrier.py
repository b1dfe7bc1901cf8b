"""A barrier inside of kernels: threads that work on one thing in stages wait until all have done the stage before.

A stage of some microseconds is over before a sleeping thread has woken up, so they wait awake, and let others have the
core only if it takes long::

    @kernel
    def work(x, part, parts, counter):
        first_stage(x, part, parts)
        wait(counter, 1, parts)
        second_stage(x, part, parts)


    in_stages(lambda part, parts, counter: work(x, part, parts, counter), most)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import get_num_threads, parallel_for

_PATIENCE = 2_000  # looks at the counter, some microseconds in all
_GIVEN_UP = 1 << 40
_let_others_run = types.ExternalFunction("SwitchToThread" if os.name == "nt" else "sched_yield", types.int32())
_busy = threading.Lock()


@intrinsic
def _arrive(context: Any, counter: Any) -> Any:
    """Add 1 to counter[0], whatever other threads do at the same time."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = context.make_array(signature.args[0])(context, builder, args[0]).data
        builder.atomic_rmw("add", place, ir.Constant(ir.IntType(64), 1), "seq_cst")
        return context.get_dummy_value()

    return types.void(counter), generate


@intrinsic
def _arrived(context: Any, counter: Any) -> Any:
    """counter[0] as other threads have left it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load_atomic(place, "seq_cst", 8)

    return types.int64(counter), generate


@kernel
def wait(counter: Any, stage: int, parts: int) -> None:
    """Wait until all parts have come to the end of the stage, which are counted from 1."""
    if parts == 1:
        return
    _arrive(counter)
    looks = 0
    while _arrived(counter) < stage * parts:
        looks += 1
        if looks > _PATIENCE:
            _let_others_run()


def in_stages(work: Callable[[int, int, Any], object], most: int) -> None:
    """Call ``work(part, parts, counter)`` for each of at most ``most`` parts, all at once, each in its own thread.

    Threads that wait for each other must all be there. So only one such work is divided at a time, whoever asks;
    another one, and one inside of a piece of :func:`parallel_for`, is a single part.
    """
    parts = min(most, get_num_threads())
    counter = np.zeros(1, np.int64)
    if parts > 1 and _busy.acquire(blocking=False):
        try:
            parallel_for(lambda low, high: _one_part(work, low, high, parts, counter), parts)
        finally:
            _busy.release()
    else:
        work(0, 1, counter)


def _one_part(work: Callable[[int, int, Any], object], low: int, high: int, parts: int, counter: Any) -> None:
    if high - low == parts:
        work(0, 1, counter)
        return
    try:
        work(low, parts, counter)
    except BaseException:
        counter[0] = _GIVEN_UP  # so that nobody waits for this one
        raise
