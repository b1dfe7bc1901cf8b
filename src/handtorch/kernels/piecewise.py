"""Twins of activations made of pieces."""

from __future__ import annotations

from typing import Any

from handtorch.kernels.activation import ByElement
from handtorch.kernels.compile import kernel
from handtorch.ops import piecewise


@kernel
def _relu(x: Any, y: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = zero if x[i] < zero else x[i]


@kernel
def _relu_backward(y: Any, g: Any, dx: Any) -> None:
    zero = y.dtype.type(0)
    for i in range(y.size):
        dx[i] = zero if y[i] <= zero else g[i]


class ReLU(ByElement, piecewise.ReLU):
    """By element, on all threads."""

    value, pull = staticmethod(_relu), staticmethod(_relu_backward)
    from_result = True
