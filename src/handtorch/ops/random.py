"""Dropout: elements, or whole channels, that are left out at random in training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handtorch import random
from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.attach import writing
from handtorch.ops.elementwise import of_floats
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample
from handtorch.random.order import in_order_of_memory, without_gaps
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
        return x * self.mask * self.scale

    def backward(self, g: Any) -> Any:
        return g * self.mask * self.scale

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
    if not _leaves_out(input, p, train):
        return input
    return of_floats(Dropout(_kept(input, p, bool), p), input)


def feature_dropout(input: Any, p: float, train: bool) -> Any:
    """:func:`dropout` of whole channels. (Tompson et al. 2015)

    Args:
        input: (N, C, *).

    Raises:
        RangeError: p is no probability.
        ShapeError: there are fewer than two axes.
    """
    if not _leaves_out(input, p, train):
        return input
    return of_floats(Dropout(_kept_channels(input, p, bool), p), input)


def alpha_dropout(input: Any, p: float, train: bool) -> Any:
    """Set each element with probability ``p`` to the limit of SELU, then restore mean 0 and variance 1, in training.

    Klambauer et al. 2017.

    Raises:
        RangeError: p is no probability.
    """
    return _without_alpha(input, p, _kept) if _leaves_out(input, p, train) else input


def feature_alpha_dropout(input: Any, p: float, train: bool) -> Any:
    """:func:`alpha_dropout` of whole channels.

    Args:
        input: (N, C, *).

    Raises:
        RangeError: p is no probability.
        ShapeError: there are fewer than two axes.
    """
    return _without_alpha(input, p, _kept_channels) if _leaves_out(input, p, train) else input


def _leaves_out(input: Any, p: float, train: bool) -> bool:
    if not 0 <= p <= 1:
        raise RangeError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not train or p == 0 or not input.array.size:
        return False
    if input.array.dtype.kind != "f":
        raise DtypeError(f"dropout is not defined for {input.dtype}; expected floating point, try input.float()")
    return True


def _kept(input: Any, p: float, dtype: Any) -> np.ndarray:
    """For each element 0 with probability p, else 1: drawn in the order in which the elements lie in memory."""
    array = input.array
    if p == 1:
        return np.zeros(array.shape, dtype)
    if array.flags.c_contiguous:
        return random.bernoulli(1 - p, array.shape, dtype)
    return in_order_of_memory(without_gaps(array), lambda shape: random.bernoulli(1 - p, shape, dtype))


def _kept_channels(input: Any, p: float, dtype: Any) -> np.ndarray:
    """For each channel 0 with probability p, else 1; of as many axes as the input."""
    shape = input.array.shape
    if len(shape) < 2:
        raise ShapeError(f"Feature dropout requires at least 2 dimensions in the input, (N, C, *), got {shape}")
    shape = (*shape[:2], *(1,) * (len(shape) - 2))
    return np.zeros(shape, dtype) if p == 1 else random.bernoulli(1 - p, shape, dtype)


def _without_alpha(input: Any, p: float, draw: Callable[..., np.ndarray]) -> Any:
    kept = draw(input, p, input.array.dtype)
    if p == 1:
        return input * Tensor.of(kept)
    scale = 1 / math.sqrt((_SELU_LIMIT**2 * p + 1) * (1 - p))
    return input * Tensor.of(kept * scale) + Tensor.of((kept - 1 + p) * (_SELU_LIMIT * scale))


dropout_ = writing(dropout)
alpha_dropout_ = writing(alpha_dropout)
feature_dropout_ = writing(feature_dropout)
feature_alpha_dropout_ = writing(feature_alpha_dropout)
