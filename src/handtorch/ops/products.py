"""Products of vectors, matrices and tensors under their names in linear algebra."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.arithmetic import mul
from handtorch.ops.attach import method, with_out
from handtorch.ops.diagonals import diagonal
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.einsum import contract
from handtorch.ops.elementwise import conj
from handtorch.ops.linalg import matmul, need_one_type
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis, require_inexact
from handtorch.ops.reduction import sum as total
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "cross",
    "dot",
    "ger",
    "inner",
    "kron",
    "mv",
    "outer",
    "tensordot",
    "trace",
    "vdot",
]


class Cross(Op):
    """y = a × b along an axis of length 3: y_i = a_{i+1} b_{i+2} - a_{i+2} b_{i+1}, counting in a circle.

    dL/da = b × g, dL/db = g × a (of complex numbers, with a and b conjugated): a · (b × g) = b · (g × a) = g · (a × b).

    Args:
        axis: counted from the end.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.cross(a, b, axis=self.axis)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        da = np.cross(conj(b), g, axis=self.axis) if self.needs(0) else None
        return da, np.cross(g, conj(a), axis=self.axis) if self.needs(1) else None

    def explain(self, *arrays: Any) -> str:
        a, b = (x.shape for x in arrays)
        return (
            f"cross: the shapes {list(a)} and {list(b)} cannot be broadcast: "
            f"aligned at the last axis, lengths must be equal or 1"
        )

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(2, 3, seed=1), normal(2, 3, seed=2))
        yield sample(cls, normal(1, 3), normal(4, 3))
        yield sample(lambda: cls(-2), normal(2, 3, 4), normal(3, 1))
        yield bad(cls, normal(2, 3), normal(4, 3))


def need_axes(name: str, n: int, **tensors: Any) -> None:
    """Raise where one of the tensors has not ``n`` axes."""
    for argument, x in tensors.items():
        if x.array.ndim != n:
            raise ShapeError(f"{name}: Expected {n}-D argument {argument}, but got {x.array.ndim}-D")


# -- products of vectors --------------------------------------------------------------------------------------------


@method(out=True)
def dot(input: Any, tensor: Any) -> Any:
    """Σ_k a_k b_k, of two vectors (K).

    Raises:
        ShapeError: one is no vector, or their lengths differ.
        DtypeError: their element types differ.
    """
    a, b = input.array, tensor.array
    if a.ndim != 1 or b.ndim != 1:
        raise ShapeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors; use (a * b).sum() or matmul")
    if a.dtype != b.dtype:
        raise DtypeError(f"dot : expected both vectors to have same dtype, but found {input.dtype} and {tensor.dtype}")
    if len(a) != len(b):
        raise ShapeError(
            f"inconsistent tensor size, expected tensor [{len(a)}] and src [{len(b)}] to have the same number of "
            f"elements, but got {len(a)} and {len(b)} elements respectively"
        )
    return matmul(input, tensor)


@method(out=True)
def vdot(input: Any, other: Any) -> Any:
    """Σ_k conj(a_k) b_k, of two vectors (K)."""
    return dot(conj(input), other)


@with_out
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """Σ conj(x) y along ``dim``, the other axes broadcast.

    Raises:
        DtypeError: the element types differ, or hold whole numbers.
    """
    require_inexact(x, "linalg.vecdot")
    if x.array.dtype != y.array.dtype:
        raise DtypeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {x.dtype} and y of type "
            f"{y.dtype} instead"
        )
    return total(conj(x) * y, dim)


@method(out=True)
def inner(input: Any, other: Any) -> Any:
    """Σ_k a_{...k} b_{...k} for all rows of a and b: (*, K) and (#, K) to (*, #). A single number multiplies all."""
    a, b = input.array, other.array
    if not (a.ndim and b.ndim):
        return input * other
    if a.dtype != b.dtype:
        raise DtypeError(f"both inputs should have same dtype, got {input.dtype} and {other.dtype}")
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(a.shape)} and "
            f"{list(b.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@method("outer", "ger", out=True)
def outer(input: Any, vec2: Any) -> Any:
    """y_ij = a_i b_j, of two vectors (N) and (M)."""
    need_axes("outer", 1, self=input, vec2=vec2)
    return input.unsqueeze(1) * vec2


@method("cross", out=True)
def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """The vector product a × b along ``dim``, or along the first axis of length 3 that ``input`` has.

    Raises:
        ShapeError: that axis is not of length 3, or there is none.
    """
    if dim is None:
        shape = input.array.shape
        if 3 not in shape:
            raise ShapeError(f"no dimension of size 3 in input, got {list(shape)}")
        dim = shape.index(3)
    return cross_along(input, other, dim=dim)


