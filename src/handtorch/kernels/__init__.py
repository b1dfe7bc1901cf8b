"""Fast twins of the ops that are hot, and the one switch between them and the plain NumPy that defines them.

A twin is a subclass of its op, under the same name, in the file of the same name: ``ops/class_loss.py`` has
``CrossEntropy``, ``kernels/class_loss.py`` its twin. The op says from how many elements on the twin is worth it
(``twin_from = 16_384``), and only then is the twin imported: a program that never needs one never pays for Numba.

    with handtorch.kernels.use("reference"):   # plain NumPy only
        ...

``HANDTORCH_KERNELS=reference`` in the environment does the same for the whole process.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Iterator
from typing import Any

from handtorch.errors import ArgumentError

_CHOICES = ("fast", "reference")


def _checked(choice: str) -> str:
    if choice not in _CHOICES:
        raise ArgumentError(f"expected kernels 'fast' or 'reference', got {choice!r}")
    return choice


_choice = _checked(os.environ.get("HANDTORCH_KERNELS", "fast"))


def enabled() -> bool:
    """Whether fast twins run."""
    return _choice == "fast"


@contextlib.contextmanager
def use(choice: str) -> Iterator[None]:
    """Run a block on ``"fast"`` twins or on the ``"reference"`` NumPy.

    Raises:
        ArgumentError: another word.
    """
    global _choice
    before, _choice = _choice, _checked(choice)
    try:
        yield
    finally:
        _choice = before


_workspace = 64 << 20


def get_workspace() -> int:
    """How many bytes a convolution may take for what it holds beside its inputs and results (default: 64 MiB)."""
    return _workspace


def set_workspace(size: int) -> None:
    """Choose how many bytes a convolution may take for what it holds beside its inputs and results.

    It works through its columns in blocks no larger than that, all threads together; a block is at least one line.

    Raises:
        ArgumentError: fewer than one.
    """
    global _workspace
    if size < 1:
        raise ArgumentError(f"expected a workspace of at least 1 byte, got {size}")
    _workspace = int(size)


@functools.cache
def twin_of(op_class: Any) -> Any:
    """The fast twin of an op class."""
    module = op_class.__module__.replace(".ops.", ".kernels.")
    return getattr(importlib.import_module(module), op_class.__name__)
