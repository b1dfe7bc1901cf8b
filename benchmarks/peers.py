"""A library under measurement, by name: the same workload runs on any of them."""

from __future__ import annotations

import importlib
from functools import cached_property
from typing import Any


class Peer:
    """One library that has PyTorch's API, imported when a workload first asks for it.

    Args:
        name: what ``import`` calls it: ``"handtorch"``, ``"torch"``.
        threads: how many threads it may compute with.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self.threads = threads

    @cached_property
    def lib(self) -> Any:
        """The imported library, told its number of threads."""
        lib = importlib.import_module(self.name)
        lib.set_num_threads(self.threads)
        return lib
