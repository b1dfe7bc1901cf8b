"""NumPy's functions on Tensors: which function of Handtorch each of them means (NEP 13 and NEP 18).

This is what lets the plain ``backward`` of an op run on Tensors, and so be differentiated itself. It is open to users
too: ``np.exp(tensor)`` is a Tensor with a gradient. Each family of ops says at the end of its file which NumPy
functions it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handtorch.tensor import Tensor

_UFUNCS: dict[np.ufunc, Callable[..., Any]] = {}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {}


def answer_ufuncs(answers: Mapping[np.ufunc, Callable[..., Any]]) -> None:
    """Say what NumPy's ufuncs mean on Tensors: functions of the same positional arguments."""
    _UFUNCS.update(answers)


def answer_functions(answers: Mapping[Any, Callable[..., Any]]) -> None:
    """Say what other NumPy functions mean on Tensors: functions of NumPy's arguments under NumPy's names."""
    _FUNCTIONS.update(answers)


def reducing(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction ``function(x, dim, keepdim)`` under NumPy's argument names."""

    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return function(x, axis, keepdims)

    return reduce


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run a NumPy ufunc on Tensors: by the table; on plain arrays where it has no gradient (logic, rounding)."""
    if method == "__call__" and not options and ufunc in _UFUNCS:
        return _UFUNCS[ufunc](*(_lifted(x) for x in inputs))
    if any(isinstance(x, Tensor) and x.needs_grad for x in inputs):
        return NotImplemented
    result = getattr(ufunc, method)(*(x.array if isinstance(x, Tensor) else x for x in inputs), **options)
    return tuple(map(_wrapped, result)) if isinstance(result, tuple) else _wrapped(result)


def _lifted(x: Any) -> Any:
    """An array operand as a Tensor; Tensors and Python numbers as they are."""
    return Tensor.of(np.asarray(x)) if isinstance(x, (np.ndarray, np.generic)) else x


def _wrapped(result: Any) -> Any:
    return Tensor.of(np.asarray(result)) if isinstance(result, (np.ndarray, np.generic)) else result


def call_function(function: Any, args: Any, options: Any) -> Any:
    """Run a NumPy function on Tensors by the table; without a gradient, on their arrays."""
    known = _FUNCTIONS.get(function)
    if known is not None:
        return known(*args, **options)
    if _any_needs_grad(args) or _any_needs_grad(tuple(options.values())):
        return NotImplemented
    return _wrapped(
        function(*_unwrapped(args), **{k: v for k, v in zip(options, _unwrapped(tuple(options.values())), strict=True)})
    )


def _any_needs_grad(values: Any) -> bool:
    return any(
        value.needs_grad if isinstance(value, Tensor) else isinstance(value, (tuple, list)) and _any_needs_grad(value)
        for value in values
    )


def _unwrapped(values: Any) -> Any:
    return type(values)(
        value.array if isinstance(value, Tensor) else _unwrapped(value) if type(value) in (tuple, list) else value
        for value in values
    )
