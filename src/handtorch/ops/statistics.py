"""What describes a sample: its middle, its quantiles, its most frequent value, its histogram, its covariances."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.elementwise import conj
from handtorch.ops.extremes import Extreme
from handtorch.ops.keywords import with_others
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, distinct, sample
from handtorch.ops.sorting import Chosen, choose, sort
from handtorch.tensor import Tensor

__all__ = [
    "corrcoef",
    "cov",
    "median",
    "mode",
    "nanmedian",
    "nanquantile",
    "quantile",
]


class Median(Chosen):
    """y = the middle element along an axis in order; of two the smaller. A NaN wins, or counts as not there.

    dL/dx = g at its place.

    Args:
        skip_nan: NaN counts as not there.
    """

    def __init__(self, skip_nan: bool, axis: int, keepdim: bool = False) -> None:
        super().__init__(axis, keepdim)
        self.skip_nan = skip_nan

    def places(self, rows: Any) -> np.ndarray:
        y = middle(rows, self.skip_nan)
        return np.argmax((rows == y) | (np.isnan(rows) & np.isnan(y)), axis=-1, keepdims=True)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        holes = np.array([[3, np.nan, 1, 2], [np.nan, 5, np.nan, 4], [9, 7, 6, 8]])
        for skip_nan in (False, True):
            yield sample(partial(cls, skip_nan, 1), distinct(3, 4))
            yield sample(partial(cls, skip_nan, 0, True), distinct(3, 4))
            yield sample(partial(cls, skip_nan, 1), holes, smooth=False)


class MedianOfAll(Extreme):
    """y = the middle one of all elements; of two the smaller. A NaN wins, or counts as not there.

    g is shared evenly among the elements that equal y.

    Args:
        skip_nan: NaN counts as not there.
    """

    def __init__(self, skip_nan: bool) -> None:
        super().__init__()
        self.skip_nan = skip_nan

    def value(self, x: Any) -> Any:
        return middle(np.reshape(x, (-1,)), self.skip_nan)[0]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(False), distinct(3, 4))
        yield sample(lambda: cls(True), distinct(3, 3))
        yield sample(lambda: cls(False), np.array([1.0, 2, 2, 2, 3]), smooth=False)


class Mode(Chosen):
    """y = the most frequent element along an axis, of several the smallest; the place is its last. dL/dx = g there."""

    def places(self, rows: Any) -> np.ndarray:
        ordered = np.sort(rows)
        steps = np.arange(rows.shape[-1])
        starts = np.concatenate([np.ones_like(rows[..., :1], bool), ordered[..., 1:] != ordered[..., :-1]], -1)
        run_so_far = steps - np.maximum.accumulate(np.where(starts, steps, 0), -1)
        y = np.take_along_axis(ordered, np.argmax(run_so_far, axis=-1, keepdims=True), -1)
        return steps[-1] - np.argmax((rows == y)[..., ::-1], axis=-1, keepdims=True)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1, False), np.array([[3.0, 1, 3, 1, 2], [4, 5, 5, 5, 4]]), smooth=False)
        yield sample(lambda: cls(0), np.array([[3.0, 1], [1, 2], [3, 2]]), smooth=False)
        yield sample(lambda: cls(1), distinct(3, 4))


def middle(rows: Any, skip_nan: bool) -> Any:
    """The median along the last axis, which stays with length 1."""
    n = rows.shape[-1]
    numbers = n - np.count_nonzero(np.isnan(rows), axis=-1, keepdims=True)
    if np.all(numbers == n):
        return np.partition(rows, (n - 1) // 2)[..., (n - 1) // 2, None]
    rank = np.maximum(numbers - 1, 0) // 2
    return np.take_along_axis(np.sort(rows), rank if skip_nan else np.where(numbers < n, n - 1, rank), -1)


# -- the middle and the most frequent -------------------------------------------------------------------------------


def _median(name: str, skip_nan: bool, input: Any, dim: int | None, keepdim: bool) -> Any:
    if dim is not None:
        return choose(name, partial(Median, skip_nan), input, dim, keepdim)
    if input.array.size:
        return MedianOfAll(skip_nan)(input)
    nothing = np.nan if input.array.dtype.kind == "f" else np.iinfo(input.array.dtype).min
    return Tensor.of(np.array(nothing, input.array.dtype))


@method()
def median(input: Any, dim: int | None = None, keepdim: bool = False, **others: Any) -> Any:
    """The middle element, of two the smaller; along ``dim`` with its place, (values, indices). NaN if there is one."""
    if others:
        return with_others(median, others, input, dim=dim, keepdim=keepdim)
    return _median("median", False, input, dim, keepdim)


@method()
def nanmedian(input: Any, dim: int | None = None, keepdim: bool = False, **others: Any) -> Any:
    """:func:`median` of what is not NaN."""
    if others:
        return with_others(nanmedian, others, input, dim=dim, keepdim=keepdim)
    return _median("nanmedian", True, input, dim, keepdim)


@method()
def mode(input: Any, dim: int = -1, keepdim: bool = False, **others: Any) -> Any:
    """The most frequent element along ``dim``, of several the smallest, and its last place: (values, indices)."""
    if others:
        return with_others(mode, others, input, dim=dim, keepdim=keepdim)
    return choose("mode", Mode, input, dim, keepdim)


# -- quantiles ------------------------------------------------------------------------------------------------------

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _checked(name: str, input: Any, q: Any, interpolation: str) -> Any:
    """q as a tensor, after all checks."""
    if not input.array.size:
        raise ShapeError(f"{name}() input tensor must be non-empty")
    if input.array.dtype.char not in "fd":
        raise DtypeError(f"{name}() input tensor must be either float or double dtype, got {input.dtype}")
    if interpolation not in _INTERPOLATIONS:
        raise RangeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    q = q if isinstance(q, Tensor) else Tensor.of(np.array(q, input.array.dtype))
    if q.array.ndim > 1:
        raise ShapeError(f"{name}() q must be a scalar or 1D tensor, got {q.array.ndim} dimensions")
    if q.array.dtype != input.array.dtype:
        raise DtypeError(f"{name}() q tensor must be same dtype as the input tensor, got {q.dtype}")
    if not np.all((q.array >= 0) & (q.array <= 1)):
        raise RangeError(f"{name}() q values must be in the range [0, 1]")
    return q


def _quantiles(name: str, skip_nan: bool, input: Any, q: Any, dim: Any, keepdim: bool, interpolation: str) -> Any:
    """The elements in order, read at the rank q (n - 1), and between two of them as ``interpolation`` says."""
    q = _checked(name, input, q, interpolation)
    x, kept = _axis_last(input, dim)
    ordered = sort(x, -1)[0]  # (..., n), NaN last
    n = ordered.array.shape[-1]
    numbers = np.sum(~np.isnan(ordered.array), axis=-1, keepdims=True)
    last = np.maximum(numbers, 1) - 1 if skip_nan else np.full_like(numbers, n - 1)
    rank: Any = q.reshape(-1) * last.astype(q.array.dtype)  # (..., how many q)
    if not skip_nan:
        rank = np.where(numbers < n, n - 1, rank)
    y = _read(ordered, rank, interpolation)
    y = y.permute([y.array.ndim - 1, *range(y.array.ndim - 1)])
    if keepdim and kept:
        y = np.expand_dims(y, kept)
    return y if q.array.ndim else y[0]


def _read(ordered: Any, rank: Any, interpolation: str) -> Any:
    """The elements of rows at ranks that need not be whole."""

    def at(places: np.ndarray) -> Any:
        return np.take_along_axis(ordered, places.astype(np.int64), -1)

    floor, ceiling = np.floor(rank.array), np.ceil(rank.array)
    if interpolation == "lower":
        return at(floor)
    if interpolation == "higher":
        return at(ceiling)
    if interpolation == "nearest":
        return at(np.rint(rank.array))
    below, above = at(floor), at(ceiling)
    return below + (0.5 if interpolation == "midpoint" else rank - floor) * (above - below)


def _axis_last(input: Any, dim: int | None) -> tuple[Any, tuple[int, ...]]:
    """The axis ``dim`` (or all of them in one) at the end, and where ``keepdim`` puts axes back behind a new first."""
    n = input.array.ndim
    if dim is None or not n:
        normal_axis(dim or 0, n)
        return input.reshape(-1), tuple(range(1, n + 1))
    axis = normal_axis(dim, n)
    return input.permute([*(i for i in range(n) if i != axis), axis]), (axis + 1,)


@method()
def quantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear", **others: Any
) -> Any:
    """The numbers below which the shares ``q`` of the elements along ``dim`` lie; NaN where one of them is NaN.

    Args:
        q: a number in [0, 1], or a tensor (m) of them; then the first axis of the result has length m.
        interpolation: between two elements: linear, lower, higher, midpoint or nearest.
    """
    if others:
        options = {"dim": dim, "keepdim": keepdim, "interpolation": interpolation}
        return with_others(quantile, others, input, q, **options)
    return _quantiles("quantile", False, input, q, dim, keepdim, interpolation)


@method()
def nanquantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear", **others: Any
) -> Any:
    """:func:`quantile` of what is not NaN."""
    if others:
        options = {"dim": dim, "keepdim": keepdim, "interpolation": interpolation}
        return with_others(nanquantile, others, input, q, **options)
    return _quantiles("nanquantile", True, input, q, dim, keepdim, interpolation)


# -- covariances ----------------------------------------------------------------------------------------------------


@method()
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariances of variables (V, N), one row a variable, one column an observation: (V, V).

    C = Σ_n w_n (x_n - m) (x_n - m)ᴴ / (Σ w - correction), with m = Σ w_n x_n / Σ w. A vector is one variable.

    Args:
        correction: 1 for the unbiased estimate.
        fweights: (N) whole numbers, how often each observation was made.
        aweights: (N) how much each observation counts; then the divisor is Σ w - correction · Σ w a / Σ w.

    Raises:
        ShapeError: more than two axes, or weights of another length.
        RangeError: a weight is negative, or all are 0.
        DtypeError: boolean input, or weights that are not of their kind.
    """
    if input.array.ndim > 2:
        raise ShapeError(f"cov(): expected input to have two or fewer dimensions but got {input.array.ndim}")
    if input.array.dtype.kind == "b":
        raise DtypeError("cov(): bool dtype is not supported for input; convert it with .float() first")
    x = input if input.array.ndim == 2 else input.reshape(1, -1)
    frequencies = _weights("fweights", "iu", fweights, x.array.shape[1])
    importance = _weights("aweights", "f", aweights, x.array.shape[1])
    w = frequencies if importance is None else importance if frequencies is None else frequencies * importance
    weight = x.array.shape[1] if w is None else w.sum()
    if w is not None and not weight.array:
        raise RangeError("cov(): weights sum to zero, can't be normalized")
    divisor = weight - correction
    if importance is not None and correction:
        divisor = weight - correction * (w * importance).sum() / weight
    centred = x - (x if w is None else x * w).sum(1, True) / weight
    product = centred @ conj(centred if w is None else centred * w).T
    return (product / np.maximum(divisor, 0)).squeeze()


