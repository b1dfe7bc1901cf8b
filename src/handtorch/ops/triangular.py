"""Systems of equations whose matrix is triangular."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch.errors import ShapeError
from handtorch.ops.attach import with_out
from handtorch.ops.elementwise import run
from handtorch.ops.matrices import adjoint, need_inexact, need_matrices, need_square
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample

__all__ = ["solve_triangular"]


class SolveTriangular(Op):
    """X = A⁻¹ B for a triangular A (*, n, n) and B (*, n, k), by substitution; the other triangle of A is not read.

    dL/dB = A⁻ᴴ G, and dL/dA = -(dL/dB) Xᴴ within the triangle (without the diagonal, if that is taken for ones): from
    A dX + dA X = dB. A zero on the diagonal gives Inf or NaN.

    Source: Giles, "An extended collection of matrix derivative results" (2008), section 2.3.1.

    Args:
        upper: A is upper triangular, else lower.
        unitriangular: the diagonal is taken for ones, whatever it holds.
    """

    quiet = True
    twin_from = 16_384
    block = 32  # up to this many unknowns are solved for row by row

    def __init__(self, upper: bool, unitriangular: bool = False) -> None:
        self.upper, self.unitriangular = upper, unitriangular

    def forward(self, a: Any, b: Any) -> Any:
        x = self._substitute(a, b)
        self.save(a, x)
        return x

    def _substitute(self, a: Any, b: Any) -> Any:
        """Solve for one half of the unknowns, put them into the other equations, and solve those: all but small
        blocks is done by matrix products.
        """
        n = a.shape[-1]
        if n <= self.block:
            return self.row_by_row(a, b)
        h = n // 2
        first, second = slice(None, h), slice(h, None)
        if self.upper:
            x2 = self._substitute(a[..., second, second], b[..., second, :])
            x1 = self._substitute(a[..., first, first], b[..., first, :] - np.matmul(a[..., first, second], x2))
        else:
            x1 = self._substitute(a[..., first, first], b[..., first, :])
            x2 = self._substitute(a[..., second, second], b[..., second, :] - np.matmul(a[..., second, first], x1))
        return np.concatenate((x1, x2), axis=-2)

    def row_by_row(self, a: Any, b: Any) -> Any:
        """A⁻¹ B for a small A: for each row the unknown that is left when those before are known."""
        n = a.shape[-1]
        x = np.array(np.broadcast_to(b, (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:])))
        for i in reversed(range(n)) if self.upper else range(n):
            known = slice(i + 1, n) if self.upper else slice(0, i)
            x[..., i : i + 1, :] -= np.matmul(a[..., i : i + 1, known], x[..., known, :])
            if not self.unitriangular:
                x[..., i, :] /= a[..., i, i, None]
        return x

    def backward(self, g: Any) -> Any:
        a, x = self.saved
        gb = run(SolveTriangular(not self.upper, self.unitriangular), adjoint(a), g)
        if not self.needs(0):
            return None, gb
        ga = -np.matmul(gb, adjoint(x))
        inner = 1 if self.unitriangular else 0
        return np.triu(ga, inner) if self.upper else np.tril(ga, -inner), gb if self.needs(1) else None

    def explain(self, *arrays: Any) -> str:
        a, b = (x.shape for x in arrays)
        return (
            f"linalg.solve_triangular: expected A (*, n, n) and B (*, n, k) whose leading axes broadcast, "
            f"got {a} and {b}"
        )

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        a = normal(3, 3) + 3 * np.eye(3)
        for upper in (False, True):
            for unitriangular in (False, True):
                yield sample(partial(cls, upper, unitriangular), a, normal(3, 2))
        yield sample(partial(cls, True), normal(2, 1, 3, 3) + 3 * np.eye(3), normal(3, 3, 1))
        yield sample(partial(cls, False), normal(70, 70) / 20 + np.eye(70), normal(70, 2), smooth=False)
        yield sample(partial(cls, True), normal(150, 150) / 20 + np.eye(150), normal(150, 2), smooth=False)
        yield bad(partial(cls, True), a, normal(2, 2))


def solve_with(a: Any, b: Any, upper: bool, unitriangular: bool = False) -> Any:
    """A⁻¹ B for a triangular A: arrays or Tensors, for a ``backward`` or a function made of ops."""
    return run(SolveTriangular(upper, unitriangular), a, b)


# -- functions ------------------------------------------------------------------------------------------------------


@with_out
def solve_triangular(input: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """The X with A X = B, or with X A = B if not ``left``, for a triangular matrix A.

    Args:
        input: A (*, n, n).
        B: (*, n, k), or (*, k, n) if not ``left``.
        upper: A is upper triangular, else lower; the other triangle is not read.
        unitriangular: the diagonal of A is taken for ones.

    Raises:
        ShapeError: the matrices do not fit together.
    """
    name = "linalg.solve_triangular"
    need_square(name, input)
    need_matrices(name, B, "B")
    need_inexact(name, input, B)
    n, unknowns = input.array.shape[-1], B.array.shape[-2 if left else -1]
    if n != unknowns:
        raise ShapeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({n}x{n} and {B.array.shape[-2]}x{B.array.shape[-1]})"
        )
    op = SolveTriangular(upper if left else not upper, unitriangular)
    return op(input, B) if left else op(input.mT, B.mT).mT
