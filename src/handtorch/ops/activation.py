"""Activations: functions by element that a network bends its signals with, and softmax."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DimensionError, RangeError
from handtorch.ops.attach import method
from handtorch.ops.conversion import floating
from handtorch.ops.dispatch import answer_ufuncs
from handtorch.ops.error_function import erf_of_array
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, away_from, normal, sample
from handtorch.ops.writing import write

__all__ = [
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]


_SQRT_HALF = math.sqrt(0.5)
_SQRT_TWO_OVER_PI = math.sqrt(2 / math.pi)
_DENSITY_AT_ZERO = 1 / math.sqrt(2 * math.pi)


class ReLU(Op):
    """y = max(x, 0). dL/dx = g where x > 0, else 0 (also at x = 0)."""

    twin_from = 65_536

    def forward(self, x: Any) -> Any:
        y = np.maximum(x, 0)
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return g * (y > 0)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4)))
        yield sample(cls, np.zeros(3), smooth=False)
        yield sample(cls, away_from(0, shape=(256, 300)))
        yield sample(cls, np.array([np.nan, np.inf, -np.inf]), smooth=False)


class LeakyReLU(Op):
    """y = x where x > 0, else slope · x. dL/dx = g or slope · g. (Maas et al. 2013)

    Args:
        slope: the factor for negative x.
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.where(x > 0, x, self.slope * x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return np.where(x > 0, g, self.slope * g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(0.2), away_from(0, shape=(3, 4)))
        yield sample(cls, np.zeros(3), smooth=False)


class Sigmoid(Op):
    """y = 1 / (1 + e^-x). dL/dx = g y (1 - y)."""

    quiet = True

    def forward(self, x: Any) -> Any:
        y = 1 / (1 + np.exp(-x))
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return g * (y * (1 - y))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.array([-800.0, -30, 0, 30, 800]))


class Tanh(Op):
    """y = tanh x. dL/dx = g (1 - y²)."""

    def forward(self, x: Any) -> Any:
        y = np.tanh(x)
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return g * (1 - y * y)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.array([-800.0, 0, 800]))


class GELU(Op):
    """y = x Φ(x), Φ the normal distribution function: x/2 (1 + erf(x/√2)). dL/dx = g (Φ(x) + x φ(x)), φ its density.

    Hendrycks and Gimpel 2016.
    """

    twin_from = 16_384

    def forward(self, x: Any) -> Any:
        self.save(x)
        return x * (0.5 * (1 + erf_of_array(x * _SQRT_HALF)))

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        phi = _DENSITY_AT_ZERO * np.exp(-0.5 * x * x)
        return g * (0.5 * (1 + erf_of_array(x * _SQRT_HALF)) + x * phi)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.linspace(-9, 9, 19))
        yield sample(cls, 3 * normal(70, 300))


class TanhGELU(Op):
    """y = x/2 (1 + tanh u), u = √(2/π) (x + 0.044715 x³): GELU's cheap relative.

    dL/dx = g ((1 + tanh u)/2 + x/2 (1 - tanh² u) √(2/π) (1 + 3 · 0.044715 x²)).
    """

    def forward(self, x: Any) -> Any:
        self.save(x)
        return 0.5 * x * (1 + np.tanh(_SQRT_TWO_OVER_PI * (x + 0.044715 * x * x * x)))

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        t = np.tanh(_SQRT_TWO_OVER_PI * (x + 0.044715 * x * x * x))
        inner = _SQRT_TWO_OVER_PI * (1 + 3 * 0.044715 * x * x)
        return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


class SiLU(Op):
    """y = x σ(x), σ the sigmoid. dL/dx = g (σ(x) + y (1 - σ(x)))."""

    quiet = True

    def forward(self, x: Any) -> Any:
        self.save(x)
        return x / (1 + np.exp(-x))

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        s = 1 / (1 + np.exp(-x))
        return g * s * (1 + x * (1 - s))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


