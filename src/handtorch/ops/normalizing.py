"""Functions that normalise, with the arguments that PyTorch gives them outside ``nn.functional``."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DimensionError, DtypeError, RangeError, ShapeError
from handtorch.ops.conversion import cast
from handtorch.ops.normalization import BatchNorm, FrozenBatchNorm, GroupNorm, LayerNorm, RMSNorm
from handtorch.ops.reduction import require_inexact
from handtorch.tensor import Tensor

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "native_batch_norm",
    "native_group_norm",
    "native_layer_norm",
    "rms_norm",
]


def batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = False,
) -> Any:
    """Normalise each channel over the batch in training, by the running statistics otherwise.

    y = γ (x - μ) / √(σ² + ε) + β. In training the running statistics become (1 - m) running + m · batch, where the
    batch's variance is the unbiased one.

    Args:
        input: x (N, C, *).
        weight, bias: γ and β (C), or None.
        running_mean, running_var: (C), written to in training; or None.
        momentum: m.
        cudnn_enabled: means nothing on a CPU.

    Raises:
        ShapeError: the statistics, γ or β have another length than C; or they are missing, and are needed.
    """
    return _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)[0]


def _batch_norm(
    input: Any, weight: Any, bias: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float
) -> tuple[Any, Any]:
    """The result, and the op that computed it."""
    if input.array.shape == (0,):  # PyTorch lets pass what is empty, also without channels
        input = input.unsqueeze(1)[:, :0]
        y, op = _batch_norm(input, weight, bias, mean, var, training, momentum, eps)
        return y.reshape(0), op
    if input.array.ndim < 2:
        raise DimensionError(f"batch norm: expected input (N, C, *), got {tuple(input.shape)}; axis 1 is the channel")
    channels = input.array.shape[1]
    _check_channels(input, running_mean=mean, running_var=var, weight=weight, bias=bias)
    if not training:
        if mean is None or var is None:
            raise ShapeError("running_mean and running_var must be defined in evaluation mode")
        frozen = FrozenBatchNorm(mean.array, var.array, eps)
        return _apply("batch_norm", frozen, input, weight, bias), frozen
    op = BatchNorm(eps)
    y = _apply("batch_norm", op, input, weight, bias)
    _follow(mean, var, op.mean, op.var, input.array.size // max(channels, 1), momentum)
    return y, op


def instance_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = False,
) -> Any:
    """Normalise each channel of each sample by itself, or all samples by the running statistics.

    Args:
        input: x (N, C, *).
        use_input_stats: take each sample's own statistics, whose averages the running ones then follow.
        weight, bias, running_mean, running_var, momentum, eps, cudnn_enabled: as for :func:`batch_norm`.
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ShapeError("Expected running_mean and running_var to be defined when use_input_stats is false")
        return batch_norm(input, weight, bias, running_mean, running_var, False, momentum, eps)
    batch, channels, *rest = input.array.shape
    _check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    op = GroupNorm(channels, eps)
    y = _apply("instance_norm", op, input, weight, bias)
    means, variances = (np.mean(s.reshape(batch, channels), axis=0) for s in (op.mean, op.var))
    _follow(running_mean, running_var, means, variances, int(np.prod(rest)), momentum)
    return y


def layer_norm(
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-05,
    cudnn_enable: bool = True,
) -> Any:
    """Normalise over the last axes: y = γ (x - μ) / √(σ² + ε) + β.

    Args:
        input: x (*, normalized_shape).
        normalized_shape: the lengths of those axes, or the one length.
        weight, bias: γ and β, of that shape; or None.
        cudnn_enable: means nothing on a CPU.

    Raises:
        ShapeError: the shapes do not agree.
    """
    ndim = _last_axes(input, normalized_shape, weight=weight, bias=bias)
    return _apply("layer_norm", LayerNorm(ndim, eps), input, weight, bias)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """Divide by the root of the mean square over the last axes: y = γ x / √(mean(x²) + ε).

    Args:
        input: x (*, normalized_shape).
        weight: γ, of that shape; or None.
        eps: ε; by default the distance from 1 to the next number of the type in which is computed.

    Raises:
        ShapeError: the shapes do not agree.
    """
    ndim = _last_axes(input, normalized_shape, weight=weight)
    require_inexact(input, "rms_norm")
    if eps is None:
        kind = input.array.dtype
        eps = float(np.finfo(np.float32 if kind == np.float16 else kind).eps)
    return _apply("rms_norm", RMSNorm(ndim, eps), input, weight, None)


