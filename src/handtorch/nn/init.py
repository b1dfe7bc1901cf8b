"""Initialization: filling the tensors of a network before training, with PyTorch's numbers for the same seed.

Every function writes into the tensor it gets, outside of the graph, and returns it. *Fan in* and *fan out* count how
many inputs and outputs meet in one element of a weight (out, in, kernel ...): ``in * kernel`` and ``out * kernel``.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch import random
from handtorch.errors import ArgumentError
from handtorch.tensor import Tensor

_LINEAR = (
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity shrinks the standard deviation, to be made up for by larger weights.

    Linear layers and sigmoid: 1; tanh: 5/3; relu: sqrt(2); leaky_relu: sqrt(2 / (1 + slope^2)); selu: 3/4.

    Args:
        nonlinearity: the name of the function in ``nn.functional``.
        param: the slope of ``leaky_relu`` (default 0.01).

    Raises:
        ArgumentError: an unknown name, or a slope that is not a number.
    """
    if nonlinearity in _LINEAR:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ArgumentError(f"negative_slope {slope} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    known = ", ".join((*_LINEAR, "tanh", "relu", "leaky_relu", "selu"))
    raise ArgumentError(f"Unsupported nonlinearity {nonlinearity}; known are {known}")


def _write(tensor: Tensor, values: Any) -> Tensor:
    """Put values into a tensor, whether or not it requires gradients."""
    tensor.array[...] = values
    tensor._bump()
    return tensor


def _uniform(tensor: Tensor, low: float, high: float, generator: random.Generator | None) -> np.ndarray:
    shape, back = _memory_order(tensor.array)
    return random.uniform(shape, low, high, tensor.array.dtype, generator).transpose(back)


def _normal(tensor: Tensor, mean: float, std: float, generator: random.Generator | None) -> np.ndarray:
    shape, back = _memory_order(tensor.array)
    contiguous = tensor.is_contiguous()
    return random.normal(shape, mean, std, tensor.array.dtype, generator, contiguous=contiguous).transpose(back)


def _memory_order(array: np.ndarray) -> tuple[tuple[int, ...], list[int]]:
    """The axes' lengths from the widest stride to the closest, and where each axis stands in that order.

    PyTorch draws for a transposed tensor in the order of its memory.
    """
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    return tuple(array.shape[axis] for axis in order), [order.index(axis) for axis in range(array.ndim)]


# -- plain values ---------------------------------------------------------------------------------------------------


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value."""
    return _write(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return _write(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return _write(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity, so that a linear layer keeps as much of its input as it can.

    Raises:
        ArgumentError: ``tensor`` does not have 2 dimensions.
    """
    _expect_dimensions(tensor, 2)
    return _write(tensor, np.eye(*tensor.array.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight (out, in, kernel ...) so that it keeps as many input channels as it can.

    Args:
        tensor: of 3, 4 or 5 dimensions.
        groups: number of groups of the convolution; each keeps its own channels.

    Raises:
        ArgumentError: another number of dimensions, or ``groups`` does not divide the number of output channels.
    """
    _expect_dimensions(tensor, 3, 4, 5)
    out_channels, in_channels, *kernel = tensor.array.shape
    if out_channels % groups:
        raise ArgumentError(f"dim 0 must be divisible by groups, got {out_channels} channels and {groups} groups")
    kept = np.arange(min(out_channels // groups, in_channels))
    values = np.zeros_like(tensor.array)
    for first in range(0, out_channels, out_channels // groups):
        values[(first + kept, kept, *(length // 2 for length in kernel))] = 1
    return _write(tensor, values)


def _expect_dimensions(tensor: Tensor, *allowed: int) -> None:
    if tensor.dim() not in allowed:
        counts = [str(count) for count in allowed]
        counts = [", ".join(counts[:-1]) + f", or {counts[-1]}"] if len(counts) > 1 else counts
        raise ArgumentError(
            f"Only tensors with {counts[0]} dimensions are supported, got {tensor.dim()}: shape {tuple(tensor.shape)}"
        )


# -- random values --------------------------------------------------------------------------------------------------


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: random.Generator | None = None) -> Tensor:
    """Fill with numbers spread evenly over [a, b)."""
    return _write(tensor, _uniform(tensor, a, b, generator))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: random.Generator | None = None) -> Tensor:
    """Fill with normal numbers."""
    return _write(tensor, _normal(tensor, mean, std, generator))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: random.Generator | None = None,
) -> Tensor:
    """Fill with normal numbers that lie in [a, b]: those outside are drawn again.

    Args:
        mean, std: of the normal distribution before it is cut.
        a, b: bounds.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    inside = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    draw = _redrawn_normal if inside > 0.3 else _accepted_uniform
    return _write(tensor, draw(tensor, mean, std, a, b, generator))


def _normal_cdf(x: float) -> float:
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def _redrawn_normal(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: random.Generator | None
) -> np.ndarray:
    """Normal numbers, drawn anew until all lie inside: quick where most do."""
    low, high = tensor.array.dtype.type(a), tensor.array.dtype.type(b)
    values = _normal(tensor, mean, std, generator)
    while (outside := (values < low) | (values > high)).any():
        values = np.where(outside, _normal(tensor, mean, std, generator), values)
    return values


def _accepted_uniform(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: random.Generator | None
) -> np.ndarray:
    """Uniform numbers of [a, b), each kept with the probability that its density has beside the largest one.

    Source: rejection sampling (von Neumann, 1951).
    """
    log_peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2

    def rejected(candidates: np.ndarray) -> np.ndarray:
        chance = ((candidates - mean) / std) ** 2 * -0.5 - log_peak
        with np.errstate(divide="ignore"):  # log 0 is always accepted
            return np.log(_uniform(tensor, 0, 1, generator)) > chance

    values = _uniform(tensor, a, b, generator)
    pending = rejected(values)
    while pending.any():
        candidates = _uniform(tensor, a, b, generator)
        values = np.where(pending, candidates, values)
        pending &= rejected(candidates)
    return values


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: random.Generator | None = None) -> Tensor:
    """Fill with uniform numbers of [-a, a), ``a = gain sqrt(6 / (fan_in + fan_out))``.

    The variance is then kept, on average of forward and backward pass (Glorot & Bengio, 2010, eq. 16).

    Raises:
        ArgumentError: fewer than 2 dimensions.
    """
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: random.Generator | None = None) -> Tensor:
    """Fill with normal numbers of ``std = gain sqrt(2 / (fan_in + fan_out))`` (Glorot & Bengio, 2010).

    Raises:
        ArgumentError: fewer than 2 dimensions.
    """
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: random.Generator | None = None,
) -> Tensor:
    """Fill with uniform numbers of [-b, b), ``b = gain sqrt(3 / fan)``.

    Args:
        a: the slope of the leaky ReLU behind the layer, if that is the nonlinearity.
        mode: ``"fan_in"`` keeps the variance of the activations, ``"fan_out"`` that of the gradients.
        nonlinearity: the function behind the layer, see :func:`calculate_gain`.

    Raises:
        ArgumentError: an unknown mode, or fewer than 2 dimensions.

    Source: He et al., "Delving deep into rectifiers" (2015), eq. 14.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: random.Generator | None = None,
) -> Tensor:
    """Fill with normal numbers of ``std = gain / sqrt(fan)``; arguments as for :func:`kaiming_uniform_`.

    Raises:
        ArgumentError: an unknown mode, or fewer than 2 dimensions.
    """
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _is_empty(tensor: Tensor) -> bool:
    if 0 in tensor.array.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


def _xavier_std(tensor: Tensor, gain: float) -> float:
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return gain * math.sqrt(2.0 / float(fan_in + fan_out))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Fan in and fan out of a weight (out, in, kernel ...)."""
    shape = tensor.array.shape
    if len(shape) < 2:
        raise ArgumentError(
            f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got shape {shape}"
        )
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def orthogonal_(tensor: Tensor, gain: float = 1, generator: random.Generator | None = None) -> Tensor:
    """Fill with ``gain Q``, where Q is a random orthogonal matrix (out, in * kernel): ``Q^T Q = 1`` or ``Q Q^T = 1``.

    Q comes from the QR decomposition of normal numbers, with the signs that make it uniform (Saxe et al., 2014).

    Raises:
        ArgumentError: fewer than 2 dimensions.
    """
    shape = tensor.array.shape
    if len(shape) < 2:
        raise ArgumentError(f"Only tensors with 2 or more dimensions are supported, got shape {shape}")
    if not tensor.numel():
        return tensor
    rows, columns = shape[0], tensor.numel() // shape[0]
    flat = random.normal((rows, columns), 0, 1, tensor.array.dtype, generator)
    q, r = np.linalg.qr(flat.T if rows < columns else flat)
    q = q * np.sign(np.diagonal(r))
    return _write(tensor, (q.T if rows < columns else q).reshape(shape) * gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: random.Generator | None = None) -> Tensor:
    """Fill a matrix with normal numbers, and the same share of every column with zeros (Martens, 2010).

    Args:
        sparsity: the share of every column that becomes 0, rounded up.
        std: of the other elements.
        generator: draws the elements; their places come from the default generator, as in PyTorch.

    Raises:
        ArgumentError: ``tensor`` does not have 2 dimensions.
    """
    _expect_dimensions(tensor, 2)
    rows, columns = tensor.array.shape
    values = _normal(tensor, 0, std, generator)
    for column in range(columns):
        values[random.randperm(rows)[: math.ceil(sparsity * rows)], column] = 0
    return _write(tensor, values)


# -- the names without underscore -----------------------------------------------------------------------------------


def _deprecated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """PyTorch's old name for an initializer, which warns."""
    new = function.__name__
    old = new.removesuffix("_")

    @functools.wraps(function)
    def under_old_name(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    under_old_name.__name__ = under_old_name.__qualname__ = old
    return under_old_name


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
