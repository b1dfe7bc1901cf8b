"""Augmentations out of many, drawn by chance alone: RandAugment and TrivialAugment."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.vision.transforms import chance
from handtorch.vision.transforms import functional as F
from handtorch.vision.transforms.augmentation import Augmentation, Strengths, searched
from handtorch.vision.transforms.functional.modes import InterpolationMode


class RandAugment(Augmentation):
    """``num_ops`` of 14 augmentations, each drawn by chance, all of one strength (Cubuk et al. 2019).

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
        super().__init__(interpolation, fill)
        if not 0 <= magnitude < num_magnitude_bins:
            raise ArgumentError(f"expected magnitude from 0 to {num_magnitude_bins - 1}, got {magnitude}")
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins

    def choices(self, height: int, width: int) -> dict[str, Strengths]:
        """What there is to draw from."""
        return {"Identity": Strengths(), **searched(height, width)}

    def forward(self, img: Any) -> Any:
        """The augmented picture."""
        _, height, width = F.get_dimensions(img)
        choices = list(self.choices(height, width).items())
        for _ in range(self.num_ops):
            name, strengths = choices[chance.whole(len(choices))]
            strength = strengths.at(self.magnitude, self.num_magnitude_bins)
            if strengths.signed and chance.whole(2):
                strength = -strength
            img = self.apply(img, name, strength)
        return img

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"num_ops={self.num_ops}, magnitude={self.magnitude}, num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation}, fill={self.fill}"
        )


class TrivialAugmentWide(Augmentation):
    """One of 14 augmentations, of a strength that is drawn, too, from a wide range (Müller & Hutter 2021).

    Args:
        num_magnitude_bins: how finely strength is divided.
        interpolation, fill: of turns, moves and shears.

    Takes PIL images and uint8 tensors (..., C, H, W). Nothing has to be tuned.
    """

    def __init__(
        self, num_magnitude_bins: int = 31, interpolation: Any = InterpolationMode.NEAREST, fill: Any = None
    ) -> None:
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = num_magnitude_bins

    def choices(self) -> dict[str, Strengths]:
        """What there is to draw from."""
        nearly_all = Strengths(0.0, 0.99, signed=True)
        return {
            "Identity": Strengths(),
            **dict.fromkeys(("ShearX", "ShearY"), nearly_all),
            **dict.fromkeys(("TranslateX", "TranslateY"), Strengths(0.0, 32.0, signed=True)),
            "Rotate": Strengths(0.0, 135.0, signed=True),
            **dict.fromkeys(("Brightness", "Color", "Contrast", "Sharpness"), nearly_all),
            "Posterize": Strengths(8.0, 2.0, whole=True),
            "Solarize": Strengths(255.0, 0.0),
            "AutoContrast": Strengths(),
            "Equalize": Strengths(),
        }

    def forward(self, img: Any) -> Any:
        """The augmented picture."""
        choices = list(self.choices().items())
        name, strengths = choices[chance.whole(len(choices))]
        levels = self.num_magnitude_bins
        strength = strengths.at(chance.whole(levels), levels) if strengths.graded else strengths.weakest
        if strengths.signed and chance.whole(2):
            strength = -strength
        return self.apply(img, name, strength)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"num_magnitude_bins={self.num_magnitude_bins}, interpolation={self.interpolation}, fill={self.fill}"
