"""How well a score tells whether two pictures show the same person.

A pair is accepted when its score is at least a threshold t. Over the pairs of the same person (P of them) and those of
different people (N of them),

    TAR(t) = accepted pairs of the same person / P        true accept rate, recall, 1 - FRR
    FAR(t) = accepted pairs of different people / N        false accept rate
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, ShapeError
from handtorch.random import Generator, randint
from handtorch.tensor import Tensor

Floats = npt.NDArray[np.float64]


class Roc(NamedTuple):
    """The receiver operating characteristic: all that can be had by moving the threshold, from none to all accepted."""

    far: Floats
    """(K,) rising from 0 to 1"""
    tar: Floats
    """(K,) rising from 0 to 1"""
    thresholds: Floats
    """(K,) falling; the first is infinite"""


def roc(scores: Any, same: Any) -> Roc:
    """TAR and FAR at every threshold that makes a difference.

    Args:
        scores: (M,), higher for pairs that are more alike.
        same: (M,) 1 or True for the same person.

    Raises:
        ShapeError: not as many scores as answers.
        ArgumentError: a score that is not a number, or pairs of one kind only.
    """
    values, answers = _checked(scores, same)
    order = np.argsort(-values, kind="stable")
    values, answers = values[order], answers[order]
    # Pairs of equal score are accepted together.
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    accepted_same = np.cumsum(answers)[ends]
    accepted = ends + 1
    tar = np.append(0, accepted_same) / answers.sum()
    far = np.append(0, accepted - accepted_same) / (len(answers) - answers.sum())
    return Roc(far, tar, np.append(np.inf, values[ends]))


def auc(scores: Any, same: Any) -> float:
    """The area under the ROC: how often a pair of the same person scores higher than one of different people.

    Equal scores count half (Hanley & McNeil 1982).
    """
    curve = roc(scores, same)
    return float(np.sum(np.diff(curve.far) * (curve.tar[1:] + curve.tar[:-1]) / 2))


def equal_error_rate(scores: Any, same: Any) -> tuple[float, float]:
    """Where as large a share of the same is refused as of the different accepted: the rate and its threshold.

    Between two points of the ROC, both rates are taken to be linear.
    """
    curve = roc(scores, same)
    gap = curve.far - (1 - curve.tar)  # rises from -1 to 1
    after = int(np.argmax(gap >= 0))
    before = after - 1
    share = -gap[before] / (gap[after] - gap[before])
    rate = curve.far[before] + share * (curve.far[after] - curve.far[before])
    threshold = curve.thresholds[after if share > 0.5 or before == 0 else before]
    return float(rate), float(threshold)


def accuracy(scores: Any, same: Any, threshold: float) -> float:
    """The share of pairs that a threshold judges rightly; choose it on other pairs than those reported on."""
    values, answers = _checked(scores, same)
    return float(np.mean((values >= threshold) == answers))


def best_threshold(scores: Any, same: Any) -> tuple[float, float]:
    """The threshold that judges most pairs rightly, and the share that it judges so; the highest of several."""
    curve = roc(scores, same)
    _, answers = _checked(scores, same)
    share = answers.mean()
    right = share * curve.tar + (1 - share) * (1 - curve.far)
    best = int(np.argmax(right))
    return float(curve.thresholds[best]), float(right[best])


def tar_at_far(scores: Any, same: Any, far: float) -> float:
    """The highest TAR whose FAR is at most ``far``.

    Raises:
        ArgumentError: ``far`` outside [0, 1].
    """
    if not 0 <= far <= 1:
        raise ArgumentError(f"expected far from 0 to 1, got {far}")
    curve = roc(scores, same)
    return float(curve.tar[curve.far <= far].max())


@dataclass(frozen=True)
class Verification:
    """All figures of one set of pairs."""

    pairs: int
    eer: float
    auc: float
    accuracy: float
    """At the threshold that is best on these very pairs: an upper bound."""
    threshold: float
    """That threshold."""
    tar_at_far: dict[float, float]


def verify(scores: Any, same: Any, fars: tuple[float, ...] = (0.1, 0.01, 0.001)) -> Verification:
    """EER, AUC, best accuracy, and TAR at several FARs."""
    threshold, right = best_threshold(scores, same)
    return Verification(
        pairs=len(np.asarray(same)),
        eer=equal_error_rate(scores, same)[0],
        auc=auc(scores, same),
        accuracy=right,
        threshold=threshold,
        tar_at_far={far: tar_at_far(scores, same, far) for far in fars},
    )


def draw_pairs(
    targets: Any, count: int, generator: Generator | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Draw pairs of pictures, half of them of the same person.

    Args:
        targets: (N,) who is in each picture.
        count: how many pairs; half of it is rounded down for the same.
        generator: drawn from instead of the default one.

    Returns:
        the numbers of the first pictures (count,), of the second, and whether both show the same person.

    Raises:
        ArgumentError: nobody has two pictures, or there are fewer than two people.
    """
    people = np.asarray(targets.numpy() if isinstance(targets, Tensor) else targets)
    values, inverse, counts = np.unique(people, return_inverse=True, return_counts=True)
    if len(values) < 2 or counts.max() < 2:
        raise ArgumentError(
            f"expected two people or more, one of them in two pictures, got {len(values)} in {len(people)}"
        )
    order = np.argsort(inverse, kind="stable")  # the pictures of each person behind one another
    starts = np.cumsum(counts) - counts
    several = order[counts[inverse[order]] > 1]
    alike = count // 2
    first = several[randint(0, len(several), (alike,), generator=generator)]
    second = _another(first, inverse, counts, starts, order, generator)
    left = randint(0, len(people), (count - alike,), generator=generator)
    # Of the pictures of all others, which stand around those of the same person.
    jump = randint(0, 1 << 28, left.shape, generator=generator) % (len(people) - counts[inverse[left]])
    right = order[(starts[inverse[left]] + counts[inverse[left]] + jump) % len(people)]
    same = np.arange(count) < alike
    return np.concatenate([first, left]), np.concatenate([second, right]), same


def _another(first: Any, inverse: Any, counts: Any, starts: Any, order: Any, generator: Generator | None) -> Any:
    """Another picture of the same person for each."""
    person = inverse[first]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    step = 1 + randint(0, 1 << 28, first.shape, generator=generator) % (counts[person] - 1)
    return order[starts[person] + (place[first] - starts[person] + step) % counts[person]]


def _checked(scores: Any, same: Any) -> tuple[Floats, npt.NDArray[np.bool_]]:
    values, answers = (np.asarray(x.detach().numpy() if isinstance(x, Tensor) else x) for x in (scores, same))
    if values.ndim != 1 or values.shape != answers.shape:
        raise ShapeError(f"expected scores (M,) and as many answers, got {values.shape} and {answers.shape}")
    if not np.isfinite(values).all():
        raise ArgumentError("expected scores that are finite numbers, got NaN or infinity among them")
    if not np.isin(answers, (0, 1)).all():
        raise ArgumentError("expected answers of 1 for the same person and 0 else, got others; -1 stands for untold")
    answers = answers.astype(bool)
    if answers.all() or not answers.any():
        raise ArgumentError("expected pairs of the same person and pairs of different people, got one kind only")
    return values.astype(np.float64), answers