@with_out
def cross_along(input: Any, other: Any, *, dim: int = -1) -> Any:
    """The vector product a × b along ``dim``, an axis of length 3; the other axes are broadcast.

    Raises:
        ShapeError: that axis is not of length 3, or one tensor has more axes than the other.
        DtypeError: the element types differ.
    """
    a, b = input.array, other.array
    if a.ndim != b.ndim:
        raise ShapeError(
            f"linalg.cross: inputs must have the same number of dimensions, got {list(a.shape)} and {list(b.shape)}"
        )
    at = normal_axis(dim, a.ndim)
    if not a.ndim or a.shape[at] != 3 or b.shape[at] != 3:
        raise ShapeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {list(a.shape)} and {list(b.shape)}"
        )
    need_one_type(a, b)
    return Cross(at - a.ndim)(input, other)


# -- products of matrices -------------------------------------------------------------------------------------------


@method(out=True)
def mv(input: Any, vec: Any) -> Any:
    """Σ_k A_nk v_k, of a matrix (N, K) and a vector (K)."""
    if input.array.ndim != 2 or vec.array.ndim != 1:
        raise ShapeError(f"mv expects a matrix and a vector, got {input.array.ndim}D and {vec.array.ndim}D; use matmul")
    return matmul(input, vec)


@method(out=True)
def kron(input: Any, other: Any) -> Any:
    """Every element of a, multiplied by the whole of b: (N, M) and (P, Q) to (N P, M Q), for any number of axes."""
    n = max(input.array.ndim, other.array.ndim)
    a, b = ((1,) * (n - x.array.ndim) + x.array.shape for x in (input, other))
    spread = mul(
        input.reshape([length for pair in zip(a, (1,) * n, strict=True) for length in pair]),
        other.reshape([length for pair in zip((1,) * n, b, strict=True) for length in pair]),
    )
    return spread.reshape(tuple(map(operator.mul, a, b)))


@method()
def trace(input: Any) -> Any:
    """Σ_i A_ii, of a matrix."""
    if input.array.ndim != 2:
        raise ShapeError(f"trace: expected a matrix, but got tensor with dim {input.array.ndim}")
    if input.array.dtype.kind == "b":
        raise DtypeError("trace is not implemented for 'Bool'; convert with .int() first")
    return total(diagonal(input))


@with_out
def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """The sum over axes of a and as many of b; what is left are the other axes of a, then those of b.

    Args:
        dims: how many, the last of a and the first of b; or two lists, the axes of a and those of b that go with them.

    Raises:
        ShapeError: lengths that are summed over differ (an axis of length 1 goes with any).
    """
    ours, theirs = _pairs(a.array.ndim, b.array.ndim, dims.tolist() if isinstance(dims, Tensor) else dims)
    need_one_type(a.array, b.array)
    for i, j in zip(ours, theirs, strict=True):
        n, m = a.array.shape[i], b.array.shape[j]
        if n == 1 != m:
            b = total(b, j, keepdim=True)
        elif m == 1 != n:
            a = total(a, i, keepdim=True)
        elif n != m:
            raise ShapeError(
                f"contracted dimensions need to match, but first has size {n} in dim {i} and second has size {m} "
                f"in dim {j}"
            )
    rows = tuple(range(a.array.ndim))
    columns = tuple([ours[theirs.index(j)] if j in theirs else a.array.ndim + j for j in range(b.array.ndim)])
    return contract([(a, rows), (b, columns)], tuple(sorted({*rows, *columns}.difference(ours))))


def _pairs(n: int, m: int, dims: Any) -> tuple[list[int], list[int]]:
    """The axes of two tensors with n and m axes that :func:`tensordot` sums over."""
    if isinstance(dims, int):
        if dims < 0:
            raise RangeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(n, m):
            raise RangeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        return list(range(n - dims, n)), list(range(dims))
    ours, theirs = ([axes] if isinstance(axes, int) else list(axes) for axes in dims)
    if len(ours) != len(theirs):
        raise RangeError(f"both dimension lists should have same length, got {ours} and {theirs}")
    ours, theirs = [normal_axis(d, n) for d in ours], [normal_axis(d, m) for d in theirs]
    for axes in (ours, theirs):
        for d in axes:
            if axes.count(d) > 1:
                raise RangeError(f"dim {d} appears multiple times in the list of dims")
    return ours, theirs


ger = outer

answer_functions({np.cross: lambda a, b, axis=-1: Cross(axis)(a, b)})
