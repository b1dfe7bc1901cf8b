"""Losses that are one op: what a network got wrong, as a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DimensionError
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, integers, normal, positive, sample


class CrossEntropy(Op):
    """Softmax and negative log likelihood of the target class in one, for x (N, C), targets t (N).

    With p = softmax(x), class weights w and smoothing s, the loss of row n is
    (1 - s) w_t (-ln p_t) + s/C Σ_c w_c (-ln p_c); rows whose target is ``ignore_index`` count nothing.
    ``"mean"`` divides the sum by Σ_n w_t(n).

    dL/dx_nc = k_n (q p_nc - r_c), with r the smoothed target row, q its sum, and k_n = g_n, or g / Σ w for the mean.

    Args:
        targets: whole numbers in [0, C) or ``ignore_index``.
        weight: (C), or None for ones.
        ignore_index: the target that does not count.
        smoothing: s in [0, 1].
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """

    quiet = True
    twin_from = 4_096

    def __init__(
        self,
        targets: Any,
        weight: Any = None,
        ignore_index: int = -100,
        smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        self.targets, self.weight = targets, weight
        self.ignore_index, self.smoothing, self.reduction = ignore_index, smoothing, reduction

    def check(self, x: Any) -> None:
        """Raise unless the targets fit x."""
        if x.ndim != 2 or self.targets.shape != x.shape[:1]:
            raise ValueError
        if self.targets.size and self.bounds_broken(x.shape[1]):
            bad_target = self.targets[((self.targets < 0) | (self.targets >= x.shape[1])) & self._counted()][0]
            raise DimensionError(f"Target {bad_target} is out of bounds: expected a class from 0 to {x.shape[1] - 1}")

    def bounds_broken(self, classes: int) -> bool:
        """Whether any counted target is no class."""
        wrong = (self.targets < 0) | (self.targets >= classes)
        return bool(np.any(wrong) and np.any(wrong & self._counted()))

    def _counted(self) -> Any:
        return self.targets != self.ignore_index

    def forward(self, x: Any) -> Any:
        self.check(x)
        shifted = x - np.max(x, axis=1, keepdims=True)
        log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        self.save(x, log_probs)
        rows = np.where(self._goal(x) == 0, np.zeros_like(log_probs), -self._goal(x) * log_probs).sum(axis=1)
        if self.reduction == "none":
            return rows
        total = np.sum(rows)
        return total / self.total_weight() if self.reduction == "mean" else total

    def _goal(self, x: Any) -> Any:
        """The smoothed and weighted target rows (N, C)."""
        n, classes = x.shape
        counted = self._counted()
        weight = np.ones(classes) if self.weight is None else self.weight
        goal = np.zeros((n, classes))
        if self.smoothing:
            goal += self.smoothing / classes * weight
        safe = np.where(counted, self.targets, 0)
        goal[np.arange(n), safe] += (1 - self.smoothing) * weight[safe]
        return np.astype(goal * counted[:, None], x.dtype)

    def total_weight(self) -> float:
        """Σ w of the targets that count: the divisor of the mean."""
        counted = self._counted()
        if self.weight is None:
            return float(np.sum(counted))
        return float(np.sum(np.where(counted, self.weight[np.where(counted, self.targets, 0)], 0)))

    def backward(self, g: Any) -> Any:
        x, log_probs = self.saved
        goal = self._goal(x)
        pull = np.sum(goal, axis=1, keepdims=True) * np.exp(log_probs) - goal
        if self.reduction == "none":
            return np.expand_dims(g, 1) * pull
        return pull * (g / self.total_weight() if self.reduction == "mean" else g)

    def explain(self, *arrays: Any) -> str:
        return (
            f"cross entropy: expected input (N, C) and target (N,), got {arrays[0].shape} and {self.targets.shape}; "
            f"axis 1 of the input is the class"
        )

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        t = integers(0, 4, 5)
        yield sample(lambda: cls(t), normal(5, 4))
        yield sample(lambda: cls(t, reduction="sum"), normal(5, 4))
        yield sample(lambda: cls(t, reduction="none"), normal(5, 4))
        yield sample(lambda: cls(t, weight=positive(4)), normal(5, 4))
        yield sample(lambda: cls(t, ignore_index=int(t[1])), normal(5, 4))
        yield sample(lambda: cls(t, positive(4), int(t[0]), 0.2), normal(5, 4))
        yield sample(lambda: cls(integers(0, 41, 300)), 5 * normal(300, 41))
        yield bad(lambda: cls(t), normal(6, 4))


class SquaredError(Op):
    """y = (a - b)² by element. dL/da = 2 g (a - b), dL/db = -2 g (a - b)."""

    promotes = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.square(a - b)

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        slope = 2 * g * (a - b)
        return slope, -slope if self.needs(1) else None

    def explain(self, *arrays: Any) -> str:
        return f"squared error: input {np.shape(arrays[0])} and target {np.shape(arrays[1])} must have one shape"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, seed=1), normal(3, 4, seed=2))
        yield bad(cls, normal(3, 4), normal(3))


class MeanSquaredError(Op):
    """y = Σ (a - b)² / n. dL/da = 2 g (a - b) / n, dL/db its negative. a and b have one shape."""

    promotes = True

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return np.mean(np.square(a - b))

    def backward(self, g: Any) -> Any:
        a, b = self.saved
        slope = (a - b) * (g * 2 / int(np.prod(a.shape)))
        return slope, -slope if self.needs(1) else None

    explain = SquaredError.explain

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, seed=1), normal(3, 4, seed=2))
        yield bad(cls, normal(3, 4), normal(3))
