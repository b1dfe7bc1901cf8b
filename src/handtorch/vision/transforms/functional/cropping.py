"""Parts of pictures, borders around them, and mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, require
from handtorch.tensor import Tensor
from handtorch.vision.images import is_pil, to_pil
from handtorch.vision.transforms.functional.kinds import (
    fill_channels,
    get_dimensions,
    pair,
    picture_of,
    pil_fill,
    values_of,
)
from handtorch.vision.transforms.functional.modes import InterpolationMode
from handtorch.vision.transforms.functional.resizing import resize

_PADDINGS = {"constant": "constant", "edge": "edge", "reflect": "reflect", "symmetric": "symmetric"}


def hflip(img: Any) -> Any:
    """Left becomes right."""
    if is_pil(img):
        return require("PIL.ImageOps", extra="vision").mirror(img)
    return picture_of(values_of(img)[..., ::-1])


def vflip(img: Any) -> Any:
    """Up becomes down."""
    if is_pil(img):
        return require("PIL.ImageOps", extra="vision").flip(img)
    return picture_of(values_of(img)[..., ::-1, :])


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The part of a picture from (top, left) on; what lies outside the picture is black."""
    if is_pil(img):
        return img.crop((left, top, left + width, top + height))
    values = values_of(img)
    inside = values[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    before = (min(max(-top, 0), height), min(max(-left, 0), width))
    after = (height - before[0] - inside.shape[-2], width - before[1] - inside.shape[-1])
    if before == after == (0, 0):
        return picture_of(inside)
    return picture_of(np.pad(inside, [(0, 0)] * (values.ndim - 2) + list(zip(before, after, strict=True))))


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of a picture, with black around it where the picture is smaller."""
    height, width = pair(output_size, "center_crop")
    _, full_height, full_width = get_dimensions(img)
    if width > full_width or height > full_height:
        left, top = max((width - full_width) // 2, 0), max((height - full_height) // 2, 0)
        right, bottom = max((width - full_width + 1) // 2, 0), max((height - full_height + 1) // 2, 0)
        img = pad(img, [left, top, right, bottom])
        _, full_height, full_width = get_dimensions(img)
    return crop(img, round((full_height - height) / 2.0), round((full_width - width) / 2.0), height, width)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """A part of a picture, changed to another size."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """Put a border around a picture.

    Args:
        img: a PIL image or a tensor (..., C, H, W).
        padding: one number for all sides, (left and right, top and bottom), or (left, top, right, bottom); numbers
            below 0 cut off.
        fill: the border's colour, one number or one for each channel.
        padding_mode: ``"constant"``; ``"edge"``, the outermost pixel; ``"reflect"`` and ``"symmetric"``, the mirror
            image without and with the outermost pixel.

    Raises:
        ValueError: another number of numbers, or another mode.
        TypeError: another kind of picture or padding.
    """
    if not isinstance(padding, (int, Sequence)) or isinstance(padding, str):
        raise TypeError("Got inappropriate padding arg")
    numbers = [padding] if isinstance(padding, int) else [int(number) for number in padding]
    if len(numbers) not in (1, 2, 4):
        raise ArgumentError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(numbers)} element tuple")
    if padding_mode not in _PADDINGS:
        raise ArgumentError("Padding mode should be either constant, edge, reflect or symmetric")
    left, top, right, bottom = numbers if len(numbers) == 4 else (numbers * 2 if len(numbers) == 2 else numbers * 4)
    if is_pil(img) and padding_mode == "constant":
        grown = (img.width + left + right, img.height + top + bottom)
        colour = pil_fill(fill, img)
        image = require("PIL.Image", extra="vision").new(img.mode, grown, colour)
        if img.mode == "P":
            image.putpalette(img.getpalette())
        image.paste(img, (left, top))
        return image
    if is_pil(img) and img.mode == "1":
        return pad(img.convert("L"), padding, fill, padding_mode).convert("1")
    values = np.array(img) if is_pil(img) else values_of(img)
    first = 0 if is_pil(img) else values.ndim - 2
    sides = [(0, 0)] * values.ndim
    sides[first : first + 2] = [(top, bottom), (left, right)]
    cut = tuple(slice(max(-a, 0), max(n + min(b, 0), 0)) for (a, b), n in zip(sides, values.shape, strict=True))
    grow = [(max(a, 0), max(b, 0)) for a, b in sides]
    if padding_mode != "constant":
        grown_values = np.pad(values[cut], grow, padding_mode)  # type: ignore[call-overload]
        if not is_pil(img):
            return picture_of(grown_values)
        framed_image = to_pil(grown_values)
        if img.mode == "P":
            framed_image.putpalette(img.getpalette())
        return framed_image
    channels = values.shape[-3] if values.ndim > 2 else 1
    colours = np.array(fill_channels(fill, channels)).astype(values.dtype)
    framed = np.empty([n + a + b for n, (a, b) in zip(values[cut].shape, grow, strict=True)], values.dtype)
    framed[...] = colours[:, None, None] if values.ndim > 2 else colours[0]
    framed[tuple(slice(a, a + n) for (a, _), n in zip(grow, values[cut].shape, strict=True))] = values[cut]
    return picture_of(framed)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """Write ``v`` over the part of a tensor (..., C, H, W) from row i and column j on, of h rows and w columns."""
    if not isinstance(img, Tensor):
        raise TypeError(f"Tensor is not a torch image: expected a Tensor, got {type(img).__name__}")
    erased = img if inplace else img.clone()
    erased[..., i : i + h, j : j + w] = v
    return erased
