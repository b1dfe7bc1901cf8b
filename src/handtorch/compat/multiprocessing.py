"""torch.multiprocessing: Python's multiprocessing; tensors travel by pickle."""

from multiprocessing import *  # noqa: F403
from multiprocessing import get_all_start_methods

__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn"]


def set_sharing_strategy(new_strategy: str) -> None:
    """Taken, and changes nothing."""


def get_sharing_strategy() -> str:
    """``"file_system"``."""
    return "file_system"


def get_all_sharing_strategies() -> set[str]:
    """One."""
    return {"file_system"}


def spawn(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):  # type: ignore[no-untyped-def]
    """Run ``fn(rank, *args)`` in ``nprocs`` processes.

    Raises:
        RuntimeError: a process ended with an error.
    """
    context = get_context(start_method if start_method in get_all_start_methods() else None)  # noqa: F405
    processes = [context.Process(target=fn, args=(rank, *args), daemon=daemon) for rank in range(nprocs)]
    for process in processes:
        process.start()
    if not join:
        return processes
    for rank, process in enumerate(processes):
        process.join()
        if process.exitcode:
            raise RuntimeError(f"process {rank} terminated with exit code {process.exitcode}")
    return None
