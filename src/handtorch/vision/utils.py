"""Many pictures as one, to look at: torchvision.utils."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, ShapeError, require
from handtorch.from_data import from_numpy
from handtorch.tensor import Tensor

__all__ = ["make_grid", "save_image"]


def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Pictures beside and below each other.

    Args:
        tensor: (N, C, H, W), (C, H, W), (H, W), or pictures of one size in a list. Grey ones become coloured.
        nrow: how many stand beside each other.
        padding: pixels between them and around.
        normalize: move the values to [0, 1].
        value_range: (low, high), which become 0 and 1; default the smallest and the largest value.
        scale_each: take those of each picture instead of those of all.
        pad_value: of the pixels between the pictures.

    Returns:
        (C, H', W') with R rows of K pictures: H' = R (H + padding) + padding, W' = K (W + padding) + padding; a single
        picture is not padded.

    Raises:
        TypeError: no tensors, or a range that is no pair.
        ShapeError: another number of axes, or pictures of several sizes.
        ArgumentError: no picture at all, or none in a row.
    """
    pictures = _batch(tensor)
    if nrow < 1 or not len(pictures):
        raise ArgumentError(f"expected pictures, and one or more in a row, got {len(pictures)} and nrow={nrow}")
    if value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
    if normalize:
        groups = pictures[:, None] if scale_each else pictures[None]
        pictures = np.concatenate([_stretched(group, value_range) for group in groups])
    if len(pictures) == 1:
        return from_numpy(pictures[0].copy())
    n, channels, height, width = pictures.shape
    columns = min(nrow, n)
    rows = math.ceil(n / columns)
    size = (channels, rows * (height + padding) + padding, columns * (width + padding) + padding)
    grid = np.full(size, pad_value, pictures.dtype)
    for number, picture in enumerate(pictures):
        top, left = (
            place * (side + padding) + padding
            for place, side in zip(divmod(number, columns), (height, width), strict=True)
        )
        grid[:, top : top + height, left : left + width] = picture
    return from_numpy(grid)


def save_image(
    tensor: Tensor | Sequence[Tensor], fp: str | os.PathLike[str] | Any, format: str | None = None, **kwargs: Any
) -> None:
    """Write pictures with values from 0 to 1 into one file, as a grid.

    Args:
        tensor: as in :func:`make_grid`.
        fp: a path, whose ending says the format, or an open file.
        format: Pillow's name of the format.
        kwargs: the other arguments of :func:`make_grid`.
    """
    grid = make_grid(tensor, **kwargs).numpy().transpose(1, 2, 0)
    pixels = np.clip(grid.astype(np.float64) * 255 + 0.5, 0, 255).astype(np.uint8)
    pillow = require("PIL.Image", extra="vision")
    pillow.fromarray(pixels).save(fp, format=format)


def _batch(tensor: Tensor | Sequence[Tensor]) -> npt.NDArray[Any]:
    """(N, C, H, W) of three channels where there was one."""
    if isinstance(tensor, Tensor):
        pictures = tensor.detach().numpy()
    elif isinstance(tensor, list | tuple) and all(isinstance(picture, Tensor) for picture in tensor):
        if len({tuple(picture.shape) for picture in tensor}) > 1:
            raise ShapeError(f"expected pictures of one size, got {[tuple(picture.shape) for picture in tensor]}")
        pictures = np.array([picture.detach().numpy() for picture in tensor])
    else:
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    if pictures.ndim not in (2, 3, 4):
        raise ShapeError(f"expected pictures (N, C, H, W), (C, H, W) or (H, W), got {pictures.shape}")
    if pictures.ndim == 2:
        pictures = pictures[None]
    if pictures.ndim == 3:
        pictures = pictures[None]
    return pictures.repeat(3, axis=1) if pictures.shape[1] == 1 else pictures


def _stretched(pictures: npt.NDArray[Any], value_range: tuple[float, float] | None) -> npt.NDArray[Any]:
    low, high = value_range or (float(pictures.min()), float(pictures.max()))
    return ((np.clip(pictures, low, high) - low) / max(high - low, 1e-5)).astype(pictures.dtype)
