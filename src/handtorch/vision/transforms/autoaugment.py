"""AutoAugment: pairs of augmentations that a search found best for a data set (Cubuk et al. 2018)."""

from __future__ import annotations

import enum
from typing import Any

from handtorch import random
from handtorch.vision.transforms import chance
from handtorch.vision.transforms import functional as F
from handtorch.vision.transforms.augmentation import Augmentation, Strengths, searched
from handtorch.vision.transforms.functional.modes import InterpolationMode

_LEVELS = 10


class AutoAugmentPolicy(enum.Enum):
    """The data sets for which there was a search."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


# What the search found, with torchvision 0.28's values: a pair a line, of each augmentation its probability and level.
_POLICIES = {
    AutoAugmentPolicy.IMAGENET: """
        Posterize 0.4 8, Rotate 0.6 9
        Solarize 0.6 5, AutoContrast 0.6
        Equalize 0.8, Equalize 0.6
        Posterize 0.6 7, Posterize 0.6 6
        Equalize 0.4, Solarize 0.2 4
        Equalize 0.4, Rotate 0.8 8
        Solarize 0.6 3, Equalize 0.6
        Posterize 0.8 5, Equalize 1.0
        Rotate 0.2 3, Solarize 0.6 8
        Equalize 0.6, Posterize 0.4 6
        Rotate 0.8 8, Color 0.4 0
        Rotate 0.4 9, Equalize 0.6
        Equalize 0.0, Equalize 0.8
        Invert 0.6, Equalize 1.0
        Color 0.6 4, Contrast 1.0 8
        Rotate 0.8 8, Color 1.0 2
        Color 0.8 8, Solarize 0.8 7
        Sharpness 0.4 7, Invert 0.6
        ShearX 0.6 5, Equalize 1.0
        Color 0.4 0, Equalize 0.6
        Equalize 0.4, Solarize 0.2 4
        Solarize 0.6 5, AutoContrast 0.6
        Invert 0.6, Equalize 1.0
        Color 0.6 4, Contrast 1.0 8
        Equalize 0.8, Equalize 0.6
    """,
    AutoAugmentPolicy.CIFAR10: """
        Invert 0.1, Contrast 0.2 6
        Rotate 0.7 2, TranslateX 0.3 9
        Sharpness 0.8 1, Sharpness 0.9 3
        ShearY 0.5 8, TranslateY 0.7 9
        AutoContrast 0.5, Equalize 0.9
        ShearY 0.2 7, Posterize 0.3 7
        Color 0.4 3, Brightness 0.6 7
        Sharpness 0.3 9, Brightness 0.7 9
        Equalize 0.6, Equalize 0.5
        Contrast 0.6 7, Sharpness 0.6 5
        Color 0.7 7, TranslateX 0.5 8
        Equalize 0.3, AutoContrast 0.4
        TranslateY 0.4 3, Sharpness 0.2 6
        Brightness 0.9 6, Color 0.2 8
        Solarize 0.5 2, Invert 0.0
        Equalize 0.2, AutoContrast 0.6
        Equalize 0.2, Equalize 0.6
        Color 0.9 9, Equalize 0.6
        AutoContrast 0.8, Solarize 0.2 8
        Brightness 0.1 3, Color 0.7 0
        Solarize 0.4 5, AutoContrast 0.9
        TranslateY 0.9 9, TranslateY 0.7 9
        AutoContrast 0.9, Solarize 0.8 3
        Equalize 0.8, Invert 0.1
        TranslateY 0.7 9, AutoContrast 0.9
    """,
    AutoAugmentPolicy.SVHN: """
        ShearX 0.9 4, Invert 0.2
        ShearY 0.9 8, Invert 0.7
        Equalize 0.6, Solarize 0.6 6
        Invert 0.9, Equalize 0.6
        Equalize 0.6, Rotate 0.9 3
        ShearX 0.9 4, AutoContrast 0.8
        ShearY 0.9 8, Invert 0.4
        ShearY 0.9 5, Solarize 0.2 6
        Invert 0.9, AutoContrast 0.8
        Equalize 0.6, Rotate 0.9 3
        ShearX 0.9 4, Solarize 0.3 3
        ShearY 0.8 8, Invert 0.7
        Equalize 0.9, TranslateY 0.6 6
        Invert 0.9, Equalize 0.6
        Contrast 0.3 3, Rotate 0.8 4
        Invert 0.8, TranslateY 0.0 2
        ShearY 0.7 6, Solarize 0.4 8
        Invert 0.6, Rotate 0.8 4
        ShearY 0.3 7, TranslateX 0.9 3
        ShearX 0.1 6, Invert 0.6
        Solarize 0.7 2, TranslateY 0.6 7
        ShearY 0.8 4, Invert 0.8
        ShearX 0.7 9, TranslateY 0.8 3
        ShearY 0.8 5, AutoContrast 0.7
        ShearX 0.7 2, Invert 0.1
    """,
}

Step = tuple[str, float, int]


def _read(step: str) -> Step:
    name, probability, *level = step.split()
    return name, float(probability), int(level[0]) if level else 0


class AutoAugment(Augmentation):
    """One of 25 pairs of augmentations, drawn by chance.

    Args:
        policy: the data set for which the pairs were found.
        interpolation, fill: of turns, moves and shears.

    Takes PIL images and uint8 tensors (..., C, H, W).

    Raises:
        ValueError: another policy.
    """

    def __init__(
        self,
        policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.policy = AutoAugmentPolicy(policy)
        lines = _POLICIES[self.policy].strip().splitlines()
        self.policies = [[_read(step) for step in line.split(",")] for line in lines]

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, list[float], list[int]]:
        """Which pair, and for both of its augmentations two draws: of whether it is done, and of its sign."""
        return chance.whole(transform_num), random.uniform((2,)).tolist(), random.randint(0, 2, (2,)).tolist()

    def forward(self, img: Any) -> Any:
        """The augmented picture."""
        number, draws, signs = self.get_params(len(self.policies))
        _, height, width = F.get_dimensions(img)
        choices = {**searched(height, width), "Invert": Strengths()}
        for (name, probability, level), drawn, sign in zip(self.policies[number], draws, signs, strict=True):
            if drawn <= probability:
                strength = choices[name].at(level, _LEVELS)
                img = self.apply(img, name, -strength if choices[name].signed and sign == 0 else strength)
        return img

    def extra_repr(self) -> str:
        """The arguments."""
        return f"policy={self.policy}, fill={self.fill}"
