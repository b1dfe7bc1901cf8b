"""Pictures out of focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError
from handtorch.vision.images import is_pil
from handtorch.vision.transforms.functional.conversion import pil_to_tensor, to_pil_image
from handtorch.vision.transforms.functional.kinds import Array, pair, picture_of, rounded, values_of, working_type


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """Convolve with ``exp(-x²/2σ²)``, cut off and normalised, one axis after the other; the border is mirrored.

    Args:
        img: a PIL image or a tensor (..., C, H, W).
        kernel_size: odd, pixels: one number or (x, y).
        sigma: σ in pixels, one number or (x, y); by default ``0.15 kernel_size + 0.35``.

    Raises:
        ValueError: an even or negative kernel size, or a σ that is not above 0.
    """
    across, down = pair(kernel_size, "kernel_size")
    if across <= 0 or down <= 0 or across % 2 == 0 or down % 2 == 0:
        raise ArgumentError(f"kernel_size should have odd and positive integers. Got {[across, down]}")
    if sigma is None:
        sigmas = [0.15 * size + 0.35 for size in (across, down)]
    else:
        sigmas = [float(s) for s in sigma] if isinstance(sigma, Sequence) else [float(sigma)]
        sigmas = sigmas * 2 if len(sigmas) == 1 else sigmas
    if len(sigmas) != 2 or min(sigmas) <= 0:
        raise ArgumentError(f"sigma should have positive values. Got {sigma}")
    if is_pil(img):
        return to_pil_image(gaussian_blur(pil_to_tensor(img), kernel_size, sigma), mode=img.mode)
    values = values_of(img)
    blurred = values.astype(working_type(values))
    for axis, size, deviation in ((-1, across, sigmas[0]), (-2, down, sigmas[1])):
        blurred = _along(blurred, axis, size, deviation)
    return picture_of(rounded(blurred, values))


def _along(x: Array, axis: int, size: int, sigma: float) -> Array:
    reach = size // 2
    if reach >= x.shape[axis]:
        raise ArgumentError(f"expected a kernel smaller than twice the picture, got {size} for {x.shape[axis]} pixels")
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(x.dtype)
    sides = [(0, 0)] * x.ndim
    sides[axis] = (reach, reach)
    padded = np.moveaxis(np.pad(x, sides, mode="reflect"), axis, -1)
    length = x.shape[axis]
    summed = sum(weight * padded[..., k : k + length] for k, weight in enumerate(weights))
    return np.moveaxis(np.asarray(summed), -1, axis)
