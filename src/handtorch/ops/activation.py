"""Smooth activations: functions by element that a network bends its signals with, and that have no kinks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import RangeError, ShapeError
from handtorch.ops.attach import method, writing
from handtorch.ops.conversion import floating
from handtorch.ops.dispatch import answer_ufuncs
from handtorch.ops.elementwise import Unary, of_floats, run
from handtorch.ops.error_function import erf_of_array
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, normal, sample
from handtorch.ops.writing import write_if

__all__ = [
    "sigmoid",
    "sigmoid_",
    "tanh",
    "tanh_",
]


_SQRT_HALF = math.sqrt(0.5)
_SQRT_TWO_OVER_PI = math.sqrt(2 / math.pi)
_DENSITY_AT_ZERO = 1 / math.sqrt(2 * math.pi)


class Sigmoid(Unary):
    """y = 1 / (1 + e^-x). dL/dx = g y (1 - y)."""

    twin_from = 8_192
    from_result = True

    def value(self, x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    def slope(self, y: Any) -> Any:
        return y * (1 - y)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.array([-800.0, -30, 0, 30, 800]))
        yield sample(cls, 5 * normal(70, 300))


class Tanh(Unary):
    """y = tanh x. dL/dx = g (1 - y²)."""

    twin_from = 65_536
    from_result = True
    value: Any = np.tanh

    def slope(self, y: Any) -> Any:
        return 1 - y * y

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.array([-800.0, 0, 800]))
        yield sample(cls, normal(256, 300))


class GELU(Unary):
    """y = x Φ(x), Φ the normal distribution function: x/2 (1 + erf(x/√2)). dL/dx = g (Φ(x) + x φ(x)), φ its density.

    Hendrycks and Gimpel 2016.
    """

    twin_from = 2_048

    def value(self, x: Any) -> Any:
        return x * (0.5 * (1 + erf_of_array(x * _SQRT_HALF)))

    def slope(self, x: Any) -> Any:
        phi = _DENSITY_AT_ZERO * np.exp(-0.5 * x * x)
        return 0.5 * (1 + erf_of_array(x * _SQRT_HALF)) + x * phi

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.linspace(-9, 9, 19))
        yield sample(cls, 3 * normal(70, 300))


class TanhGELU(Unary):
    """y = x/2 (1 + tanh u), u = √(2/π) (x + 0.044715 x³): GELU's cheap relative.

    dL/dx = g ((1 + tanh u)/2 + x/2 (1 - tanh² u) √(2/π) (1 + 3 · 0.044715 x²)).
    """

    def value(self, x: Any) -> Any:
        return 0.5 * x * (1 + np.tanh(_SQRT_TWO_OVER_PI * (x + 0.044715 * x * x * x)))

    def slope(self, x: Any) -> Any:
        t = np.tanh(_SQRT_TWO_OVER_PI * (x + 0.044715 * x * x * x))
        inner = _SQRT_TWO_OVER_PI * (1 + 3 * 0.044715 * x * x)
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))


class SiLU(Unary):
    """y = x σ(x), σ the sigmoid. dL/dx = g (σ(x) + y (1 - σ(x)))."""

    twin_from = 8_192

    def value(self, x: Any) -> Any:
        return x / (1 + np.exp(-x))

    def slope(self, x: Any) -> Any:
        s = run(Sigmoid(), x)
        return s * (1 + x * (1 - s))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.array([-800.0, -30, 0, 30, 800]))
        yield sample(cls, 5 * normal(70, 300))


class Mish(Unary):
    """y = x tanh(ln(1 + e^x)), which with w = e^x and n = w (w + 2) is x n / (n + 2).

    dL/dx = g (n / (n + 2) + x 4 w (w + 1) / (n + 2)²). (Misra 2019)
    """

    def value(self, x: Any) -> Any:
        w = _held_exp(x)
        n = w * (w + 2)
        return x * (n / (n + 2))

    def slope(self, x: Any) -> Any:
        w = _held_exp(x)
        n = w * (w + 2)
        return np.where(x > 20, 1.0, n / (n + 2) + x * (4 * w * (w + 1) / ((n + 2) * (n + 2))))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.array([-800.0, -40, 0, 19, 50, 1e6]))


def _held_exp(x: Any) -> Any:
    """e^x up to x = 20, from where on tanh(ln(1 + e^x)) is 1 to the last digit."""
    return np.exp(np.minimum(x, 20))


class Softplus(Unary):
    """y = ln(1 + e^(βx)) / β, and x itself where βx > threshold. dL/dx = g σ(βx).

    Args:
        beta: the sharpness of the bend.
        threshold: beyond it the function is a straight line.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def value(self, x: Any) -> Any:
        scaled = self.beta * x
        return np.where(scaled > self.threshold, x, _softplus(scaled) / self.beta)

    def slope(self, x: Any) -> Any:
        scaled = self.beta * x
        return np.where(scaled > self.threshold, 1.0, run(Sigmoid(), scaled))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(2.0), normal(3, 4))
        yield sample(cls, np.array([-50.0, 0, 19, 50]))


