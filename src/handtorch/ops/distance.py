"""How far apart vectors are, or how alike their directions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError, DtypeError, RangeError, ShapeError
from handtorch.ops.conversion import cast
from handtorch.ops.norms import length
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample

__all__ = [
    "cdist",
    "cosine_similarity",
    "pairwise_distance",
    "pdist",
]

_USE_MM_FROM = 26  # vectors on either side, as in PyTorch
_MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


class EuclideanDistances(Op):
    """y_ij = |x_i - z_j| = √(|x_i|² + |z_j|² - 2 x_i · z_j). x (*, P, M), z (*, R, M), y (*, P, R).

    With s = g / y, and 0 where y = 0: dL/dx_i = Σ_j s_ij (x_i - z_j), dL/dz_j = Σ_i s_ij (z_j - x_i).

    One product instead of P R M differences; vectors much closer together than they are long lose digits.
    """

    promotes = True

    def forward(self, x: Any, z: Any) -> Any:
        squares = np.sum(x * x, axis=-1)[..., :, None] + np.sum(z * z, axis=-1)[..., None, :]
        y = np.sqrt(np.maximum(squares - 2 * np.matmul(x, np.swapaxes(z, -1, -2)), 0))
        self.save(x, z, y)
        return y

    def backward(self, g: Any) -> Any:
        x, z, y = self.saved
        s = np.where(y == 0, 0, g / np.where(y == 0, 1, y))
        dx = x * np.sum(s, axis=-1, keepdims=True) - np.matmul(s, z) if self.needs(0) else None
        if not self.needs(1):
            return dx, None
        s = np.swapaxes(s, -1, -2)
        return dx, z * np.sum(s, axis=-1, keepdims=True) - np.matmul(s, x)

    def explain(self, *arrays: Any) -> str:
        return f"cdist: expected (*, P, M) and (*, R, M), got {arrays[0].shape} and {arrays[1].shape}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(4, 3, seed=1), normal(5, 3, seed=2))
        yield sample(cls, normal(2, 1, 4, 3, seed=1), normal(3, 5, 3, seed=2))
        yield bad(cls, normal(4, 3), normal(5, 2))


# -- functions ------------------------------------------------------------------------------------------------------


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along ``dim``: x · z / (max(|x|, ε) max(|z|, ε)).

    Args:
        x1, x2: broadcast against each other.

    Raises:
        DtypeError: whole numbers came.
    """
    kind = dtypes.result_type([x1.array, x2.array])
    if kind.numpy.kind not in "fc":
        raise DtypeError(f"expected common dtype to be floating point, yet common dtype is {kind}; try .float()")
    x1, x2 = cast(x1, kind), cast(x2, kind)
    lengths = np.broadcast_shapes(x1.array.shape, x2.array.shape)
    x1, x2 = (x if x.array.shape == lengths else x.expand(lengths) for x in (x1, x2))
    return (_direction(x1, dim, eps) * _direction(x2, dim, eps)).sum(dim)


def _direction(x: Any, dim: int, eps: float) -> Any:
    """x / max(|x|, ε); the gradient is that of x / |x| also below ε, as in PyTorch."""
    size = x.norm(2, dim, keepdim=True)
    return x / (size + (size.clamp_min(eps) - size).detach())


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-06, keepdim: bool = False) -> Any:
    """The p-norm of x - z + ε along the last axis.

    Args:
        x1, x2: (*, M), broadcast against each other.
        keepdim: keep the last axis, with length 1.
    """
    return length(x1 - x2 + eps, p, -1, keepdim)


def pdist(input: Any, p: float = 2) -> Any:
    """The p-norm of the difference of every two rows: (N, M) to (N (N - 1) / 2), ordered (0, 1), (0, 2) ... (1, 2) ...

    Raises:
        ShapeError: ``input`` has not two axes.
        DtypeError: whole numbers came.
        RangeError: p is negative.
    """
    if input.array.ndim != 2:
        raise ShapeError(f"pdist only supports 2D tensors, got: {input.array.ndim}D")
    _check("pdist", p, input)
    first, second = np.triu_indices(len(input.array), 1)
    return length(input[first] - input[second], p, -1, False)


def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    """The p-norm of the difference of every row of one matrix and every row of another.

    Args:
        x1: (*, P, M).
        x2: (*, R, M).
        compute_mode: whether the Euclidean distance is computed by a matrix product, which is faster and needs less
            memory, but is less precise for rows that are close together; by default from 26 rows on.

    Returns:
        (*, P, R).

    Raises:
        ShapeError: matrices with different M.
        DtypeError: whole numbers came.
        RangeError: p is negative.
        ArgumentError: another mode.
    """
    if compute_mode not in _MODES:
        raise ArgumentError(f"{compute_mode} is not a valid value for compute_mode; expected one of {_MODES}")
    for name, x in (("X1", x1), ("X2", x2)):
        if x.array.ndim < 2:
            raise ShapeError(f"cdist only supports at least 2D tensors, {name} got: {x.array.ndim}D")
    _check("cdist", p, x1, x2)
    (rows, width), (others, other_width) = x1.array.shape[-2:], x2.array.shape[-2:]
    if width != other_width:
        raise ShapeError(f"X1 and X2 must have the same number of columns. X1: {width} X2: {other_width}")
    many = max(rows, others) >= _USE_MM_FROM
    if p == 2 and (compute_mode == _MODES[1] or (compute_mode == _MODES[0] and many)):
        return EuclideanDistances()(x1, x2)
    return length(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1, False)


def _check(name: str, p: float, *xs: Any) -> None:
    for x in xs:
        if x.array.dtype.kind != "f":
            raise DtypeError(f"{name} only supports floating-point dtypes, got: {x.dtype}; try .float()")
    if p < 0:
        raise RangeError(f"{name} only supports non-negative p values, got {p}")
