"""Matrix products."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import kernels
from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_ufuncs
from handtorch.ops.elementwise import conj
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "bmm",
    "matmul",
    "mm",
]

_LARGE = 1 << 19  # elements of a weight that one thread takes long to fetch


class MatMul(Op):
    """y = a b for matrices, batches of matrices and vectors (NumPy's ``@``).

    With a (..., n, k), b (..., k, m), g (..., n, m): dL/da = g bᵀ, dL/db = aᵀ g. A vector counts as a row on the left,
    as a column on the right. Where one matrix b meets a whole batch, the sum over the batch is one product of the rows
    of all matrices.
    """

    twin_from = 16_384

    def forward(self, a: Any, b: Any) -> Any:
        need_one_type(a, b)
        self.save(a, b)
        return np.matmul(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        rows = a if a.ndim > 1 else np.expand_dims(a, 0)
        columns = b if b.ndim > 1 else np.expand_dims(b, 1)
        g = g if b.ndim > 1 else np.expand_dims(g, -1)
        g = g if a.ndim > 1 else np.expand_dims(g, -2)
        da = db = None
        if self.needs(0):
            da = np.matmul(g, conj(np.swapaxes(columns, -1, -2)))
            da = da if a.ndim > 1 else np.squeeze(da, -2)
        if self.needs(1):
            if columns.ndim == 2 < rows.ndim:
                count = math.prod(rows.shape[:-1])
                rows, g = np.reshape(rows, (count, rows.shape[-1])), np.reshape(g, (count, g.shape[-1]))
            db = np.matmul(conj(np.swapaxes(rows, -1, -2)), g)
            db = db if b.ndim > 1 else np.squeeze(db, -1)
        return da, db

    def explain(self, *arrays: Any) -> str:
        a, b = (np.shape(x) for x in arrays)
        return f"matmul: mat1 and mat2 shapes cannot be multiplied ({_times(a)} and {_times(b)})"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4), normal(4, 2))
        yield sample(cls, normal(2, 1, 3, 4), normal(5, 4, 2))
        yield sample(cls, normal(4), normal(4))
        yield sample(cls, normal(4), normal(2, 4, 3))
        yield sample(cls, normal(2, 3, 4), normal(4))
        yield sample(cls, normal(2, 2, 3, 4), normal(4, 2))
        yield sample(cls, normal(300, 200), normal(200, 250))
        yield sample(cls, normal(2, 3, 100, 40), normal(2, 3, 40, 9))
        yield sample(cls, normal(6, 100, 40), normal(40, 9))
        yield bad(cls, normal(3, 4), normal(3, 4))


class Linear(Op):
    """y = x Wᵀ + b with x (*, I), W (O, I), b (O), y (*, O).

    dL/dx = g W, dL/dW = gᵀ x and dL/db = Σ g, summed over all leading axes.
    """

    twin_from = 16_384

    def become_twin(self, x: Any, weight: Any, bias: Any = None) -> None:  # type: ignore[override]
        """A large weight is worth its twin for a single row too: it comes from memory, which threads share."""
        if (x.size >= self.twin_from or weight.size >= _LARGE) and kernels.enabled():
            twin = kernels.twin_of(self.definition)
            if twin.accepts(self, x, weight, bias):
                self.__class__ = twin

    def forward(self, x: Any, weight: Any, bias: Any = None) -> Any:
        need_one_type(x, weight)
        if bias is not None:
            need_one_type(x, bias)
        self.save(x, weight)
        y = np.matmul(x, weight.T)
        return y if bias is None else y + bias

    def backward(self, g: Any) -> Any:
        x, weight = self.saved
        rows = g if g.ndim == 2 else np.reshape(g, (-1, weight.shape[0]))
        dx = np.matmul(g, weight) if self.needs(0) else None
        dw = np.matmul(rows.T, x if x.ndim == 2 else np.reshape(x, (-1, weight.shape[1]))) if self.needs(1) else None
        if len(self.parents) == 2:
            return dx, dw
        return dx, dw, rows.sum(axis=0) if self.needs(2) else None

    def explain(self, *arrays: Any) -> str:
        x, weight = np.shape(arrays[0]), np.shape(arrays[1])
        if not x or x[-1] != weight[-1]:
            want = f"({'*, ' if len(x) != 2 else 'N, '}{weight[-1]})"
            return f"expected input {want}, got {x}; its last axis is in_features"
        return f"expected bias ({weight[0]},), got {np.shape(arrays[2])}; axis 0 is out_features"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4), normal(2, 4), normal(2))
        yield sample(cls, normal(3, 4), normal(2, 4))
        yield sample(cls, normal(2, 3, 4), normal(5, 4), normal(5))
        yield sample(cls, normal(4), normal(5, 4), normal(5))
        yield sample(cls, normal(600, 70), normal(90, 70), normal(90))
        yield bad(cls, normal(3, 4), normal(2, 5), normal(2))
        yield bad(cls, normal(3, 4), normal(2, 4), normal(3))


def need_one_type(a: Any, b: Any) -> None:
    """Raise where factors have different element types, or hold truth values: products do not promote."""
    if a.dtype != b.dtype:
        raise DtypeError(
            f"expected m1 and m2 to have the same dtype, but got: {a.dtype.name} != {b.dtype.name}; "
            f"convert one of them, for instance the first with .to(handtorch.{b.dtype.name})"
        )
    if a.dtype.kind == "b":
        raise DtypeError("matmul is not implemented for 'Bool'; convert with .float() or .int() first")


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


# -- functions ------------------------------------------------------------------------------------------------------


@method(out=True)
def matmul(input: Any, other: Any) -> Any:
    """The product of matrices (N, K) and (K, M), of batches of them (..., N, K) and (..., K, M), or of vectors (K).

    Raises:
        ShapeError: lengths that are summed over differ, or a factor is a single number.
        DtypeError: the factors have different element types.
    """
    if not isinstance(other, (Tensor, np.ndarray)):
        raise TypeError(f"matmul(): expected a Tensor, got {type(other).__name__}")
    if not (input.ndim and other.ndim):
        raise ShapeError("both arguments to matmul need to be at least 1D, but they are 0D; multiply by element with *")
    return MatMul()(input, other)


@method("__matmul__")
def _at(input: Any, other: Any) -> Any:
    """input @ other."""
    return matmul(input, other) if isinstance(other, (Tensor, np.ndarray)) else NotImplemented


@method("__rmatmul__")
def _at_from_right(input: Any, other: Any) -> Any:
    """other @ input."""
    return matmul(other, input) if isinstance(other, (Tensor, np.ndarray)) else NotImplemented


@method(out=True)
def mm(input: Any, mat2: Any) -> Any:
    """The product of two matrices, (N, K) and (K, M)."""
    if input.array.ndim != 2 or mat2.array.ndim != 2:
        raise ShapeError(f"mm expects two matrices, got {input.array.ndim}D and {mat2.array.ndim}D; use matmul")
    return MatMul()(input, mat2)


@method(out=True)
def bmm(input: Any, mat2: Any) -> Any:
    """The product of two batches of matrices, (B, N, K) and (B, K, M)."""
    if input.array.ndim != 3 or mat2.array.ndim != 3 or len(input) != len(mat2):
        raise ShapeError(f"bmm expects (B, N, K) and (B, K, M), got {tuple(input.shape)} and {tuple(mat2.shape)}")
    return MatMul()(input, mat2)


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input · weightᵀ + bias: input (*, in_features), weight (out_features, in_features), bias (out_features).

    A weight (in_features) gives one number for each row, (*).
    """
    if weight.array.ndim == 1:
        y = matmul(input, weight)
        return y if bias is None else y + bias
    return Linear()(input, weight) if bias is None else Linear()(input, weight, bias)


answer_ufuncs({np.matmul: matmul})
