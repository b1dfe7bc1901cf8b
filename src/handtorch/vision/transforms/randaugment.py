"""RandAugment: a few augmentations out of many, all of one strength (Cubuk et al. 2019)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError
from handtorch.nn import Module
from handtorch.vision.transforms import chance
from handtorch.vision.transforms import functional as F
from handtorch.vision.transforms.functional.modes import InterpolationMode, as_mode


class RandAugment(Module):
    """``num_ops`` of 14 augmentations, each drawn by chance.

    Args:
        num_ops: how many one after the other.
        magnitude: their strength, a number from 0 to ``num_magnitude_bins - 1``.
        num_magnitude_bins: how finely strength is divided.
        interpolation, fill: of turns, moves and shears.

    Takes PIL images and uint8 tensors (..., C, H, W).
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__()
        if not 0 <= magnitude < num_magnitude_bins:
            raise ArgumentError(f"expected magnitude from 0 to {num_magnitude_bins - 1}, got {magnitude}")
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins
        self.interpolation, self.fill = as_mode(interpolation), fill

    def strengths(self, height: int, width: int) -> dict[str, tuple[float, bool]]:
        """What there is to draw from: each augmentation's strength, and whether its sign is drawn, too."""
        share = self.magnitude / (self.num_magnitude_bins - 1)
        return {
            "Identity": (0.0, False),
            "ShearX": (0.3 * share, True),
            "ShearY": (0.3 * share, True),
            "TranslateX": (150.0 / 331.0 * width * share, True),
            "TranslateY": (150.0 / 331.0 * height * share, True),
            "Rotate": (30.0 * share, True),
            "Brightness": (0.9 * share, True),
            "Color": (0.9 * share, True),
            "Contrast": (0.9 * share, True),
            "Sharpness": (0.9 * share, True),
            "Posterize": (8 - float(np.rint(4 * share)), False),
            "Solarize": (255.0 * (1 - share), False),
            "AutoContrast": (0.0, False),
            "Equalize": (0.0, False),
        }

    def forward(self, img: Any) -> Any:
        """The augmented picture."""
        _, height, width = F.get_dimensions(img)
        strengths = list(self.strengths(height, width).items())
        for _ in range(self.num_ops):
            name, (strength, signed) = strengths[chance.whole(len(strengths))]
            if signed and chance.whole(2):
                strength = -strength
            img = self.apply(img, name, strength)
        return img

    def apply(self, img: Any, name: str, strength: float) -> Any:
        """One augmentation of :meth:`strengths`."""
        slant = math.degrees(math.atan(strength))
        # Translations, and the shear's degrees along x and y.
        moves: dict[str, tuple[list[int], list[float]]] = {
            "ShearX": ([0, 0], [slant, 0.0]),
            "ShearY": ([0, 0], [0.0, slant]),
            "TranslateX": ([int(strength), 0], [0.0, 0.0]),
            "TranslateY": ([0, int(strength)], [0.0, 0.0]),
        }
        if name in moves:
            translate, shear = moves[name]
            center = [0, 0] if name.startswith("Shear") else None
            return F.affine(img, 0.0, translate, 1.0, shear, self.interpolation, self.fill, center)
        if name == "Rotate":
            return F.rotate(img, strength, self.interpolation, fill=self.fill)
        if name in ("Brightness", "Color", "Contrast", "Sharpness"):
            adjust = {
                "Brightness": F.adjust_brightness,
                "Color": F.adjust_saturation,
                "Contrast": F.adjust_contrast,
                "Sharpness": F.adjust_sharpness,
            }
            return adjust[name](img, 1.0 + strength)
        if name == "Posterize":
            return F.posterize(img, int(strength))
        if name == "Solarize":
            return F.solarize(img, strength)
        return {"AutoContrast": F.autocontrast, "Equalize": F.equalize}.get(name, lambda same: same)(img)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"num_ops={self.num_ops}, magnitude={self.magnitude}, num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation.value}, fill={self.fill}"
        )
