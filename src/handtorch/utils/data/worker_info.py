"""Which worker of a loader this process is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handtorch.utils.data.dataset import Dataset


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker of a ``DataLoader`` this process is.

    ``id`` counts from 0 to ``num_workers - 1``, ``seed`` is what the generators of this process were seeded with, and
    ``dataset`` is this process's own copy of the dataset.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Dataset[Any]


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Which worker of a ``DataLoader`` this process is, or None in the main process."""
    return _info


def set_worker_info(info: WorkerInfo) -> None:
    """Make this process a worker; called once, by the worker itself."""
    global _info
    _info = info
