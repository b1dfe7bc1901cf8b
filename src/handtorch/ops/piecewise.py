"""Activations made of pieces: straight lines or curves that meet in kinks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import random
from handtorch.errors import ArgumentError, DtypeError, RangeError, ShapeError
from handtorch.ops.attach import method, writing
from handtorch.ops.elementwise import Elementwise, of_floats
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, away_from, bad, normal, positive, sample
from handtorch.ops.writing import write_if

__all__ = [
    "celu",
    "celu_",
    "hardshrink",
    "prelu",
    "relu",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "threshold",
    "threshold_",
]


class ReLU(Op):
    """y = max(x, 0). dL/dx = g where x > 0, else 0 (also at x = 0)."""

    twin_from = 65_536

    def forward(self, x: Any) -> Any:
        y = np.maximum(x, 0)
        self.save(y)
        return y

    def backward(self, g: Any) -> Any:
        (y,) = self.saved
        return np.where(y <= 0, 0, g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(3, 4)))
        yield sample(cls, np.zeros(3), smooth=False)
        yield sample(cls, away_from(0, shape=(256, 300)))
        yield sample(cls, np.array([np.nan, np.inf, -np.inf]), smooth=False)


class LeakyReLU(Op):
    """y = x where x > 0, else slope · x. dL/dx = g or slope · g. (Maas et al. 2013)

    Args:
        slope: the factor for negative x: a number, or an array of the shape of x.
    """

    twin_from = 8_192

    def __init__(self, slope: Any = 0.01) -> None:
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
        yield sample(lambda: cls(positive(3, 4)), away_from(0, shape=(3, 4)))
        yield sample(cls, np.zeros(3), smooth=False)
        yield sample(lambda: cls(0.2), away_from(0, shape=(70, 300)))


class PReLU(Elementwise):
    """y = x where x > 0, else w x, with a learned w. dL/dx = g or w g; dL/dw = 0 or x g. (He et al. 2015)"""

    def forward(self, x: Any, w: Any) -> Any:
        self.save(x, w)
        return np.where(x > 0, x, w * x)

    def backward(self, g: Any) -> Any:
        x, w = self.saved
        return np.where(x > 0, g, w * g), np.where(x > 0, 0, x * g) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(0, shape=(2, 3, 4)), normal(3, 1))
        yield sample(cls, away_from(0, shape=(3, 4)), normal())
        yield bad(cls, normal(3, 4), normal(3))


class ELU(Op):
    """y = λ x where x > 0, else λ α (e^(βx) - 1). dL/dx = λ g or λ α β e^(βx) g. (Clevert et al. 2015)

    Args:
        alpha: the limit for x towards minus infinity is -λα.
        scale: λ, the slope for positive x.
        rate: β, how fast the limit is reached.
    """

    quiet = True
    twin_from = 8_192

    def __init__(self, alpha: float = 1.0, scale: float = 1.0, rate: float = 1.0) -> None:
        self.alpha, self.scale, self.rate = alpha, scale, rate

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.where(x > 0, self.scale * x, self.scale * self.alpha * np.expm1(self.rate * np.minimum(x, 0)))

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        slope = self.scale * self.alpha * self.rate * np.exp(self.rate * np.minimum(x, 0))
        return np.where(x <= 0, slope * g, self.scale * g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1.3), away_from(0, shape=(3, 4)))
        yield sample(lambda: cls(1.3, 1.1, 0.7), away_from(0, shape=(3, 4)))
        yield sample(lambda: cls(1.3, 1.1, 0.7), 4 * normal(70, 300))
        yield sample(cls, np.array([-1e-9, -1e-3, -0.3, -0.4, -800, -np.inf, np.nan, 0]), smooth=False)


class Threshold(Op):
    """y = x where x > threshold, else a value. dL/dx = g or 0.

    Args:
        threshold: where x begins to pass.
        value: what stands for all that does not pass.
    """

    def __init__(self, threshold: Any, value: Any) -> None:
        self.threshold, self.value = threshold, value

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.where(x <= self.threshold, self.value, x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return np.where(x <= self.threshold, 0, g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(0.5, -2.0), away_from(0.5, shape=(3, 4)))
        yield sample(lambda: cls(0.5, -2.0), np.array([0.5, np.nan]), smooth=False)


class Hardtanh(Op):
    """y = x, held between two bounds. dL/dx = g between them, else 0 (also at a bound).

    Args:
        low, high: the bounds.
    """

    twin_from = 8_192

    def __init__(self, low: Any = -1.0, high: Any = 1.0) -> None:
        self.low, self.high = low, high

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.clip(x, self.low, self.high)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return np.where((x <= self.low) | (x >= self.high), 0, g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(-0.5, 1.5), away_from(-0.5, 1.5, shape=(3, 4)))
        yield sample(cls, np.array([-1.0, 1.0, 5.0, np.nan]), smooth=False)
        yield sample(lambda: cls(-0.5, 1.5), normal(70, 300))


class Hardsigmoid(Op):
    """y = x / 6 + 1/2, held between 0 and 1: a sigmoid of straight lines. dL/dx = g / 6 where |x| < 3, else 0."""

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.clip(x + 3, 0, 6) / 6

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return np.where((x > -3) & (x < 3), g / 6, 0)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, 2 * away_from(-1.5, 1.5, shape=(3, 4)))
        yield sample(cls, np.array([-3.0, 3.0, 9.0]), smooth=False)


class Hardswish(Op):
    """y = x Hardsigmoid(x). dL/dx = 0 where x <= -3, g where x >= 3, else g (x / 3 + 1/2). (Howard et al. 2019)"""

    quiet = True
    twin_from = 8_192

    def forward(self, x: Any) -> Any:
        self.save(x)
        return x * np.clip(x + 3, 0, 6) / 6

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return np.where(x <= -3, 0, np.where(x < 3, g * (x / 3 + 0.5), g))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, 2 * away_from(-1.5, 1.5, shape=(3, 4)))
        yield sample(cls, np.array([-3.0, 3.0, 9.0]), smooth=False)
        yield sample(cls, 3 * normal(70, 300))


class Hardshrink(Op):
    """y = 0 where |x| <= λ, else x. dL/dx = 0 or g.

    Args:
        lambd: λ.
    """

    quiet = True

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.where(self._inside(x), 0, x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        return np.where(self._inside(x), 0, g)

    def _inside(self, x: Any) -> Any:
        return (x >= -self.lambd) & (x <= self.lambd)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, away_from(-0.5, 0.5, shape=(3, 4)))
        yield sample(lambda: cls(0.0), away_from(0, shape=(3, 4)))
        yield sample(cls, np.array([-0.5, 0.5, np.nan]), smooth=False)


class Softshrink(Hardshrink):
    """y = 0 where |x| <= λ, else x moved by λ towards 0. dL/dx = 0 or g.

    Args:
        lambd: λ.
    """

    def forward(self, x: Any) -> Any:
        self.save(x)
        return np.where(self._inside(x), 0 * x, x - np.copysign(self.lambd, x))


# -- functions ------------------------------------------------------------------------------------------------------


@method(in_place=True)
def relu(input: Any, inplace: bool = False) -> Any:
    """max(input, 0)."""
    if input.array.dtype.kind in "bc":
        raise DtypeError(f"relu is not defined for {input.dtype}; expected floating point or whole numbers")
    return write_if(inplace, input, ReLU()(input))


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """input where it is positive, else negative_slope · input."""
    return write_if(inplace, input, of_floats(LeakyReLU(negative_slope), input))


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """input where it is positive, else alpha (e^input - 1)."""
    return write_if(inplace, input, of_floats(ELU(alpha), input))


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """input where it is positive, else alpha (e^(input / alpha) - 1): an ELU whose slope is continuous.

    Barron 2017.

    Raises:
        RangeError: alpha is 0.
    """
    if alpha == 0:
        raise RangeError("alpha cannot be 0 for CELU: the input is divided by it")
    return write_if(inplace, input, of_floats(ELU(alpha, rate=1 / alpha), input))


_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def selu(input: Any, inplace: bool = False) -> Any:
    """An ELU scaled so that layers of it keep mean 0 and variance 1. (Klambauer et al. 2017)"""
    return write_if(inplace, input, of_floats(ELU(_SELU_ALPHA, _SELU_SCALE), input))


@method()
def prelu(input: Any, weight: Any) -> Any:
    """input where it is positive, else weight · input.

    Args:
        input: (N, C, *), or (C).
        weight: (C), one for each channel (axis 1); or one number for all.

    Raises:
        ShapeError: the weights are not one for each channel.
        DtypeError: the two are of different types.
    """
    x, w = input.array, weight.array
    if x.dtype != w.dtype:
        raise DtypeError(f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}")
    if w.ndim > 1:
        raise ShapeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {w.ndim}")
    if w.size != 1:
        if not x.ndim:
            raise ShapeError("prelu: Not allow zero-dim input tensor.")
        channels = x.shape[1] if x.ndim > 1 else 1
        if w.size != channels:
            raise ShapeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {w.size} and "
                f"channel size = {channels}; expected input (N, C, *) and weight (C) or (1)"
            )
    shape = (-1,) + (1,) * (x.ndim - 2) if x.ndim > 1 else (1,) * x.ndim
    return of_floats(PReLU(), input, weight.reshape(shape))


def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Any:
    """input where it is positive, else input times a slope: drawn from [lower, upper] in training, else their mean.

    Xu et al. 2015.

    Raises:
        RangeError: lower is above upper.
    """
    if lower > upper:
        raise RangeError(f"Lower bound should be less than or equal to the upper bound, got {lower} and {upper}")
    x = input.array
    slope: Any = (lower + upper) / 2
    if training and x.dtype.kind == "f":
        slope = np.ones_like(x, dtype=np.float64)
        slope[x <= 0] = random.uniform(int((x <= 0).sum()), lower, upper, "float64")
        slope = slope.astype(np.float64 if x.dtype == np.float64 else np.float32)
    return write_if(inplace, input, of_floats(LeakyReLU(slope), input))


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """input where it is above the threshold, else the value."""
    if input.array.dtype.kind in "bc":
        raise DtypeError(f"threshold is not defined for {input.dtype}; expected floating point or whole numbers")
    return write_if(inplace, input, Threshold(*_bounds(input, threshold, value))(input))


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """input, held between two bounds.

    Raises:
        ArgumentError: min_val is above max_val.
        DtypeError: truth values, or numbers without a sign and a negative bound.
    """
    if min_val > max_val:
        raise ArgumentError(f"min_val cannot be greater than max_val, got {min_val} and {max_val}")
    kind = input.array.dtype.kind
    if kind in "bc":
        raise DtypeError(f"hardtanh is not defined for {input.dtype}; expected floating point or whole numbers")
    if kind == "u" and min_val < 0:
        raise DtypeError(f"cannot do hardtanh on an unsigned type ({input.dtype}) with negative limits, got {min_val}")
    return write_if(inplace, input, Hardtanh(*_bounds(input, min_val, max_val))(input))


def _bounds(input: Any, *numbers: float) -> list[Any]:
    """Numbers in the element type of a tensor: whole ones wrap around, as in C."""
    kind = input.array.dtype
    return [np.asarray(int(x)).astype(kind)[()] if kind.kind in "iu" else float(x) for x in numbers]


def relu6(input: Any, inplace: bool = False) -> Any:
    """input, held between 0 and 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """input / 6 + 1/2, held between 0 and 1."""
    return write_if(inplace, input, of_floats(Hardsigmoid(), input))


def hardswish(input: Any, inplace: bool = False) -> Any:
    """input · hardsigmoid(input)."""
    return write_if(inplace, input, of_floats(Hardswish(), input))


@method()
def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """0 where abs(input) <= lambd, else input."""
    return of_floats(Hardshrink(lambd), input)


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """0 where abs(input) <= lambd, else input moved by lambd towards 0.

    Raises:
        RangeError: lambd is negative.
    """
    if lambd < 0:
        raise RangeError(f"lambda must be in range [0, inf) for input dtype {input.dtype}, but found {lambd}")
    return of_floats(Softshrink(lambd), input)


relu_ = writing(relu)
leaky_relu_ = writing(leaky_relu)
elu_ = writing(elu)
celu_ = writing(celu)
selu_ = writing(selu)
rrelu_ = writing(rrelu)
threshold_ = writing(threshold)
hardtanh_ = writing(hardtanh)
