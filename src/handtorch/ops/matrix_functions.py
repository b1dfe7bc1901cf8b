"""Functions of square matrices - powers and the exponential - and matrices of powers."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.factories import eye, ones_like
from handtorch.ops.attach import method
from handtorch.ops.conversion import fill
from handtorch.ops.cumulative import cumprod
from handtorch.ops.elementwise import conj, run
from handtorch.ops.joining import cat
from handtorch.ops.linalg import matmul
from handtorch.ops.matrices import need_square
from handtorch.ops.op import Op
from handtorch.ops.rearranging import flip
from handtorch.ops.reduction import require_inexact
from handtorch.ops.samples import Sample, normal, sample
from handtorch.ops.shape import atleast_1d
from handtorch.ops.solving import inv

__all__ = [
    "matrix_exp",
    "matrix_power",
    "vander",
]


class MatrixExp(Op):
    """Y = e^A = Σ Aᵏ / k!, of square matrices A (*, N, N).

    A is halved s times, until its 1-norm is small. There e^A = q(-A)⁻¹ q(A), Padé's quotient of polynomials of degree
    13. Then it is squared s times, because e^A = (e^(A/2))². A squaring doubles the relative error, so all of it is
    done in double precision.

    dL/dA is the upper right block of exp [[Aᴴ, g], [0, Aᴴ]].

    Source: Higham, "The Scaling and Squaring Method for the Matrix Exponential Revisited", 2005, algorithm 2.3; the
    derivative: Mathias, "A Chain Rule for Matrix Functions and Applications", 1996.
    """

    quiet = True

    def forward(self, a: Any) -> Any:
        self.save(a)
        size = np.abs(a).sum(axis=-2).max(axis=-1, initial=0)[..., None, None]
        _, exponent = np.frexp(np.where(np.isfinite(size), size, 0) / _LARGEST)
        halvings = np.maximum(exponent, 0)
        y = _near_zero(np.ldexp(1.0, -halvings) * a)
        for done in range(halvings.max(initial=0)):
            y = np.where(done < halvings, np.matmul(y, y), y)
        return y.astype(a.dtype)

    def backward(self, g: Any) -> Any:
        (a,) = self.saved
        n = a.shape[-1]
        a = conj(np.swapaxes(a, -1, -2))
        upper, lower = np.concatenate([a, g], axis=-1), np.concatenate([np.zeros_like(a), a], axis=-1)
        return run(MatrixExp(), np.concatenate([upper, lower], axis=-2))[..., :n, n:]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 3))
        yield sample(cls, normal(2, 2, 2) * np.array([[[0.01]], [[9.0]]]))
        yield sample(cls, np.zeros((2, 2)))


_DEGREE = 13
_LARGEST = 5.371920351148152  # the 1-norm up to which the quotient of this degree is exact to double precision


@functools.cache
def _coefficients() -> list[float]:
    """Those of the numerator, from the constant on: (2m - k)! m! / ((2m)! (m - k)! k!), m the degree."""
    m, f = _DEGREE, math.factorial
    return [f(2 * m - k) * f(m) / (f(2 * m) * f(m - k) * f(k)) for k in range(m + 1)]


def _near_zero(a: np.ndarray) -> np.ndarray:
    """e^A of matrices whose norm is small: (E - O)⁻¹ (E + O), with the even and the odd powers of the numerator."""
    c = _coefficients()
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    one = np.eye(a.shape[-1])
    odd = a @ (a6 @ (c[13] * a6 + c[11] * a4 + c[9] * a2) + c[7] * a6 + c[5] * a4 + c[3] * a2 + c[1] * one)
    even = a6 @ (c[12] * a6 + c[10] * a4 + c[8] * a2) + c[6] * a6 + c[4] * a4 + c[2] * a2 + c[0] * one
    return np.linalg.solve(even - odd, even + odd)


# -- functions ------------------------------------------------------------------------------------------------------


@method()
def matrix_exp(input: Any) -> Any:
    """e^A = Σ Aᵏ / k!, of square matrices (*, N, N).

    Raises:
        ShapeError: the matrices are not square.
        DtypeError: they hold whole numbers.
    """
    require_inexact(input, "linalg.matrix_exp")
    need_square("linalg.matrix_exp", input)
    return MatrixExp()(input)


@method(out=True)
def matrix_power(input: Any, n: int) -> Any:
    """Aⁿ, of square matrices (*, N, N), by repeated squaring; for n < 0 of the inverse.

    Raises:
        ShapeError: the matrices are not square.
        TypeError: n is not a whole number.
    """
    need_square("linalg.matrix_power", input)
    if not isinstance(n, int):
        raise TypeError(f"matrix_power(): argument 'n' must be int, not {type(n).__name__}")
    if n == 0:
        return fill(input, 0) + eye(input.array.shape[-1], dtype=input.dtype)
    if n < 0:
        input = inv(input)
    return _power(input, abs(n))


def _power(a: Any, n: int) -> Any:
    """Aⁿ = (A²)^(n // 2), times A where n is odd."""
    if n == 1:
        return a
    even = _power(matmul(a, a), n // 2)
    return matmul(even, a) if n % 2 else even


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Vandermonde's matrix of a vector (M): the powers x^(N-1), ..., x, 1 of each number in a row, (M, N).

    Args:
        N: how many powers, by default M.
        increasing: 1, x, ..., x^(N-1) instead.
    """
    if x.array.ndim != 1:
        raise ShapeError(f"x must be a one-dimensional tensor, got {x.array.ndim} dimensions.")
    n = len(x.array) if N is None else N
    if n < 0:
        raise RangeError(f"N must be non-negative, got {n}")
    y = _powers(x, n)
    return y if increasing else flip(y, (-1,))


def vander_of_rows(x: Any, *, N: int | None = None) -> Any:
    """Vandermonde's matrices: the powers 1, x, ..., x^(N-1) along a new last axis, (*, M) to (*, M, N).

    Args:
        N: how many powers, by default M; at least 2.
    """
    if x.array.dtype.kind == "b":
        raise DtypeError(f"linalg.vander supports floating point, complex, and integer tensors, but got {x.dtype}")
    x = atleast_1d(x)
    n = x.array.shape[-1] if N is None else N
    if n <= 1:
        raise RangeError(f"N must be greater than 1, got {n}")
    return _powers(x, n)


def _powers(x: Any, n: int) -> Any:
    """x^0 ... x^(n-1) along a new last axis."""
    x = x.unsqueeze(-1)
    factors = cat([ones_like(x), x.expand(*x.array.shape[:-1], max(n - 1, 0))], -1)
    return cumprod(factors, -1)[..., :n]