def group_norm(
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-05,
    cudnn_enabled: bool = True,
) -> Any:
    """Normalise groups of neighbouring channels, each sample by itself: y = γ (x - μ) / √(σ² + ε) + β.

    Args:
        input: x (N, C, *).
        num_groups: G; each group has C/G channels.
        weight, bias: γ and β (C), or None.
        cudnn_enabled: means nothing on a CPU.

    Raises:
        RangeError: G is not positive, or C no multiple of it.
        ShapeError: γ or β has another length than C.
    """
    shape = input.array.shape
    if num_groups <= 0:
        raise RangeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if shape[1] % num_groups:
        raise RangeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(shape)} and num_groups={num_groups}"
        )
    for name, vector in (("weight", weight), ("bias", bias)):
        if vector is not None and vector.array.shape != shape[1:2]:
            raise ShapeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(vector.shape)} and input of shape {list(shape)}"
            )
    return _apply("group_norm", GroupNorm(num_groups, eps), input, weight, bias)


# -- with the statistics --------------------------------------------------------------------------------------------


def native_batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Any, Any, Any]:
    """:func:`batch_norm`, and with it the μ and 1 / √(σ² + ε) of the batch (C); both empty outside training."""
    y, op = _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)
    if not training:
        none = np.empty(0, input.array.dtype)
        return y, Tensor.of(none), Tensor.of(none.copy())
    return y, Tensor.of(op.mean), Tensor.of(1 / np.sqrt(op.var + eps))


def native_layer_norm(input: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    """:func:`layer_norm`, and with it the μ and 1 / √(σ² + ε) of every group, with lengths of 1 for its axes."""
    ndim = _last_axes(input, normalized_shape, weight=weight, bias=bias)
    op = LayerNorm(ndim, eps)
    y = _apply("native_layer_norm", op, input, weight, bias)
    shape = input.array.shape[: input.array.ndim - ndim] + (1,) * ndim
    return y, Tensor.of(op.mean.reshape(shape)), Tensor.of(1 / np.sqrt(op.var.reshape(shape) + eps))


def native_group_norm(
    input: Any, weight: Any, bias: Any, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Any, Any, Any]:
    """:func:`group_norm`, and with it the μ and 1 / √(σ² + ε) of every group (N, G); gradients flow through both.

    Args:
        N, C, HxW: the lengths of the input's axes, all after the second multiplied.
        group: G.
    """
    y = group_norm(input, group, weight, bias, eps)
    rows = input.reshape(N, group, C // group * HxW)
    return y, rows.mean(-1), (rows.var(-1, correction=0) + eps).rsqrt()


# -- what they share ------------------------------------------------------------------------------------------------


def _apply(name: str, op: Any, input: Any, weight: Any, bias: Any) -> Any:
    """Run the op; float16 in float32, with parameters of either type.

    Raises:
        DtypeError: no floating point numbers, or parameters of another type.
    """
    require_inexact(input, name)
    half = input.array.dtype == np.float16
    allowed = (np.float16, np.float32) if half else (input.array.dtype,)
    for vector in (weight, bias):
        if vector is not None and vector.array.dtype not in allowed:
            raise DtypeError(
                f"mixed dtype (CPU): expect parameters of {name} to have the type of its input, {input.dtype}, but got "
                f"{vector.dtype}"
            )
    if half:
        input, weight, bias = (x if x is None else cast(x, dtypes.float32) for x in (input, weight, bias))
    if bias is not None:
        y = op(input, weight, bias)
    else:
        y = op(input) if weight is None else op(input, weight)
    return cast(y, dtypes.float16) if half else y


def _check_channels(input: Any, **vectors: Any) -> None:
    """Raise where a vector that is given has not one element for each channel."""
    channels = input.array.shape[1]
    for name, vector in vectors.items():
        if vector is not None and vector.array.size != channels:
            raise ShapeError(
                f"{name} should contain {channels} elements not {vector.array.size}: one for each channel (axis 1) of "
                f"input {tuple(input.shape)}"
            )


def _follow(running_mean: Any, running_var: Any, mean: Any, var: Any, n: int, momentum: float) -> None:
    """Move the running statistics towards a batch's, of n elements: the unbiased variance is n / (n - 1) the biased."""
    if n == 0:
        return
    for running, batch in ((running_mean, mean), (running_var, var * (n / max(n - 1, 1)))):
        if running is not None:
            running.array *= 1 - momentum
            running.array += momentum * batch.astype(running.array.dtype)
            running._bump()


def _last_axes(input: Any, normalized_shape: Any, **parameters: Any) -> int:
    """How many last axes ``normalized_shape`` means.

    Raises:
        ShapeError: the input or a parameter does not have it.
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape:
        raise ShapeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, parameter in parameters.items():
        if parameter is not None and parameter.array.shape != shape:
            raise ShapeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(parameter.shape)} and normalized_shape = {list(shape)}"
            )
    found = input.array.shape
    if len(found) < len(shape) or found[len(found) - len(shape) :] != shape:
        raise ShapeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], "
            f"but got input of size {list(found)}"
        )
    return len(shape)
