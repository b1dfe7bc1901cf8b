"""Gamma and Dirichlet numbers that have derivatives: how a draw moves with the parameters it was drawn for.

A draw x of a distribution with density f and distribution function F is the point with F(x; θ) = u for a u that has
nothing to do with θ. Differentiating both sides gives the implicit reparameterization gradient

    dx/dθ = -(∂F/∂θ) / f(x) = -∫_{t < x} s(t) f(t) / f(x) dt = ∫_{t > x} s(t) f(t) / f(x) dt,   s(t) = ∂ log f(t) / ∂θ,

(Figurnov, Mohamed, Mnih 2018); the two integrals are equal because s has mean zero. Of the two the one that leads
away from the mode is taken: along it the integrand falls from 1, so no digits cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handtorch import random
from handtorch.ops.elementwise import Elementwise, in_double, run
from handtorch.ops.gamma import digamma_values
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, positive, sample
from handtorch.random import Generator

__all__ = [
    "_dirichlet_grad",
    "_sample_dirichlet",
    "_standard_gamma",
    "_standard_gamma_grad",
]


# -- the integral ---------------------------------------------------------------------------------------------------

# Takahasi & Mori's double exponential rule for [0, ∞) and what falls like e^-w there: w = exp(u - e^-u), u evenly
# spaced. Its points crowd towards 0 over all scales, so that a step in the integrand near 0 is seen as well.
_STEP = 0.075
_U = np.arange(-3.7, 3.9, _STEP)
_POINTS = np.exp(_U - np.exp(-_U))
_WEIGHTS = _STEP * _POINTS * (1 + np.exp(-_U))


def _integral(line: Callable[[Any], tuple[Any, Any]], slope: Callable[[Any], Any], curvature: Any, tail: Any) -> Any:
    """∫ s(w) exp(h(w)) dw over w > 0, for vectors of integrals at once.

    Args:
        line: h and s; h is concave and 0 at 0.
        slope: the derivative of h.
        curvature: -h''(0), above 0.
        tail: where h falls at the latest.
    """
    start = -slope(0.0)
    parabola = 2 / (start + np.sqrt(start * start + 2 * curvature))  # which touches h at 0, and is about -1 there
    width = np.maximum(parabola, tail)
    for _ in range(5):  # Newton's method for h(width) = -1; from there on h falls by 1 a width, or faster
        width = width - (line(width)[0] + 1) / slope(width)
    total = np.zeros_like(width)
    for point, weight in zip(_POINTS, _WEIGHTS, strict=True):
        h, s = line(width * point)
        total += weight * s * np.exp(h)
    return width * total


def _gamma_slope(alpha: Any, x: Any) -> Any:
    """dx/dα of a gamma number, over l = ln t = ln x ± w, where the density is t^α e^-t / Γ(α), highest at t = α.

    Upwards the density falls like exp(-e^w), downwards like exp(-αw), which suits the rule better if α is small.
    """
    away = np.where(x >= np.maximum(alpha, 1), 1.0, -1.0)
    centre = np.log(x) - digamma_values(alpha)
    integral = _integral(
        lambda w: (away * alpha * w - x * np.expm1(away * w), centre + away * w),
        lambda w: away * (alpha - x * np.exp(away * w)),
        x,
        np.where(away > 0, 0, 1 / alpha),
    )
    return away * x * integral


def _beta_slope(alpha: Any, beta: Any, x: Any) -> Any:
    """dx/dα / (1 - x) of a beta number, over l = logit t = logit x ± w, where the density is t^α (1 - t)^β / B(α, β).

    It is highest at the mean, and falls at the ends like exp(-αw) and exp(-βw).
    """
    total = alpha + beta
    middle = np.minimum(np.maximum(alpha / total, 1 / (1 + total)), total / (1 + total))
    away = np.where(x >= middle, 1.0, -1.0)
    log_x, log_rest = np.log(x), np.log1p(-x)
    centre = log_x - digamma_values(alpha) + digamma_values(total)

    def line(w: Any) -> tuple[Any, Any]:
        shrunk = np.logaddexp(log_rest, log_x + away * w)  # t = x exp(±w - shrunk), 1 - t = (1 - x) exp(-shrunk)
        return alpha * away * w - total * shrunk, centre + away * w - shrunk

    def slope(w: Any) -> Any:
        return away * (alpha - total / (1 + np.exp(log_rest - log_x - away * w)))

    integral = _integral(line, slope, total * x * (1 - x), 1 / np.where(away > 0, beta, alpha))
    return away * x * integral


# -- ops ------------------------------------------------------------------------------------------------------------


class GammaSlope(Elementwise):
    """y = dx/dα of a number x drawn from a gamma distribution of shape α and rate 1. No second derivative."""

    quiet = True

    def forward(self, alpha: Any, x: Any) -> Any:
        return in_double(_gamma_slope)(alpha, x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, np.array([0.01, 0.1, 0.5, 1, 2, 30]), np.array([0.5, 0.02, 1, 1, 0.3, 45]), smooth=False)
        yield sample(cls, positive(4, 1, low=0.1, high=5), positive(3, low=0.1, high=8), smooth=False)
        yield bad(cls, normal(3, 4), normal(3))


class BetaSlope(Elementwise):
    """y = dx/dα / (1 - x) of a number x drawn from a beta distribution of α and β = total - α; β is held.

    No second derivative.
    """

    quiet = True

    def forward(self, x: Any, alpha: Any, total: Any) -> Any:
        return in_double(_beta_slope)(alpha, total - alpha, x)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        x, alpha = np.array([0.3, 0.02, 0.999, 0.5, 0.6]), np.array([0.1, 1, 3, 20, 7])
        yield sample(cls, x, alpha, alpha + np.array([0.2, 5, 0.1, 20, 3]), smooth=False)
        yield bad(cls, normal(3, 4), normal(3), normal(4))


class GammaDraw(Op):
    """y = numbers drawn from gamma distributions of shape α and rate 1. dL/dα = g dy/dα, see :class:`GammaSlope`.

    Args:
        drawn: the numbers, drawn by the caller.
    """

    def __init__(self, drawn: np.ndarray) -> None:
        self.drawn = drawn

    def forward(self, alpha: Any) -> Any:
        self.save(alpha, self.drawn)
        return self.drawn

    def backward(self, g: Any) -> Any:
        alpha, y = self.saved
        return g * run(GammaSlope(), alpha, y)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(positive(3, 4, seed=1)), positive(3, 4), smooth=False)


class DirichletDraw(Op):
    """y = points drawn from Dirichlet distributions of concentrations α, along the last axis.

    dL/dα_j = (g_j - Σ_i g_i y_i) (dy_j/dα_j) / (1 - y_j): y_j is a beta number, and the others make room for it in
    proportion to their size. See :class:`BetaSlope`.

    Args:
        drawn: the points, drawn by the caller.
    """

    def __init__(self, drawn: np.ndarray) -> None:
        self.drawn = drawn

    def forward(self, alpha: Any) -> Any:
        self.save(alpha, self.drawn)
        return self.drawn

    def backward(self, g: Any) -> Any:
        alpha, y = self.saved
        slope = run(BetaSlope(), y, alpha, np.sum(alpha, axis=-1, keepdims=True))
        return slope * (g - np.sum(g * y, axis=-1, keepdims=True))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        weights = positive(3, 4, seed=1)
        yield sample(lambda: cls(weights / weights.sum(-1, keepdims=True)), positive(3, 4), smooth=False)


# -- functions ------------------------------------------------------------------------------------------------------


def _standard_gamma(input: Any, generator: Generator | None = None) -> Any:
    """Gamma numbers of the shapes in ``input`` and rate 1, differentiable once.

    Raises:
        SamplingError: a shape below zero.
    """
    return GammaDraw(random.standard_gamma(input.array, generator))(input)


def _sample_dirichlet(input: Any, generator: Generator | None = None) -> Any:
    """Points of the simplex, for concentrations along the last axis of ``input``, differentiable once.

    Raises:
        SamplingError: a concentration below zero.
    """
    return DirichletDraw(random.dirichlet(input.array, generator))(input)


def _standard_gamma_grad(input: Any, output: Any) -> Any:
    """The derivative of gamma numbers ``output`` by their shapes ``input``."""
    return GammaSlope()(input, output)


def _dirichlet_grad(x: Any, alpha: Any, total: Any) -> Any:
    """The derivative of beta numbers ``x`` by ``alpha``, divided by 1 - x; ``total`` is alpha plus beta."""
    return BetaSlope()(x, alpha, total)
