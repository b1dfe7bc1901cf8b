"""Grids of points, and pictures and volumes sampled at them."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.autograd.mode import enable_grad, no_grad
from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.choice import where
from handtorch.ops.conversion import cast
from handtorch.ops.grid_sampling import BringInside, Lookup
from handtorch.ops.interpolation import keys
from handtorch.ops.joining import stack
from handtorch.ops.linalg import matmul
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, integers, normal, positive, sample
from handtorch.tensor import Tensor

__all__ = [
    "affine_grid_generator",
    "grid_sampler",
    "grid_sampler_2d",
    "grid_sampler_3d",
]

_MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


def grid_sampler_2d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """:func:`grid_sampler` of pictures (N, C, H, W)."""
    return _sampled("grid_sampler_2d", 2, input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """:func:`grid_sampler` of volumes (N, C, D, H, W)."""
    return _sampled("grid_sampler_3d", 3, input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """:func:`handtorch.nn.functional.grid_sample` with numbers for words.

    Args:
        interpolation_mode: 0 for bilinear, 1 for nearest, 2 for bicubic.
        padding_mode: 0 for zeros, 1 for border, 2 for reflection.
    """
    axes = input.array.ndim - 2
    if axes not in (2, 3):
        raise ShapeError(
            f"grid_sampler(): expected 4D or 5D input, (N, C, H, W) or (N, C, D, H, W), got {list(input.array.shape)}"
        )
    return _sampled("grid_sampler", axes, input, grid, interpolation_mode, padding_mode, align_corners)


def _sampled(name: str, axes: int, input: Any, grid: Any, mode: int, padding: int, align_corners: bool) -> Any:
    _check(name, axes, input, grid, mode)
    if input.array.dtype == np.float16:
        wide = [cast(x, dtypes.float32) for x in (input, grid)]
        return cast(_sampled(name, axes, wide[0], wide[1], mode, padding, align_corners), dtypes.float16)
    batch, channels = input.array.shape[:2]
    points = grid.reshape(batch, math.prod(grid.array.shape[1:-1]), axes)
    settings = _MODES[mode], PADDINGS[padding], bool(align_corners)
    found = SamplePicture(*settings)(input, points) if axes == 2 else _composed(input, points, *settings)
    return found.reshape(batch, channels, *grid.array.shape[1:-1])


def _composed(input: Any, points: Any, mode: str, padding: str, align_corners: bool) -> Any:
    """Sums (N, C, P) of the elements around points (N, P, axes) of inputs (N, C, *)."""
    batch, channels, *lengths = input.array.shape
    taps, count = 1, points.array.shape[1]
    places: Any = np.zeros((batch, taps, count), np.int64)
    outside: Any = np.zeros(places.shape, bool)
    weights: Any = None
    for axis, n in enumerate(lengths):  # the last axis comes first in a point
        own = _AxisSampling(n, mode, padding, align_corners)
        at, weight = own(points[:, :, len(lengths) - 1 - axis])
        taps *= at.shape[1]
        places = (places[:, :, None] * n + np.clip(at, 0, n - 1)[:, None]).reshape(batch, taps, count)
        gone = (at < 0) | (at >= n)
        outside = (outside[:, :, None] | gone[:, None]).reshape(batch, taps, count)
        if weights is not None:
            weight = (weights.unsqueeze(2) * weight.unsqueeze(1)).reshape(batch, taps, count)
        weights = weight
    size = math.prod(lengths)
    return Lookup(np.where(outside, size, places), size)(input.reshape(batch, channels, size), weights)


class SamplePicture(Op):
    """y[n, c, p] = Σ_i Σ_j u_i(q) v_j(q) x[n, c, i, j] for x (N, C, H, W) and point q = points[n, p], (N, P, 2).

    The weights u along H and v along W are those of :class:`_AxisSampling`, other than 0 for at most four elements.
    dL/dx[n, c, i, j] = Σ_p g u_i v_j; dL/dpoints[n, p] = Σ_c g Σ_i Σ_j x[n, c, i, j] ∂(u_i v_j)/∂q. Both come out of
    the smaller ops that the sum is made of, which are run again for that.

    Args:
        mode, padding, align_corners: as in :func:`handtorch.nn.functional.grid_sample`.
    """

    twin_from = 1

    def __init__(self, mode: str, padding: str, align_corners: bool) -> None:
        self.mode, self.padding, self.align_corners = mode, padding, align_corners

    def forward(self, x: Any, points: Any) -> Any:
        self.save(x, points)
        with no_grad():
            return _composed(Tensor.of(x), Tensor.of(points), self.mode, self.padding, self.align_corners).array

    def backward(self, g: Any) -> Any:
        from handtorch.autograd.engine import grad

        recorded = isinstance(g, Tensor)
        inputs = [value if isinstance(value, Tensor) else Tensor.of(value) for value in self.saved]
        wanted = [x if recorded else x.requires_grad_() for i, x in enumerate(inputs) if self.needs(i)]
        with enable_grad():
            y = _composed(inputs[0], inputs[1], self.mode, self.padding, self.align_corners)
        shares = iter(grad(y, wanted, g if recorded else Tensor.of(g), create_graph=recorded))
        dx, dpoints = (next(shares) if self.needs(i) else None for i in (0, 1))
        return (dx, dpoints) if recorded else tuple(share if share is None else share.array for share in (dx, dpoints))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        # a quarter of the way between elements, so that no difference quotient crosses one
        cells = integers(-2, 6, 2, 4, 2) + positive(2, 4, 2, low=0.2, high=0.4)
        lengths = np.array([4, 3])
        for mode, padding in itertools.product(_MODES, PADDINGS):
            for aligned, points in ((False, (cells + 0.5) * 2 / lengths - 1), (True, cells * 2 / (lengths - 1) - 1)):
                yield sample(functools.partial(cls, mode, padding, aligned), normal(2, 2, 3, 4), points)
        yield sample(
            lambda: cls("bicubic", "zeros", False), normal(2, 5, 30, 40), 0.8 * normal(2, 300, 2), smooth=False
        )


class _AxisSampling:
    """Along one axis: the elements around each point, and their weights.

    Args:
        n: how many elements the axis has.
    """

    def __init__(self, n: int, mode: str, padding: str, align_corners: bool) -> None:
        self.n, self.mode, self.padding, self.align_corners = n, mode, padding, align_corners

    def __call__(self, grid: Any) -> tuple[np.ndarray, Any]:
        """Places (N, K, P), which may lie outside, and weights (N, K, P), for points (N, P) of -1 to 1."""
        at = (grid + 1) * ((self.n - 1) / 2) if self.align_corners else (grid + 1) * (self.n / 2) - 0.5
        if self.mode == "bicubic":
            left = np.floor(at.array)
            t = _beyond(left, at)
            places = np.stack([left + j for j in (-1, 0, 1, 2)], 1)
            if self.padding != "zeros":
                places = self._inside(Tensor.of(places)).array
            return _whole(places, self.n).astype(np.int64), stack([_keys(t, j) for j in (-1, 0, 1, 2)], 1)
        if self.padding != "zeros":
            at = self._inside(at)
        if self.mode == "nearest":
            nearest = _whole(np.rint(at.array), self.n)
            constant = where(Tensor.of(np.ones(nearest.shape, bool)), 1.0, at)  # so that the grid has a gradient, 0
            return nearest[:, None].astype(np.int64), constant.unsqueeze(1)
        left = np.floor(at.array)
        t = _beyond(left, at)
        return _whole(np.stack([left, left + 1], 1), self.n).astype(np.int64), stack([1 - t, t], 1)

    def _inside(self, at: Any) -> Any:
        if self.padding == "border":
            return BringInside(self.n)(at)
        return BringInside(self.n, (0, self.n - 1) if self.align_corners else (-0.5, self.n - 0.5))(at)


def _beyond(left: np.ndarray, at: Any) -> Any:
    """How far places lie from the whole numbers below, in float64: gradients are differences of those of weights."""
    return cast(at, dtypes.float64) - Tensor.of(left.astype(np.float64))


def _whole(places: np.ndarray, n: int) -> np.ndarray:
    """Places of which those far outside, Inf and NaN are near enough to be whole numbers, and still outside."""
    return np.clip(np.nan_to_num(places, nan=-9), -9, n + 9)


def _keys(t: Any, j: int) -> Any:
    """The weight in cubic convolution of the element at ``j`` for places t between 0 and 1."""
    return keys(t - j if j < 1 else j - t, -0.75)


def _check(name: str, axes: int, input: Any, grid: Any, mode: int) -> None:
    shape, points = input.array.shape, grid.array.shape
    if len(shape) != axes + 2 or len(points) != axes + 2:
        raise ShapeError(
            f"{name}(): expected {axes + 2}D input and grid with same number of dimensions, but got input with sizes "
            f"{list(shape)} and grid with sizes {list(points)}"
        )
    if points[-1] != axes:
        raise ShapeError(
            f"{name}(): expected grid to have size {axes} in last dimension, but got grid with sizes {list(points)}"
        )
    if shape[0] != points[0]:
        raise ShapeError(
            f"{name}(): expected grid and input to have same batch size, but got input with sizes {list(shape)} and "
            f"grid with sizes {list(points)}"
        )
    if 0 in shape[2:]:
        raise ShapeError(
            f"{name}(): expected input to have non-empty spatial dimensions, but input has sizes {list(shape)}"
        )
    if axes == 3 and _MODES[mode] == "bicubic":
        raise ShapeError(f"{name}(): bicubic interpolation only supports 4D input, got {list(shape)}")
    if input.array.dtype.kind != "f" or input.array.dtype != grid.array.dtype:
        raise DtypeError(
            f"{name}(): expected input and grid of one floating point type, got {input.dtype} and {grid.dtype}"
        )


def affine_grid_generator(theta: Any, size: Any, align_corners: bool) -> Any:
    """:func:`handtorch.nn.functional.affine_grid` without its checks."""
    kind = theta.array.dtype
    lengths = tuple(size)[2:]
    base = np.ones((*lengths, len(lengths) + 1), kind)
    for axis, n in enumerate(lengths):
        ticks = np.linspace(-1, 1, n) if n > 1 else np.zeros(n)
        ticks = ticks if align_corners else ticks * (n - 1) / n
        base[..., len(lengths) - 1 - axis] = ticks.reshape(-1, *(1,) * (len(lengths) - 1 - axis))
    points = Tensor.of(base.reshape(1, -1, base.shape[-1]))
    return matmul(points, theta.transpose(1, 2)).reshape(len(theta.array), *lengths, len(lengths))
