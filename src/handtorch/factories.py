"""Making tensors: from data, filled, counted, random."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DtypeError
from handtorch.ops.shape import lengths
from handtorch.tensor import Tensor


def _made(array: np.ndarray, requires_grad: bool = False) -> Any:
    made = Tensor.of(array)
    return made.requires_grad_() if requires_grad else made


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Any:
    """A new tensor that holds a copy of ``data``: a number, nested sequences, or an array.

    Python floats become the default type (float32), integers int64, booleans bool; arrays keep their type.
    """
    if isinstance(data, Tensor):
        data = data.array
    if isinstance(data, (np.ndarray, np.generic)):
        dtypes.from_numpy(data.dtype)
        array = np.array(data, dtype=None if dtype is None else dtype.numpy, order="C")
    else:
        array = _array_of(data, dtype)
    return _made(array, requires_grad)


def _array_of(data: Any, dtype: Any) -> np.ndarray:
    """Nested Python sequences (of numbers, arrays or Tensors) as an array of PyTorch's type for them."""
    plain = _plain(data)
    try:
        array = np.array(plain)
    except ValueError as error:
        raise DtypeError(f"expected sequences of equal length at every depth: {error}") from None
    if dtype is not None:
        return array.astype(dtype.numpy)
    if array.size == 0 and array.dtype == np.float64:
        return array.astype(dtypes.get_default_dtype().numpy)
    first = _first(data)
    if isinstance(first, (np.ndarray, np.generic, Tensor)):
        return array
    if array.dtype.kind == "f":
        return array.astype(dtypes.get_default_dtype().numpy)
    if array.dtype.kind == "c":
        return array.astype(dtypes.get_default_dtype().to_complex().numpy)
    if array.dtype.kind not in "iub":
        raise DtypeError(f"could not infer the element type of {type(first).__name__}; expected numbers or booleans")
    return array


def _plain(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.array
    if isinstance(data, (list, tuple)):
        return [_plain(x) for x in data]
    return data


def _first(data: Any) -> Any:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data


def from_numpy(ndarray: np.ndarray) -> Any:
    """A tensor on the memory of an array: a write to one is seen in the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_numpy(ndarray.dtype)
    return Tensor.of(ndarray)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """``data`` as a tensor, sharing its memory where possible."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray):
        shared = from_numpy(data)
        return shared if dtype is None else shared.to(dtype)
    return tensor(data, dtype=dtype)


def _numpy_dtype(dtype: Any) -> np.dtype:
    return (dtypes.get_default_dtype() if dtype is None else dtype).numpy


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Zeros of a shape."""
    return _made(np.zeros(lengths(size), _numpy_dtype(dtype)), requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Ones of a shape."""
    return _made(np.ones(lengths(size), _numpy_dtype(dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None, **_: Any) -> Any:
    """Memory of a shape, with whatever it held."""
    return _made(np.empty(lengths(size), _numpy_dtype(dtype)), requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """One value in every place of a shape."""
    kind = dtypes.of_scalar(fill_value) if dtype is None else dtype
    return _made(np.full(lengths((size,)), fill_value, kind.numpy), requires_grad)


def zeros_like(input: Any, *, dtype: Any = None, requires_grad: bool = False, **_: Any) -> Any:
    """Zeros in the shape and type of another tensor."""
    return _made(np.zeros(input.array.shape, input.array.dtype if dtype is None else dtype.numpy), requires_grad)


def ones_like(input: Any, *, dtype: Any = None, requires_grad: bool = False, **_: Any) -> Any:
    """Ones in the shape and type of another tensor."""
    return _made(np.ones(input.array.shape, input.array.dtype if dtype is None else dtype.numpy), requires_grad)


def empty_like(input: Any, *, dtype: Any = None, requires_grad: bool = False, **_: Any) -> Any:
    """Memory in the shape and type of another tensor, with whatever it held."""
    return _made(np.empty(input.array.shape, input.array.dtype if dtype is None else dtype.numpy), requires_grad)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False, **_: Any) -> Any:
    """One value in the shape and type of another tensor."""
    kind = input.array.dtype if dtype is None else dtype.numpy
    return _made(np.full(input.array.shape, fill_value, kind), requires_grad)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Any:
    """start, start + step, ... before end."""
    if end is None:
        start, end = 0, start
    if dtype is None:
        whole = all(isinstance(x, (int, np.integer)) for x in (start, end, step))
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    count = max(int(np.ceil((end - start) / step)), 0)
    return _made((start + step * np.arange(count)).astype(dtype.numpy), requires_grad)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Any:
    """``steps`` numbers from start to end, evenly apart."""
    return _made(np.linspace(start, end, steps).astype(_numpy_dtype(dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """Ones on the diagonal of an (n, m) matrix of zeros."""
    return _made(np.eye(n, m, dtype=_numpy_dtype(dtype)), requires_grad)