def _weights(name: str, kinds: str, weights: Any, n: int) -> Any:
    """Weights of observations, after all checks."""
    if weights is None:
        return None
    if weights.array.ndim > 1 or weights.array.size != n:
        raise ShapeError(f"cov(): expected {name} to have {n} elements on one axis, got {list(weights.array.shape)}")
    if weights.array.dtype.kind not in kinds:
        expected = "integral" if kinds == "iu" else "floating point"
        raise DtypeError(f"cov(): expected {name} to have {expected} dtype, got {weights.dtype}")
    if np.any(weights.array < 0):
        raise RangeError(f"cov(): {name} cannot be negative")
    return weights


@method()
def corrcoef(input: Any) -> Any:
    """The correlations of variables (V, N), one row a variable, one column an observation: C_ij / √(C_ii C_jj)."""
    if input.array.ndim > 2:
        raise ShapeError(f"corrcoef(): expected input to have two or fewer dimensions but got {input.array.ndim}")
    c = cov(input)
    if not c.array.ndim:
        return c / c
    deviation = np.sqrt(np.sum(np.where(np.eye(len(c.array), dtype=bool), np.real(c), 0), axis=1))
    r = c / deviation.reshape(-1, 1) / deviation.reshape(1, -1)
    if r.array.dtype.kind == "c":
        return np.clip(np.real(r), -1, 1) + 1j * np.clip(np.imag(r), -1, 1)
    return np.clip(r, -1, 1)
