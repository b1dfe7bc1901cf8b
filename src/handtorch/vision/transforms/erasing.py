"""Random erasing: a rectangle is painted over, so that a network relies on no single part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from handtorch import random
from handtorch.errors import ArgumentError
from handtorch.from_data import from_numpy
from handtorch.nn import Module
from handtorch.tensor import Tensor
from handtorch.vision.transforms import chance
from handtorch.vision.transforms import functional as F

_TRIES = 10


class RandomErasing(Module):
    """Paint over a random rectangle of a tensor (..., C, H, W) (Zhong et al. 2017).

    Args:
        p: probability.
        scale: the rectangle's area, as a share of the picture's: least and most.
        ratio: its height over its width: least and most.
        value: the colour, one number or one for each channel; or ``"random"`` for noise.
        inplace: write over the tensor.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(value, (int, float, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ArgumentError("If value is str, it should be 'random'")
        if not 0 <= scale[0] <= 1 or not 0 <= scale[1] <= 1:
            raise ArgumentError("Scale should be between 0 and 1")
        if not 0 <= p <= 1:
            raise ArgumentError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, Tensor]:
        """Top, left, height and width of a rectangle and what to paint, drawn by chance."""
        channels, height, width = F.get_dimensions(img)
        for _ in range(_TRIES):
            area = height * width * chance.between(*scale)
            aspect = chance.aspect((ratio[0], ratio[1]))
            h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if not (h < height and w < width):
                continue
            paint = random.normal((channels, h, w)) if value is None else np.asarray(value, np.float32)[:, None, None]
            return chance.whole(height - h + 1), chance.whole(width - w + 1), h, w, from_numpy(paint)
        return 0, 0, height, width, img

    def forward(self, img: Tensor) -> Tensor:
        """The picture, perhaps with a rectangle on it."""
        if chance.unit() >= self.p:
            return img
        value: list[float] | None = None
        if not isinstance(self.value, str):
            value = [float(self.value)] if isinstance(self.value, (int, float)) else list(self.value)
        if value is not None and len(value) not in (1, F.get_image_num_channels(img)):
            raise ArgumentError(
                "If value is a sequence, it should have either a single value or "
                f"{F.get_image_num_channels(img)} (number of input channels)"
            )
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, inplace={self.inplace}"
