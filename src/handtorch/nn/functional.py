"""Layers and losses as functions, with PyTorch's names and arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import random
from handtorch.errors import ArgumentError, BatchError, DimensionError, DtypeError, RangeError, ShapeError
from handtorch.ops.activation import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from handtorch.ops.linalg import linear
from handtorch.ops.loss import CrossEntropy, MeanSquaredError, SquaredError
from handtorch.ops.normalization import BatchNorm, LayerNorm
from handtorch.ops.random import Dropout
from handtorch.tensor import Tensor

__all__ = [
    "batch_norm",
    "cross_entropy",
    "dropout",
    "elu",
    "gelu",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mse_loss",
    "one_hot",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

_REDUCTIONS = ("none", "mean", "sum")


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


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Negative log likelihood of the target under softmax(input) along the class axis.

    Args:
        input: logits (N, C), (C) or (N, C, *).
        target: classes (N), () or (N, *); or probabilities in the shape of the input.
        weight: (C), of each class.
        ignore_index: the class whose targets do not count.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: how much of each target is spread evenly over the classes, in [0, 1].
    """
    reduction = _reduction(reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise RangeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if target.array.dtype.kind == "f":
        if ignore_index >= 0:
            raise RangeError(f"ignore_index is not supported for floating point target, got {ignore_index}")
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    if target.array.dtype.kind not in "iu":
        raise DtypeError(f"expected target of whole numbers (classes) or floating point, got {target.dtype}")
    rows, shape = _class_rows(input)
    if weight is not None and weight.array.shape != rows.array.shape[1:]:
        raise ShapeError(
            f"weight tensor should be defined either for all {rows.array.shape[1]} classes or no classes but got "
            f"weight tensor of shape: {list(weight.array.shape)}"
        )
    if target.array.ndim and shape and target.array.shape[0] != shape[0]:
        raise BatchError(
            f"Expected input batch_size ({shape[0]}) to match target batch_size ({target.array.shape[0]}); "
            f"expected input (N, C) and target (N,), got {tuple(input.shape)} and {tuple(target.shape)}"
        )
    classes = target.array.reshape(-1) if target.array.shape == shape else target.array
    op = CrossEntropy(classes, None if weight is None else weight.array, ignore_index, label_smoothing, reduction)
    loss = op(rows)
    return loss.reshape(shape) if reduction == "none" else loss


def _class_rows(input: Any) -> tuple[Any, tuple[int, ...]]:
    """Logits as (rows, C), and the shape that one number for each row shall have."""
    shape = input.array.shape
    if len(shape) == 2:
        return input, shape[:1]
    if len(shape) == 1:
        return input.reshape(1, -1), ()
    return input.permute(0, *range(2, len(shape)), 1).reshape(-1, shape[1]), (shape[0], *shape[2:])


def _soft_cross_entropy(input: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    if target.array.shape != input.array.shape:
        raise ShapeError(
            f"expected target probabilities of the input's shape {tuple(input.shape)}, got {tuple(target.shape)}"
        )
    axis = min(1, input.array.ndim - 1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input.array.shape[axis]
    terms = -log_softmax(input, axis) * target
    if weight is not None:
        terms = terms * weight.reshape((-1,) + (1,) * (input.array.ndim - 1 - axis))
    rows = terms.sum(axis)
    if reduction == "mean":
        return rows.sum() / max(rows.array.size, 1)
    return rows.sum() if reduction == "sum" else rows


def mse_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The squared difference, averaged, summed or by element."""
    reduction = _reduction(reduction, size_average, reduce)
    if reduction == "mean" and weight is None and input.array.shape == target.array.shape:
        return MeanSquaredError()(input, target)
    errors = SquaredError()(input, target)
    if weight is not None:
        errors = errors * weight
        if reduction == "mean":
            return errors.sum() / weight.expand_as(errors).sum()
    return errors if reduction == "none" else errors.sum() if reduction == "sum" else errors.mean()


def _reduction(reduction: str, size_average: Any, reduce: Any) -> str:
    """The reduction's name, also from PyTorch's old pair of flags."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in _REDUCTIONS:
        raise ArgumentError(f"{reduction} is not a valid value for reduction; expected one of {_REDUCTIONS}")
    return reduction


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Rows of zeros with a one at the class."""
    classes = int(tensor.array.max()) + 1 if num_classes == -1 else num_classes
    return Tensor.of((tensor.array[..., None] == np.arange(classes)).astype(np.int64))
