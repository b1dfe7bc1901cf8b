"""The draws that transforms make, from Handtorch's generator and in torchvision's order.

So a seed gives the same crops as torchvision, and each worker of a ``DataLoader`` has its own numbers.
"""

from __future__ import annotations

import numpy as np

from handtorch import random


def unit() -> float:
    """A number of [0, 1)."""
    return float(random.uniform((1,))[0])


def between(low: float, high: float) -> float:
    """A number of [low, high)."""
    return float(random.uniform((1,), float(low), float(high))[0])


def whole(end: int, start: int = 0) -> int:
    """A whole number of [start, end)."""
    return int(random.randint(start, end, (1,))[0])


def order(count: int) -> list[int]:
    """The numbers from 0 to count - 1, shuffled."""
    return random.randperm(count).tolist()


def aspect(ratio: tuple[float, float]) -> float:
    """A quotient of sides between two, as likely to be above 1 as below by the same factor."""
    low, high = np.log(np.asarray(ratio, np.float32))
    return float(np.exp(np.float32(between(low, high))))


def symmetric_beta(alpha: float) -> float:
    """A number of [0, 1] from Beta(α, α)."""
    return float(random.dirichlet(np.array([alpha, alpha], np.float32))[0])
