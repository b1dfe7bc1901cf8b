"""What factorizations and solvers share: the adjoint, checks of matrices and their element types, failures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, GradientError, LinAlgError, ShapeError
from handtorch.ops.elementwise import conj
from handtorch.tensor import Tensor


def adjoint(x: Any) -> Any:
    """xᴴ: rows and columns exchanged, and conjugated."""
    return conj(np.swapaxes(x, -1, -2))


def diagonal(x: Any) -> Any:
    """The main diagonals (..., n) of matrices (..., n, n)."""
    return np.diagonal(x, 0, -2, -1)


def columns(v: Any) -> Any:
    """v (..., n) as (..., 1, n): a factor for each column of a matrix."""
    return np.expand_dims(v, -2)


def rows(v: Any) -> Any:
    """v (..., n) as (..., n, 1): a factor for each row of a matrix."""
    return np.expand_dims(v, -1)


def identity_like(x: Any, n: int) -> np.ndarray:
    """The n × n identity in the element type of x."""
    return np.eye(n, dtype=x.dtype if isinstance(x, np.ndarray) else x.array.dtype)


def need_matrices(name: str, x: Any, argument: str = "A") -> None:
    """Raise ShapeError unless x is (*, m, n)."""
    if x.array.ndim < 2:
        raise ShapeError(
            f"{name}: The input tensor {argument} must have at least 2 dimensions, got shape {x.array.shape}"
        )


def need_square(name: str, x: Any, argument: str = "A") -> None:
    """Raise ShapeError unless x is (*, n, n)."""
    need_matrices(name, x, argument)
    m, n = x.array.shape[-2:]
    if m != n:
        raise ShapeError(f"{name}: {argument} must be batches of square matrices, but they are {m} by {n} matrices")


def need_inexact(name: str, *xs: Any) -> None:
    """Raise DtypeError unless all are float32, float64 or complex: what LAPACK computes in; and of one type."""
    for x in xs:
        if x.array.dtype.kind not in "fc":
            raise DtypeError(
                f"{name}: Expected a floating point or complex tensor as input. Got {x.dtype}; "
                f"convert it with .float() first"
            )
        if x.array.dtype == np.float16:
            raise DtypeError(f"{name}: Low precision dtypes not supported. Got {x.dtype}; convert it with .float()")
        if x.array.dtype != xs[0].array.dtype:
            raise DtypeError(f"{name}: expected tensors of one element type, got {xs[0].dtype} and {x.dtype}")


def raise_first(name: str, info: np.ndarray, what: str) -> None:
    """Raise LinAlgError for the first matrix of a batch whose factorization failed, if there is one.

    Args:
        info: (*) for each matrix 0, or the number that stands for ``{}`` in the message.
    """
    if not info.any():
        return
    failed = int(np.flatnonzero(info)[0])
    where = f" (Batch element {failed}):" if info.ndim else ""
    raise LinAlgError(f"{name}:{where} {what.format(info.reshape(-1)[failed])}")


def in_one_axis(x: np.ndarray) -> np.ndarray:
    """A batch of matrices with all leading axes in one, to be gone through one by one."""
    return x.reshape(math.prod(x.shape[:-2]), *x.shape[-2:])


def hermitian_part(x: Any) -> Any:
    """(x + xᴴ) / 2."""
    return (x + adjoint(x)) / 2


def need_no_phase(name: str, turns: Any) -> None:
    """Raise GradientError if a loss changes when complex vectors are turned by a phase: where they stand is arbitrary.

    Args:
        turns: (*, n), whose imaginary part is the change.
    """
    turns = np.imag(turns.array if isinstance(turns, Tensor) else turns)
    if not np.allclose(turns, 0, atol=1e-2):
        raise GradientError(
            f"{name}: The singular vectors or eigenvectors in the complex case are specified up to multiplication by "
            f"e^{{i phi}}. The specified loss function depends on this quantity, so it is ill-defined."
        )
