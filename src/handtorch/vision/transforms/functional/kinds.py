"""The two kinds of pictures that transforms take: PIL images, and tensors (..., C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError
from handtorch.from_data import from_numpy
from handtorch.tensor import Tensor
from handtorch.vision.images import is_pil

Array = npt.NDArray[Any]


def values_of(picture: Tensor) -> Array:
    """A picture's array (..., C, H, W).

    Raises:
        TypeError: it is no tensor of at least two axes.
    """
    if not isinstance(picture, Tensor):
        raise TypeError(f"expected a PIL image or a Tensor (..., C, H, W), got {type(picture).__name__}")
    if picture.ndim < 2:
        raise TypeError(f"Tensor is not a torch image: expected (..., C, H, W), got {tuple(picture.shape)}")
    return picture.detach().numpy()


def picture_of(values: Array) -> Tensor:
    """The tensor of an array, which becomes contiguous."""
    return from_numpy(np.ascontiguousarray(values))


def get_dimensions(img: Any) -> list[int]:
    """Channels, height and width."""
    if is_pil(img):
        return [len(img.getbands()), img.height, img.width]
    shape = values_of(img).shape
    return [shape[-3] if len(shape) > 2 else 1, shape[-2], shape[-1]]


def get_image_size(img: Any) -> list[int]:
    """Width and height."""
    _, height, width = get_dimensions(img)
    return [width, height]


def get_image_num_channels(img: Any) -> int:
    """How many channels."""
    return get_dimensions(img)[0]


def bound_of(values: Array) -> int | float:
    """White: 1 of floats, else the type's largest number."""
    return 1.0 if values.dtype.kind == "f" else int(np.iinfo(values.dtype).max)


def rounded(values: Array, like: Array) -> Array:
    """Computed floats as the type that the picture had, rounded and held within it."""
    if like.dtype.kind == "f":
        return values.astype(like.dtype, copy=False)
    limits = np.iinfo(like.dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(like.dtype)


def working_type(values: Array) -> np.dtype:
    """What a picture is computed in: its own type of floats, else float32."""
    return values.dtype if values.dtype.kind == "f" else np.dtype(np.float32)


def pair(size: Any, what: str) -> tuple[int, int]:
    """Height and width of one number or two.

    Raises:
        ValueError: more numbers than two.
    """
    if isinstance(size, (int, np.integer)):
        return int(size), int(size)
    numbers = [int(number) for number in size]
    if len(numbers) == 1:
        return numbers[0], numbers[0]
    if len(numbers) != 2:
        raise ArgumentError(f"{what}: expected one number or (height, width), got {tuple(numbers)}")
    return numbers[0], numbers[1]


def fill_channels(fill: Any, channels: int) -> list[float]:
    """The colour of what is outside, one number for each channel.

    Raises:
        TypeError: no numbers.
        ArgumentError: another number of numbers.
    """
    if isinstance(fill, str) or not isinstance(fill, (int, float, Sequence, type(None))):
        raise TypeError(f"Got inappropriate fill arg: expected one number or one for each channel, got {fill!r}")
    numbers = [0.0] if fill is None else [float(f) for f in fill] if isinstance(fill, Sequence) else [float(fill)]
    if len(numbers) not in (1, channels):
        raise ArgumentError(f"expected fill as one number or one for each of {channels} channels, got {len(numbers)}")
    return numbers * channels if len(numbers) == 1 else numbers


def pil_fill(fill: Any, img: Any) -> Any:
    """The colour of what is outside as Pillow wants it for the picture's mode."""
    channels = len(img.getbands())
    if fill is None:
        return None
    numbers = fill_channels(fill, channels)
    colour = tuple(int(number) if img.mode != "F" else number for number in numbers)
    return colour if channels > 1 else colour[0]
