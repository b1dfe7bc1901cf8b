"""Making tensors: filled, counted, or in the likeness of another."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import RangeError, ShapeError
from handtorch.from_data import (
    array_of,
    as_tensor,
    asarray,
    finished,
    from_dlpack,
    from_numpy,
    frombuffer,
    numpys,
    scalar_tensor,
    tensor,
    to_dlpack,
)
from handtorch.layout import check as check_layout
from handtorch.ops.attach import method
from handtorch.ops.indexing import number_as
from handtorch.ops.memory import strided
from handtorch.ops.shape import lengths
from handtorch.tensor import Tensor

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "eye",
    "from_dlpack",
    "from_numpy",
    "frombuffer",
    "full",
    "full_like",
    "inclusive_range",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "scalar_tensor",
    "tensor",
    "to_dlpack",
    "zeros",
    "zeros_like",
]
_IGNORED = {"layout", "memory_format", "names"}  # PyTorch's keywords that choose what is the only choice here


def sizes(size: tuple[Any, ...], others: dict[str, Any]) -> tuple[int, ...]:
    """The shape to make, given as integers, as a sequence, or as ``size=``."""
    shape = lengths((others.pop("size"),) if "size" in others else size)
    for n in shape:
        if n < 0:
            raise ShapeError(f"Trying to create tensor with negative dimension {n}: {list(shape)}")
    return shape


def type_of(dtype: Any, others: dict[str, Any]) -> Any:
    """NumPy's type of the tensor to make: that asked for, or that of ``out``, or the default."""
    if dtype is not None:
        return numpys(dtype)
    if others.get("out") is not None:
        return others["out"].array.dtype
    return dtypes._default.numpy


def made(array: np.ndarray, device: Any, requires_grad: bool, others: dict[str, Any]) -> Any:
    """The Tensor, with the keywords that all factories take.

    Args:
        others: ``out``, a tensor to put the result into; ``pin_memory``; ``layout``, ``memory_format`` and ``names``.
    """
    if not others:
        return finished(array, device, requires_grad)
    check_layout(others.get("layout"))
    out, pin_memory = others.pop("out", None), others.pop("pin_memory", False)
    unknown = others.keys() - _IGNORED
    if unknown:
        raise TypeError(f"got an unexpected keyword argument '{min(unknown)}'")
    result = finished(array, device, requires_grad, pin_memory)
    if out is None:
        return result
    from handtorch.ops.keywords import put

    return put(out, result)


# -- filled ---------------------------------------------------------------------------------------------------------


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any) -> Any:
    """Zeros of a shape."""
    return made(np.zeros(sizes(size, others), type_of(dtype, others)), device, requires_grad, others)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any) -> Any:
    """Ones of a shape."""
    return made(np.ones(sizes(size, others), type_of(dtype, others)), device, requires_grad, others)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any) -> Any:
    """Memory of a shape, with whatever it held."""
    return made(np.empty(sizes(size, others), type_of(dtype, others)), device, requires_grad, others)


def full(
    size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any
) -> Any:
    """One value in every place of a shape; its type is that of the value."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"full(): argument 'size' must be tuple of ints, not {type(size).__name__}")
    value = fill_value.array[()] if isinstance(fill_value, Tensor) else fill_value
    kind = type_of(dtype, others)
    if dtype is None and others.get("out") is None:
        kind = value.dtype if isinstance(fill_value, Tensor) else dtypes.of_scalar(value).numpy
    return made(np.full(sizes((size,), others), number_as(value, kind), kind), device, requires_grad, others)


def zeros_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any) -> Any:
    """Zeros in the shape and type of another tensor."""
    return made(np.zeros_like(input.array, type_like(input, dtype)), device, requires_grad, others)


def ones_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any) -> Any:
    """Ones in the shape and type of another tensor."""
    return made(np.ones_like(input.array, type_like(input, dtype)), device, requires_grad, others)


def empty_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any) -> Any:
    """Memory in the shape and type of another tensor, with whatever it held."""
    return made(np.empty_like(input.array, type_like(input, dtype)), device, requires_grad, others)


def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any
) -> Any:
    """One value in the shape and type of another tensor."""
    value = fill_value.array[()] if isinstance(fill_value, Tensor) else fill_value
    kind = type_like(input, dtype)
    return made(np.full_like(input.array, number_as(value, kind), kind), device, requires_grad, others)


def type_like(input: Any, dtype: Any) -> np.dtype:
    return input.array.dtype if dtype is None else numpys(dtype)  # type: ignore[no-any-return]


def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any
) -> Any:
    """Memory of a shape with steps of one's own choice, counted in elements."""
    shape, steps = sizes((size,), others), lengths((stride,))
    if len(shape) != len(steps):
        raise ShapeError(f"mismatch in length of strides and shape: {len(steps)} and {len(shape)}")
    room = 1 + sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) if 0 not in shape else 0
    return made(strided(np.empty(room, type_of(dtype, others)), shape, steps), device, requires_grad, others)


def empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """Memory of a shape whose axes lie in the given order, the last changing fastest."""
    shape, order = sizes((size,), others), lengths((physical_layout,))
    if len(order) != len(shape):
        raise ShapeError(
            f"Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(shape)} is not equal to len(physical_layout) = {len(order)}"
        )
    for axis in order:
        if not 0 <= axis < len(shape):
            raise ShapeError(f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {axis})")
        if order.count(axis) > 1:
            raise ShapeError("Duplicate dim not allowed")
    memory = np.empty([shape[axis] for axis in order], type_of(dtype, others))
    return made(memory.transpose(np.argsort(order)), device, requires_grad, others)


# -- counted --------------------------------------------------------------------------------------------------------


def _number(x: Any) -> Any:
    """A Python or NumPy number; that of a Tensor."""
    return x.array[()] if isinstance(x, Tensor) else x


def _is_whole(x: Any) -> bool:
    return isinstance(x, (int, np.integer, np.bool_))


def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """start, start + step, ... before end; int64 if all of them are whole numbers.

    Called as ``arange(end)``, ``arange(start, end)`` or ``arange(start, end, step)``.
    """
    if end is None:
        start, end = None, start
    start, end, step = _number(start or 0), _number(end), _number(step)
    _check_steps(start, end, step)
    whole = _is_whole(start) and _is_whole(end) and _is_whole(step)
    kind = np.dtype(np.int64) if whole and dtype is None and others.get("out") is None else type_of(dtype, others)
    if whole:
        first, last, by = int(start), int(end), int(step)
        return made(np.arange(first, last, by).astype(kind, copy=False), device, requires_grad, others)
    if kind == np.int64:  # PyTorch counts in the type that it fills
        start, end, step = int(start), int(end), int(step)
        _check_steps(start, end, step)
    count = math.ceil((float(end) - float(start)) / float(step))
    if kind.kind in "iu":
        return made((int(start) + int(step) * np.arange(count)).astype(kind), device, requires_grad, others)
    return made((float(start) + float(step) * np.arange(count)).astype(kind), device, requires_grad, others)


def inclusive_range(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None, **others: Any) -> Any:
    """start, start + step, ... up to and including end (``torch.range``, from before :func:`arange`)."""
    if end is None:
        start, end = 0, start
    _check_steps(start, end, step)
    count = math.floor((end - start) / step) + 1
    return made((start + step * np.arange(count)).astype(type_of(dtype, others)), None, False, others)


def _check_steps(start: Any, end: Any, step: Any) -> None:
    """Raise for a row of numbers that would not end."""
    if step == 0:
        raise RangeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ShapeError(f"unsupported range: {start} -> {end}")
    if (step > 0) != (end >= start) and end != start:
        raise ShapeError("upper bound and lower bound inconsistent with step sign")


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """``steps`` numbers from start to end, evenly apart."""
    start, end, kind = _ends(start, end, steps, dtype, others)
    return made(_evenly(start, end, steps, kind).astype(kind), device, requires_grad, others)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """base to the power of ``steps`` numbers from start to end, evenly apart."""
    start, end, kind = _ends(start, end, steps, dtype, others)
    with np.errstate(all="ignore"):
        powers = np.power(base, _evenly(start, end, steps, np.dtype(np.float64 if kind.kind != "c" else kind)))
        return made(powers.astype(kind), device, requires_grad, others)


