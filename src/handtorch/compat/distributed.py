"""torch.distributed as in a PyTorch that was built without it: a program finds out that it is alone.

The module stands for ``torch.distributed.nn`` and ``torch.distributed.optim`` too, which are imported more than used.
"""

from __future__ import annotations

import sys

from handtorch.errors import ArgumentError

__all__ = [
    "ReduceOp",
    "ZeroRedundancyOptimizer",
    "all_gather",
    "all_reduce",
    "barrier",
    "broadcast",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
]


def is_available() -> bool:
    """False: there are no process groups."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def init_process_group(*args: object, **kwargs: object) -> None:
    """Raises ArgumentError: there are no process groups."""
    raise ArgumentError("expected to run alone, got a process group: check torch.distributed.is_available() first")


def get_rank(*args: object, **kwargs: object) -> int:
    """Raises ArgumentError: there is no process group."""
    raise ArgumentError(
        "Default process group has not been initialized: check torch.distributed.is_initialized() first"
    )


get_world_size = all_gather = all_reduce = barrier = broadcast = get_rank


class ReduceOp:
    """How processes would bring their values together."""

    SUM, PRODUCT, MIN, MAX, AVG = "SUM", "PRODUCT", "MIN", "MAX", "AVG"


class ZeroRedundancyOptimizer:
    """An optimizer that is shared out among processes, of which there is one: no object is of this class.

    Raises:
        ArgumentError: when it is made.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        get_rank()


nn = optim = sys.modules[__name__]
