"""Keywords that PyTorch takes beside a function's own: NumPy's names for its arguments, and ``out=``.

A function takes them as ``**others``, which costs nothing where there are none::

    def amax(input, dim=(), keepdim=False, **others):
        if others:
            return with_others(amax, others, input, dim=dim, keepdim=keepdim)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.autograd.mode import mode
from handtorch.errors import DtypeError, GradientError, ShapeError
from handtorch.tensor import Tensor

_NUMPYS = {"axis": "dim", "keepdims": "keepdim"}


def with_others(function: Callable[..., Any], others: dict[str, Any], *args: Any, **own: Any) -> Any:
    """Call ``function`` again, with its own arguments under its own names.

    Args:
        others: ``axis``, ``keepdims`` and ``out``, as far as they were given.
        args, own: what the function was called with besides.

    Raises:
        TypeError: a keyword that nobody knows.
    """
    out = others.pop("out", None)
    for name, value in others.items():
        if _NUMPYS.get(name) not in own:
            raise TypeError(f"{function.__name__}() got an unexpected keyword argument '{name}'")
        own[_NUMPYS[name]] = value
    result = function(*args, **own)
    if out is None:
        return result
    return put_all(out, result, args) if isinstance(result, tuple) else put(out, result)


def put_all(out: Any, results: Any, args: Any) -> Any:
    """:func:`put` for several results: here PyTorch takes no other element type, and no memory of the inputs."""
    for one, result in zip(out, results, strict=True):
        if one.array.dtype != result.array.dtype:
            raise DtypeError(f"Expected out tensor to have dtype {result.dtype}, but got {one.dtype} instead")
        if any(isinstance(x, Tensor) and np.may_share_memory(one.array, x.array) for x in args):
            raise ShapeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                "memory location. Please clone() the tensor before performing the operation."
            )
    filled = [put(one, result) for one, result in zip(out, results, strict=True)]
    return type(results)(*filled) if hasattr(results, "_fields") else tuple(filled)


def put(out: Any, result: Any) -> Any:
    """Give ``out`` the shape and the numbers of a result.

    Raises:
        DtypeError: ``out`` has a type that does not hold the result's numbers.
        GradientError: the result or ``out`` has a gradient: PyTorch does not differentiate through ``out``.
    """
    if mode.grad and (out.needs_grad or result.needs_grad):
        raise GradientError(
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments "
            "requires grad; write out = function(...) instead"
        )
    if result.dtype.category > out.dtype.category:
        raise DtypeError(f"result type {result.dtype} can't be cast to the desired output type {out.dtype}")
    if out.array.shape != result.array.shape:
        out.array = result.array.astype(out.array.dtype)
    else:
        out.copy_(result)
    return out
