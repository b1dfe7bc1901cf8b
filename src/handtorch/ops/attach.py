"""Functions that are methods of Tensor as well, and methods that write into the tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from handtorch.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def method(*names: str, in_place: bool = False) -> Callable[[F], F]:
    """Attach a function to Tensor under these names (its own by default), and as ``name_`` if it can write."""

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
        from handtorch.ops.writing import write

        return write(self, function(self, *args, **options))

    writer.__name__ = writer.__qualname__ = f"{function.__name__}_"
    writer.__doc__ = f"In-place version of :func:`{function.__name__}`."
    return writer
