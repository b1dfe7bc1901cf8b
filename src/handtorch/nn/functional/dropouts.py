"""Dropout: functions that zero elements, or whole channels, at random in training."""

from __future__ import annotations

import warnings
from typing import Any

from handtorch.errors import ShapeError
from handtorch.ops import random
from handtorch.ops.writing import write_if

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zero each element with probability ``p`` and scale the others by 1 / (1 - p), in training.

    Raises:
        RangeError: p is no probability.
    """
    return write_if(inplace, input, random.dropout(input, p, training))


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Set each element with probability ``p`` to the limit of SELU, then restore mean 0 and variance 1, in training.

    Raises:
        RangeError: p is no probability.
    """
    return write_if(inplace, input, random.alpha_dropout(input, p, training))


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """:func:`alpha_dropout` of whole channels.

    Args:
        input: (N, C, *).

    Raises:
        RangeError: p is no probability.
        ShapeError: there are fewer than two axes.
    """
    return write_if(inplace, input, random.feature_alpha_dropout(input, p, training))


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zero each channel with probability ``p`` and scale the others by 1 / (1 - p), in training.

    Args:
        input: (C, L) or (N, C, L).

    Raises:
        RangeError: p is no probability.
        ShapeError: another number of axes.
    """
    n = input.array.ndim
    if n not in (2, 3):
        raise ShapeError(f"dropout1d: Expected 2D or 3D input, (C, L) or (N, C, L), but received a {n}D input")
    return write_if(inplace, input, _of_channels(input, p, training, batched=n == 3))


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zero each channel with probability ``p`` and scale the others by 1 / (1 - p), in training.

    Args:
        input: (N, C, H, W); with three axes it is taken for (N, C, L), as PyTorch does.

    Raises:
        RangeError: p is no probability.
        ShapeError: fewer than two axes.
    """
    n = input.array.ndim
    if n not in (3, 4):
        _warn("dropout2d", n)
    elif n == 3:
        warnings.warn(
            "dropout2d: Received a 3D input, and takes it for (N, C, L); for (C, H, W), add a batch axis "
            "with unsqueeze(0); for (N, C, L), use dropout1d.",
            stacklevel=2,
        )
    return write_if(inplace, input, _of_channels(input, p, training, batched=True))


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zero each channel with probability ``p`` and scale the others by 1 / (1 - p), in training.

    Args:
        input: (C, D, H, W) or (N, C, D, H, W).

    Raises:
        RangeError: p is no probability.
        ShapeError: no axis.
    """
    n = input.array.ndim
    if n not in (4, 5):
        _warn("dropout3d", n)
    return write_if(inplace, input, _of_channels(input, p, training, batched=n == 5))


def _of_channels(input: Any, p: float, training: bool, batched: bool) -> Any:
    if batched or not training:
        return random.feature_dropout(input, p, training)
    return random.feature_dropout(input.unsqueeze(0), p, training).squeeze(0)


def _warn(name: str, axes: int) -> None:
    warnings.warn(
        f"{name}: Received a {axes}-D input, which is deprecated; use dropout to zero single elements.", stacklevel=3
    )
