"""Samplers that propose and reject: how many numbers one result takes depends on the numbers.

They run one value at a time and follow PyTorch's order of draws, so that the generator also ends where PyTorch's does.
Constants that PyTorch writes in single precision are rounded to it here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handtorch.errors import DtypeError, ShapeError
from handtorch.random.generator import Generator, SamplingError, resolve

Floats = NDArray[Any]

_THIRD = float(np.float32(1) / np.float32(3))
_SQUEEZE = float(np.float32(0.0331))
_TINY = float(np.finfo(np.float64).tiny)
_FIRST_BLOCK = 64
_LARGEST_BLOCK = 1 << 14


class _Stream:
    """Units and normal numbers one at a time; fetched in blocks, and what was not used is handed back at the end."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._left: list[float] = []
        self._fetched = 0
        self._block = _FIRST_BLOCK

    def __enter__(self) -> _Stream:
        self._generator.lock.acquire()
        self._start = self._generator.position()
        return self

    def __exit__(self, *error: object) -> None:
        spare = self._generator.spare_normal
        self._generator.return_to(self._start)
        self._generator.skip(2 * (self._fetched - len(self._left)))
        self._generator.spare_normal = spare
        self._generator.lock.release()

    def unit(self) -> float:
        """The next float64 number of [0, 1)."""
        if not self._left:
            self._left = self._generator.units64(self._block)[::-1].tolist()
            self._fetched += self._block
            self._block = min(2 * self._block, _LARGEST_BLOCK)
        return self._left.pop()

    def normal(self) -> float:
        """The next standard normal number; the other of its pair waits in the generator."""
        spare = self._generator.spare_normal
        if spare is not None:
            self._generator.spare_normal = None
            return spare
        angle, height = self.unit(), self.unit()
        radius = math.sqrt(-2.0 * math.log1p(-height))
        angle *= 2.0 * math.pi
        self._generator.spare_normal = radius * math.sin(angle)
        return radius * math.cos(angle)


def _each(sample: Callable[..., float], generator: Generator | None, dtype: np.dtype, *parameters: Floats) -> Floats:
    """``sample(stream, ...)`` for every element of the broadcast parameters, in memory order."""
    arrays = np.broadcast_arrays(*parameters)
    with _Stream(resolve(generator)) as stream:
        values = [sample(stream, *row) for row in zip(*(a.ravel().tolist() for a in arrays), strict=True)]
    return np.array(values, np.float64).astype(dtype).reshape(arrays[0].shape)


def _check_float(array: Floats, sampler: str, name: str) -> Floats:
    array = np.asarray(array)
    if array.dtype not in (np.float32, np.float64):
        raise DtypeError(f"{sampler}: expected {name} of float32 or float64, got {array.dtype}")
    return array


def poisson(rate: Floats, generator: Generator | None = None) -> Floats:
    """Numbers of events where ``rate`` are expected.

    Args:
        rate: expected numbers, any shape, float32 or float64.
        generator: drawn from instead of the default one.

    Returns:
        Array of the shape and type of ``rate``.

    Raises:
        SamplingError: a rate below zero.
        DtypeError: ``rate`` is of another type.

    Source: products of units below 10 (Knuth 1969); from 10 on the transformed rejection PTRS (Hoermann 1993).
    """
    rate = _check_float(rate, "poisson", "rate")
    if not (rate >= 0).all():
        raise SamplingError(f"poisson: expected rates >= 0, got {rate.min()}")
    return _each(_poisson, generator, rate.dtype, rate)


def _poisson(stream: _Stream, rate: float) -> float:
    if rate >= 10:
        return _poisson_by_rejection(stream, rate)
    if rate == 0:
        return 0
    floor, product, count = math.exp(-rate), 1.0, 0
    while True:
        product *= stream.unit()
        if product <= floor:
            return count
        count += 1


def _poisson_by_rejection(stream: _Stream, rate: float) -> float:
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    box = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = stream.unit() - 0.5
        v = stream.unit()
        edge = 0.5 - abs(u)
        if edge == 0:
            continue
        k = math.floor((2 * a / edge + b) * u + rate + 0.43)
        if edge >= 0.07 and v <= box:
            return k
        if k < 0 or (edge < 0.013 and v > edge):
            continue
        accepted = math.log(v) + math.log(inverse_alpha) - math.log(a / (edge * edge) + b) if v else -math.inf
        if accepted <= -rate + k * log_rate - math.lgamma(k + 1):
            return k


def standard_gamma(alpha: Floats, generator: Generator | None = None) -> Floats:
    """Gamma numbers of shape ``alpha`` and scale one.

    Args:
        alpha: shape parameters >= 0, any shape, float32 or float64.
        generator: drawn from instead of the default one.

    Returns:
        Array of the shape and type of ``alpha``, at least the smallest normal number of that type.

    Raises:
        SamplingError: an ``alpha`` below zero.
        DtypeError: ``alpha`` is of another type.

    Source: Marsaglia & Tsang (2000), with their boost for alpha < 1.
    """
    alpha = _check_float(alpha, "standard_gamma", "alpha")
    _check_not_negative(alpha, "standard_gamma", "alpha")
    drawn = _each(_gamma, generator, alpha.dtype, *_gamma_parameters(alpha))
    return np.maximum(drawn, np.finfo(alpha.dtype).tiny)


def _check_not_negative(array: Floats, sampler: str, name: str) -> None:
    if not (array >= 0).all():
        raise SamplingError(f"{sampler}: expected {name} >= 0, got {array.min()}")


