"""The order of axes: transposed, permuted and moved, as views."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, normal, sample
from handtorch.ops.shape import adopting, lengths
from handtorch.tensor import Tensor

__all__ = [
    "adjoint",
    "moveaxis",
    "movedim",
    "permute",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
]


class Permute(Op):
    """y = x with its axes in another order. dL/dx = g in the order of x.

    Args:
        order: for each axis of y the axis of x that it was; none negative.
    """

    view = True

    def __init__(self, order: tuple[int, ...]) -> None:
        self.order = order

    def forward(self, x: Any) -> Any:
        return x.transpose(self.order)

    def backward(self, g: Any) -> Any:
        return np.transpose(g, tuple(sorted(range(len(self.order)), key=self.order.__getitem__)))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((2, 0, 1)), normal(2, 3, 4))
        yield sample(lambda: cls((1, 0)), normal(3, 4))


@method()
def permute(input: Any, *order: Any, dims: Any = None) -> Any:
    """Axes in the given order."""
    order = lengths(order if dims is None else dims)
    n = input.array.ndim
    if len(order) != n:
        raise ShapeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {n} is not equal to len(dims) = {len(order)}"
        )
    axes = tuple([normal_axis(d, n) for d in order])
    if len(set(axes)) < n:
        raise ShapeError("permute(): duplicate dims are not allowed.")
    return Permute(axes)(input)


@method()
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged."""
    n = input.array.ndim
    order = list(range(n))
    a, b = normal_axis(dim0, n), normal_axis(dim1, n)
    if n:
        order[a], order[b] = b, a
    return Permute(tuple(order))(input)


@method()
def swapaxes(input: Any, axis0: int, axis1: int) -> Any:
    """Two axes exchanged, as :func:`transpose`."""
    return transpose(input, axis0, axis1)


@method()
def swapdims(input: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged, as :func:`transpose`."""
    return transpose(input, dim0, dim1)


@method()
def movedim(input: Any, source: Any, destination: Any) -> Any:
    """Some axes at other places, the others in their old order."""
    n = input.array.ndim
    sources = lengths((source,))
    targets = lengths((destination,))
    if len(sources) != len(targets):
        raise ShapeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should contain the same "
            f"number of dims as destination ({list(targets)} dims)"
        )
    froms, tos = [normal_axis(d, n) for d in sources], [normal_axis(d, n) for d in targets]
    for name, axes in (("source", froms), ("destination", tos)):
        if len(set(axes)) < len(axes):
            raise ShapeError(f"movedim: repeated dim in `{name}` ({axes})")
    if not n:
        return Permute(())(input)
    order = [axis for axis in range(n) if axis not in froms]
    for to, origin in sorted(zip(tos, froms, strict=True)):
        order.insert(to, origin)
    return Permute(tuple(order))(input)


@method()
def moveaxis(input: Any, source: Any, destination: Any) -> Any:
    """Some axes at other places, as :func:`movedim`."""
    return movedim(input, source, destination)


@method()
def t(input: Any) -> Any:
    """A matrix transposed; vectors and numbers as they are."""
    n = input.array.ndim
    if n > 2:
        raise ShapeError(f"t() expects a tensor with <= 2 dimensions, but self is {n}D")
    return Permute((1, 0) if n == 2 else tuple(range(n)))(input)


@method()
def adjoint(input: Any) -> Any:
    """The last two axes exchanged, and numbers conjugated."""
    return _conjugate(_matrices_transposed(input, "adjoint()"))


def _conjugate(x: Any) -> Any:
    return x.conj() if x.array.dtype.kind == "c" else x


def _transposed(self: Any) -> Any:
    """All axes in reverse order; meant for matrices, and for other tensors on its way out."""
    if self.array.ndim not in (0, 2):
        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated; use `x.mT` to "
            "transpose batches of matrices, or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the axes.",
            stacklevel=2,
        )
    return Permute(tuple(range(self.array.ndim))[::-1])(self)


def _matrices_transposed(self: Any, name: str = "tensor.mT") -> Any:
    """The last two axes exchanged."""
    if self.array.ndim < 2:
        raise ShapeError(
            f"{name} is only supported on matrices or batches of matrices. Got {self.array.ndim}-D tensor."
        )
    return transpose(self, -2, -1)


def _hermitian(self: Any) -> Any:
    """A matrix transposed and conjugated."""
    if self.array.ndim not in (0, 2):
        raise ShapeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.array.ndim}-D tensor. "
            f"For batches of matrices, consider using tensor.mH"
        )
    return _conjugate(_transposed(self))


def _matrices_hermitian(self: Any) -> Any:
    """Each matrix of a batch transposed and conjugated."""
    return _conjugate(_matrices_transposed(self, "tensor.mH"))


Tensor.T = property(_transposed)  # type: ignore[attr-defined]
Tensor.mT = property(_matrices_transposed)  # type: ignore[attr-defined]
Tensor.H = property(_hermitian)  # type: ignore[attr-defined]
Tensor.mH = property(_matrices_hermitian)  # type: ignore[attr-defined]

for _function in (transpose, swapaxes, swapdims, t):
    adopting(_function)

answer_functions(
    {
        np.transpose: lambda x, axes=None: permute(x, axes or tuple(range(x.ndim))[::-1]),
        np.swapaxes: transpose,
        np.moveaxis: movedim,
    }
)
