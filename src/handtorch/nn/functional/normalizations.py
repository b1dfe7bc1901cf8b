"""Normalisation over the batch, over features of a sample, over neighbouring channels, and to a length."""

from __future__ import annotations

import math
from typing import Any

from handtorch.errors import ArgumentError, ShapeError
from handtorch.ops import normalizing
from handtorch.ops.keywords import put
from handtorch.ops.normalizing import rms_norm

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Any:
    """Normalise each channel (axis 1) over the batch in training, by the running statistics otherwise.

    In training, running ← (1 - momentum) running + momentum · batch, with the unbiased variance.

    Args:
        input: (N, C, *).
        running_mean, running_var, weight, bias: (C) or None.

    Raises:
        ArgumentError: ε is not positive; or in training a channel has a single element.
    """
    if training:
        _need_several(input.array.shape)
    if eps < 0 or (training and eps == 0):
        expected = "positive during training" if training else "non-negative"
        raise ArgumentError(f"batch_norm eps must be {expected}, but got {eps}")
    return normalizing.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Any:
    """Normalise each channel of each sample by itself, or all samples by the running statistics.

    Args:
        input: (N, C, *).
        running_mean, running_var, weight, bias: (C) or None.
        use_input_stats: take each sample's own statistics, whose averages the running ones then follow.

    Raises:
        ArgumentError: a sample's channel has a single element, and its own statistics are wanted.
    """
    if use_input_stats and math.prod(input.array.shape[2:]) == 1:
        raise ArgumentError(f"Expected more than 1 spatial element when training, got input size {tuple(input.shape)}")
    return normalizing.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps)


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-05) -> Any:
    """Normalise over the last axes, whose lengths are ``normalized_shape``; γ and β have that shape."""
    return normalizing.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-05) -> Any:
    """Normalise groups of neighbouring channels, each sample by itself.

    Args:
        input: (N, C, *).
        num_groups: a divisor of C.
        weight, bias: (C) or None.

    Raises:
        ArgumentError: a group has a single element, and there is one sample.
    """
    shape = input.array.shape
    if len(shape) < 2:
        raise ShapeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    if num_groups > 0:
        _need_several((shape[0] * shape[1] // num_groups, num_groups, *shape[2:]))
    return normalizing.group_norm(input, num_groups, weight, bias, eps)


def _need_several(shape: tuple[int, ...]) -> None:
    if math.prod(shape[:1] + shape[2:]) == 1:
        raise ArgumentError(f"Expected more than 1 value per channel when training, got input size {shape}")


def local_response_norm(input: Any, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0) -> Any:
    """x / (k + α mean(x²))^β, with the mean over ``size`` neighbouring channels, 0 beyond the first and the last.

    Args:
        input: x (N, C, *). (Krizhevsky, Sutskever and Hinton 2012)

    Raises:
        ArgumentError: there is no axis after the channels.
    """
    if input.array.ndim < 3:
        raise ArgumentError(f"Expected 3D or higher dimensionality input (got {input.array.ndim} dimensions)")
    if not input.array.size:
        return input
    from handtorch import cat

    squared = input * input
    batch, _, *rest = input.array.shape
    before, after = (squared.new_zeros((batch, n, *rest)) for n in (size // 2, (size - 1) // 2))
    mean = cat([before, squared, after], 1).unfold(1, size, 1).mean(-1)
    return input / (mean * alpha + k) ** beta


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """Scale the vectors along ``dim`` to length 1: x / max(‖x‖, ε), with the p-norm."""
    result = input / input.norm(p, dim, keepdim=True).clamp_min(eps)
    return result if out is None else put(out, result)
