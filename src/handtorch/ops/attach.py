"""Functions that are methods of Tensor as well, and methods that write into the tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from handtorch.autograd.mode import mode
from handtorch.errors import DtypeError, GradientError, ShapeError
from handtorch.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def method(*names: str, in_place: bool = False) -> Callable[[F], F]:
    """Attach a function to Tensor under these names (its own by default), and as ``name_`` when it can write in place."""

    def attach(function: F) -> F:
        for name in names or (function.__name__,):
            setattr(Tensor, name, function)
        if in_place:
            writer = writing(function)
            setattr(Tensor, writer.__name__, writer)
        return function

    return attach


def writing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method ``name_`` that puts the result of ``name`` into its first argument."""

    def writer(self: Any, *args: Any, **options: Any) -> Any:
        return write(self, function(self, *args, **options))

    writer.__name__ = writer.__qualname__ = f"{function.__name__}_"
    writer.__doc__ = f"In-place version of :func:`{function.__name__}`."
    return writer


def write(target: Any, value: Any) -> Any:
    """Put ``value`` into the memory of ``target``, which takes over the history of ``value``.

    Raises:
        GradientError: ``target`` is a leaf that requires gradients, or a view of one.
        ShapeError: ``value`` would have to be larger than ``target``.
        DtypeError: its kind (float, complex) cannot be held.
    """
    if mode.grad and target.needs_grad and target.op is None:
        raise GradientError(
            "a leaf Variable that requires grad is being used in an in-place operation; "
            "write inside handtorch.no_grad(), or to a clone()"
        )
    if value.array.shape != target.array.shape:
        raise ShapeError(
            f"output with shape {list(target.array.shape)} doesn't match the broadcast shape {list(value.array.shape)}"
        )
    if not np.can_cast(value.array.dtype, target.array.dtype, "same_kind"):
        raise DtypeError(f"result type {value.dtype} can't be cast to the desired output type {target.dtype}")
    np.copyto(target.array, value.array, casting="same_kind")
    target._bump()
    if value.needs_grad:
        target.op, target.needs_grad = value.op, True
    return target
