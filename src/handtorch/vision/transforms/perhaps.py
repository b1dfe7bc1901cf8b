"""Transforms that change a picture with a probability, each in one way."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.nn import Module
from handtorch.vision.transforms import chance
from handtorch.vision.transforms import functional as F
from handtorch.vision.transforms.functional.modes import InterpolationMode, as_mode

Point = list[int]


class _Perhaps(Module):
    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        """The picture, perhaps changed."""
        return self.change(img) if chance.unit() < self.p else img

    def change(self, img: Any) -> Any:
        """The changed picture."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class RandomInvert(_Perhaps):
    """White becomes black with probability ``p``."""

    def change(self, img: Any) -> Any:
        return F.invert(img)


class RandomAutocontrast(_Perhaps):
    """Every channel reaches from black to white with probability ``p``."""

    def change(self, img: Any) -> Any:
        return F.autocontrast(img)


class RandomEqualize(_Perhaps):
    """Every shade becomes about equally common with probability ``p``."""

    def change(self, img: Any) -> Any:
        return F.equalize(img)


class RandomPosterize(_Perhaps):
    """Only the first ``bits`` bits of every shade are kept with probability ``p``."""

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def change(self, img: Any) -> Any:
        return F.posterize(img, self.bits)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"bits={self.bits},p={self.p}"


class RandomSolarize(_Perhaps):
    """What is at least as bright as ``threshold`` is inverted with probability ``p``."""

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: Any) -> Any:
        return F.solarize(img, self.threshold)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"threshold={self.threshold},p={self.p}"


class RandomAdjustSharpness(_Perhaps):
    """Blurred (a factor of 0), as it was (1) or sharper (2 and so on) with probability ``p``."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Any) -> Any:
        return F.adjust_sharpness(img, self.sharpness_factor)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"sharpness_factor={self.sharpness_factor},p={self.p}"


class RandomPerspective(_Perhaps):
    """Seen from another side with probability ``p``.

    Args:
        distortion_scale: how far a corner may move, as a share of half the picture: from 0 to 1.
        p: probability.
        interpolation, fill: as in :func:`handtorch.vision.transforms.functional.perspective`.
    """

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: Any = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__(p)
        if not 0 <= distortion_scale <= 1:
            raise ArgumentError(f"expected distortion_scale from 0 to 1, got {distortion_scale}")
        self.distortion_scale, self.fill = distortion_scale, 0 if fill is None else fill
        self.interpolation = as_mode(interpolation)

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[list[Point], list[Point]]:
        """The picture's corners and where they go, drawn by chance."""
        across, down = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))
        left, top = (0, across + 1), (0, down + 1)
        right, bottom = (width - across - 1, width), (height - down - 1, height)
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        ends = [[chance.whole(x[1], x[0]), chance.whole(y[1], y[0])] for x, y in corners]
        return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], ends

    def change(self, img: Any) -> Any:
        _, height, width = F.get_dimensions(img)
        corners = self.get_params(width, height, self.distortion_scale)
        return F.perspective(img, *corners, self.interpolation, self.fill)
