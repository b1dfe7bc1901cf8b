"""Scattering: values written, added, multiplied or compared into the places that tensors of indices name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from handtorch.errors import ArgumentError, DimensionError, DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.gathering import along, check_lengths, in_range, places, rows
from handtorch.ops.indexing import AddItem, Index, SetItem, add_at, number_as
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, away_from, bad, distinct, normal, sample
from handtorch.ops.writing import in_two_forms
from handtorch.tensor import Tensor

__all__ = [
    "index_add",
    "index_copy",
    "index_fill",
    "index_reduce",
    "put",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "select_scatter",
    "slice_scatter",
]


class ReduceItem(Op):
    """An op that reduces all values that a key sends to the same place.

    Args:
        key: a place in x for every element of v.
        include_self: whether the x of that place counts as well; elsewhere y = x in any case.
    """

    reduce: ClassVar[Any]  # NumPy's ufunc
    quiet = True
    in_place = False  # y is x itself

    def __init__(self, key: Any, include_self: bool = True) -> None:
        self.key, self.include_self = key, include_self

    def forward(self, x: Any, v: Any) -> Any:
        y = x if self.in_place else np.array(raw(x), copy=True)
        if not self.include_self:
            y[self.key] = self.neutral(y.dtype)
        self.reduce.at(y, self.key, raw(v))
        self.save(x, v, y)
        return y

    @classmethod
    def neutral(cls, dtype: np.dtype) -> Any:
        """The number that leaves every other as it is."""
        raise NotImplementedError

    def counted(self, x: Any, v: Any) -> Any:
        """For each place how many of its members hold: the sum of two masks."""
        total = np.array(raw(x) * self._own(x))
        add_at(total, self.key, raw(v).astype(total.dtype))
        return total

    def _own(self, x: Any) -> Any:
        """1 where the x of a place is a member, 0 where only values are."""
        own = np.ones(np.shape(x), np.int64)
        if not self.include_self:
            own[self.key] = 0
        return own

    def explain(self, *arrays: Any) -> str:
        return SetItem(self.key).explain(*arrays)

    @classmethod
    def _keys(cls, x: Any, v: Any) -> Iterator[Sample]:
        key = (np.array([0, 2, 0, 0, 2]), np.array([1, 3, 1, 2, 3]))
        yield sample(lambda: cls(key), x, v)
        yield sample(lambda: cls(key, False), x, v)
        yield bad(lambda: cls(key), x, normal(3))


class ProdItem(ReduceItem):
    """y = x Π v over the values of a place. dL/dv = g · the product of all others, dL/dx alike.

    The product of the others is that of all that are not 0, divided by v where none is 0; where v alone is 0 it is that
    product itself; where another is 0 it is 0.
    """

    reduce = np.multiply

    @classmethod
    def neutral(cls, dtype: np.dtype) -> Any:
        return 1

    def backward(self, g: Any) -> Any:
        x, v, _ = self.saved
        zero_x, zero_v = raw(x) == 0, raw(v) == 0
        x, v = np.where(zero_x, 1, x), np.where(zero_v, 1, v)
        product = self.again(x, v)
        zeros = self.counted(zero_x.astype(np.int64), zero_v)
        own = self._own(x)
        dx = g * product / x * (own * (zeros == zero_x)) if self.needs(0) else None
        dv = (g * product)[self.key] / v * (zeros[self.key] == zero_v) if self.needs(1) else None
        return dx, dv

    def again(self, x: Any, v: Any) -> Any:
        """The same product of other factors."""
        op = ProdItem(self.key, self.include_self)
        return op(x, v) if isinstance(x, Tensor) or isinstance(v, Tensor) else op.forward(x, v)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from cls._keys(away_from(0, shape=(3, 4)), away_from(0, shape=(5,)))
        v = np.array([0.0, 2.0, 3.0, 0.0, 0.0])
        yield sample(lambda: cls((np.array([0, 0, 1, 1, 2]),)), np.array([2.0, 5.0, 7.0]), v, smooth=False)


class MultiplyItem(ReduceItem):
    """y = x Π v over the values of a place; no derivative (``scatter_reduce`` has one)."""

    differentiable = False
    reduce = np.multiply

    def __init__(self, key: Any) -> None:
        super().__init__(key)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((np.array([0, 1, 0]),)), normal(3), normal(3))


class ExtremeItem(ReduceItem):
    """The largest (or smallest) of all values of a place; g is shared evenly among those that equal it."""

    def backward(self, g: Any) -> Any:
        x, v, y = (raw(a) for a in self.saved)
        hit_x, hit_v = (x == y) & (self._own(x) == 1), v == y[self.key]
        share = g / np.maximum(self.counted(hit_x.astype(np.int64), hit_v), 1).astype(y.dtype)
        return np.where(hit_x, share, 0), np.where(hit_v, share[self.key], 0) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        values = distinct(3, 4), distinct(5) + 0.03
        yield from cls._keys(*values)
        yield sample(lambda: cls((np.array([0, 0]),)), np.array([1.0, 2.0]), np.array([1.0, 1.0]), smooth=False)


class AmaxItem(ExtremeItem):
    """y = max of x and all v of a place; g is shared evenly among those that equal y."""

    reduce = np.maximum

    @classmethod
    def neutral(cls, dtype: np.dtype) -> Any:
        return False if dtype.kind == "b" else -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


class AminItem(ExtremeItem):
    """y = min of x and all v of a place; g is shared evenly among those that equal y."""

    reduce = np.minimum

    @classmethod
    def neutral(cls, dtype: np.dtype) -> Any:
        return True if dtype.kind == "b" else np.inf if dtype.kind == "f" else np.iinfo(dtype).max


def raw(x: Any) -> Any:
    """The array itself of a Tensor or an array."""
    return x.array if isinstance(x, Tensor) else x


def reduce_at(key: Any, input: Any, values: Any, reduce: str, include_self: bool) -> Any:
    """input with the values of each place reduced into it: the sum, prod, mean, amax or amin."""
    if reduce in ("sum", "mean"):
        before = input if include_self else SetItem(key)(input, 0)
        total = AddItem(key)(before, values)
        if reduce == "sum":
            return total
        op = ReduceItem(key, include_self)
        counts = np.maximum(op.counted(np.ones(input.array.shape, np.int64), np.ones(values.array.shape, bool)), 1)
        if input.array.dtype.kind in "iu":
            return Tensor.of(total.array // counts.astype(total.array.dtype))
        return total / Tensor.of(counts.astype(input.array.dtype))
    kinds = {"prod": ProdItem, "amax": AmaxItem, "amin": AminItem}
    return kinds[reduce](key, include_self)(input, values)


# -- along an axis: scatter -----------------------------------------------------------------------------------------


def _scattered(name: str, input: Any, dim: int, index: Any, src: Any) -> tuple[Any, Any]:
    """The key that an index of ``scatter`` means, and the part of ``src`` that it takes."""
    at = normal_axis(dim, input.array.ndim)
    array, shape = places(name, index), input.array.shape
    if isinstance(src, Tensor):
        if src.array.dtype != input.array.dtype:
            raise DtypeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
        if array.size and max(src.array.ndim, 1) != max(array.ndim, 1):
            raise ShapeError("Index tensor must have the same number of dimensions as src tensor")
    if not array.size:
        return (slice(0),) * len(shape) if shape else False, 0
    if max(array.ndim, 1) != max(len(shape), 1):
        raise ShapeError("Index tensor must have the same number of dimensions as self tensor")
    check_lengths(name, array.shape, shape, at, "self")
    if isinstance(src, Tensor) and src.array.shape != array.shape:
        check_lengths(name, array.shape, src.array.shape, -1, "src")
        src = Index(tuple(slice(n) for n in array.shape))(src)
    if not shape:
        in_range(array, 1, 0)
        return True, src.reshape(-1)[-1:] if isinstance(src, Tensor) else src
    return along(at, in_range(np.atleast_1d(array), shape[at], at)), src


@in_two_forms
def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Any:
    """input with input[i][index[i][j]] = src[i][j] for dim=1, and alike for other axes.

    Args:
        index: int64, with as many axes as ``input``; no longer than ``src``, nor than ``input`` along other axes.
        src: a tensor of the same type, or a number (also as ``value``).
        reduce: ``"add"`` or ``"multiply"`` combines with what is there; the product has no derivative.
    """
    src = value if src is None else src
    if not isinstance(src, Tensor):
        src = number_as(src, input.array.dtype)
    key, src = _scattered("scatter", input, dim, index, src)
    if reduce is None:
        return SetItem(key), src
    if reduce == "add":
        return AddItem(key), src
    if reduce == "multiply":
        return MultiplyItem(key), src
    raise ShapeError(f"reduce argument must be either add or multiply, got {reduce!r}")


@in_two_forms
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """input with src[i][j] added at [i][index[i][j]] for dim=1, and alike for other axes."""
    key, src = _scattered("scatter_add", input, dim, index, src)
    return AddItem(key), src


_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


@method(in_place=True)
def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """input with the values src[i][j] that go to [i][index[i][j]] (for dim=1) reduced.

    Args:
        reduce: ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether what is there counts as well.
    """
    if reduce not in _REDUCTIONS:
        raise ShapeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")
    key, src = _scattered("scatter_reduce", input, dim, index, src)
    return reduce_at(key, input, src, reduce, include_self)


# -- whole slices: index --------------------------------------------------------------------------------------------


def _indexed(name: str, input: Any, dim: int, index: Any, source: Any = None) -> tuple[Any, Any, int]:
    """The key of the slices that an index names, the source for them, and the axis."""
    at = normal_axis(dim, input.array.ndim)
    array, shape = places(name, index), input.array.shape
    if array.ndim > 1:
        raise DimensionError(f"{name}(): Index should have dimension 1 or 0 (got {array.ndim})")
    array = array.reshape(-1)
    if source is not None:
        own = source.array.shape or (1,)
        wanted = (*shape[:at], array.size, *shape[at + 1 :]) if shape else (array.size,)
        if source.array.dtype != input.array.dtype:
            raise DtypeError(
                f"{name}(): self ({input.dtype}) and source ({source.dtype}) must have the same scalar type"
            )
        if own != wanted:
            raise DimensionError(
                f"{name}(): Number of indices ({array.size}) should be equal to source.size(dim), and the other axes "
                f"those of self {list(shape)}; got source {list(source.array.shape)}"
            )
    if not shape:
        in_range(array, 1, 0)
        return bool(array.size), None if source is None else source.reshape(-1), at
    return rows(at, array), source if source is None or source.array.ndim else source.reshape(1), at


@in_two_forms
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """input with alpha · source[j] added to the slice index[j] along ``dim``."""
    key, source, at = _indexed("index_add", input, dim, index, source)
    _check_slices(key, input, at)
    return AddItem(key), source if alpha == 1 else source * alpha


@in_two_forms
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """input with source[j] in the slice index[j] along ``dim``."""
    key, source, at = _indexed("index_copy", input, dim, index, source)
    _check_slices(key, input, at)
    return SetItem(key), source


@in_two_forms
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """input with a number, or a tensor without axes, in the slices ``index`` along ``dim``."""
    key, _, _ = _indexed("index_fill", input, dim, Tensor.of(np.unique(index.array)))
    if not isinstance(value, Tensor):
        return SetItem(key), number_as(value, input.array.dtype)
    if value.array.ndim:
        raise ShapeError(
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.array.ndim} "
            f"dimension(s)."
        )
    return SetItem(key), value


@method(in_place=True)
def index_reduce(input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    """input with the slices source[j] that go to the slice index[j] along ``dim`` reduced.

    Args:
        reduce: ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether what is there counts as well.
    """
    if reduce not in _REDUCTIONS[1:]:
        raise ShapeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    key, source, at = _indexed("index_reduce", input, dim, index, source)
    _check_slices(key, input, at)
    return reduce_at(key, input, source, reduce, include_self)


def _check_slices(key: Any, input: Any, at: int) -> None:
    if isinstance(key, tuple):
        in_range(key[at], input.array.shape[at], at)


# -- others ---------------------------------------------------------------------------------------------------------


@in_two_forms
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """input with source[j] at the place index[j], counted in row-major order; added there with ``accumulate``."""
    array, shape, size = index.array, input.array.shape, input.array.size
    if array.dtype != np.int64:
        raise DtypeError(f"put_(): Expected a long tensor for index, but got {index.dtype}")
    if source.array.dtype != input.array.dtype:
        raise DtypeError(f"put_(): self and source expected to have the same dtype, got {input.dtype}, {source.dtype}")
    if source.array.size != array.size:
        raise ShapeError(f"put_(): Expected source and index to have {array.size} elements, got {source.array.size}")
    if array.size and (array.min() < -size or array.max() >= size):
        raise DimensionError(f"put_(): an index is out of range for a tensor of {size} elements")
    source = source.reshape(-1)
    if not shape:
        return (AddItem(True), source.sum().reshape(1)) if accumulate else (SetItem(bool(array.size)), source[-1:])
    flat = array.reshape(-1)
    return (AddItem if accumulate else SetItem)(np.unravel_index(np.where(flat < 0, flat + size, flat), shape)), source


@method()
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """input with ``src`` in place of the slice ``index`` along ``dim``."""
    at = normal_axis(dim, input.array.ndim)
    return _slices_replaced(input, src, (slice(None),) * at + (index,))


@method()
def slice_scatter(
    input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    """input with ``src`` in place of input[start:end:step] along ``dim``."""
    if step <= 0:
        raise ArgumentError("slice step must be positive")
    at = normal_axis(dim, input.array.ndim)
    return _slices_replaced(input, src, (slice(None),) * at + (slice(start, end, step),))


def _slices_replaced(input: Any, src: Any, key: Any) -> Any:
    place = input[key].array.shape
    if src.array.shape != place:
        raise ShapeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.array.shape)}, "
            f"slice size = {list(place)}"
        )
    return SetItem(key)(input, src)
