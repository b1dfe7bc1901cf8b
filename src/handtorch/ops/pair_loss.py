"""Losses of pairs: a prediction and its target, element by element, and their mean or sum in one op."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.ops.activation import Sigmoid
from handtorch.ops.elementwise import run
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, positive, sample


class PairLoss(Op):
    """The mean, the sum, or each of l(x, t), for predictions x and targets t that are broadcast against each other.

    dL/dx = g ∂l/∂x and dL/dt = g ∂l/∂t; with g / n in place of g for the mean of n losses.

    A subclass gives ``losses``, which is l, and ``slopes``, which is (∂l/∂x, ∂l/∂t): the second may be None where
    ``needs(1)`` says that nobody wants it.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """

    promotes = True
    quiet = True

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction
        self.losses_shape: tuple[int, ...] = ()

    def losses(self, x: Any, t: Any) -> Any:
        """l(x, t), by element."""
        raise NotImplementedError

    def slopes(self, x: Any, t: Any) -> tuple[Any, Any]:
        """∂l/∂x and ∂l/∂t, by element."""
        raise NotImplementedError

    def forward(self, x: Any, t: Any) -> Any:
        self.save(x, t)
        losses = self.losses(x, t)
        if self.reduction == "none":
            return losses
        self.losses_shape = losses.shape
        return np.sum(losses) / losses.size if self.reduction == "mean" else np.sum(losses)

    def backward(self, g: Any) -> Any:
        x, t = self.saved
        if self.reduction == "mean":
            g = g / math.prod(self.losses_shape)
        if self.reduction != "none" and x.shape != t.shape:
            g = np.broadcast_to(g, self.losses_shape)
        dx, dt = self.slopes(x, t)
        return g * dx, None if dt is None else g * dt

    def explain(self, *arrays: Any) -> str:
        x, t = (tuple(np.shape(a)) for a in arrays)
        return f"{type(self).__name__}: input {x} and target {t} must have one shape"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        make = cls.made_for_samples
        yield sample(lambda: make("mean"), cls.predictions(3, 4), cls.targets(3, 4))
        yield sample(lambda: make("sum"), cls.predictions(3, 4), cls.targets(3, 4))
        yield sample(lambda: make("none"), cls.predictions(3, 4), cls.targets(3, 4))
        yield sample(lambda: make("mean"), cls.predictions(3, 1), cls.targets(4))
        if cls.twin_from is not None:
            yield sample(lambda: make("mean"), cls.predictions(200, 300), cls.targets(200, 300))
            yield sample(lambda: make("sum"), cls.predictions(200, 300), cls.targets(200, 300))
        yield bad(make, cls.predictions(3, 4), cls.targets(3))

    @classmethod
    def made_for_samples(cls, reduction: str = "mean") -> Any:
        """An op with settings of its own, for the samples."""
        return cls(reduction)

    @staticmethod
    def predictions(*shape: int) -> np.ndarray:
        """Values of x for the samples."""
        return normal(*shape, seed=1)

    @staticmethod
    def targets(*shape: int) -> np.ndarray:
        """Values of t for the samples."""
        return normal(*shape, seed=2)


class DifferenceLoss(PairLoss):
    """A loss l(d) of the difference d = x - t alone, so that ∂l/∂t = -∂l/∂x = -l'(d).

    A subclass gives ``value``, which is l, and ``slope``, which is l'.
    """

    def value(self, d: Any) -> Any:
        """l(d)."""
        raise NotImplementedError

    def slope(self, d: Any) -> Any:
        """l'(d)."""
        raise NotImplementedError

    def losses(self, x: Any, t: Any) -> Any:
        return self.value(x - t)

    def slopes(self, x: Any, t: Any) -> tuple[Any, Any]:
        slope = self.slope(x - t)
        return slope, -slope if self.needs(1) else None


class MseLoss(DifferenceLoss):
    """l(d) = d², l'(d) = 2 d."""

    twin_from = 16_384

    def value(self, d: Any) -> Any:
        return np.square(d)

    def slope(self, d: Any) -> Any:
        return 2 * d


class L1Loss(DifferenceLoss):
    """l(d) = |d|, l'(d) = sign d, which is 0 at 0."""

    twin_from = 16_384

    def value(self, d: Any) -> Any:
        return np.abs(d)

    def slope(self, d: Any) -> Any:
        return np.sign(d)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(cls, np.array([1.0, 2.0]), np.array([1.0, -2.0]), smooth=False)


