"""The dice: lengths, settings, and tensors of every type and layout."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch

T = TypeVar("T")

FLOATS = (torch.float32, torch.float64)
COMPLEX = (torch.complex64, torch.complex128)
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


@dataclass
class Call:
    """A call of a function; or the making of a layer and its call.

    Attributes:
        name: under which both frameworks have it, such as ``nn.functional.conv2d`` or ``nn.Conv2d``.
        args, options: of the call.
        settings: what the layer is made with; None for a function.
        modes: for each call of the layer whether it is in training.
    """

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    settings: tuple[tuple[Any, ...], dict[str, Any]] | None = None
    modes: tuple[bool, ...] = (True,)

    def __str__(self) -> str:
        made = "" if self.settings is None else f"({_listed(*self.settings)})"
        modes = "" if self.settings is None or self.modes == (True,) else f" with training={self.modes}"
        return f"{self.name}{made}({_listed(self.args, self.options)}){modes}"


def _listed(args: Sequence[Any], options: dict[str, Any]) -> str:
    return ", ".join([*map(_shown, args), *(f"{name}={_shown(value)}" for name, value in options.items())])


def _shown(value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return repr(value)
    layout = "" if value.is_contiguous() else f" strides {value.stride()}"
    return f"<{str(value.dtype)[6:]} {tuple(value.shape)}{layout}{' grad' if value.requires_grad else ''}>"


class Dice:
    """Everything that is drawn follows from ``seed``."""

    def __init__(self, seed: object) -> None:
        self._random = random.Random(str(seed))
        self._numbers = np.random.default_rng(self._random.getrandbits(64))
        self.dtype = self._random.choice(FLOATS)

    def chance(self, p: float) -> bool:
        """True once in 1 / p times."""
        return self._random.random() < p

    def one_of(self, *choices: T) -> T:
        """One of them, all equally likely."""
        return self._random.choice(choices)

    def whole(self, low: int, high: int) -> int:
        """A whole number; both ends are possible."""
        return self._random.randint(low, high)

    def lengths(self, axes: int, low: int = 1) -> tuple[int, ...]:
        """Lengths of axes: mostly small, sometimes 1, sometimes large enough for fast twins."""
        if self.chance(0.15):
            high = {1: 3000, 2: 60, 3: 16}[axes]
            return tuple(self.whole(high // 2, high) for _ in range(axes))
        return tuple(max(low, 1 if self.chance(0.1) else self.whole(2, 11 - 2 * axes + 3)) for _ in range(axes))

    def batch(self) -> tuple[int, ...]:
        """The batch axis: none, empty, one, or several."""
        return () if self.chance(0.15) else (0,) if self.chance(0.05) else (self.one_of(1, 1, 2, 3, 5),)

    def per_axis(self, axes: int, low: int, high: int) -> Any:
        """A setting: one number, a list or tuple of one for each axis, or, rarely, of one for all."""
        if self.chance(0.4):
            return self.whole(low, high)
        if self.chance(0.05):
            return (self.whole(low, high),)
        return self.one_of(list, tuple)(self.whole(low, high) for _ in range(axes))

    def some(self, **options: Callable[[], Any]) -> dict[str, Any]:
        """Half of the options, each drawn."""
        return {name: make() for name, make in options.items() if self.chance(0.5)}

    def any_type(self, *, whole: float = 0.05, complex_: float = 0.05, half: float = 0.03) -> None:
        """Let the tensors of this call be of a rare type, with these probabilities."""
        throw = self._random.random()
        for p, kinds in ((whole, WHOLE), (complex_, COMPLEX), (half, (torch.float16,))):
            if throw < p:
                self.dtype = self.one_of(*kinds)
                return
            throw -= p

    def tensor(
        self, *shape: int, dtype: torch.dtype | None = None, grad: float = 0.6, spread: float = 1.0, ties: float = 0.2
    ) -> Any:
        """Random numbers in a random layout.

        Args:
            shape: of the tensor.
            dtype: by default that of the call.
            grad: the probability with which floats ask for their gradient.
            spread: their standard deviation.
            ties: the probability with which they are few whole numbers.
        """
        dtype = self.dtype if dtype is None else dtype
        made = self._laid_out(shape, lambda lengths: torch.from_numpy(self._values(lengths, spread, ties)).to(dtype))
        return made.requires_grad_((dtype.is_floating_point or dtype.is_complex) and self.chance(grad))

    def _values(self, shape: Sequence[int], spread: float, ties: float) -> np.ndarray:
        if self.dtype.is_complex:
            return spread * (self._numbers.standard_normal(shape) + 1j * self._numbers.standard_normal(shape))
        if not self.dtype.is_floating_point:
            return self._numbers.integers(0, 12, shape)
        if self.chance(ties):
            return self._numbers.integers(-2, 3, shape).astype(float)
        return spread * self._numbers.standard_normal(shape)

    def _laid_out(self, shape: Sequence[int], make: Callable[[Sequence[int]], torch.Tensor]) -> torch.Tensor:
        layout = self.one_of("dense", "dense", "dense", "turned", "sliced", "last", "expanded", "offset")
        axes = len(shape)
        if axes > 1 and layout == "turned":
            order = self._random.sample(range(axes), axes)
            return make([shape[axis] for axis in order]).permute([order.index(axis) for axis in range(axes)])
        if axes > 2 and layout == "last":
            return make((shape[0], *shape[2:], shape[1])).movedim(-1, 1)
        if axes and layout == "sliced":
            return make((*shape[:-1], 2 * shape[-1] + 1))[..., 1::2]
        if axes and layout == "expanded":
            axis = self.whole(0, axes - 1)
            return make([1 if i == axis else n for i, n in enumerate(shape)]).expand(*shape)
        if axes and layout == "offset":
            return make((shape[0] + 1, *shape[1:]))[1:]
        return make(shape)
