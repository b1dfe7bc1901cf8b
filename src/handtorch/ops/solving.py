"""Inverses, and systems of linear equations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import return_types
from handtorch.errors import RangeError, ShapeError
from handtorch.ops.attach import with_out
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.elementwise import run
from handtorch.ops.lu import eliminate
from handtorch.ops.matrices import adjoint, in_one_axis, need_inexact, need_square, raise_first
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.tensor import Tensor

__all__ = ["inv", "inv_ex", "solve", "solve_ex", "tensorinv", "tensorsolve"]

_SINGULAR = "The solver failed because the input matrix is singular."


class Inverse(Op):
    """Y = A⁻¹, A (*, n, n). dL/dA = -Yᴴ G Yᴴ, from dY = -Y dA Y.

    Source: Giles, "An extended collection of matrix derivative results" (2008), section 2.2.3.

    Attributes:
        info: (*) int32; for each matrix 0, or which pivot of its LU factorization is 0, from 1 on: it is singular, and
            the result Inf.
    """

    info: np.ndarray

    def forward(self, a: Any) -> Any:
        y, self.info = _unless_singular(np.linalg.inv, a)
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        yh = adjoint(self.saved[0])
        return -np.matmul(yh, np.matmul(g, yh))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 3))
        yield sample(cls, normal(2, 1, 2, 2))
        yield bad(cls, normal(2, 3))


class Solve(Op):
    """X = A⁻¹ B, A (*, n, n), B (*, n, k). dL/dB = A⁻ᴴ G, dL/dA = -(dL/dB) Xᴴ, from A dX + dA X = dB.

    Source: Giles, "An extended collection of matrix derivative results" (2008), section 2.3.1.

    Attributes:
        info: as of :class:`Inverse`.
    """

    info: np.ndarray

    def forward(self, a: Any, b: Any) -> Any:
        x, self.info = _unless_singular(np.linalg.solve, a, b)
        self.save(a, x)
        return x

    def backward(self, g: Any) -> Any:
        a, x = self.saved
        gb = run(Solve(), adjoint(a), g)
        return -np.matmul(gb, adjoint(x)) if self.needs(0) else None, gb

    def explain(self, *arrays: Any) -> str:
        a, b = (x.shape for x in arrays)
        return f"linalg.solve: expected A (*, n, n) and B (*, n, k) whose leading axes broadcast, got {a} and {b}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 3), normal(3, 2))
        yield sample(cls, normal(2, 1, 3, 3), normal(3, 3, 1))
        yield bad(cls, normal(3, 3), normal(2, 2))


def _unless_singular(function: Any, a: np.ndarray, *others: np.ndarray) -> tuple[Any, np.ndarray]:
    """What a function makes of matrices, and which pivot of each is 0; Inf for singular ones."""
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        return function(a, *others), info
    except np.linalg.LinAlgError:
        if a.shape[-1] != a.shape[-2]:
            raise
    info[...] = np.reshape([_zero_pivot(matrix) for matrix in in_one_axis(a)], info.shape)
    singular = info[..., None, None] != 0
    usable = np.where(singular, np.eye(a.shape[-1], dtype=a.dtype), a)
    return np.where(singular, np.inf, function(usable, *others)).astype(a.dtype), info


def _zero_pivot(a: np.ndarray) -> int:
    """Which pivot of a matrix is 0, from 1 on; 0 if the matrix has an inverse."""
    try:
        np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return 1 + int(np.argmin(np.abs(eliminate(a)[0].diagonal())))  # it may be 0 in LAPACK's rounding only
    return 0


# -- functions ------------------------------------------------------------------------------------------------------


@with_out
def inv(A: Any) -> Any:
    """The inverse of square matrices (*, n, n).

    Raises:
        LinAlgError: a matrix is singular.
    """
    return _inverse("linalg.inv", A, True)[0]


@with_out
def inv_ex(A: Any, *, check_errors: bool = False) -> Any:
    """:func:`inv` as ``(inverse, info)``, without an error for a singular matrix.

    Returns:
        the inverse; info (*) int32: 0, or which pivot is 0, from 1 on: there the inverse is Inf.
    """
    return return_types.linalg_inv_ex(*_inverse("linalg.inv_ex", A, check_errors))


def _inverse(name: str, A: Any, check_errors: bool) -> tuple[Any, Any]:
    need_square(name, A)
    need_inexact(name, A)
    op = Inverse()
    y = op(A)
    if check_errors:
        raise_first(
            name,
            op.info,
            "The diagonal element {} is zero, the inversion could not be completed because the input matrix is "
            "singular.",
        )
    return y, Tensor.of(op.info)


@with_out
def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """The X with A X = B, or with X A = B if not ``left``.

    Args:
        A: (*, n, n).
        B: (*, n, k), or (*, k, n) if not ``left``; or vectors: (n), or (*, n) with just the leading axes of A.

    Raises:
        LinAlgError: a matrix is singular.
        ShapeError: the matrices do not fit together.
    """
    return _solution("linalg.solve", A, B, left, True)[0]


@with_out
def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> Any:
    """:func:`solve` as ``(result, info)``, without an error for a singular matrix; info as of :func:`inv_ex`."""
    return return_types.linalg_solve_ex(*_solution("linalg.solve_ex", A, B, left, check_errors))


def _solution(name: str, A: Any, B: Any, left: bool, check_errors: bool) -> tuple[Any, Any]:
    need_square(name, A)
    need_inexact(name, A, B)
    a, b = A.array.shape, B.array.shape
    vectors = B.array.ndim == 1 or b == a[:-1]
    if not left and vectors:
        raise RangeError(f"{name}: Vector broadcasting of the left hand side is not supported for left=False")
    columns = B.unsqueeze(-1) if vectors else B
    if columns.array.ndim < 2 or columns.array.shape[-2 if left else -1] != a[-1]:
        raise ShapeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'}: {a} and {b}"
        )
    op = Solve()
    x = op(A, columns) if left else op(A.mT, columns.mT).mT
    if check_errors:
        raise_first(name, op.info, _SINGULAR)
    return x.squeeze(-1) if vectors else x, Tensor.of(op.info)


@with_out
def tensorinv(input: Any, ind: int = 2) -> Any:
    """The inverse of a tensor that maps tensors with its last axes to tensors with its first ``ind`` axes.

    Returns:
        Y with Y.shape = input.shape[ind:] + input.shape[:ind] and tensordot(Y, input, ind) = 1.

    Raises:
        ShapeError: the product of the first ``ind`` lengths is not that of the others.
    """
    shape = input.array.shape
    if ind <= 0:
        raise RangeError("Expected a strictly positive integer for 'ind'")
    n, m = math.prod(shape[ind:]), math.prod(shape[:ind])
    if n != m:
        raise ShapeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
            f"but got {n} != {m}"
        )
    return inv(input.reshape(m, n)).reshape(*shape[ind:], *shape[:ind])


@with_out
def tensorsolve(input: Any, other: Any, dims: Any = None) -> Any:
    """The X with tensordot(input, X, X.ndim) = other.

    Args:
        input: the product of the lengths of its first ``other.ndim`` axes is that of the others, which are those of X.
        dims: axes of ``input`` that are moved to the end first.

    Raises:
        ShapeError: the shapes do not fit together.
    """
    if dims is not None:
        dims = [dims] if isinstance(dims, int) else list(dims)
        input = input.movedim(dims, list(range(-len(dims), 0)))
    ndim = other.array.ndim
    shape = input.array.shape[ndim:]
    n, m = math.prod(shape), math.prod(input.array.shape[:ndim])
    if n != m:
        raise ShapeError(
            f"Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {n} != {m}"
        )
    return solve(input.reshape(m, n), other.reshape(-1)).reshape(*shape)


answer_functions({np.linalg.inv: inv, np.linalg.solve: solve})
