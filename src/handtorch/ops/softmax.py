"""Softmax: numbers along an axis turned into probabilities, or into their logarithms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.ops.attach import method
from handtorch.ops.elementwise import of_floats
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, normal, sample

__all__ = [
    "log_softmax",
    "softmax",
]


class Softmax(Op):
    """y_i = e^(x_i) / Σ_j e^(x_j) along an axis. dL/dx = y (g - Σ_j g_j y_j).

    Args:
        dim: the axis along which the results add up to 1.
    """

    quiet = True
    twin_from = 8_192

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        y = np.exp(x - np.max(x, axis=self.dim, keepdims=True, initial=-np.inf))
        y = y / np.sum(y, axis=self.dim, keepdims=True)
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return y * (g - np.sum(g * y, axis=self.dim, keepdims=True))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(-1), normal(3, 4))
        yield sample(lambda: cls(0), normal(3, 4, 2))
        yield sample(lambda: cls(-1), 1000 * normal(3, 4), smooth=False)
        yield sample(lambda: cls(-1), 5 * normal(7, 20, 70))


class LogSoftmax(Op):
    """y_i = x_i - ln Σ_j e^(x_j) along an axis. dL/dx = g - e^y Σ_j g_j.

    Args:
        dim: the axis along which the exponentials of the results add up to 1.
    """

    quiet = True
    twin_from = 8_192

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        shifted = x - np.max(x, axis=self.dim, keepdims=True, initial=-np.inf)
        y = shifted - np.log(np.sum(np.exp(shifted), axis=self.dim, keepdims=True))
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return g - np.exp(y) * np.sum(g, axis=self.dim, keepdims=True)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(-1), normal(3, 4))
        yield sample(lambda: cls(0), normal(3, 4, 2))
        yield sample(lambda: cls(-1), 1000 * normal(3, 4), smooth=False)
        yield sample(lambda: cls(-1), 5 * normal(7, 20, 70))


# -- functions ------------------------------------------------------------------------------------------------------


@method()
def softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """Probabilities along ``dim``: e^input, scaled to add up to 1.

    Args:
        dtype: the type into which the input is cast first.

    Raises:
        DimensionError: there is no such axis.
    """
    return of_floats(Softmax(normal_axis(dim, input.array.ndim)), input if dtype is None else input.to(dtype))


@method()
def log_softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """The logarithm of :func:`softmax`, computed without losing small probabilities."""
    return of_floats(LogSoftmax(normal_axis(dim, input.array.ndim)), input if dtype is None else input.to(dtype))
