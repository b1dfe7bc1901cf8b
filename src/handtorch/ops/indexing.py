"""Indexing: what stands between brackets, read and written by PyTorch's rules."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch.errors import DimensionError, DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.keys import ALL, is_plain, lookups, names_each_once, parts_of, why_not
from handtorch.ops.op import Op, note_view
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, bad, integers, normal, sample
from handtorch.ops.writing import in_two_forms, is_recorded, on, overwrite
from handtorch.tensor import Tensor

__all__ = [
    "index_put",
    "narrow",
    "select",
]


class Index(Op):
    """y = x[key] by NumPy's rules: integers, slices, None, Ellipsis, arrays of integers or booleans.

    dL/dx is zero but at the key, where g is added (twice where an element is named twice).

    Args:
        key: what stands between the brackets, with arrays instead of Tensors.
    """

    view = True

    def __init__(self, key: Any) -> None:
        self.key = key

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        y = x[self.key]
        if isinstance(y, np.generic):  # a number; with an Ellipsis NumPy gives a view of its place
            y = x[(*parts_of(self.key), ...)]
        return y

    def backward(self, g: Any) -> Any:
        return scatter_add(g, self.key, self.input_shape)

    def explain(self, *arrays: Any) -> str:
        return why_not(self.key, arrays[0].shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for key in (1, slice(0, 2), (slice(None), None, -1), (..., slice(None, None, 2)), np.array([0, 2, 2])):
            yield sample(partial(cls, key), normal(3, 4))
        yield sample(lambda: cls((np.array([0, 1]), np.array([3, 3]))), normal(3, 4))
        yield sample(lambda: cls((np.array([0, -1]), slice(None), np.array([[3], [3]]))), normal(2, 3, 4))
        yield sample(lambda: cls((slice(None), np.array([[2, 1], [2, -3]]))), normal(2, 3, 4))
        yield sample(lambda: cls(np.array([True, False, True])), normal(3, 4))
        yield bad(lambda: cls(5), normal(3, 4))
        yield bad(lambda: cls((0, 0, 0)), normal(3, 4))
        yield bad(lambda: cls(np.array([True, False])), normal(3, 4))
        yield bad(lambda: cls((np.array([0, 1]), np.array([0, 1, 2]))), normal(3, 4))


class ScatterAdd(Op):
    """y = zeros of a shape, with x added at a key: what :class:`Index` undoes. dL/dx = g[key].

    Args:
        key: a place in y.
        target: the shape of y.
    """

    twin_from = 1_024

    def __init__(self, key: Any, target: tuple[int, ...]) -> None:
        self.key, self.target = key, target

    def forward(self, x: Any) -> Any:
        y = np.zeros(self.target, x.dtype)
        if names_each_once(self.key):
            y[self.key] = x
        else:
            add_at(y, self.key, x)
        return y

    def backward(self, g: Any) -> Any:
        return g[self.key]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(slice(1, 3), (4, 2)), normal(2, 2))
        yield sample(lambda: cls(np.array([1, 1, -1]), (3, 2)), normal(3, 2))
        yield sample(lambda: cls((np.array([[1], [1]]), np.array([0, -1])), (3, 2)), normal(2, 2))
        yield sample(lambda: cls((np.array([1, 1]), ..., np.array([0, -1])), (3, 4, 2)), normal(2, 4))
        yield sample(lambda: cls((integers(-3, 5, 8, 4),), (5, 70)), normal(8, 4, 70))


class AddItem(Op):
    """y = x with v added at a key, as often as an element is named. dL/dx = g; dL/dv = g[key].

    Args:
        key: a place in x.
    """

    in_place = False  # y is x itself

    def __init__(self, key: Any) -> None:
        self.key = key

    def forward(self, x: Any, v: Any) -> Any:
        y = x if self.in_place else np.array(x, copy=True)
        add_at(y, self.key, v)
        return y

    def backward(self, g: Any) -> Any:
        return g, g[self.key] if self.needs(1) else None

    def explain(self, *arrays: Any) -> str:
        return SetItem(self.key).explain(*arrays)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.array([1, 1])), normal(3, 4, seed=1), normal(2, 4, seed=2))
        yield sample(lambda: cls((slice(None), np.array([0, 2, 0]))), normal(3, 4, seed=1), normal(3, seed=2))
        yield sample(lambda: cls((np.array([0, 1, 0]), np.array([-1, 2, 3]))), normal(3, 4), normal(3))
        yield bad(lambda: cls(np.array([1, 1])), normal(3, 4), normal(5))


class SetItem(Op):
    """y = x with v written at a key. dL/dx = g but 0 at the key; dL/dv = g[key].

    Args:
        key: a place in x. Of several values for one element the last is kept, and each gets its gradient.
    """

    in_place = False  # y is x itself

    def __init__(self, key: Any) -> None:
        self.key = key

    def forward(self, x: Any, v: Any) -> Any:
        y = x if self.in_place else np.array(x, copy=True)
        y[self.key] = _real_for(y.dtype, v)
        return y

    def backward(self, g: Any) -> Any:
        dx = on(SetItem(self.key), g, 0) if self.needs(0) else None
        return dx, np.copy(g[self.key]) if self.needs(1) else None  # a view would keep all of g

    def explain(self, *arrays: Any) -> str:
        x, v = arrays
        return why_not(self.key, x.shape) or (
            f"shape mismatch: value tensor of shape {list(np.shape(v))} cannot be broadcast to indexing result of "
            f"shape {list(np.shape(x[self.key]))}"
        )

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1), normal(3, 4, seed=1), normal(4, seed=2))
        yield sample(lambda: cls((slice(None), np.array([0, 2]))), normal(3, 4, seed=1), normal(2, seed=2))
        yield sample(lambda: cls((..., 1)), normal(3, 4), 2.5)
        yield bad(lambda: cls(1), normal(3, 4), normal(5))
        yield bad(lambda: cls(3), normal(3, 4), normal(4))


# -- adding at a key ------------------------------------------------------------------------------------------------


def scatter_add(g: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of ``shape`` with ``g`` added at ``key``, for arrays and Tensors."""
    return on(ScatterAdd(key, shape), g)


