"""Random transforms that torchvision has too, and what became of a picture in torchvision 0.28.

``torchvision_pictures.npz`` holds the pictures that torchvision made of :func:`picture` after ``torch.manual_seed``.
Where it is installed, ``python -m tests.conformance.torchvision_pictures`` makes the file again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("torchvision_pictures.npz")
SEEDS = (0, 1, 2)

TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "RandomCrop": lambda T: T.RandomCrop(9, padding=2),
    "RandomCrop, if needed": lambda T: T.RandomCrop((14, 10), 1, True, 7, "reflect"),
    "RandomResizedCrop": lambda T: T.RandomResizedCrop((8, 10)),
    "RandomHorizontalFlip": lambda T: T.RandomHorizontalFlip(),
    "RandomVerticalFlip": lambda T: T.RandomVerticalFlip(),
    "RandomRotation": lambda T: T.RandomRotation(40, T.InterpolationMode.BILINEAR, fill=9),
    "RandomAffine": lambda T: T.RandomAffine(20, (0.2, 0.1), (0.8, 1.2), (-5, 5, -3, 3)),
    "RandomPerspective": lambda T: T.RandomPerspective(0.4, 0.9, fill=5),
    "RandomGrayscale": lambda T: T.RandomGrayscale(0.5),
    "RandomInvert": lambda T: T.RandomInvert(),
    "RandomPosterize": lambda T: T.RandomPosterize(3),
    "RandomSolarize": lambda T: T.RandomSolarize(100),
    "RandomAdjustSharpness": lambda T: T.RandomAdjustSharpness(2),
    "RandomAutocontrast": lambda T: T.RandomAutocontrast(),
    "RandomEqualize": lambda T: T.RandomEqualize(),
    "RandomErasing": lambda T: T.RandomErasing(0.8, value=(1, 2, 3)),
    "ColorJitter": lambda T: T.ColorJitter(0.4, 0.4, 0.4, 0.1),
    "GaussianBlur": lambda T: T.GaussianBlur((5, 3)),
    "RandomApply": lambda T: T.RandomApply([T.RandomRotation(90), T.ColorJitter(0.5)]),
    "RandAugment": lambda T: T.RandAugment(3, 7, fill=4),
    "TrivialAugmentWide": lambda T: T.TrivialAugmentWide(),
    **{
        f"AutoAugment {policy}": lambda T, policy=policy: T.AutoAugment(T.AutoAugmentPolicy(policy))
        for policy in ("imagenet", "cifar10", "svhn")
    },
}


def picture() -> np.ndarray:
    """(3, 12, 16), uint8, of different dark and bright colours."""
    rows, columns = np.mgrid[:12, :16]
    return np.stack([15 * rows + columns, 15 * columns + rows, (37 * rows * columns) % 151 + 40]).astype(np.uint8)


def main() -> None:
    """Make the file again."""
    import torch
    from torchvision import transforms

    made = {}
    for name, make in TRANSFORMS.items():
        for seed in SEEDS:
            torch.manual_seed(seed)
            made[f"{name} {seed}"] = make(transforms)(torch.from_numpy(picture())).numpy()
    np.savez_compressed(FILE, **made)


if __name__ == "__main__":
    main()