def _ends(start: Any, end: Any, steps: int, dtype: Any, others: dict[str, Any]) -> Any:
    if operator.index(steps) < 0:
        raise ShapeError("number of steps must be non-negative")
    for x in (start, end):
        if isinstance(x, Tensor) and x.array.ndim:
            raise ShapeError(
                f"linspace only supports 0-dimensional start and end tensors, but got {x.array.ndim} dimension(s)"
            )
    start, end = _number(start), _number(end)
    kind = type_of(dtype, others)
    if isinstance(start, (complex, np.complexfloating)) or isinstance(end, (complex, np.complexfloating)):
        if dtype is None:
            kind = dtypes.get_default_dtype().to_complex().numpy
        elif kind.kind != "c":
            raise ShapeError(f"linspace(): inferred dtype complex can't be safely cast to passed dtype {dtype}")
    return start, end, kind


def _evenly(start: Any, end: Any, steps: int, kind: np.dtype) -> np.ndarray:
    """Numbers from start to end, each counted from the nearer end, so that both are met.

    As in PyTorch the step is rounded to the type, and every product and sum once together (float16: each by itself).
    """
    if kind.kind in "iu":
        start, end, kind = int(start), int(end), np.dtype(np.float64)
    own, wide = kind.type, _WIDER.get(kind.char, kind.type)
    first, last = own(start), own(end)
    step = wide((last - first) / own(max(steps - 1, 1)))
    places = np.arange(steps)
    counted = places.astype(wide)
    up, down = wide(first) + step * counted, wide(last) - step * counted[::-1]
    half = steps // 2 if steps > 1 else 1
    return np.where(places < half, up, down)


_WIDER: dict[str, Any] = {"f": np.float64, "d": np.longdouble, "F": np.complex128, "D": np.clongdouble}


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """Ones on the diagonal of an (n, m) matrix of zeros."""
    if n < 0 or (m is not None and m < 0):
        raise ShapeError(f"{'n' if n < 0 else 'm'} must be greater or equal to 0, got {n if n < 0 else m}")
    return made(np.eye(n, m, dtype=type_of(dtype, others)), device, requires_grad, others)


# -- of another tensor's kind ---------------------------------------------------------------------------------------


@method()
def new_tensor(input: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A new tensor that holds a copy of ``data``, of this tensor's type."""
    return finished(array_of(data, dtype or input.dtype), device, requires_grad)


@method()
def new_empty(input: Any, *size: Any, dtype: Any = None, **options: Any) -> Any:
    """Memory of a shape, of this tensor's type, with whatever it held."""
    return empty(*size, dtype=dtype or input.dtype, **options)


@method()
def new_zeros(input: Any, *size: Any, dtype: Any = None, **options: Any) -> Any:
    """Zeros of a shape, of this tensor's type."""
    return zeros(*size, dtype=dtype or input.dtype, **options)


@method()
def new_ones(input: Any, *size: Any, dtype: Any = None, **options: Any) -> Any:
    """Ones of a shape, of this tensor's type."""
    return ones(*size, dtype=dtype or input.dtype, **options)


@method()
def new_full(input: Any, size: Any, fill_value: Any, *, dtype: Any = None, **options: Any) -> Any:
    """One value in every place of a shape, of this tensor's type."""
    return full(size, fill_value, dtype=dtype or input.dtype, **options)


@method()
def new_empty_strided(input: Any, size: Any, stride: Any, *, dtype: Any = None, **options: Any) -> Any:
    """Memory of a shape with steps of one's own choice, of this tensor's type."""
    return empty_strided(size, stride, dtype=dtype or input.dtype, **options)


@method()
def new(input: Any, *args: Any) -> Any:
    """Memory of a shape, or a copy of data, of this tensor's type (PyTorch's older way of saying it)."""
    if len(args) == 1 and not isinstance(args[0], int) and type(args[0]).__name__ != "Size":
        return new_tensor(input, args[0])
    return new_empty(input, *args)
