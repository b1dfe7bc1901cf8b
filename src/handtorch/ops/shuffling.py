"""Shuffling: channels that change places with each other, or with the pixels of a finer grid."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ShapeError

__all__ = [
    "channel_shuffle",
    "native_channel_shuffle",
    "pixel_shuffle",
    "pixel_unshuffle",
]


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """Spread channels over the pixels of an r times finer grid: (*, C r², H, W) to (*, C, H r, W r).

    y[c, h r + i, w r + j] = x[c r² + i r + j, h, w]. (Shi et al. 2016)

    Args:
        upscale_factor: r.

    Raises:
        ShapeError: r is not positive, or the channels cannot be divided by r².
    """
    r, shape = upscale_factor, input.array.shape
    _check("pixel_shuffle", shape, "upscale_factor", r)
    *batch, channels, height, width = shape
    if channels % (r * r):
        raise ShapeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(batch)
    cells = input.reshape(*batch, channels // (r * r), r, r, height, width)
    c, i, j, h, w = range(n, n + 5)
    return cells.permute(*range(n), c, h, i, w, j).reshape(*batch, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """Gather the pixels of r by r cells into channels: (*, C, H r, W r) to (*, C r², H, W).

    The inverse of :func:`pixel_shuffle`.

    Args:
        downscale_factor: r.

    Raises:
        ShapeError: r is not positive, or the image cannot be divided by it.
    """
    r, shape = downscale_factor, input.array.shape
    _check("pixel_unshuffle", shape, "downscale_factor", r)
    *batch, channels, height, width = shape
    for what, length, axis in (("height", height, -2), ("width", width, -1)):
        if length % r:
            raise ShapeError(
                f"pixel_unshuffle expects {what} to be divisible by downscale_factor, but input.size({axis})={length} "
                f"is not divisible by {r}"
            )
    n = len(batch)
    cells = input.reshape(*batch, channels, height // r, r, width // r, r)
    c, h, i, w, j = range(n, n + 5)
    return cells.permute(*range(n), c, i, j, h, w).reshape(*batch, channels * r * r, height // r, width // r)


def _check(name: str, shape: tuple[int, ...], what: str, factor: int) -> None:
    if len(shape) < 3:
        raise ShapeError(
            f"{name} expects input to have at least 3 dimensions, (*, C, H, W), but got input with {len(shape)} "
            f"dimension(s)"
        )
    if factor <= 0:
        raise ShapeError(f"{name} expects a positive {what}, but got {factor}")


def channel_shuffle(input: Any, groups: int) -> Any:
    """Deal the channels of ``groups`` groups out in turn: channel g n + k goes to k groups + g, for groups of n.

    Zhang et al. 2018.

    Args:
        input: (N, C, *).
        groups: their number, a divisor of C.

    Raises:
        ShapeError: there is no axis after the channels, or they cannot be divided.
    """
    shape = input.array.shape
    if len(shape) < 3:
        raise ShapeError(f"channel_shuffle expects input with > 2 dims, (N, C, *), but got input with sizes {[*shape]}")
    if groups <= 0:
        raise ShapeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    if shape[1] % groups:
        raise ShapeError(
            f"Number of channels must be divisible by groups. Got {shape[1]} channels and {groups} groups."
        )
    grouped = input.reshape(shape[0], groups, shape[1] // groups, *shape[2:])
    return grouped.transpose(1, 2).reshape(*shape)


native_channel_shuffle = channel_shuffle
