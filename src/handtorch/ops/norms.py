"""Lengths of vectors, distances, and vectors held to a length."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.conversion import cast
from handtorch.ops.elementwise import conj, run
from handtorch.ops.keywords import with_others
from handtorch.ops.op import Op
from handtorch.ops.reduction import Axes, Reduce, in_float32, normal_axes, normal_axis
from handtorch.ops.samples import Sample, away_from, bad, distinct, normal, sample

__all__ = [
    "dist",
    "norm",
    "norm_except_dim",
    "renorm",
]


class Norm(Reduce):
    """y = (Σ |x|^p)^(1/p); for p = ∞ it is max |x|, for -∞ min |x|, for 0 how many x are not 0.

    dL/dx = g sign(x) (|x| / y)^(p-1), with sign(x) = x / |x|; taken as 0 where x = 0. For p = ±∞, g sign(x) is shared
    evenly among the elements with |x| = y; for p = 0 it is 0. There is no second
    derivative where y = 0 for other p up to 2: it is NaN.

    Args:
        p: a number.
    """

    def __init__(self, p: float = 2, axes: Axes = None, keepdim: bool = False) -> None:
        super().__init__(axes, keepdim)
        self.p = p

    def forward(self, x: Any) -> Any:
        y = self._norm(x, axis=self.axes, keepdims=self.keepdim)
        self.save(x, y)
        return y

    def _norm(self, x: Any, **over: Any) -> Any:
        if self.p == 2 and self.axes is None and not self.keepdim:
            return np.sqrt(np.vdot(x, x).real)  # in one go, without an array of squares
        if self.p == 2:
            return np.sqrt(np.real(x * conj(x)).sum(**over))
        size = np.absolute(x)
        if self.p == np.inf:
            return np.max(size, **over)
        if self.p == -np.inf:
            return np.min(size, **over)
        if self.p == 0:
            return np.sum(np.astype(size != 0, size.dtype), **over)
        if self.p == 1:
            return np.sum(size, **over)
        return np.sum(np.power(size, self.p), **over) ** (1 / self.p)

    def backward(self, g: Any) -> Any:
        x, y = self.saved
        return self.spread(g, x.shape) * self.slope(x, y)

    def slope(self, x: Any, y: Any) -> Any:
        """dy/dx, y being the norm of the group of x."""
        if self.p == 0:
            return np.zeros_like(x)
        if self.p == 1:
            return np.sign(x)
        if self.p == 2:
            y = self.spread(y, x.shape)
            return np.where(y == 0, 0, x / y)
        size, y = np.absolute(x), self.spread(y, x.shape)
        if np.isinf(self.p):
            hit = size == y
            return np.where(hit, np.sign(x), 0) / np.sum(hit, axis=self.axes, keepdims=True)
        none = size == 0  # these are kept out of the quotient, so that its derivative is finite too
        ratio = np.where(none, 1, size) / (np.where(none, 1, y) if self.p > 2 else y)
        return np.where(none, 0, np.sign(x) * np.power(ratio, self.p - 1))

    def explain(self, *arrays: Any) -> str:
        return f"norm: no numbers have no largest and no smallest one: axes {self.axes} of shape {arrays[0].shape}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for p in (2, 1, 3, 1.5, 0.5, -2):
            yield sample(partial(cls, p, 1), away_from(0, shape=(3, 4), gap=0.3))
        for p in (np.inf, -np.inf):
            yield sample(partial(cls, p, (0, 2), True), distinct(2, 3, 4) + 5)
        yield sample(partial(cls, 2), normal(3, 4))
        yield sample(partial(cls, 0, 0), np.array([[0, 1.0], [0, 2]]), smooth=False)
        for p in (0.5, 1, 1.5, 2, 3, np.inf):
            yield sample(partial(cls, p, 1), np.array([[0.0, 0], [0, -3]]), smooth=False)
        yield bad(lambda: cls(np.inf, 0), np.zeros((0, 2)))


class Renorm(Op):
    """y = x where its slice has a p-norm |x| up to m, else x m / (|x| + 1e-7): a slice is never longer than m.

    dL/dx = g, or m / (|x| + 1e-7) (g - d|x|/dx Σ g x / (|x| + 1e-7)).

    Args:
        p: of the norm.
        axes: those of a slice.
        m: the length.
    """

    quiet = True

    def __init__(self, p: float, axes: tuple[int, ...], m: float) -> None:
        self.norm, self.m = Norm(p, axes, keepdim=True), m

    def forward(self, x: Any) -> Any:
        self.save(x)
        size = run(self.norm, x)
        return np.where(size > self.m, x * (self.m / (size + 1e-7)), x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        size = run(self.norm, x)
        long = size + 1e-7
        along = np.sum(np.real(g * conj(x)), axis=self.norm.axes, keepdims=True) / long
        return np.where(size > self.m, self.m / long * (g - self.norm.slope(x, size) * along), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for p in (1, 2, 3):
            yield sample(partial(cls, p, (0, 2), 2.5), away_from(0, shape=(2, 4, 2)))
        yield sample(lambda: cls(2, (1,), 100), normal(2, 3))


def length(input: Any, p: float, axes: Axes, keepdim: bool) -> Any:
    """The p-norm over axes.

    Raises:
        DtypeError: whole numbers came.
    """
    if input.array.dtype.kind not in "fc":
        raise DtypeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {input.dtype}; "
            f"convert it with .float() first"
        )
    return in_float32(Norm(p, axes, keepdim), input)


def in_type(name: str, x: Any, dtype: Any) -> Any:
    """The input in the type that was asked for.

    Raises:
        DtypeError: it holds no real or complex numbers, as the input has them, or holds less.
    """
    if dtype is None:
        return x
    own = x.dtype
    if not (dtype.is_floating_point or dtype.is_complex):
        raise DtypeError(f"{name}: dtype should be floating point or complex, but got {dtype}")
    if own.is_complex != dtype.is_complex:
        kind = "complex" if own.is_complex else "real"
        raise DtypeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {dtype}")
    if dtypes.promote_types(own, dtype) is not dtype:
        raise DtypeError(
            f"{name}: the dtype of the input ({own}) should be convertible without narrowing to the specified dtype "
            f"({dtype})"
        )
    return cast(x, dtype)


# -- functions ------------------------------------------------------------------------------------------------------


@method()
def norm(
    input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **others: Any
) -> Any:
    """The p-norm of the numbers along ``dim`` (all of them by default), as one long vector.

    Args:
        p: a number, ``inf`` or ``-inf``; ``"fro"`` and None mean 2; ``"nuc"`` is the sum of a matrix's singular values.
        dtype: compute in this type.
    """
    if others:
        return with_others(norm, others, input, p=p, dim=dim, keepdim=keepdim, dtype=dtype)
    x = in_type("linalg.vector_norm", input, dtype)
    if p == "nuc":
        return _nuclear(x, dim, keepdim)
    if isinstance(p, str) and p != "fro":
        raise RangeError(f"only valid string values are 'fro' (Frobenius) and 'nuc' (nuclear), found '{p}'")
    return length(x, 2 if p is None or p == "fro" else p, normal_axes(dim, x.array.ndim), keepdim)


def _nuclear(x: Any, dim: Any, keepdim: bool) -> Any:
    from handtorch.ops.matrix_norms import matrix_norm  # which is made of what is above

    return matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim)


def norm_except_dim(v: Any, pow: int = 2, dim: int = 0) -> Any:
    """The p-norm of each slice along ``dim``, with lengths of 1 for the other axes; of the whole for -1."""
    n = v.array.ndim
    return length(v, pow, None, False) if dim == -1 else length(v, pow, tuple(i for i in range(n) if i != dim), True)


@method()
def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of input - other."""
    return length(input - other, p, None, False)


@method(in_place=True)
def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """The slices along ``dim``, those whose p-norm is above ``maxnorm`` scaled down to it.

    Raises:
        ShapeError: the tensor has less than two axes.
        RangeError: p is not positive, or ``maxnorm`` negative.
    """
    n = input.array.ndim
    if p <= 0 or maxnorm < 0:
        raise RangeError(f"renorm: expected p > 0 and maxnorm >= 0, got p = {p} and maxnorm = {maxnorm}")
    if n < 2:
        raise ShapeError(f"renorm: input needs at least 2 dimensions, got {n} dimensions")
    at = normal_axis(dim, n)
    return in_float32(Renorm(p, tuple(i for i in range(n) if i != at), maxnorm), input)
