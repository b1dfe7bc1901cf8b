"""NumPy's functions on Tensors: which function of Handtorch each of them means (NEP 13 and NEP 18).

This table is what lets the plain ``backward`` of an op run on Tensors, and so be differentiated itself. It is open to
users too: ``np.exp(tensor)`` is a Tensor with a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.ops import activation, arithmetic, indexing, linalg, reduction, shape
from handtorch.tensor import Tensor

_UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: arithmetic.add,
    np.subtract: arithmetic.sub,
    np.multiply: arithmetic.mul,
    np.divide: arithmetic.div,
    np.power: arithmetic.pow,
    np.negative: arithmetic.neg,
    np.absolute: arithmetic.abs,
    np.sign: arithmetic.sign,
    np.exp: arithmetic.exp,
    np.log: arithmetic.log,
    np.sqrt: arithmetic.sqrt,
    np.square: arithmetic.square,
    np.sin: arithmetic.sin,
    np.cos: arithmetic.cos,
    np.tanh: activation.tanh,
    np.expm1: lambda x: arithmetic.exp(x) - 1,
    np.logaddexp: lambda a, b: (
        arithmetic.maximum(a, b) + arithmetic.log(1 + arithmetic.exp(-arithmetic.abs(arithmetic.sub(a, b))))
    ),
    np.maximum: arithmetic.maximum,
    np.minimum: arithmetic.minimum,
    np.matmul: linalg.matmul,
    np.equal: arithmetic.eq,
    np.not_equal: arithmetic.ne,
    np.less: arithmetic.lt,
    np.less_equal: arithmetic.le,
    np.greater: arithmetic.gt,
    np.greater_equal: arithmetic.ge,
    np.bitwise_and: arithmetic.bitwise_and,
    np.bitwise_or: arithmetic.bitwise_or,
    np.invert: arithmetic.bitwise_not,
    np.conjugate: lambda x: x,
}


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


def _reducing(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return function(x, axis, keepdims)

    return reduce


def _astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    return arithmetic.cast(x, dtypes.from_numpy(np.dtype(dtype)))


def _zeros_like(x: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    return Tensor.of(np.zeros_like(x.array, dtype=dtype, shape=shape))


def _expand_dims(x: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, tuple) else (axis,)
    n = x.ndim + len(axes)
    places = {a % n for a in axes}
    lengths = iter(x.array.shape)
    return shape.reshape(x, tuple(1 if i in places else next(lengths) for i in range(n)))


def _array(x: Any, *, copy: Any = None, **_: Any) -> Any:
    return arithmetic.clone(x)


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: _reducing(reduction.sum),
    np.mean: _reducing(reduction.mean),
    np.max: _reducing(reduction.amax),
    np.min: _reducing(reduction.amin),
    np.argmax: lambda x, axis=None, keepdims=False: reduction.argmax(x, axis, keepdims),
    np.argmin: lambda x, axis=None, keepdims=False: reduction.argmin(x, axis, keepdims),
    np.where: lambda condition, a, b: arithmetic.where(condition, a, b),
    np.clip: lambda x, low, high: arithmetic.clamp(x, low, high),
    np.reshape: lambda x, target: shape.reshape(x, target),
    np.transpose: lambda x, axes=None: shape.permute(x, axes or tuple(range(x.ndim))[::-1]),
    np.swapaxes: shape.transpose,
    np.broadcast_to: lambda x, target: shape.expand(x, target),
    np.expand_dims: _expand_dims,
    np.squeeze: lambda x, axis=None: shape.squeeze(x, axis),
    np.concatenate: lambda xs, axis=0: shape.cat(xs, axis),
    np.stack: lambda xs, axis=0: shape.stack(xs, axis),
    np.split: lambda x, ends, axis=0: shape.split(x, np.diff([0, *ends, x.array.shape[axis]]).tolist(), axis),
    np.take_along_axis: lambda x, index, axis: indexing.Gather(
        axis, index.array if isinstance(index, Tensor) else index
    )(x),
    np.take: lambda x, places: shape.reshape(x, -1)[places],
    np.astype: _astype,
    np.zeros_like: _zeros_like,
    np.ones_like: lambda x, **_: Tensor.of(np.ones_like(x.array)),
    np.real: lambda x: x,
    np.iscomplexobj: lambda x: x.is_complex(),
    np.ndim: lambda x: x.ndim,
    np.shape: lambda x: x.array.shape,
    np.ascontiguousarray: shape.contiguous,
}


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
