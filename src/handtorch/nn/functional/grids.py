"""Pictures and volumes sampled at the points of a grid, which a network may have computed."""

from __future__ import annotations

import warnings
from typing import Any

from handtorch.errors import ArgumentError, ShapeError
from handtorch.ops.grids import affine_grid_generator, grid_sampler

__all__ = [
    "affine_grid",
    "grid_sample",
]

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """The input at the points of a grid. (Jaderberg et al. 2015, Spatial Transformer Networks)

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, H', W', 2) with points (x, y), or (N, D', H', W', 3) with points (x, y, z). -1 and 1 are the outer
            edges of the picture; with ``align_corners`` the centres of its outermost elements.
        mode: ``"bilinear"`` (trilinear of a volume), ``"nearest"``, or ``"bicubic"`` for a picture.
        padding_mode: what stands outside: ``"zeros"``, the nearest element (``"border"``), or ``"reflection"``.

    Returns:
        (N, C, H', W') or (N, C, D', H', W').

    Raises:
        ArgumentError: another mode.
        ShapeError: input and grid do not go together.
    """
    if mode not in _MODES:
        raise ArgumentError(f"grid_sample(): expected mode to be one of {_MODES}, but got: '{mode}'")
    if padding_mode not in _PADDINGS:
        raise ArgumentError(f"grid_sample(): expected padding_mode to be one of {_PADDINGS}, but got: '{padding_mode}'")
    aligned = _decided("grid_sample", align_corners)
    return grid_sampler(input, grid, _MODES.index(mode), _PADDINGS.index(padding_mode), aligned)


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The points at which :func:`grid_sample` shows affine pictures of its input: p ↦ A p + b.

    Args:
        theta: (N, 2, 3) or (N, 3, 4): A and, as the last column, b.
        size: of the result of the sampling, (N, C, H, W) or (N, C, D, H, W).
        align_corners: as in :func:`grid_sample`.

    Returns:
        (N, H, W, 2) or (N, D, H, W, 3).

    Raises:
        ArgumentError: ``theta`` or ``size`` has another shape, or ``theta`` is not of floating point.
        ShapeError: there are more or fewer matrices than N.
    """
    aligned = _decided("affine_grid", align_corners)
    if theta.array.dtype.kind != "f":
        raise ArgumentError(f"Expected theta to have floating point type, but got {theta.dtype}")
    axes = len(size) - 2
    if axes not in (2, 3):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, (N, C, H, W) or (N, C, D, H, W), got {size}"
        )
    if theta.array.ndim != 3 or theta.array.shape[1:] != (axes, axes + 1):
        raise ArgumentError(
            f"Expected a batch of {axes}D affine matrices of shape Nx{axes}x{axes + 1} for size {list(size)}, got "
            f"{list(theta.array.shape)}"
        )
    if aligned and min(size[2:]) == 1:
        warnings.warn("with align_corners all points along an axis of length 1 lie at its centre, 0", stacklevel=2)
    elif min(size) <= 0:
        raise ArgumentError(f"Expected non-zero, positive output size, got {list(size)}")
    if len(theta.array) != size[0]:
        raise ShapeError(
            f"affine_grid(): expected as many matrices as size {list(size)} has samples, got {len(theta.array)}"
        )
    return affine_grid_generator(theta, size, aligned)


def _decided(name: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(f"{name}(): align_corners is False by default since PyTorch 1.3; please say which", stacklevel=3)
    return bool(align_corners)