def _gamma_parameters(alpha: Floats) -> tuple[Floats, Floats]:
    """``d`` of the method, in alpha's precision, and the exponent of the boost: 1 / alpha below one, else zero."""
    boosted = alpha < 1
    one = alpha.dtype.type(1)
    with np.errstate(divide="ignore"):
        exponent = np.where(boosted, one / alpha, alpha.dtype.type(0))
    d = np.where(boosted, alpha + one, alpha) - alpha.dtype.type(_THIRD)
    return d, exponent


def _gamma(stream: _Stream, d: float, boost: float) -> float:
    if boost == math.inf:
        return 0.0
    scale = math.pow(1 - stream.unit(), boost) if boost else 1.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = stream.normal()
        y = 1.0 + c * x
        if y <= 0:
            continue
        v = y * y * y
        u = 1 - stream.unit()
        squared = x * x
        if u < 1.0 - _SQUEEZE * squared * squared:
            return scale * d * v
        if math.log(u) < 0.5 * squared + d * (1.0 - v + math.log(v)):
            return scale * d * v


def dirichlet(alpha: Floats, generator: Generator | None = None) -> Floats:
    """Points of the simplex: gamma numbers divided by their sum over the last axis.

    Args:
        alpha: concentrations, shape (..., categories), float32 or float64.
        generator: drawn from instead of the default one.

    Returns:
        Array of the shape and type of ``alpha``, inside the open interval (0, 1).

    Raises:
        SamplingError: an ``alpha`` below zero.
        DtypeError: ``alpha`` is of another type.
    """
    alpha = _check_float(alpha, "dirichlet", "alpha")
    _check_not_negative(alpha, "dirichlet", "alpha")
    parameters = _gamma_parameters(alpha.astype(np.float64))
    gammas = np.maximum(_each(_gamma, generator, np.dtype(np.float64), *parameters), _TINY)
    shares = (gammas / gammas.sum(axis=-1, keepdims=True)).astype(alpha.dtype)
    below_one = np.nextafter(alpha.dtype.type(1), alpha.dtype.type(0))
    return np.clip(shares, np.finfo(alpha.dtype).tiny, below_one)


def binomial(count: Floats, prob: Floats, generator: Generator | None = None) -> Floats:
    """Successes in ``count`` trials of probability ``prob``.

    Args:
        count: numbers of trials, float32 or float64.
        prob: probabilities, of the shape and type of ``count``.
        generator: drawn from instead of the default one.

    Returns:
        Array of the shape and type of ``count``.

    Raises:
        ShapeError, DtypeError: the two do not match.

    Source: sums of geometric numbers below 10 expected successes (Devroye 1986), else the transformed rejection
    BTRS (Hoermann 1993).
    """
    count, prob = _check_float(count, "binomial", "count"), _check_float(prob, "binomial", "prob")
    if count.dtype != prob.dtype:
        raise DtypeError(f"binomial: expected count and prob of one type, got {count.dtype} and {prob.dtype}")
    if count.shape != prob.shape:
        raise ShapeError(f"binomial: expected count and prob of one shape, got {count.shape} and {prob.shape}")
    one = count.dtype.type(1)
    rare = np.where(prob > 0.5, one - prob, prob)  # count the rarer outcome, and turn the result round
    successes = count * rare
    deviation = np.sqrt(np.maximum(successes * (one - rare), 0))
    mode = np.floor((count + one) * rare)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = rare / (one - rare)
    return _each(_binomial, generator, count.dtype, count, prob, rare, successes, deviation, mode, odds)


def _binomial(stream: _Stream, count: float, prob: float, rare: float, *moments: float) -> float:
    if count <= 0 or prob <= 0:
        return 0
    if prob >= 1:
        return count
    if math.isnan(prob):
        return prob
    successes, deviation, mode, odds = moments
    if successes >= 10:
        k = _binomial_by_rejection(stream, count, rare, successes, deviation, mode, odds)
    else:
        k = _binomial_by_waiting(stream, count, rare)
    return k if prob <= 0.5 else count - k


def _binomial_by_waiting(stream: _Stream, count: float, prob: float) -> float:
    """How many waiting times for a success fit into ``count`` trials."""
    log_failure = math.log1p(-prob)
    trials, successes = 0.0, 0
    while True:
        unit = stream.unit()
        trials += math.ceil(math.log(unit) / log_failure) if unit else math.inf
        if trials > count:
            return successes
        successes += 1


def _binomial_by_rejection(
    stream: _Stream, count: float, prob: float, successes: float, deviation: float, mode: float, odds: float
) -> float:
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    c = successes + 0.5
    box = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    while True:
        u = stream.unit() - 0.5
        v = stream.unit()
        edge = 0.5 - abs(u)
        if edge == 0:
            continue
        k = math.floor((2 * a / edge + b) * u + c)
        if k < 0 or k > count:
            continue
        if edge >= 0.07 and v <= box:
            return k
        accepted = math.log(v * alpha / (a / (edge * edge) + b)) if v else -math.inf
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
            + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
            + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
            + _stirling_tail(mode)
            + _stirling_tail(count - mode)
            - _stirling_tail(k)
            - _stirling_tail(count - k)
        )
        if accepted <= bound:
            return k


_STIRLING_TAILS = [
    math.lgamma(k + 1) - (0.5 * math.log(2 * math.pi) + (k + 0.5) * math.log(k + 1) - (k + 1)) for k in range(10)
]


def _stirling_tail(k: float) -> float:
    """What Stirling's formula for log k! leaves out: exact below ten, its series above."""
    if k < 10:
        return _STIRLING_TAILS[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)
