"""Samples: the inputs on which every op is held to its formula, its derivatives, its twin and its errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One run of an op.

    Attributes:
        make: makes the op (a new one for each run: an instance is a node of a graph).
        inputs: arrays and Python numbers.
        bad: the inputs do not fit, and the op must say so with a ShapeError.
        smooth: the derivative exists in a neighbourhood (false for a sample that sits on a kink on purpose).
    """

    make: Callable[[], Any]
    inputs: tuple[Any, ...]
    bad: bool = False
    smooth: bool = True


def sample(make: Callable[[], Any], *inputs: Any, smooth: bool = True) -> Sample:
    """A run that must succeed."""
    return Sample(make, inputs, smooth=smooth)


def bad(make: Callable[[], Any], *inputs: Any) -> Sample:
    """A run that must raise ShapeError."""
    return Sample(make, inputs, bad=True)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float64 numbers, the same in every run."""
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def away_from(*points: float, shape: tuple[int, ...], gap: float = 0.05, seed: int = 0) -> np.ndarray:
    """Normal numbers, scaled by 2, none of which lies within ``gap`` of a point where the derivative does not exist."""
    x = 2 * normal(*shape, seed=seed)
    for point in points:
        x = np.where(np.abs(x - point) < gap, point + gap * np.where(x < point, -2, 2), x)
    return x


def positive(*shape: int, low: float = 0.3, high: float = 3.0, seed: int = 0) -> np.ndarray:
    """Uniform numbers between ``low`` and ``high``."""
    return np.random.default_rng((seed, *shape)).uniform(low, high, shape)


def distinct(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers at least 0.1 apart, in random order: no ties."""
    count = int(np.prod(shape))
    return np.random.default_rng((seed, *shape)).permutation(count).reshape(shape) * 0.1 - count * 0.05


def integers(low: int, high: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Whole numbers in [low, high)."""
    return np.random.default_rng((seed, *shape)).integers(low, high, shape)


def of_positive_definite(op: Any) -> Callable[[Any], Any]:
    """An op on positive definite matrices as a function of any matrix x: what it makes of x xᵀ + 1."""
    return lambda x: op(x @ x.mT + np.eye(x.shape[-1]))


def of_symmetric(op: Any) -> Callable[[Any], Any]:
    """An op on symmetric matrices as a function of any matrix x: what it makes of x + xᵀ."""
    return lambda x: op(x + x.mT)
