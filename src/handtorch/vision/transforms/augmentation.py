"""Augmentations by name and strength: what AutoAugment, RandAugment and TrivialAugment draw from."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from handtorch.errors import ArgumentError
from handtorch.factories import linspace
from handtorch.nn import Module
from handtorch.vision.transforms import functional as F
from handtorch.vision.transforms.functional.modes import InterpolationMode, as_mode


class Strengths(NamedTuple):
    """From how weak to how strong an augmentation is, and whether its sign is drawn, too."""

    weakest: float = 0.0
    strongest: float = 0.0
    signed: bool = False
    whole: bool = False

    @property
    def graded(self) -> bool:
        """Whether there is more than one strength."""
        return self.weakest != self.strongest

    def at(self, level: int, levels: int) -> float:
        """The strength of a level from 0 to ``levels - 1``: in even steps, as PyTorch's ``linspace`` rounds them."""
        if self.whole:
            return self.weakest - float(np.rint(level / ((levels - 1) / (self.weakest - self.strongest))))
        return float(linspace(self.weakest, self.strongest, levels)[level]) if self.graded else self.weakest


class Augmentation(Module):
    """Pictures changed by augmentations that go by names.

    Args:
        interpolation, fill: of turns, moves and shears.

    Takes PIL images and uint8 tensors (..., C, H, W).
    """

    def __init__(self, interpolation: Any = InterpolationMode.NEAREST, fill: Any = None) -> None:
        super().__init__()
        self.interpolation, self.fill = as_mode(interpolation), fill

    def apply(self, img: Any, name: str, strength: float) -> Any:
        """The picture after one augmentation.

        Raises:
            ValueError: another name.
        """
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
        factors = {
            "Brightness": F.adjust_brightness,
            "Color": F.adjust_saturation,
            "Contrast": F.adjust_contrast,
            "Sharpness": F.adjust_sharpness,
        }
        if name in factors:
            return factors[name](img, 1.0 + strength)
        if name == "Posterize":
            return F.posterize(img, int(strength))
        if name == "Solarize":
            return F.solarize(img, strength)
        others = {"AutoContrast": F.autocontrast, "Equalize": F.equalize, "Invert": F.invert, "Identity": lambda x: x}
        if name not in others:
            raise ArgumentError(f"expected one of the augmentations by name, got {name!r}")
        return others[name](img)


def searched(height: int, width: int) -> dict[str, Strengths]:
    """What AutoAugment was searched among, for a picture of this size (Cubuk et al. 2018; values as in torchvision)."""
    return {
        "ShearX": Strengths(0.0, 0.3, signed=True),
        "ShearY": Strengths(0.0, 0.3, signed=True),
        "TranslateX": Strengths(0.0, 150.0 / 331.0 * width, signed=True),
        "TranslateY": Strengths(0.0, 150.0 / 331.0 * height, signed=True),
        "Rotate": Strengths(0.0, 30.0, signed=True),
        "Brightness": Strengths(0.0, 0.9, signed=True),
        "Color": Strengths(0.0, 0.9, signed=True),
        "Contrast": Strengths(0.0, 0.9, signed=True),
        "Sharpness": Strengths(0.0, 0.9, signed=True),
        "Posterize": Strengths(8.0, 4.0, whole=True),
        "Solarize": Strengths(255.0, 0.0),
        "AutoContrast": Strengths(),
        "Equalize": Strengths(),
    }