class HuberLoss(DifferenceLoss):
    """l(d) = d²/2 up to |d| = δ and the straight line δ (|d| - δ/2) beyond. l'(d) = c, which is d clipped to ±δ.

    Both cases in one: l(d) = c (d - c/2). (Huber 1964)

    Args:
        delta: δ > 0, where the parabola becomes a line.
    """

    twin_from = 16_384

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def value(self, d: Any) -> Any:
        c = np.clip(d, -self.delta, self.delta)
        return c * (d - c / 2)

    def slope(self, d: Any) -> Any:
        return np.clip(d, -self.delta, self.delta)

    @classmethod
    def made_for_samples(cls, reduction: str = "mean") -> HuberLoss:
        return cls(reduction, 0.7)


class SmoothL1Loss(HuberLoss):
    """Huber's loss divided by δ, here called β: l(d) = |d| - β/2 beyond β, so that the lines have slope ±1.

    Below, l(d) = d²/(2β). l'(d) = d/β, clipped to ±1. (Girshick 2015, eq. 3)
    """

    twin_from = 16_384

    def value(self, d: Any) -> Any:
        return super().value(d) / self.delta

    def slope(self, d: Any) -> Any:
        return super().slope(d) / self.delta


class BinaryCrossEntropy(PairLoss):
    """l(x, t) = -t ln x - (1 - t) ln(1 - x) for probabilities x; each logarithm is held above -100.

    ∂l/∂x = (x - t) / (x (1 - x)), the divisor held above 1e-12; ∂l/∂t = ln(1 - x) - ln x.
    """

    def losses(self, x: Any, t: Any) -> Any:
        return (t - 1) * np.maximum(np.log1p(-x), -100.0) - t * np.maximum(np.log(x), -100.0)

    def slopes(self, x: Any, t: Any) -> tuple[Any, Any]:
        dt = np.log1p(-x) - np.log(x) if self.needs(1) else None
        return (x - t) / np.maximum((1 - x) * x, 1e-12), dt

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(lambda: cls("none"), np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]), smooth=False)

    @staticmethod
    def predictions(*shape: int) -> np.ndarray:
        return positive(*shape, low=0.1, high=0.9, seed=1)

    @staticmethod
    def targets(*shape: int) -> np.ndarray:
        return positive(*shape, low=0.0, high=1.0, seed=2)


class BinaryCrossEntropyWithLogits(PairLoss):
    """Sigmoid and binary cross entropy in one: l(x, t) = max(x, 0) - t x + ln(1 + e^-|x|).

    This is -t ln σ(x) - (1 - t) ln(1 - σ(x)) without overflow. ∂l/∂x = σ(x) - t, ∂l/∂t = -x.
    """

    twin_from = 16_384

    def losses(self, x: Any, t: Any) -> Any:
        return np.maximum(x, 0) - t * x + np.log1p(np.exp(-np.abs(x)))

    def slopes(self, x: Any, t: Any) -> tuple[Any, Any]:
        return run(Sigmoid(), x) - t, -x if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(lambda: cls("none"), np.array([-800.0, -30, 0, 30, 800]), np.array([1.0, 0, 0.5, 1, 0]))

    @staticmethod
    def targets(*shape: int) -> np.ndarray:
        return positive(*shape, low=0.0, high=1.0, seed=2)


class KlDiv(PairLoss):
    """The terms of the Kullback-Leibler divergence of t from e^x: l(x, t) = t (ln t - x), and 0 where t = 0.

    ∂l/∂x = -t, ∂l/∂t = ln t + 1 - x. If t itself is a logarithm: l(x, t) = e^t (t - x), ∂l/∂x = -e^t and
    ∂l/∂t = e^t (t + 1 - x).

    Args:
        log_target: t is the logarithm of probabilities, as x is.
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def losses(self, x: Any, t: Any) -> Any:
        if self.log_target:
            return np.exp(t) * (t - x)
        return np.where(t == 0, 0, t * np.log(t)) - t * x

    def slopes(self, x: Any, t: Any) -> tuple[Any, Any]:
        if self.log_target:
            p = np.exp(t)
            return -p, p * (t + 1 - x) if self.needs(1) else None
        return -t, np.log(t) + 1 - x if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(lambda: cls("none"), normal(3), np.array([0.0, 0.5, 1.0]), smooth=False)
        yield sample(lambda: cls("mean", log_target=True), normal(3, 4, seed=1), normal(3, 4, seed=2))

    @staticmethod
    def targets(*shape: int) -> np.ndarray:
        return positive(*shape, low=0.1, high=1.0, seed=2)
