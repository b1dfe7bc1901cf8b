"""Which of two values of a metric is better: the one rule that checkpoints, early stopping and notices share."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

from handtorch.errors import ArgumentError

Mode = Literal["min", "max"]

_LOW = {"loss", "error", "wer", "cer", "per", "eer", "perplexity", "distance", "mse", "mae", "rmse", "nll"}
_HIGH = {"accuracy", "acc", "f1", "auc", "precision", "recall", "bleu", "map", "iou", "r2", "score"}


def direction(monitor: str, mode: Mode | None = None) -> Mode:
    """Whether low or high values of ``monitor`` are good: ``mode`` when given, else what its name says.

    Raises:
        ArgumentError: the name says nothing, or ``mode`` is neither ``"min"`` nor ``"max"``.
    """
    if mode is not None:
        if mode not in ("min", "max"):
            raise ArgumentError(f"expected mode 'min' or 'max', got {mode!r}")
        return mode
    words = set(re.split(r"[^a-z0-9]+", monitor.lower()))
    if words & _LOW:
        return "min"
    if words & _HIGH:
        return "max"
    raise ArgumentError(f"cannot tell whether a low or a high {monitor!r} is good; try: mode='min' or mode='max'")


def is_better(value: float, than: float | None, mode: Mode, min_delta: float = 0.0) -> bool:
    """Whether ``value`` improves on ``than`` by more than ``min_delta``; NaN never does, a number improves on None."""
    if math.isnan(value):
        return False
    if than is None or math.isnan(than):
        return True
    return value < than - min_delta if mode == "min" else value > than + min_delta


def best_index(values: Sequence[float], mode: Mode, min_delta: float = 0.0) -> int | None:
    """Where the last improvement is in a series, counted from 0; None when every value is NaN or there is none."""
    best: int | None = None
    for index, value in enumerate(values):
        if is_better(value, None if best is None else values[best], mode, min_delta):
            best = index
    return best