class LogSigmoid(Unary):
    """y = ln σ(x) = -ln(1 + e^-x), also where σ(x) underflows. dL/dx = g σ(-x)."""

    def value(self, x: Any) -> Any:
        return -_softplus(-x)

    def slope(self, x: Any) -> Any:
        return run(Sigmoid(), -x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(cls, np.array([-800.0, -30, 0, 30, 800]))


class GLU(Op):
    """y = a σ(b), where a and b are the halves of x along an axis. dL/da = g σ(b); dL/db = g a σ(b) (1 - σ(b)).

    Dauphin et al. 2017.

    Args:
        dim: the axis, not negative.
    """

    quiet = True
    twin_from = 8_192

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        self.save(x)
        a, b = self._halves(x)
        return a / (1 + np.exp(-b))

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        a, b = self._halves(x)
        s = run(Sigmoid(), b)
        da = g * s
        return np.concatenate([da, da * a * (1 - s)], axis=self.dim)

    def _halves(self, x: Any) -> tuple[Any, Any]:
        half, before = x.shape[self.dim] // 2, (slice(None),) * self.dim
        return x[(*before, slice(0, half))], x[(*before, slice(half, None))]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1), normal(3, 4))
        yield sample(lambda: cls(0), 400 * normal(4, 3, 2))
        yield sample(lambda: cls(1), 5 * normal(5, 40, 60))


def _softplus(x: Any) -> Any:
    """ln(1 + e^x), where no exponential overflows: max(x, 0) + ln(1 + e^-|x|)."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def sigmoid(input: Any) -> Any:
    """1 / (1 + e^-input)."""
    return of_floats(Sigmoid(), floating(input), kinds="fc")


@method(in_place=True)
def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return of_floats(Tanh(), floating(input), kinds="fc")


sigmoid_ = writing(sigmoid)
tanh_ = writing(tanh)


def gelu(input: Any, approximate: str = "none") -> Any:
    """input · Φ(input); ``approximate="tanh"`` uses the tanh formula.

    Raises:
        RangeError: another word.
    """
    if approximate not in ("none", "tanh"):
        raise RangeError(f"approximate argument must be either none or tanh, got {approximate!r}")
    return of_floats(GELU() if approximate == "none" else TanhGELU(), input)


def silu(input: Any, inplace: bool = False) -> Any:
    """input · sigmoid(input)."""
    return write_if(inplace, input, of_floats(SiLU(), input, kinds="fc"))


def mish(input: Any, inplace: bool = False) -> Any:
    """input · tanh(softplus(input))."""
    return write_if(inplace, input, of_floats(Mish(), input))


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """ln(1 + e^(beta · input)) / beta."""
    return of_floats(Softplus(beta, threshold), input)


def logsigmoid(input: Any) -> Any:
    """The logarithm of :func:`sigmoid`, without losing small ones."""
    return of_floats(LogSigmoid(), input)


def softsign(input: Any) -> Any:
    """input / (1 + abs(input))."""
    return input / (input.abs() + 1)


def tanhshrink(input: Any) -> Any:
    """input - tanh(input)."""
    return input - tanh(input)


def glu(input: Any, dim: int = -1) -> Any:
    """a · sigmoid(b), where a and b are the halves of the input along ``dim``. (Dauphin et al. 2017)

    Args:
        input: of even length 2n along ``dim``; the result has length n there.

    Raises:
        ShapeError: the length is odd, or there is no axis.
    """
    if not input.array.ndim:
        raise ShapeError("glu does not support scalars because halving size must be even")
    at = normal_axis(dim, input.array.ndim)
    length = input.array.shape[at]
    if length % 2:
        raise ShapeError(f"Halving dimension must be even, but dimension {at} is size {length}")
    return of_floats(GLU(at), input)


answer_ufuncs({np.tanh: tanh})
