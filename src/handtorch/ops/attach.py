"""Functions that are methods of Tensor as well, and methods that write into the tensor."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from handtorch.ops.keywords import put, put_all
from handtorch.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def method(*names: str, in_place: bool = False, out: bool = False) -> Callable[[F], F]:
    """Attach a function to Tensor under these names (its own by default), and as ``name_`` if it can write in place.

    The function itself takes ``out=`` if it can write, or if asked for; the method does not.
    """

    def attach(function: F) -> F:
        for name in names or (function.__name__,):
            setattr(Tensor, name, function)
            if in_place and not name.startswith("__"):
                setattr(Tensor, f"{name}_", writing(function))
        return with_out(function) if in_place or out else function

    return attach


def with_out(function: F) -> F:
    """The function with PyTorch's keyword ``out``, a tensor that takes the result, or a tuple of them."""

    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **options: Any) -> Any:
        result = function(*args, **options)
        if out is None:
            return result
        return put_all(out, result, args) if isinstance(result, tuple) else put(out, result)

    return call  # type: ignore[return-value]


def writing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method ``name_`` that puts the result of ``name`` into its first argument."""

    def writer(self: Any, *args: Any, **options: Any) -> Any:
        from handtorch.ops.writing import write_if

        return write_if(True, self, function(self, *args, **options))

    writer.__name__ = writer.__qualname__ = f"{function.__name__}_"
    writer.__doc__ = f"In-place version of :func:`{function.__name__}`."
    return writer