class ELU(Op):
    """y = x where x > 0, else α (e^x - 1). dL/dx = g or g α e^x. (Clevert et al. 2015)

    Args:
        alpha: the limit for x towards minus infinity is -α.
    """

    quiet = True

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return np.where(x > 0, g, g * self.alpha * np.exp(np.minimum(x, 0)))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1.3), away_from(0, shape=(3, 4)))


class Softplus(Op):
    """y = ln(1 + e^(βx)) / β, and x itself where βx > threshold. dL/dx = g σ(βx).

    Args:
        beta: the sharpness of the bend.
        threshold: beyond it the function is a straight line.
    """

    quiet = True

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Any) -> Any:
        self.save(x)
        scaled = self.beta * x
        return np.where(scaled > self.threshold, x, np.logaddexp(scaled, 0 * scaled) / self.beta)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        scaled = self.beta * x
        return np.where(scaled > self.threshold, g, g / (1 + np.exp(-scaled)))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(2.0), normal(3, 4))
        yield sample(cls, np.array([-50.0, 0, 19, 50]))


class Softmax(Op):
    """y_i = e^(x_i) / Σ_j e^(x_j) along an axis. dL/dx = y (g - Σ_j g_j y_j).

    Args:
        dim: the axis along which the results add up to 1.
    """

    quiet = True

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


class LogSoftmax(Op):
    """y_i = x_i - ln Σ_j e^(x_j) along an axis. dL/dx = g - e^y Σ_j g_j.

    Args:
        dim: the axis along which the exponentials of the results add up to 1.
    """

    quiet = True

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


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def relu(input: Any, inplace: bool = False) -> Any:
    """max(input, 0)."""
    return _maybe_in_place(input, ReLU()(input), inplace)


@method(in_place=True)
def sigmoid(input: Any) -> Any:
    """1 / (1 + e^-input)."""
    return Sigmoid()(floating(input))


@method(in_place=True)
def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return Tanh()(floating(input))


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """input where it is positive, else negative_slope · input."""
    return _maybe_in_place(input, LeakyReLU(negative_slope)(input), inplace)


def gelu(input: Any, approximate: str = "none") -> Any:
    """input · Φ(input); ``approximate="tanh"`` uses the tanh formula."""
    if approximate not in ("none", "tanh"):
        raise RangeError(f"approximate argument must be either none or tanh, got {approximate!r}")
    return GELU()(input) if approximate == "none" else TanhGELU()(input)


def silu(input: Any, inplace: bool = False) -> Any:
    """input · sigmoid(input)."""
    return _maybe_in_place(input, SiLU()(input), inplace)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """input where it is positive, else alpha (e^input - 1)."""
    return _maybe_in_place(input, ELU(alpha)(input), inplace)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """ln(1 + e^(beta · input)) / beta."""
    return Softplus(beta, threshold)(input)


@method()
def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """Probabilities along ``dim``: e^input, scaled to add up to 1."""
    return Softmax(_axis(input, dim))(input if dtype is None else input.to(dtype))


@method()
def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """The logarithm of :func:`softmax`, computed without losing small probabilities."""
    return LogSoftmax(_axis(input, dim))(input if dtype is None else input.to(dtype))


def _axis(input: Any, dim: int | None) -> int:
    """PyTorch's old rule where no axis is given: the first for 0, 1 and 3 axes, else the second."""
    n = input.array.ndim
    if dim is None:
        return 0 if n in (0, 1, 3) else 1
    if not -max(n, 1) <= dim < max(n, 1):
        raise DimensionError(
            f"Dimension out of range (expected to be in range of [{-max(n, 1)}, {max(n, 1) - 1}], but got {dim})"
        )
    return dim


def _maybe_in_place(input: Any, result: Any, inplace: bool) -> Any:
    return write(input, result) if inplace else result


answer_ufuncs({np.tanh: tanh})
