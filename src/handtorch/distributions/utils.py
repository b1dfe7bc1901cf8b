"""What the distributions share: parameters of one shape, values computed once, probabilities and log-odds."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

import handtorch
from handtorch.errors import ArgumentError
from handtorch.ops.activation import softplus
from handtorch.tensor import Tensor

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "euler_constant",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
]

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Parameters as tensors of one shape; numbers become tensors of the type of the first tensor, or of the default.

    Raises:
        ArgumentError: a value is neither a number nor a Tensor.
    """
    if not all(isinstance(value, (Tensor, bool, int, float)) for value in values):
        kinds = ", ".join(type(value).__name__ for value in values)
        raise ArgumentError(f"Input arguments must all be instances of Number or Tensor, got {kinds}")
    first = next((value for value in values if isinstance(value, Tensor)), None)
    dtype = handtorch.get_default_dtype() if first is None else first.dtype
    tensors = [value if isinstance(value, Tensor) else handtorch.tensor(value, dtype=dtype) for value in values]
    return tuple(handtorch.broadcast_tensors(*tensors)) if len(tensors) > 1 else tuple(tensors)


def limits_of(x: Any) -> np.finfo:
    """The limits of a tensor's floating point type."""
    return np.finfo(x.array.dtype)


def sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last ``dim`` axes."""
    return value.flatten(-dim).sum(-1) if dim else value


_sum_rightmost = sum_rightmost  # its name in PyTorch, under which libraries of flows import it


# -- probabilities and log-odds -------------------------------------------------------------------------------------


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """Probabilities: σ(logits) where each element is an event of its own, else softmax over the last axis."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """Log-odds log p / (1 - p) where each element is an event of its own, else log p; finite at 0 and 1, too."""
    inside = clamp_probs(probs)
    return inside.log() - (-inside).log1p() if is_binary else inside.log()


def clamp_probs(probs: Any) -> Any:
    """Probabilities moved off 0 and 1 by the type's epsilon."""
    epsilon = float(limits_of(probs).eps)
    return probs.clamp(min=epsilon, max=1 - epsilon)


def log_sigmoid(x: Any) -> Any:
    """log σ(x) = -log(1 + e^-x)."""
    return -softplus(-x, threshold=math.inf)


# -- computed once --------------------------------------------------------------------------------------------------


class lazy_property:
    """A property that is computed when it is first asked for, with gradients, and kept.

    Args:
        wrapped: method that computes it.
    """

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with handtorch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value