def add_at(y: np.ndarray, key: Any, x: Any) -> None:
    """Add x to y at a key, as often as an element is named.

    NumPy is fast at this along one axis only; so keys that pick rows, or name each element by its full coordinates, are
    first turned into places in the flattened array.
    """
    flat = _flat_places(key, y.shape) if y.flags.c_contiguous and y.flags.writeable else None
    if flat is None:
        np.add.at(y, key, x)
    else:
        values = np.broadcast_to(x, flat.shape).astype(y.dtype, copy=False)
        np.add.at(y.reshape(-1), flat.reshape(-1), values.reshape(-1))


def _flat_places(key: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """For each element that a key names its place in the flattened array; None for keys of other kinds."""
    parts = parts_of(key)
    if len(parts) == len(shape) and all(isinstance(part, np.ndarray) and part.dtype != bool for part in parts):
        places: Any = 0
        for part, length in zip(parts, shape, strict=True):
            places = places * length + from_the_front(part, length)
        return places
    last = len(parts) - 1
    array = parts[last]
    if not isinstance(array, np.ndarray) or array.dtype == bool:
        return None
    if any(type(part) is not slice or part != ALL for part in parts[:last]):
        return None
    block = int(np.prod(shape[last + 1 :], dtype=np.int64))
    outer = int(np.prod(shape[:last], dtype=np.int64))
    picked = from_the_front(array, shape[last]).reshape(-1)
    places = (np.arange(outer)[:, None] * shape[last] + picked)[..., None] * block + np.arange(block)
    return places.reshape(*shape[:last], *array.shape, *shape[last + 1 :])


def from_the_front(index: np.ndarray, length: int) -> np.ndarray:
    """Places counted from the front, of which some were counted from the end."""
    if index.size and (index.min() < -length or index.max() >= length):
        raise IndexError("out of bounds")
    return np.where(index < 0, index + length, index).astype(np.int64, copy=False)


told = False  # whether somebody is told of every op that runs, so that none may be left out

# -- methods --------------------------------------------------------------------------------------------------------


@method("__getitem__")
def get_item(input: Any, index: Any) -> Any:
    """input[index]: a view for integers, slices, None and Ellipsis; a copy where tensors pick elements."""
    if is_plain(index):
        if not (input.needs_grad or told) and (input._base is None or input._base._rewrites == input._rewrites):
            try:
                return _seen(input, index)  # nothing to record: the short way
            except IndexError:
                pass  # the op says what is wrong
        return Index(index)(input)
    for key in lookups(index):
        input = Index(key)(input)
    return input


def _seen(input: Any, index: Any) -> Any:
    """What :class:`Index` gives for integers and slices, without a record."""
    place = input.array[index]
    if isinstance(place, np.generic):
        place = input.array[(*parts_of(index), ...)]
    view = Tensor.of(place)
    note_view(view, input)
    return view


@method("__setitem__")
def set_item(input: Any, index: Any, value: Any) -> None:
    """input[index] = value, broadcast and cast, in place.

    Raises:
        GradientError: ``input`` is a leaf that requires gradients.
        ShapeError: the value does not fit.
        DtypeError: the number cannot be held.
    """
    if not isinstance(value, (Tensor, bool, int, float, complex, np.generic, np.ndarray)):
        raise TypeError(f"can't assign a {type(value).__name__} to a {input.type()}")
    *views, key = lookups(index)
    for view in views:
        input = Index(view)(input)
    if input._inference or is_recorded(input, value):
        if isinstance(value, Tensor):
            value = _without_leading_ones(value, key, input.array)
        overwrite(input, SetItem(key), value)
        return
    array = value.array if isinstance(value, Tensor) else value
    try:
        input.array[key] = _real_for(input.array.dtype, array) if isinstance(value, Tensor) else array
    except (IndexError, ValueError, OverflowError, TypeError) as error:
        if not input.array.flags.writeable:
            overwrite(input, SetItem(key), value)  # which says so
        if isinstance(error, IndexError):
            raise DimensionError(why_not(key, input.array.shape) or str(error)) from error
        if isinstance(array, np.ndarray) and array.ndim:
            raise ShapeError(SetItem(key).explain(input.array, array)) from error
        input.array[key] = number_as(array, input.array.dtype)
    input._bump()


@method()
def select(input: Any, dim: int, index: Any) -> Any:
    """The slice at ``index`` along ``dim``, without that axis; a view."""
    shape = input.array.shape
    if not shape:
        raise DimensionError("select() cannot be applied to a 0-dim tensor.")
    at = normal_axis(dim, len(shape))
    if not -shape[at] <= index < shape[at]:
        raise DimensionError(
            f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}"
        )
    return Index((ALL,) * at + (int(index),))(input)


