"""Pictures turned, moved, scaled, sheared, and seen from another side.

Pixel p of the result shows the place ``M p`` of the picture, M being the inverse of

    T(t) C R(α) Sh(β_x, β_y) s C⁻¹

where C moves the centre to the origin, R turns, Sh shears, s scales and T moves. In perspective it shows

    ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1))
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

_AFFINE, _PERSPECTIVE = 0, 2  # Pillow's numbers of these kinds of transforms


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
        shear: degrees along x, one number; or along x and y, a sequence, of which a single number counts for both.
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
    shears = shears * 2 if len(shears) == 1 else shears
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
        expand: make the result large enough for all of the picture; meant for turns around the middle.

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
        size = _expanded(height, width, matrix)
        # The middle of the result shows what the middle of the picture shows without expansion.
        x, y = width * 0.5 - size[1] * 0.5, height * 0.5 - size[0] * 0.5
        matrix[2] += matrix[0] * x + matrix[1] * y
        matrix[5] += matrix[3] * x + matrix[4] * y
    return _warp(img, matrix, size, mode, fill)


def _expanded(height: int, width: int, matrix: Sequence[float]) -> tuple[int, int]:
    """The size of the least rectangle of whole pixels around the picture's corners, moved by the matrix."""
    lengths = []
    for a, b, c in (matrix[3:], matrix[:3]):
        middle = a * width * 0.5 + b * height * 0.5 + c
        reach = abs(a) * width * 0.5 + abs(b) * height * 0.5
        # Rounded, so that a quarter turn needs no pixel more.
        lengths.append(math.ceil(round(middle + reach, 6)) - math.floor(round(middle - reach, 6)))
    return lengths[0], lengths[1]


def perspective(
    img: Any,
    startpoints: Sequence[Sequence[int]],
    endpoints: Sequence[Sequence[int]],
    interpolation: Any = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Any:
    """Show a picture as if it were looked at from the side.

    Args:
        img: a PIL image or a tensor (..., C, H, W).
        startpoints: four corners (x, y) of the picture: upper left, upper right, lower right, lower left.
        endpoints: where they go.
        interpolation, fill: as in :func:`affine`.

    Raises:
        ValueError: not four corners each, or three of ``endpoints`` in one line.
        TypeError: another kind of picture.
    """
    mode = as_mode(interpolation)
    numbers = perspective_numbers(startpoints, endpoints)
    _, height, width = get_dimensions(img)
    return _warp(img, numbers, (height, width), mode, fill)


def perspective_numbers(startpoints: Sequence[Sequence[int]], endpoints: Sequence[Sequence[int]]) -> list[float]:
    """The numbers a to h of a perspective that shows ``startpoints`` at ``endpoints``: eight linear equations."""
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ArgumentError(
            f"Please provide exactly four corners, got {len(startpoints)} startpoints and {len(endpoints)} endpoints."
        )
    equations = []
    for (x, y), (u, v) in zip(endpoints, startpoints, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    try:
        solution = np.linalg.solve(np.array(equations, np.float64), np.array(startpoints, np.float64).ravel())
    except np.linalg.LinAlgError:
        raise ArgumentError(f"expected four corners of which no three lie in one line, got {endpoints}") from None
    return [float(number) for number in solution.astype(np.float32)]


def _warp(img: Any, matrix: list[float], size: tuple[int, int], mode: InterpolationMode, fill: Any) -> Any:
    """The picture at the places that six numbers (affine) or eight (perspective) say."""
    if is_pil(img):
        method = _AFFINE if len(matrix) == 6 else _PERSPECTIVE
        return img.transform(size[::-1], method, matrix, pil_filter(mode), fillcolor=pil_fill(fill, img))
    check_mode(mode, InterpolationMode.NEAREST, InterpolationMode.BILINEAR)
    values = values_of(img)
    y, x = np.arange(size[0])[:, None] + 0.5, np.arange(size[1]) + 0.5
    nearness = matrix[6] * x + matrix[7] * y + 1 if len(matrix) == 8 else 1.0
    column = (matrix[0] * x + matrix[1] * y + matrix[2]) / nearness - 0.5
    row = (matrix[3] * x + matrix[4] * y + matrix[5]) / nearness - 0.5
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
