"""Brightness, contrast, saturation, hue, and what else happens to each colour by itself.

Most are a mixture ``ratio x + (1 - ratio) d`` of the picture with a degenerate one (Haeberli & Voorhies 1994): black,
a flat grey, its own grey version, or a blurred one. PIL images go through Pillow's own functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, require
from handtorch.vision.images import is_pil
from handtorch.vision.transforms.functional.kinds import (
    Array,
    bound_of,
    get_dimensions,
    picture_of,
    values_of,
    working_type,
)

# Of red, green and blue in what the eye sees as brightness (ITU-R BT.601).
_LUMA = (0.2989, 0.587, 0.114)


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """A PIL image in shades of grey.

    Raises:
        TypeError: it is no PIL image.
        ValueError: neither 1 nor 3 channels.
    """
    if not is_pil(img):
        raise TypeError("Input should be PIL Image")
    if num_output_channels not in (1, 3):
        raise ArgumentError("num_output_channels should be either 1 or 3")
    grey = img.convert("L")
    return grey if num_output_channels == 1 else require("PIL.Image", extra="vision").merge("RGB", (grey, grey, grey))


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """A picture in shades of grey, ``0.2989 R + 0.587 G + 0.114 B``.

    Raises:
        ValueError: neither 1 nor 3 channels.
        TypeError: another kind of picture.
    """
    if is_pil(img):
        return to_grayscale(img, num_output_channels)
    grey = _grey(_coloured(img))
    if num_output_channels not in (1, 3):
        raise ArgumentError("num_output_channels should be either 1 or 3")
    return picture_of(grey.repeat(num_output_channels, axis=-3))


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """Mix with black: 0 gives black, 1 the picture, 2 twice as bright."""
    _check_factor("brightness_factor", brightness_factor)
    if is_pil(img):
        return require("PIL.ImageEnhance", extra="vision").Brightness(img).enhance(brightness_factor)
    values = values_of(img)
    return picture_of(_blend(values, 0.0, brightness_factor))


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """Mix with the flat grey of the picture's mean brightness: 0 gives that grey, 1 the picture."""
    _check_factor("contrast_factor", contrast_factor)
    if is_pil(img):
        return require("PIL.ImageEnhance", extra="vision").Contrast(img).enhance(contrast_factor)
    values = _coloured(img)
    mean = _grey(values).mean(axis=(-3, -2, -1), keepdims=True, dtype=working_type(values))
    return picture_of(_blend(values, mean, contrast_factor))


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """Mix with the picture in shades of grey: 0 gives those, 1 the picture."""
    _check_factor("saturation_factor", saturation_factor)
    if is_pil(img):
        return require("PIL.ImageEnhance", extra="vision").Color(img).enhance(saturation_factor)
    if get_dimensions(img)[0] == 1:
        return img
    values = _coloured(img)
    return picture_of(_blend(values, _grey(values), saturation_factor))


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Turn the circle of colours: 0 gives the picture, 0.5 and -0.5 the complementary colours.

    Raises:
        ValueError: a factor outside [-0.5, 0.5].
    """
    if not -0.5 <= hue_factor <= 0.5:
        raise ArgumentError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if is_pil(img):
        if img.mode in ("L", "1", "I", "F"):
            return img
        hue, saturation, value = img.convert("HSV").split()
        turned = np.array(hue) + np.int32(hue_factor * 255).astype(np.uint8)
        pillow = require("PIL.Image", extra="vision")
        return pillow.merge("HSV", (pillow.fromarray(turned), saturation, value)).convert(img.mode)
    if get_dimensions(img)[0] == 1:
        return img
    values = _coloured(img)
    kind = working_type(values)
    colours = values.astype(kind) / kind.type(bound_of(values))
    h, s, v = _to_hsv(colours)
    turned = _from_hsv((h + kind.type(hue_factor)) % 1, s, v)
    if values.dtype.kind == "f":
        return picture_of(turned.astype(values.dtype))
    return picture_of((turned * (bound_of(values) + 1 - 1e-3)).astype(values.dtype))


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """``gain x^gamma`` with x in [0, 1].

    Raises:
        ValueError: gamma below 0.
    """
    _check_factor("gamma", gamma)
    if is_pil(img):
        table = [int(min((255 + 1 - 1e-3) * gain * (shade / 255.0) ** gamma, 255)) for shade in range(256)]
        mode = img.mode
        return img.convert("RGB").point(table * 3).convert(mode)
    values = values_of(img)
    bound = bound_of(values)
    bent = np.clip(gain * (values.astype(working_type(values)) / bound) ** gamma, 0, 1)
    return picture_of((bent * (bound + 1 - 1e-3) if values.dtype.kind != "f" else bent).astype(values.dtype))


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """Mix with a blurred version, (1 1 1; 1 5 1; 1 1 1) / 13 within the border: 0 gives that, 1 the picture."""
    _check_factor("sharpness_factor", sharpness_factor)
    if is_pil(img):
        return require("PIL.ImageEnhance", extra="vision").Sharpness(img).enhance(sharpness_factor)
    values = values_of(img)
    height, width = values.shape[-2:]
    if height <= 2 or width <= 2:
        return img
    x = values.astype(working_type(values))
    shifts = [(i, j) for i in range(3) for j in range(3)]
    inner = sum((5 if (i, j) == (1, 1) else 1) * x[..., i : height - 2 + i, j : width - 2 + j] for i, j in shifts) / 13
    blurred = x.copy()
    blurred[..., 1:-1, 1:-1] = inner if values.dtype.kind == "f" else np.rint(inner)
    return picture_of(_blend(values, blurred, sharpness_factor))


def invert(img: Any) -> Any:
    """White becomes black."""
    if is_pil(img):
        return require("PIL.ImageOps", extra="vision").invert(img)
    values = values_of(img)
    return picture_of((bound_of(values) - values).astype(values.dtype))


def posterize(img: Any, bits: int) -> Any:
    """Keep the first bits of every shade.

    Raises:
        TypeError: a tensor of another element type than uint8.
    """
    if is_pil(img):
        return require("PIL.ImageOps", extra="vision").posterize(img, bits)
    values = values_of(img)
    if values.dtype != np.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    return picture_of(values & np.uint8(256 - 2 ** (8 - bits)))


def solarize(img: Any, threshold: float) -> Any:
    """Invert what is at least as bright as the threshold, of [0, 255], or of [0, 1] for floats."""
    if is_pil(img):
        return require("PIL.ImageOps", extra="vision").solarize(img, threshold)
    values = values_of(img)
    if threshold > bound_of(values):
        raise TypeError("Threshold should be less than bound of img.")
    return picture_of(np.where(values >= threshold, bound_of(values) - values, values).astype(values.dtype))


def autocontrast(img: Any) -> Any:
    """Stretch every channel so that its darkest shade becomes black and its brightest white."""
    if is_pil(img):
        return require("PIL.ImageOps", extra="vision").autocontrast(img)
    values = values_of(img)
    x = values.astype(working_type(values))
    darkest, brightest = x.min(axis=(-2, -1), keepdims=True), x.max(axis=(-2, -1), keepdims=True)
    flat = brightest == darkest
    bound = bound_of(values)
    # As PyTorch divides a number by a tensor, so that no shade is rounded the other way.
    scale = np.reciprocal(np.where(flat, x.dtype.type(bound), brightest - darkest)) * x.dtype.type(bound)
    return picture_of(np.clip((x - np.where(flat, x.dtype.type(0), darkest)) * scale, 0, bound).astype(values.dtype))


def equalize(img: Any) -> Any:
    """Make every shade of a channel about equally common.

    Raises:
        TypeError: a tensor of another element type than uint8.
    """
    if is_pil(img):
        return require("PIL.ImageOps", extra="vision").equalize(img)
    values = values_of(img)
    if values.dtype != np.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    channels = values.reshape(-1, *values.shape[-2:])
    return picture_of(np.stack([_equalized(channel) for channel in channels]).reshape(values.shape))


def _equalized(channel: Array) -> Array:
    counts = np.bincount(channel.ravel(), minlength=256)
    step = (channel.size - counts[np.flatnonzero(counts)[-1]]) // 255
    if step == 0:
        return channel
    table = (np.cumsum(counts) - counts + step // 2) // step
    return np.clip(table, 0, 255).astype(np.uint8)[channel]


def _check_factor(name: str, factor: float) -> None:
    if factor < 0:
        raise ArgumentError(f"{name} ({factor}) is not non-negative.")


def _coloured(img: Any) -> Array:
    """The values of a picture of 1 or 3 channels."""
    values = values_of(img)
    if values.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {values.ndim}")
    channels = get_dimensions(img)[0]
    if channels not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are [1, 3], but found {channels}")
    return values


def _grey(values: Array) -> Array:
    """(..., 1, H, W) of the same element type."""
    if values.shape[-3] == 1:
        return values
    kind = working_type(values)
    red, green, blue = (values[..., channel, :, :].astype(kind, copy=False) for channel in range(3))
    weights = [kind.type(weight) for weight in _LUMA]
    return (weights[0] * red + weights[1] * green + weights[2] * blue).astype(values.dtype)[..., None, :, :]


def _blend(values: Array, other: Any, ratio: float) -> Array:
    kind = working_type(values)
    mixed = kind.type(ratio) * values.astype(kind) + kind.type(1 - ratio) * np.asarray(other).astype(kind)
    return np.clip(mixed, 0, bound_of(values)).astype(values.dtype)


def _to_hsv(rgb: Array) -> tuple[Array, Array, Array]:
    """Hue, saturation and value in [0, 1] (Smith 1978)."""
    red, green, blue = (rgb[..., channel, :, :] for channel in range(3))
    value, least = rgb.max(axis=-3), rgb.min(axis=-3)
    chroma = value - least
    grey = chroma == 0
    safe = np.where(grey, 1, chroma)
    hue = np.where(
        value == red,
        ((green - blue) / safe) % 6,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    return np.where(grey, 0, hue / 6), chroma / np.where(grey, 1, value), value


def _from_hsv(hue: Array, saturation: Array, value: Array) -> Array:
    """Channel n is ``v - v s max(0, min(k, 4 - k, 1))`` with ``k = (n + 6 h) mod 6``, n = 5, 3, 1."""
    channels = []
    for n in (5, 3, 1):
        k = (n + 6 * hue) % 6
        channels.append(value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
    return np.stack(channels, axis=-3)
