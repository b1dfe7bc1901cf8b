"""Dropout: elements, or whole channels, that are left out at random in training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import random
from handtorch.errors import RangeError, ShapeError
from handtorch.ops.attach import writing
from handtorch.ops.elementwise import of_floats
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "alpha_dropout",
    "alpha_dropout_",
    "dropout",
    "dropout_",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "feature_dropout",
    "feature_dropout_",
]


class Dropout(Op):
    """y = x m / (1 - p), where each m is 0 with probability p and else 1. dL/dx = g m / (1 - p).

    Srivastava et al. 2014.

    Args:
        mask: (shape of x, or one that broadcasts to it) booleans m, drawn by the caller.
        p: the probability of a zero, which sets the scale.
    """

    quiet = True
    twin_from = 16_384

    def __init__(self, mask: Any, p: float) -> None:
        self.mask = mask
        self.scale = 1 / (1 - p) if p < 1 else 0.0

    def forward(self, x: Any) -> Any:
        return x * np.where(self.mask, x.dtype.type(self.scale), 0)

    def backward(self, g: Any) -> Any:
        return g * np.where(self.mask, self.scale, 0).astype(self.dtype)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        mask = normal(3, 4, seed=5) > 0
        yield sample(lambda: cls(mask, 0.5), normal(3, 4))
        channels = normal(3, 4, 1, seed=5) > 0
        yield sample(lambda: cls(channels, 0.5), normal(3, 4, 2))
        wide = normal(200, 100, seed=5) > -0.5
        yield sample(lambda: cls(wide, 0.3), normal(200, 100))


# -- functions ------------------------------------------------------------------------------------------------------

# alpha · scale of SELU: what a unit that is left out is set to is minus this
_SELU_LIMIT = 1.7580993408473766


def dropout(input: Any, p: float, train: bool) -> Any:
    """Zero each element with probability ``p`` and scale the others by 1 / (1 - p), in training.

    Raises:
        RangeError: p is no probability.
    """
    return _without(input, p, train, input.array.shape)


def feature_dropout(input: Any, p: float, train: bool) -> Any:
    """:func:`dropout` of whole channels. (Tompson et al. 2015)

    Args:
        input: (N, C, *).

    Raises:
        RangeError: p is no probability.
        ShapeError: there are fewer than two axes.
    """
    return _without(input, p, train, _channels(input) if train else ())


def alpha_dropout(input: Any, p: float, train: bool) -> Any:
    """Set each element with probability ``p`` to the limit of SELU, then restore mean 0 and variance 1, in training.

    Klambauer et al. 2017.

    Raises:
        RangeError: p is no probability.
    """
    return _without_alpha(input, p, train, input.array.shape)


def feature_alpha_dropout(input: Any, p: float, train: bool) -> Any:
    """:func:`alpha_dropout` of whole channels.

    Args:
        input: (N, C, *).

    Raises:
        RangeError: p is no probability.
        ShapeError: there are fewer than two axes.
    """
    return _without_alpha(input, p, train, _channels(input) if train else ())


def _without(input: Any, p: float, train: bool, shape: tuple[int, ...]) -> Any:
    if not _leaves_out(input, p, train):
        return input
    kept = np.zeros(shape, bool) if p == 1 else random.bernoulli(1 - p, shape, bool)
    return of_floats(Dropout(kept, p), input)


def _without_alpha(input: Any, p: float, train: bool, shape: tuple[int, ...]) -> Any:
    if not _leaves_out(input, p, train):
        return input
    if p == 1:
        return of_floats(Dropout(np.zeros(shape, bool), p), input)
    scale = 1 / math.sqrt((_SELU_LIMIT**2 * p + 1) * (1 - p))
    kept = random.bernoulli(1 - p, shape, input.array.dtype)
    return input * Tensor.of(kept * scale) + Tensor.of((kept - 1 + p) * (_SELU_LIMIT * scale))


def _leaves_out(input: Any, p: float, train: bool) -> bool:
    if not 0 <= p <= 1:
        raise RangeError(f"dropout probability has to be between 0 and 1, but got {p}")
    return bool(train and p and input.array.size)


def _channels(input: Any) -> tuple[int, ...]:
    """The shape that has one number for each channel."""
    shape = input.array.shape
    if len(shape) < 2:
        raise ShapeError(f"Feature dropout requires at least 2 dimensions in the input, (N, C, *), got {shape}")
    return (*shape[:2], *(1,) * (len(shape) - 2))


dropout_ = writing(dropout)
alpha_dropout_ = writing(alpha_dropout)
feature_dropout_ = writing(feature_dropout)
feature_alpha_dropout_ = writing(feature_alpha_dropout)
