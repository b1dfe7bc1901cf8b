"""Products of several matrices, in the order that takes the fewest multiplications."""

from __future__ import annotations

from typing import Any

from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.attach import with_out
from handtorch.ops.linalg import mm

__all__ = ["chain_matmul"]


@with_out
def chain_matmul(*matrices: Any) -> Any:
    """The product of matrices, in the cheapest order; :func:`multi_dot` under its former name."""
    if not matrices:
        raise RangeError("chain_matmul(): Expected one or more matrices")
    for x in matrices:
        if x.array.ndim != 2:
            raise ShapeError(f"Tensor dimension is {x.array.ndim}, expected 2 instead.")
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


@with_out
def multi_dot(tensors: Any) -> Any:
    """The product of matrices, in the order that takes the fewest multiplications.

    Args:
        tensors: matrices; the first may be a vector, which counts as a row, and the last one, which counts as a column.

    Source: Cormen, Leiserson, Rivest and Stein, "Introduction to Algorithms", chapter "Matrix-chain multiplication".
    """
    _check_chain(tensors)
    first, *between, last = tensors
    row, column = first.array.ndim == 1, last.array.ndim == 1
    chain = [first.unsqueeze(0) if row else first, *between, last.unsqueeze(1) if column else last]
    split = _cheapest_splits([chain[0].array.shape[0], *(x.array.shape[1] for x in chain)])

    def product(i: int, j: int) -> Any:
        return chain[i] if i == j else mm(product(i, split[i, j]), product(split[i, j] + 1, j))

    return product(0, len(chain) - 1).reshape(first.array.shape[:-1] + last.array.shape[1:])


def _check_chain(tensors: Any) -> None:
    n = len(tensors)
    if n < 2:
        raise RangeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    for i, x in enumerate(tensors):
        if x.array.ndim != 2 and not (x.array.ndim == 1 and i in (0, n - 1)):
            allowed = "1D or 2D" if i in (0, n - 1) else "2D"
            which = {0: "the first tensor", n - 1: "the last tensor"}.get(i, f"tensor {i}")
            raise ShapeError(f"multi_dot(): {which} must be {allowed} but got {x.array.ndim}D")
        if x.array.dtype != tensors[0].array.dtype:
            raise DtypeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {tensors[0].dtype} and tensor "
                f"{i} {x.dtype}"
            )
    for i in range(n - 1):
        a, b = tensors[i].array.shape, tensors[i + 1].array.shape
        if a[-1] != b[0]:
            raise ShapeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {list(a)} and {list(b)} cannot be multiplied"
            )


def _cheapest_splits(lengths: list[int]) -> dict[tuple[int, int], int]:
    """Where to split each part i ... j of a chain, whose matrix i is (lengths[i], lengths[i + 1])."""
    n = len(lengths) - 1
    cost = {(i, i): 0 for i in range(n)}
    split = {}
    for width in range(1, n):
        for i in range(n - width):
            j = i + width
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k) for k in range(i, j)
            )
    return split
