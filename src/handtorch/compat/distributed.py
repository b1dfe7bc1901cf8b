"""torch.distributed as in a PyTorch that was built without it: a program finds out that it is alone."""

from __future__ import annotations

from handtorch.errors import ArgumentError

__all__ = ["get_rank", "get_world_size", "init_process_group", "is_available", "is_initialized"]


def is_available() -> bool:
    """False: there are no process groups."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def init_process_group(*args: object, **kwargs: object) -> None:
    """Raises ArgumentError: there are no process groups."""
    raise ArgumentError("expected to run alone, got a process group: check torch.distributed.is_available() first")


def get_rank(group: object = None) -> int:
    """Raises ArgumentError: there is no process group."""
    raise ArgumentError(
        "Default process group has not been initialized: check torch.distributed.is_initialized() first"
    )


get_world_size = get_rank
