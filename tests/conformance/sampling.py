"""Which of an entry's samples are run: at most CAP, spread evenly over all that the database yields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

CAP = 50


def spread(samples: Sequence[T], count: int, phase: float = 0.0) -> list[tuple[int, T]]:
    """``count`` of the samples at even distances, each with its number.

    ``phase`` in [0, 1) moves all but the first within their distance, so that two element types see different ones.
    """
    if len(samples) <= count:
        return list(enumerate(samples))
    step = len(samples) / count
    places = [0, *(int((i + phase) * step) for i in range(1, count))]
    return [(place, samples[place]) for place in places]


def shares(lengths: Sequence[int], budget: int) -> list[int]:
    """How many samples each of several lists may have: equal shares, and what one leaves the others get."""
    given = [0] * len(lengths)
    while budget > 0 and any(g < n for g, n in zip(given, lengths, strict=True)):
        hungry = [i for i, n in enumerate(lengths) if given[i] < n]
        portion = max(budget // len(hungry), 1)
        for i in hungry[:budget]:
            bite = min(portion, lengths[i] - given[i])
            given[i] += bite
            budget -= bite
    return given
