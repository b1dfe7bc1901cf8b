"""Transforms made of transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError
from handtorch.nn import Module, ModuleList
from handtorch.vision.transforms import chance

Transform = Callable[[Any], Any]


def _listed(whole: Any, parts: Sequence[Transform]) -> str:
    """A transform and those that it is made of, a line each."""
    return "\n".join([f"{type(whole).__name__}(", *(f"    {part}" for part in parts), ")"])


class Compose:
    """One transform after the other.

    Args:
        transforms: functions of a picture.
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        """The picture after all of them."""
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return _listed(self, self.transforms)


class Lambda:
    """A function as a transform.

    Args:
        lambd: a function of a picture.
    """

    def __init__(self, lambd: Transform) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        """The function's result."""
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class RandomTransforms:
    """Several transforms, of which chance decides what to do with them."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        if not isinstance(transforms, Sequence):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms

    def __repr__(self) -> str:
        return _listed(self, self.transforms)


class RandomApply(Module):
    """All transforms with probability ``p``, else none.

    Args:
        transforms: functions of a picture, or a ``ModuleList``.
        p: probability.
    """

    def __init__(self, transforms: Sequence[Transform] | ModuleList, p: float = 0.5) -> None:
        super().__init__()
        self.transforms = transforms
        self.p = p

    def forward(self, img: Any) -> Any:
        """The picture, perhaps changed."""
        if self.p < chance.unit():
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", f"    p={self.p}", *(f"    {t}" for t in self.transforms), ")"])


class RandomChoice(RandomTransforms):
    """One of several transforms.

    Args:
        transforms: functions of a picture.
        p: how often each is taken, in any unit; by default all alike.
    """

    def __init__(self, transforms: Sequence[Transform], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        if p is not None and (len(p) != len(transforms) or min(p) < 0 or sum(p) <= 0):
            raise ArgumentError(f"expected p as {len(transforms)} numbers of at least 0, got {p}")
        self.p = p

    def __call__(self, img: Any) -> Any:
        """The picture after the transform that was chosen."""
        weights = np.ones(len(self.transforms)) if self.p is None else np.asarray(self.p, np.float64)
        ends = np.cumsum(weights)
        number = int(np.searchsorted(ends, chance.unit() * ends[-1], side="right"))
        return self.transforms[number](img)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class RandomOrder(RandomTransforms):
    """All transforms, in random order."""

    def __call__(self, img: Any) -> Any:
        """The picture after all of them."""
        for number in chance.order(len(self.transforms)):
            img = self.transforms[number](img)
        return img
