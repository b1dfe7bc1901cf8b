"""Metrics: numbers that people read, measured on each batch and averaged over an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, ShapeError
from handtorch.tensor import Tensor

Metric = Callable[[Any, Any], Any]
"""``metric(outputs, targets)``: the mean over the batch as a number, or ``(total, count)`` where it counts its own."""


class Averages:
    """Running weighted means by name: total and count, as Python floats, which a checkpoint keeps exactly."""

    def __init__(self, sums: Mapping[str, Iterable[float]] | None = None) -> None:
        self.sums: dict[str, list[float]] = {name: list(pair) for name, pair in (sums or {}).items()}

    def add(self, name: str, value: Any, count: float) -> None:
        """Add a mean over ``count`` samples, or a pair ``(total, count)`` that says its own."""
        total, count = value if isinstance(value, tuple) else (float(value) * count, count)
        sums = self.sums.setdefault(name, [0.0, 0.0])
        sums[0] += float(total)
        sums[1] += float(count)

    def means(self) -> dict[str, float]:
        """The means so far; NaN where nothing was counted."""
        return {name: total / count if count else float("nan") for name, (total, count) in self.sums.items()}


def as_array(value: Any) -> np.ndarray:
    """The array of a Tensor, or of whatever NumPy takes."""
    return value.array if isinstance(value, Tensor) else np.asarray(value)


def accuracy(outputs: Any, targets: Any, ignore_index: int = -100) -> tuple[float, float]:
    """Share of targets whose class has the highest score: ``(correct, counted)``.

    Args:
        outputs: scores, ``(N, C)`` or ``(N, C, d1, ...)``, classes along axis 1 as in cross entropy.
        targets: class numbers, ``(N)`` or ``(N, d1, ...)``.
        ignore_index: a target that is not counted (padding).

    Raises:
        ShapeError: the shapes do not belong together.
    """
    scores, classes = as_array(outputs), as_array(targets)
    if scores.ndim < 2 or scores.shape[:1] + scores.shape[2:] != classes.shape:
        raise ShapeError(
            f"accuracy: expected outputs (N, C, ...) and targets (N, ...), got {scores.shape} and {classes.shape}"
        )
    counted = classes != ignore_index
    correct = (scores.argmax(axis=1) == classes) & counted
    return float(correct.sum()), float(counted.sum())


def confusion_counts(predictions: Any, targets: Any, classes: int, ignore_index: int = -100) -> np.ndarray:
    """How often each class was taken for each: ``counts[t, p]`` of shape ``(C, C)``, int64.

    Args:
        predictions: predicted class numbers, any shape.
        targets: true class numbers, the same shape.
        classes: their number ``C``.
        ignore_index: a target that is not counted (padding).

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: a class number outside ``0 .. C-1``.
    """
    predicted, true = as_array(predictions).ravel(), as_array(targets).ravel()
    if predicted.shape != true.shape:
        raise ShapeError(
            f"expected as many predictions as targets, got {as_array(predictions).shape} and {as_array(targets).shape}"
        )
    counted = true != ignore_index
    predicted, true = predicted[counted].astype(np.int64), true[counted].astype(np.int64)
    for name, numbers in (("predictions", predicted), ("targets", true)):
        if numbers.size and (numbers.min() < 0 or numbers.max() >= classes):
            raise ArgumentError(
                f"expected {name} in 0 .. {classes - 1}, got values from {numbers.min()} to {numbers.max()}"
            )
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)
