"""Transforms of colours, and blur."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handtorch.errors import ArgumentError
from handtorch.nn import Module
from handtorch.vision.transforms import chance
from handtorch.vision.transforms import functional as F
from handtorch.vision.transforms.functional.kinds import pair

Span = tuple[float, float] | None


class Grayscale(Module):
    """Shades of grey.

    Args:
        num_output_channels: 1, or 3 equal ones.
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        """The grey picture."""
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"num_output_channels={self.num_output_channels}"


class RandomGrayscale(Module):
    """Shades of grey with probability ``p``, in as many channels as before."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """The picture, perhaps grey."""
        channels = F.get_image_num_channels(img)
        return F.rgb_to_grayscale(img, channels) if chance.unit() < self.p else img

    def extra_repr(self) -> str:
        """The arguments."""
        return f"p={self.p}"


class ColorJitter(Module):
    """Random brightness, contrast, saturation and hue, in random order.

    Args:
        brightness, contrast, saturation: (least, most) factor, or one number for 1 - number to 1 + number.
        hue: (least, most) within [-0.5, 0.5], or one number for -number to number.
    """

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness = _factors("brightness", brightness)
        self.contrast = _factors("contrast", contrast)
        self.saturation = _factors("saturation", saturation)
        self.hue = _factors("hue", hue, middle=0.0, least=-0.5, most=0.5)

    @staticmethod
    def get_params(
        brightness: Span, contrast: Span, saturation: Span, hue: Span
    ) -> tuple[list[int], float | None, float | None, float | None, float | None]:
        """The order of the four, and their factors, drawn by chance; None for those left out."""
        order = chance.order(4)
        b, c, s, h = (
            None if span is None else chance.between(*span) for span in (brightness, contrast, saturation, hue)
        )
        return order, b, c, s, h

    def forward(self, img: Any) -> Any:
        """The picture in other colours."""
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        adjust = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for number in order:
            factor = factors[number]
            if factor is not None:
                img = adjust[number](img, factor)
        return img

    def extra_repr(self) -> str:
        """The arguments."""
        return f"brightness={self.brightness}, contrast={self.contrast}, saturation={self.saturation}, hue={self.hue}"


def _factors(name: str, value: Any, middle: float = 1.0, least: float = 0.0, most: float = float("inf")) -> Span:
    """The span that a user means, or None where nothing would change."""
    if isinstance(value, (int, float)):
        if value < 0:
            raise ArgumentError(f"If {name} is a single number, it must be non negative.")
        low, high = middle - value, middle + value
        low = max(low, 0.0) if name != "hue" else low
    elif isinstance(value, Sequence) and len(value) == 2:
        low, high = float(value[0]), float(value[1])
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    if not least <= low <= high <= most:
        raise ArgumentError(f"{name} values should be between {(least, most)}, but got {[low, high]}.")
    return None if low == high == middle else (low, high)


class GaussianBlur(Module):
    """Blur of random strength.

    Args:
        kernel_size: odd, one number or (x, y).
        sigma: (least, most) in pixels, or one number.
    """

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size, "GaussianBlur")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ArgumentError("Kernel size value should be an odd and positive number.")
        low, high = (sigma, sigma) if isinstance(sigma, (int, float)) else sigma
        if not 0.0 < low <= high:
            raise ArgumentError(f"sigma values should be positive and of the form (min, max). Got {sigma}")
        self.sigma = (float(low), float(high))

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """The strength, drawn by chance."""
        return chance.between(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        """The blurred picture."""
        sigma = self.get_params(*self.sigma)
        return F.gaussian_blur(img, self.kernel_size, [sigma, sigma])

    def extra_repr(self) -> str:
        """The arguments."""
        return f"kernel_size={self.kernel_size}, sigma={self.sigma}"
