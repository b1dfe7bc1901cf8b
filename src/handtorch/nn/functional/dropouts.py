"""Dropout: functions that zero elements, or whole channels, at random in training."""

from __future__ import annotations

from typing import Any

from handtorch import random
from handtorch.errors import ArgumentError
from handtorch.ops.random import Dropout

__all__ = [
    "dropout",
]


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zero each element with probability ``p`` and scale the others by 1 / (1 - p), in training.

    Raises:
        ArgumentError: p is no probability.
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    mask = random.bernoulli(1 - p, input.array.shape, bool)
    result = Dropout(mask, p)(input)
    if inplace:
        from handtorch.ops.writing import write

        return write(input, result)
    return result
