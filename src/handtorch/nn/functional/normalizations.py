"""Normalisation over the batch, or over features of a sample."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError, DimensionError, ShapeError
from handtorch.ops.normalization import BatchNorm, LayerNorm

__all__ = [
    "batch_norm",
    "layer_norm",
]


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Normalise each channel (axis 1) over the batch in training, by the running statistics otherwise.

    In training, running ← (1 - momentum) running + momentum · batch, with the unbiased variance.

    Args:
        input: (N, C, *).
        running_mean, running_var, weight, bias: (C) or None.
    """
    if input.array.ndim < 2:
        raise DimensionError(f"batch norm: expected input (N, C, *), got {tuple(input.shape)}; axis 1 is the channel")
    if eps <= 0:
        raise ArgumentError(f"batch_norm eps must be positive, but got {eps}")
    if training or running_mean is None:
        if input.array.size // max(input.array.shape[1], 1) == 1:
            raise ArgumentError(
                f"Expected more than 1 value per channel when training, got input size {tuple(input.shape)}"
            )
        op = BatchNorm(eps)
        y = _affine(op, input, weight, bias)
        if running_mean is not None:
            n = input.array.size // max(input.array.shape[1], 1)
            _blend(running_mean, op.mean, momentum)
            _blend(running_var, op.var * (n / (n - 1)), momentum)
        return y
    shape = (1, -1) + (1,) * (input.array.ndim - 2)
    if running_mean.array.shape != input.array.shape[1:2]:
        raise ShapeError(
            f"expected running_mean ({input.array.shape[1]},) for input {tuple(input.shape)}, "
            f"got {tuple(running_mean.shape)}; axis 1 is the channel"
        )
    scale = 1 / (running_var + eps).sqrt()
    if weight is not None:
        scale = scale * weight
    shift = -running_mean * scale
    if bias is not None:
        shift = shift + bias
    return input * scale.reshape(shape) + shift.reshape(shape)


def _blend(running: Any, batch: Any, momentum: float) -> None:
    running.array *= 1 - momentum
    running.array += momentum * batch.astype(running.array.dtype)
    running._bump()


def _affine(op: Any, input: Any, weight: Any, bias: Any) -> Any:
    if weight is None and bias is None:
        return op(input)
    return op(input, weight) if bias is None else op(input, weight, bias)


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Normalise over the last axes, whose lengths are ``normalized_shape``."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if tuple(input.array.shape[input.array.ndim - len(shape) :]) != shape:
        raise ShapeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], "
            f"but got input of size {list(input.array.shape)}"
        )
    return _affine(LayerNorm(len(shape), eps), input, weight, bias)