@method()
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """``length`` slices from ``start`` on along ``dim``; a view."""
    shape = input.array.shape
    if not shape:
        raise ShapeError("narrow() cannot be applied to a 0-dim tensor.")
    at = normal_axis(dim, len(shape))
    if isinstance(start, Tensor) and (start.array.ndim or start.array.dtype.kind not in "iu"):
        raise ShapeError("start must be an 0-dim integral Tensor.")
    first, n = operator.index(start), shape[at]
    if length < 0:
        raise ShapeError("narrow(): length must be non-negative.")
    if not -n <= first <= n:
        raise DimensionError(f"start out of range (expected to be in range of [{-n}, {n}], but got {first})")
    first += n if first < 0 else 0
    if first + length > n:
        raise ShapeError(f"start ({first}) + length ({length}) exceeds dimension size ({n}).")
    return Index((ALL,) * at + (slice(first, first + length),))(input)


@in_two_forms
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """input with input[indices] = values, or, with ``accumulate``, with the values added there.

    Args:
        indices: a tensor for each axis, from the first; None for all of an axis.
    """
    *views, key = lookups(tuple(ALL if index is None else index for index in indices))
    if views or len(parts_of(key)) > input.array.ndim:
        raise DimensionError(f"too many indices for tensor of dimension {input.array.ndim} (got {len(indices)})")
    if values.array.dtype != input.array.dtype:
        raise DimensionError(
            f"Index put requires the source and destination dtypes match, got {input.dtype} for the destination and "
            f"{values.dtype} for the source."
        )
    return (AddItem if accumulate else SetItem)(key), _without_leading_ones(values, key, input.array)


def _real_for(dtype: np.dtype, value: Any) -> Any:
    """A value for an element type: of complex numbers the real part, where they cannot be held."""
    return value.real if np.iscomplexobj(value) and dtype.kind not in "cb" else value


def _without_leading_ones(value: Any, key: Any, array: np.ndarray) -> Any:
    """A value of shape (1, 1, 4) for a place of shape (4,) loses its two first axes."""
    shape = value.array.shape
    if not shape or shape[0] != 1:
        return value
    extra = len(shape) - np.ndim(array[key])
    if extra > 0 and set(shape[:extra]) == {1}:
        return Index((0,) * extra)(value)
    return value


def number_as(value: Any, dtype: np.dtype) -> Any:
    """A number as an element of another type.

    Raises:
        DtypeError: that type cannot hold it.
    """
    try:
        if isinstance(value, (complex, np.complexfloating)) and dtype.kind != "c":
            raise OverflowError
        if dtype.kind == "u" and 0 > value >= -np.iinfo(dtype).max:
            return np.asarray(int(value)).astype(dtype)[()]  # it counts back from 0, as in C
        return dtype.type(value)
    except (OverflowError, ValueError):
        raise DtypeError(f"value cannot be converted to type {dtype} without overflow, got {value}") from None


answer_functions({np.copy: lambda x: x.clone()})
