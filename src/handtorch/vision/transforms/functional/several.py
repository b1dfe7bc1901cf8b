"""Several crops of one picture, as networks are judged on the mean over them."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.vision.transforms.functional.cropping import center_crop, crop, hflip, vflip
from handtorch.vision.transforms.functional.kinds import get_dimensions, pair


def five_crop(img: Any, size: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The corners (upper left, upper right, lower left, lower right) and the middle of a picture.

    Raises:
        ValueError: the picture is smaller than the crops.
    """
    height, width = pair(size, "five_crop")
    _, full_height, full_width = get_dimensions(img)
    if width > full_width or height > full_height:
        raise ArgumentError(
            f"Requested crop size {(height, width)} is bigger than input size {(full_height, full_width)}"
        )
    right, low = full_width - width, full_height - height
    corners = [crop(img, top, left, height, width) for top in (0, low) for left in (0, right)]
    return corners[0], corners[1], corners[2], corners[3], center_crop(img, [height, width])


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """:func:`five_crop` of a picture, and of its mirror image: upside down with ``vertical_flip``."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)
