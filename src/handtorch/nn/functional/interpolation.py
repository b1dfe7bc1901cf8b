"""Interpolation: pictures and signals on finer or coarser grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.nn.functional import pooling
from handtorch.ops import interpolation as by
from handtorch.ops.pooling import resample
from handtorch.tensor import Tensor

__all__ = [
    "interpolate",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

_AXES = {"linear": (1,), "bilinear": (2,), "bicubic": (2,), "trilinear": (3,), "lanczos": (2,)}
_ANY = ("nearest", "nearest-exact", "area")
_AREA = (pooling.adaptive_avg_pool1d, pooling.adaptive_avg_pool2d, pooling.adaptive_avg_pool3d)


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """The input on a grid of another size.

    Args:
        input: (N, C, *) with one to three axes *.
        size, scale_factor: the lengths of these axes, or how much longer they get; one number, or one for each axis.
        mode: ``"nearest"``, ``"nearest-exact"`` and ``"area"`` (means) for any of them, ``"linear"`` for (N, C, L),
            ``"bilinear"``, ``"bicubic"`` and ``"lanczos"`` for (N, C, H, W), ``"trilinear"`` for (N, C, D, H, W).
        align_corners: the centres of the outermost elements stay where they are, instead of their outer edges.
        recompute_scale_factor: compute places with the ratio of the lengths, and not with ``scale_factor`` itself.
        antialias: a shrunk picture shows means of what a new element covers (bilinear, bicubic and lanczos).

    Raises:
        ArgumentError: the arguments do not go together.
        NotImplementedError: the mode is not for as many axes.
        ShapeError: a length is 0.
    """
    axes = input.array.ndim - 2
    if mode in _ANY and align_corners is not None:
        raise ArgumentError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    lengths, scales = _lengths(input, axes, size, scale_factor, bool(recompute_scale_factor) or mode == "area")
    if size is not None and recompute_scale_factor:
        raise ArgumentError("recompute_scale_factor is not meaningful with an explicit size.")
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and axes == 2):
        raise ArgumentError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode == "lanczos" and (align_corners or not antialias):
        raise ArgumentError("Lanczos mode requires antialias=True and does not support align_corners=True")
    if axes not in (_AXES.get(mode, ()) if mode not in _ANY else (1, 2, 3)):
        raise NotImplementedError(_no_such_mode(input.array.ndim, mode))
    if mode == "area":
        return _AREA[axes - 1](input, lengths)
    _check(input, lengths)
    return _resampled(input, lengths, scales, mode, bool(align_corners), antialias)


def _no_such_mode(ndim: int, mode: str) -> str:
    if mode in _AXES and ndim in (3, 4, 5):
        return f"Got {ndim}D input, but {mode} mode needs {_AXES[mode][0] + 2}D input"
    modes = " | ".join((*_ANY, *_AXES))
    return f"Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: {modes} (got {mode})"


def _lengths(input: Any, axes: int, size: Any, scale_factor: Any, recompute: bool) -> tuple[list[int], list[Any]]:
    """The lengths of the result, and for each the factor to compute places with, or None."""
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            "either size or scale_factor should be defined"
            if size is None
            else "only one of size or scale_factor should be defined"
        )
    what = "size" if scale_factor is None else "scale_factor"
    given = size if scale_factor is None else scale_factor
    values = list(given) if isinstance(given, (tuple, list)) else [given] * axes
    if len(values) != axes:
        raise ArgumentError(
            f"Input and {what} must have the same number of spatial dimensions, but got input with spatial dimensions "
            f"of {list(input.array.shape[2:])} and {what} of {values}; input is (N, C, d1, d2, ...) and {what} "
            f"(d1, d2, ...)"
        )
    if scale_factor is None:
        if not all(isinstance(value, (int, np.integer)) for value in values):
            raise TypeError(f"expected size to be an int or a tuple of {axes} of them, got {values}")
        return [int(value) for value in values], [None] * axes
    lengths = [int(n * float(value)) for n, value in zip(input.array.shape[2:], values, strict=True)]
    return lengths, [None] * axes if recompute else [float(value) for value in values]


def _check(input: Any, lengths: list[int]) -> None:
    shape = input.array.shape
    if 0 in shape[1:2]:
        raise ShapeError(f"Non-empty {len(shape)}D data tensor expected but got a tensor with sizes {list(shape)}")
    if min(*shape[2:], *lengths) <= 0:
        raise ShapeError(
            f"Input and output sizes should be greater than 0, but got input {list(shape[2:])}, output {lengths}"
        )


def _resampled(
    input: Any, lengths: list[int], scales: list[Any], mode: str, align_corners: bool, antialias: bool
) -> Any:
    dtype = input.array.dtype
    in_bytes = dtype == np.uint8 and mode not in _ANY
    if dtype.kind != "f" and (dtype != np.uint8 or mode in ("linear", "trilinear")):
        raise DtypeError(f"interpolate(): {mode} is not defined for {input.dtype}; try input.float()")
    kind = np.float64 if dtype == np.float64 or in_bytes else np.float32
    before = [*input.array.shape[2:]]
    copied = mode in _ANY and len(lengths) == 2 and lengths == before
    taps = []
    for n, m, scale in zip(before, lengths, scales, strict=True):
        if n == m and (antialias or in_bytes or copied):
            scale = None  # whatever the factor was, PyTorch leaves this axis as it is
        if antialias:
            taps.append(by.antialiased(n, m, scale, kind, align_corners, mode))
        elif mode in _ANY:
            taps.append(by.nearest(n, m, scale, kind, mode == "nearest-exact"))
        else:
            taps.append((by.cubic if mode == "bicubic" else by.linear)(n, m, scale, kind, align_corners))
    return Tensor.of(by.of_bytes(input.array, taps)) if in_bytes else resample(input, taps)


def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """:func:`interpolate` under its older name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """:func:`interpolate` with the nearest elements."""
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """Bilinear :func:`interpolate` with aligned corners."""
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
