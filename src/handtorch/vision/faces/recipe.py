"""What the generated faces consist of: a few numbers, from which every picture follows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError

# Counts up whenever the same recipe begins to give other pictures.
LAYOUT = 2

# Pixels; the pictures of all people together have to fit into memory.
LARGEST = 1024

SPLITS = ("train", "held_out", "val", "test")
"""``held_out`` has other pictures of the people in ``train``; nobody in ``val`` or ``test`` is in any other split."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How many people, and how many pictures of each.

    Equal recipes give equal bytes under the same releases of ``anny`` and NumPy on the same kind of processor, and
    more people or more pictures change none of the others.
    """

    people: int = 220
    pictures: int = 20
    """Pictures of each person."""
    held_out: int = 4
    """Of these, how many of each person in training are kept to try a classifier on."""
    val: int = 20
    """People to choose settings on."""
    test: int = 40
    """People to report on."""
    size: int = 64
    """H and W, pixels."""
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.val, self.test, self.held_out) < 0 or self.people <= self.val + self.test:
            raise ArgumentError(f"expected more people than those of val and test, got {self}")
        if self.pictures <= self.held_out:
            raise ArgumentError(f"expected more pictures of each person than are held out, got {self}")
        if not 8 <= self.size <= LARGEST or not 0 <= self.seed < 2**32:
            raise ArgumentError(f"expected a size from 8 to {LARGEST} and a seed of 32 bits, got {self}")

    @property
    def total(self) -> int:
        """Pictures in all splits together."""
        return self.people * self.pictures

    def members(self, split: str) -> npt.NDArray[np.int64]:
        """The numbers (N,) of a split's pictures; picture n shows person ``n // pictures``."""
        if split not in SPLITS:
            raise ArgumentError(f"expected split to be one of {', '.join(SPLITS)}, got {split!r}")
        training = self.people - self.val - self.test
        # Test people come first, so that more people for training leave the test as it is.
        first, last = {"test": (0, self.test), "val": (self.test, self.test + self.val)}.get(
            split, (self.people - training, self.people)
        )
        numbers = np.arange(first * self.pictures, last * self.pictures)
        late = numbers % self.pictures >= self.pictures - self.held_out
        return numbers[~late] if split == "train" else numbers[late] if split == "held_out" else numbers

    def key(self, assets: str) -> str:
        """12 hexadecimal digits that differ when recipe, assets or layout differ."""
        drawn = {name: value for name, value in asdict(self).items() if name not in ("held_out", "val", "test")}
        return hashlib.sha256(json.dumps([LAYOUT, assets, drawn], sort_keys=True).encode()).hexdigest()[:12]
