"""Products added to something: y = beta · input + alpha · A B, for vectors, matrices and batches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.arithmetic import add, mul
from handtorch.ops.attach import method
from handtorch.ops.conversion import fill
from handtorch.ops.linalg import bmm, linear, mm
from handtorch.ops.products import mv, need_axes, outer, tensordot
from handtorch.tensor import Tensor

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
]


def _numbers_first(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function take PyTorch's former order too, each number before what it scales: (beta, input, alpha, a, b)."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if len(args) > 3:
            options.update(zip(("beta", "alpha"), (x for x in args if not isinstance(x, Tensor)), strict=False))
            args = tuple(x for x in args if isinstance(x, Tensor))
        return function(*args, **options)

    return call


def _sum(input: Any, beta: Any, product: Any, alpha: Any) -> Any:
    """beta · input + alpha · product, in the shape of the product."""
    y = add(_scaled(input, beta), _scaled(product, alpha))
    if y.array.shape != product.array.shape:
        raise ShapeError(
            f"expected input to broadcast to the shape of the product, {list(product.array.shape)}, "
            f"got {list(input.array.shape)}"
        )
    return y


def _same_type(input: Any, *factors: Any) -> None:
    """Raise where the input has another element type than a factor."""
    for x in factors:
        if x.array.dtype != input.array.dtype:
            raise DtypeError(
                f"self and mat2 must have the same dtype, but got {input.dtype} and {x.dtype}; convert one with .to"
            )


def _is_bias(shape: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether a vector is added to every row of the product of two matrices."""
    return len(a) == len(b) == 2 and a[1] == b[0] and shape == b[1:]


def _scaled(x: Any, factor: Any) -> Any:
    """factor · x; 0 · x is 0 also where x is NaN or Inf, as BLAS has it."""
    if factor == 1:
        return x
    if factor == 0:
        return fill(x, 0)
    kind = x.array.dtype.kind
    return mul(x, bool(factor) if kind == "b" else int(factor) if kind in "iu" else factor)


@method(in_place=True)
@_numbers_first
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta · input + alpha · A B: A (N, K), B (K, M), input (N, M) or what broadcasts to it.

    With beta = 0, NaN and Inf in ``input`` are not seen. PyTorch's former order, ``addmm(beta, input, alpha, mat1,
    mat2)``, is understood too. Both hold for all functions of this family.
    """
    _same_type(input, mat1, mat2)
    if beta == 1 == alpha and _is_bias(input.array.shape, mat1.array.shape, mat2.array.shape):
        return linear(mat1, mat2.t(), input)  # adds to the rows while they are in the cache
    return _sum(input, beta, mm(mat1, mat2), alpha)


@method(in_place=True)
@_numbers_first
def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta · input + alpha · A v: A (N, K), v (K), input (N) or what broadcasts to it."""
    _same_type(input, mat, vec)
    return _sum(input, beta, mv(mat, vec), alpha)


@method(in_place=True)
@_numbers_first
def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta · input + alpha · u vᵀ: u (N), v (M), input (N, M) or what broadcasts to it; the types are promoted."""
    need_axes("addr", 1, vec1=vec1, vec2=vec2)
    product = outer(vec1, vec2)
    if product.array.dtype.kind in "iu" and input.array.dtype.kind in "iub":
        for name, factor in (("beta", beta), ("alpha", alpha)):
            if isinstance(factor, float):
                raise DtypeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    return _sum(input, beta, product, alpha)


@method(in_place=True)
@_numbers_first
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta · input + alpha · A_b B_b for each b: A (B, N, K), B (B, K, M), input (B, N, M) or what broadcasts to it."""
    _same_type(input, batch1, batch2)
    return _sum(input, beta, bmm(batch1, batch2), alpha)


@method(in_place=True)
@_numbers_first
def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta · input + alpha · Σ_b A_b B_b: A (B, N, K), B (B, K, M), input (N, M) or what broadcasts to it."""
    _same_type(input, batch1, batch2)
    if batch1.array.ndim != 3 or batch2.array.ndim != 3 or len(batch1) != len(batch2):
        raise ShapeError(f"addbmm expects (B, N, K) and (B, K, M), got {tuple(batch1.shape)} and {tuple(batch2.shape)}")
    return _sum(input, beta, tensordot(batch1, batch2, ([0, 2], [0, 1])), alpha)
