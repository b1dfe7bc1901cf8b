"""Activations, and the softmax family."""

from __future__ import annotations

import warnings
from typing import Any

from handtorch import random
from handtorch.errors import DtypeError
from handtorch.ops import softmax as of_axis
from handtorch.ops.activation import (
    gelu,
    glu,
    logsigmoid,
    mish,
    sigmoid,
    silu,
    softplus,
    softsign,
    tanh,
    tanhshrink,
)
from handtorch.ops.piecewise import (
    celu,
    celu_,
    elu,
    elu_,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    prelu,
    relu,
    relu6,
    relu_,
    rrelu,
    rrelu_,
    selu,
    selu_,
    softshrink,
    threshold,
    threshold_,
)
from handtorch.tensor import Tensor

__all__ = [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
]


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """Probabilities along ``dim``: e^input, scaled to add up to 1.

    Args:
        dim: the axis; to leave it out is deprecated.
        dtype: the type into which the input is cast first.
    """
    return of_axis.softmax(input, _axis("softmax", input, _stacklevel) if dim is None else dim, dtype)


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """:func:`softmax` of -input: the smallest gets the largest probability."""
    return of_axis.softmax(-input, _axis("softmin", input, _stacklevel) if dim is None else dim, dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """The logarithm of :func:`softmax`, computed without losing small probabilities."""
    return of_axis.log_softmax(input, _axis("log_softmax", input, _stacklevel) if dim is None else dim, dtype)


def _axis(name: str, input: Any, stacklevel: int) -> int:
    """PyTorch's old rule where no axis is given: the first for 0, 1 and 3 axes, else the second."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if input.array.ndim in (0, 1, 3) else 1


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """Nearly one-hot vectors, drawn with the probabilities softmax(logits), that have a gradient by the logits.

    y = softmax((logits + noise) / tau), the noise being Gumbel's. (Jang et al. 2017; Maddison et al. 2017)

    Args:
        logits: (*, C, *), unnormalised log-probabilities.
        tau: the temperature: the lower, the nearer to one-hot.
        hard: whether the result is exactly one-hot; its gradient is that of y.
        eps: without effect, and deprecated.
        dim: the axis of the classes.

    Raises:
        DtypeError: the logits are not floating point.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    if logits.array.dtype.kind != "f":
        raise DtypeError(f"gumbel_softmax expects floating point logits, got {logits.dtype}; try logits.float()")
    waits = Tensor.of(random.exponential(logits.array.shape, 1.0, logits.array.dtype))
    soft = of_axis.softmax((logits - waits.log()) / tau, dim)
    if not hard:
        return soft
    places = soft.argmax(dim, keepdim=True)
    one_hot = soft.detach().new_zeros(soft.shape).scatter_(dim, places, 1.0)
    return one_hot - soft.detach() + soft
