"""Twins of activations made of pieces: all pieces are computed, and chosen from without a branch."""

from __future__ import annotations

from typing import Any

from handtorch.kernels.activation import ByElement, plain
from handtorch.kernels.compile import exp, expm1, kernel
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


class _OfInput(ByElement):
    """Its slope is found from x."""

    from_result = False


@kernel
def _leaky_relu(x: Any, slope: Any, y: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        y[i] = x[i] if x[i] > zero else slope * x[i]


@kernel
def _leaky_relu_backward(x: Any, slope: Any, g: Any, dx: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        dx[i] = g[i] if x[i] > zero else slope * g[i]


class LeakyReLU(_OfInput, piecewise.LeakyReLU):
    """By element, on all threads, for one slope."""

    def accepts(self, x: Any) -> bool:
        return plain(x) and isinstance(self.slope, (int, float))

    def value(self, x: Any, y: Any) -> None:
        _leaky_relu(x, x.dtype.type(self.slope), y)

    def pull(self, x: Any, g: Any, dx: Any) -> None:
        _leaky_relu_backward(x, x.dtype.type(self.slope), g, dx)


@kernel
def _elu(x: Any, alpha: Any, scale: Any, rate: Any, y: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        bent = alpha * expm1(rate * x[i])
        y[i] = scale * (x[i] if x[i] > zero else bent)


@kernel
def _elu_backward(x: Any, alpha: Any, scale: Any, rate: Any, g: Any, dx: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        bent = alpha * rate * exp(rate * x[i]) * g[i]
        dx[i] = scale * (bent if x[i] <= zero else g[i])


class ELU(_OfInput, piecewise.ELU):
    """By element, on all threads."""

    def value(self, x: Any, y: Any) -> None:
        _elu(x, *map(x.dtype.type, (self.alpha, self.scale, self.rate)), y)

    def pull(self, x: Any, g: Any, dx: Any) -> None:
        _elu_backward(x, *map(x.dtype.type, (self.alpha, self.scale, self.rate)), g, dx)


@kernel
def _hardtanh(x: Any, low: Any, high: Any, y: Any) -> None:
    for i in range(x.size):
        y[i] = low if x[i] < low else high if x[i] > high else x[i]


@kernel
def _hardtanh_backward(x: Any, low: Any, high: Any, g: Any, dx: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        dx[i] = zero if x[i] <= low or x[i] >= high else g[i]


class Hardtanh(_OfInput, piecewise.Hardtanh):
    """By element, on all threads."""

    def value(self, x: Any, y: Any) -> None:
        _hardtanh(x, x.dtype.type(self.low), x.dtype.type(self.high), y)

    def pull(self, x: Any, g: Any, dx: Any) -> None:
        _hardtanh_backward(x, x.dtype.type(self.low), x.dtype.type(self.high), g, dx)


@kernel
def _hardswish(x: Any, y: Any) -> None:
    zero, three, six = x.dtype.type(0), x.dtype.type(3), x.dtype.type(6)
    for i in range(x.size):
        held = x[i] + three
        held = zero if held < zero else six if held > six else held
        y[i] = x[i] * held / six


@kernel
def _hardswish_backward(x: Any, g: Any, dx: Any) -> None:
    zero, half, three = x.dtype.type(0), x.dtype.type(0.5), x.dtype.type(3)
    for i in range(x.size):
        slope = g[i] * (x[i] / three + half)
        dx[i] = zero if x[i] <= -three else slope if x[i] < three else g[i]


class Hardswish(_OfInput, piecewise.Hardswish):
    """By element, on all threads."""

    value, pull = staticmethod(_hardswish), staticmethod(_hardswish_backward)
