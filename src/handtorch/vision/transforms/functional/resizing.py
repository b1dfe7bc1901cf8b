"""Pictures of another size: a weighted mean of the pixels that each new pixel covers.

Along one axis, new pixel i lies at the old coordinate ``u = (i + 1/2) n / m - 1/2`` for n old and m new pixels, and
takes pixel j with a weight ``f((j - u) / s)``, normalised to a sum of 1. Where a picture shrinks, the filter f is
stretched by ``s = n / m``, so that no pixel is skipped (antialiasing); else ``s = 1``. The axes are independent, so
the result is ``A X Bᵀ``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, ShapeError
from handtorch.vision.images import is_pil
from handtorch.vision.transforms.functional.kinds import (
    Array,
    get_dimensions,
    picture_of,
    rounded,
    values_of,
    working_type,
)
from handtorch.vision.transforms.functional.modes import InterpolationMode, as_mode, check_mode, pil_filter

_LINEAR = (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)
_NEAREST = (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT)


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Change the size of a picture.

    Args:
        img: a PIL image or a tensor (..., C, H, W).
        size: (height, width); or one number for the shorter edge, the longer one following.
        interpolation: an :class:`InterpolationMode`.
        max_size: most pixels of the longer edge, where ``size`` is one number; None as size then means this alone.
        antialias: average all pixels that a new one covers; PIL images are always averaged so.

    Raises:
        ValueError: a size that makes no sense.
        ShapeError: a picture without pixels.
        TypeError: another kind of picture.
    """
    mode = as_mode(interpolation)
    _, height, width = get_dimensions(img)
    if height == 0 or width == 0:
        raise ShapeError(f"expected a picture of at least one pixel to resize, got {height} x {width}")
    new_height, new_width = output_size((height, width), size, max_size)
    if (new_height, new_width) == (height, width):
        return img
    if is_pil(img):
        return img.resize((new_width, new_height), pil_filter(mode))
    check_mode(mode, *_NEAREST, *_LINEAR)
    values = values_of(img)
    if mode in _NEAREST:
        rows, columns = nearest(height, new_height, mode), nearest(width, new_width, mode)
        return picture_of(values[..., rows[:, None], columns])
    kind = working_type(values)
    down = filter_matrix(height, new_height, mode, bool(antialias)).astype(kind)
    across = filter_matrix(width, new_width, mode, bool(antialias)).astype(kind)
    return picture_of(rounded(down @ (values.astype(kind, copy=False) @ across.T), values))


def output_size(image_size: tuple[int, int], size: Any, max_size: int | None = None) -> tuple[int, int]:
    """Height and width after :func:`resize`."""
    height, width = image_size
    if size is not None and not isinstance(size, (int, np.integer)) and len(size) == 2:
        if max_size is not None:
            raise ArgumentError("max_size should only be passed if size specifies the length of the smaller edge")
        return _positive(int(size[0]), int(size[1]))
    short, long = min(height, width), max(height, width)
    if size is None:
        if max_size is None:
            raise ArgumentError("expected a size, or max_size for the longer edge, got neither")
        new_short, new_long = int(max_size * short / long), max_size
    else:
        if not isinstance(size, (int, np.integer)) and len(size) != 1:
            raise ArgumentError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element one")
        new_short = int(size if isinstance(size, (int, np.integer)) else size[0])
        new_long = int(new_short * long / short)
        if max_size is not None:
            if max_size <= new_short:
                raise ArgumentError(
                    f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge "
                    f"size = {size}"
                )
            if new_long > max_size:
                new_short, new_long = int(max_size * new_short / new_long), max_size
    return _positive(*((new_short, new_long) if height <= width else (new_long, new_short)))


def _positive(height: int, width: int) -> tuple[int, int]:
    if height < 1 or width < 1:
        raise ArgumentError(f"expected a size of at least one pixel, got {height} x {width}")
    return height, width


def nearest(old: int, new: int, mode: InterpolationMode) -> Array:
    """Which old pixel each new one is: floor(i n / m), or with "exact" the one at its middle."""
    middle = 0.5 if mode is InterpolationMode.NEAREST_EXACT else 0.0
    return np.minimum(((np.arange(new) + middle) * (old / new)).astype(np.intp), old - 1)


def filter_matrix(old: int, new: int, mode: InterpolationMode, antialias: bool) -> Array:
    """The weights (new, old) of old pixels in new ones."""
    scale = old / new
    stretch = max(scale, 1.0) if antialias else 1.0
    middle = (np.arange(new) + 0.5) * scale - 0.5
    if antialias:
        # A filter that reaches over the edge is cut off there.
        weights = _filter(mode, -0.5, (np.arange(old) - middle[:, None]) / stretch)
        return weights / weights.sum(axis=1, keepdims=True)
    # Without averaging, the outermost pixel is repeated beyond the edge, and Keys' parameter is another.
    reach = 1 if mode is InterpolationMode.BILINEAR else 2
    if mode is InterpolationMode.BILINEAR:
        middle = np.maximum(middle, 0)
    weights = np.zeros((new, old))
    first = np.floor(middle).astype(np.intp)
    for step in range(1 - reach, reach + 1):
        np.add.at(
            weights, (np.arange(new), np.clip(first + step, 0, old - 1)), _filter(mode, -0.75, first + step - middle)
        )
    return weights


def _filter(mode: InterpolationMode, a: float, x: Array) -> Array:
    """A triangle, or Keys' cubic (1981, equation 15) with its parameter a."""
    t = np.abs(x)
    if mode is InterpolationMode.BILINEAR:
        return np.maximum(1 - t, 0)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = a * (((t - 5) * t + 8) * t - 4)
    return np.where(t < 1, near, np.where(t < 2, far, 0))
