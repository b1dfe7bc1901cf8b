"""Pictures turned, moved, scaled and sheared.

Pixel p of the result shows the place ``M p`` of the picture, M being the inverse of

    T(t) C R(α) Sh(β_x, β_y) s C⁻¹

where C moves the centre to the origin, R turns, Sh shears, s scales and T moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError
from handtorch.vision.images import is_pil
from handtorch.vision.transforms.functional.kinds import (
    Array,
    fill_channels,
    get_dimensions,
    picture_of,
    pil_fill,
    rounded,
    values_of,
    working_type,
)
from handtorch.vision.transforms.functional.modes import InterpolationMode, as_mode, check_mode, pil_filter

_AFFINE = 0  # Pillow's number of this kind of transform


def inverse_matrix(
    center: Sequence[float], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> list[float]:
    """The six numbers of M, row by row; angles in degrees, clockwise where y points down."""
    turn, shear_x, shear_y = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a = math.cos(turn - shear_y) / math.cos(shear_y)
    b = -math.cos(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) - math.sin(turn)
    c = math.sin(turn - shear_y) / math.cos(shear_y)
    d = -math.sin(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) + math.cos(turn)
    # The matrix (a b; c d) has determinant 1.
    row_x, row_y = (d / scale, -b / scale), (-c / scale, a / scale)
    x, y = -center[0] - translate[0], -center[1] - translate[1]
    return [
        *row_x,
        row_x[0] * x + row_x[1] * y + center[0],
        *row_y,
        row_y[0] * x + row_y[1] * y + center[1],
    ]


def affine(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Any,
    interpolation: Any = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Any:
    """Turn, move, scale and shear a picture, which keeps its size.

    Args:
        img: a PIL image or a tensor (..., C, H, W).
        angle: degrees, clockwise.
        translate: pixels to the right and downwards.
        scale: above 0.
        shear: degrees, along x, or along x and y.
        interpolation: nearest or bilinear, and bicubic for PIL images.
        fill: the colour of what comes from outside the picture; black by default.
        center: (x, y) that stays where it is, in pixels from the upper left corner; by default the middle.

    Raises:
        ValueError: a number out of its range.
        TypeError: another kind of picture.
    """
    if scale <= 0.0:
        raise ArgumentError("Argument scale should be positive")
    if len(translate) != 2:
        raise ArgumentError("translate should be a sequence of length 2")
    shears = [float(shear), 0.0] if isinstance(shear, (int, float)) else [float(s) for s in shear]
    shears = [*shears, 0.0] if len(shears) == 1 else shears
    if len(shears) != 2:
        raise ArgumentError(f"Shear should be a sequence containing two values. Got {shear}")
    _, height, width = get_dimensions(img)
    middle = [width * 0.5, height * 0.5] if center is None else [float(number) for number in center]
    matrix = inverse_matrix(middle, angle, [float(t) for t in translate], scale, shears)
    return _warp(img, matrix, (height, width), as_mode(interpolation), fill)


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """Turn a picture.

    Args:
        img: a PIL image or a tensor (..., C, H, W).
        angle: degrees, counter-clockwise.
        interpolation, fill, center: as in :func:`affine`.
        expand: make the result large enough for all of the picture; only around the middle.

    Raises:
        TypeError: another kind of picture.
    """
    mode = as_mode(interpolation)
    if is_pil(img):
        return img.rotate(angle, pil_filter(mode), expand, center, fillcolor=pil_fill(fill, img))
    _, height, width = get_dimensions(img)
    middle = [width * 0.5, height * 0.5] if center is None else [float(number) for number in center]
    matrix = inverse_matrix(middle, -angle, [0.0, 0.0], 1.0, [0.0, 0.0])
    size = (height, width)
    if expand:
        size = _expanded(height, width, angle)
        # The middle of the result shows the middle of the picture.
        x, y = width * 0.5 - size[1] * 0.5, height * 0.5 - size[0] * 0.5
        matrix[2] += matrix[0] * x + matrix[1] * y
        matrix[5] += matrix[3] * x + matrix[4] * y
    return _warp(img, matrix, size, mode, fill)


def _expanded(height: int, width: int, angle: float) -> tuple[int, int]:
    turn = math.radians(angle)
    # Rounded, so that a quarter turn needs no pixel more.
    cosine, sine = round(abs(math.cos(turn)), 15), round(abs(math.sin(turn)), 15)
    x, y = width * 0.5 * cosine + height * 0.5 * sine, width * 0.5 * sine + height * 0.5 * cosine
    across = math.ceil(round(width * 0.5 + x, 6)) - math.floor(round(width * 0.5 - x, 6))
    down = math.ceil(round(height * 0.5 + y, 6)) - math.floor(round(height * 0.5 - y, 6))
    return down, across


def _warp(img: Any, matrix: list[float], size: tuple[int, int], mode: InterpolationMode, fill: Any) -> Any:
    if is_pil(img):
        return img.transform(size[::-1], _AFFINE, matrix, pil_filter(mode), fillcolor=pil_fill(fill, img))
    check_mode(mode, InterpolationMode.NEAREST, InterpolationMode.BILINEAR)
    values = values_of(img)
    y, x = np.arange(size[0])[:, None] + 0.5, np.arange(size[1]) + 0.5
    column = matrix[0] * x + matrix[1] * y + matrix[2] - 0.5
    row = matrix[3] * x + matrix[4] * y + matrix[5] - 0.5
    colour = np.array(fill_channels(fill, values.shape[-3] if values.ndim > 2 else 1))
    colour = colour[:, None, None] if values.ndim > 2 else colour[0]
    if mode is InterpolationMode.NEAREST:
        moved, inside = _take(values, np.rint(row).astype(np.intp), np.rint(column).astype(np.intp))
        return picture_of(np.where(inside, moved, colour.astype(values.dtype)))
    kind = working_type(values)
    top, left = np.floor(row).astype(np.intp), np.floor(column).astype(np.intp)
    down, right = (row - top).astype(kind), (column - left).astype(kind)
    total: Any = 0.0
    cover: Any = 0.0
    for step_down, share_down in ((0, 1 - down), (1, down)):
        for step_right, share_right in ((0, 1 - right), (1, right)):
            moved, inside = _take(values, top + step_down, left + step_right)
            weight = share_down * share_right * inside
            total, cover = total + weight * moved.astype(kind), cover + weight
    if fill is not None:
        total = total * cover + (1 - cover) * colour.astype(kind)
    return picture_of(rounded(total, values))


def _take(values: Array, row: Array, column: Array) -> tuple[Array, Array]:
    """The pixels at those places, and whether they are in the picture."""
    height, width = values.shape[-2:]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return values[..., np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)], inside
