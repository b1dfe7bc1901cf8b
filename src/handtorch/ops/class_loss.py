"""Losses of classes: scores for every class, and the one class that was right."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

import numpy as np

from handtorch.errors import DimensionError
from handtorch.ops.indexing import scatter_add
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, integers, normal, positive, sample


class ClassLoss(Op):
    """A loss of scores (N, C, ...) and of the classes (N, ...) that are right; axis 1 of the scores is the class.

    ``"mean"`` divides the sum of the losses by Σ w, the weights of the targets that count.

    Args:
        targets: whole numbers in [0, C), or -1 for a target that does not count; see :func:`counted`.
        weight: of each class (C), in the element type of the scores, or None for ones.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """

    quiet = True

    def __init__(self, targets: Any, weight: Any = None, reduction: str = "mean") -> None:
        self.targets, self.weight, self.reduction = targets, weight, reduction
        self.divisor = 1.0

    def shares(self) -> Any:
        """How much each target counts: the weight of its class, 0 where it is -1."""
        counts = self.targets >= 0
        return counts if self.weight is None else counts * self.weight[self.targets]

    def reduced(self, losses: Any) -> Any:
        """The losses, their sum, or their mean."""
        if self.reduction == "none":
            return losses
        if self.reduction == "mean":
            self.divisor = float(self.shares().sum())
        return np.sum(losses) / self.divisor

    def spread(self, g: Any) -> Any:
        """dL/d(each loss), from that of the result."""
        return g / self.divisor if self.reduction == "mean" else g

    def explain(self, *arrays: Any) -> str:
        x, t = arrays[0].shape, self.targets.shape
        return f"expected input (N, C, *) and target (N, *), got {x} and {t}; axis 1 of the input is the class"


class NllLoss(ClassLoss):
    """Negative log likelihood of classes: l_n = -w_t x_n,t(n) for log probabilities x (N, C, ...), targets t (N, ...).

    dL/dx = -g w_t at the target's place, else 0; with g / Σ w in place of g for the mean.
    """

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        if self.targets.shape != (*x.shape[:1], *x.shape[2:]):
            raise ValueError
        return self.reduced(np.where(self.targets < 0, 0, -x[self.places()] * self.shares()))

    def backward(self, g: Any) -> Any:
        return scatter_add(-self.spread(g) * self.shares(), self.places(), self.input_shape)

    def places(self) -> tuple[Any, ...]:
        """The key that picks each target's place in x: (n, t, ...)."""
        n, *others = np.indices(self.targets.shape, sparse=True)
        return n, self.targets, *others

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        t = integers(0, 4, 5)
        for reduction in ("mean", "sum", "none"):
            yield sample(partial(cls, t, positive(4), reduction), normal(5, 4))
        yield sample(lambda: cls(np.array([2, -1, 0])), normal(3, 4))
        yield sample(lambda: cls(integers(-1, 4, 2, 3, 2), positive(4)), normal(2, 4, 3, 2))
        yield bad(lambda: cls(t), normal(6, 4))


class CrossEntropy(ClassLoss):
    """Softmax and negative log likelihood in one, for logits x (N, C) and targets t (N).

    With p = softmax(x), class weights w and smoothing s, the loss of row n is
    (1 - s) w_t (-ln p_t) + s/C Σ_c w_c (-ln p_c).

    dL/dx_nc = g_n (q_n p_nc - r_nc), with r the smoothed and weighted target row and q its sum; with g / Σ w in place
    of g for the mean. (Smoothing: Szegedy et al. 2016, section 7)

    Args:
        smoothing: s in [0, 1].
    """

    twin_from = 4_096

    def __init__(self, targets: Any, weight: Any = None, reduction: str = "mean", smoothing: float = 0.0) -> None:
        super().__init__(targets, weight, reduction)
        self.smoothing = smoothing

    def forward(self, x: Any) -> Any:
        if x.ndim != 2 or self.targets.shape != x.shape[:1]:
            raise ValueError
        self.save(x)
        goal = self.goal(x)
        return self.reduced(np.where(goal == 0, 0, -goal * log_softmax_of_rows(x)).sum(axis=1))

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        goal = self.goal(x)
        pull = np.sum(goal, axis=1, keepdims=True) * np.exp(log_softmax_of_rows(x)) - goal
        return np.broadcast_to(self.spread(g), self.targets.shape)[:, None] * pull

    def goal(self, x: Any) -> Any:
        """r (N, C): the right class, smoothed and weighted; zeros where the target does not count."""
        classes = np.arange(x.shape[1])
        weight = 1 if self.weight is None else self.weight
        hit = self.targets[:, None] == classes
        goal = hit * ((1 - self.smoothing) * weight)
        if self.smoothing:
            goal = goal + (self.targets >= 0)[:, None] * (self.smoothing / len(classes) * weight)
        return np.astype(goal, x.dtype)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        t = integers(0, 4, 5)
        for reduction in ("mean", "sum", "none"):
            yield sample(partial(cls, t, None, reduction), normal(5, 4))
            yield sample(partial(cls, t, positive(4), reduction, 0.2), normal(5, 4))
        yield sample(lambda: cls(np.array([2, -1, 0]), positive(4), "mean", 0.3), normal(3, 4))
        yield sample(lambda: cls(integers(-1, 41, 300)), 5 * normal(300, 41))
        yield bad(lambda: cls(t), normal(6, 4))


class LinearCrossEntropy(ClassLoss):
    """Cross entropy of logits x Wᵀ + b, some rows at a time, so that all logits (N, C) never exist at once.

    x (N, I), W (C, I), b (C), targets t (N). With u = dL/d(logits) as in :class:`CrossEntropy`: dL/dx = u W,
    dL/dW = uᵀ x and dL/db = Σ_n u_n. The logits of each piece are computed again on the way back: it pays where C is
    much larger than I (a vocabulary), and costs one more product.

    Args:
        rows: how many at a time.
    """

    twin_from = 4_096
    of_piece: ClassVar[type[CrossEntropy]] = CrossEntropy

    def __init__(self, targets: Any, weight: Any = None, reduction: str = "mean", rows: int = 1) -> None:
        super().__init__(targets, weight, reduction)
        self.rows = rows

    def pieces(self, x: Any, weight: Any, bias: Any) -> Iterator[tuple[slice, CrossEntropy, Any]]:
        """Of each piece the rows, the op, and the losses that it makes of their logits."""
        for start in range(0, len(x), self.rows):
            piece = slice(start, start + self.rows)
            op = self.of_piece(self.targets[piece], self.weight, "none")
            logits = self.product(x[piece], weight.T)
            yield piece, op, op.forward(logits if bias is None else logits + bias)

    def product(self, a: Any, b: Any) -> Any:
        """a b."""
        return np.matmul(a, b)

    def forward(self, x: Any, weight: Any, bias: Any = None) -> Any:
        self.save(x, weight, bias)
        return self.reduced(np.concatenate([losses for _, _, losses in self.pieces(x, weight, bias)]))

    def backward(self, g: Any) -> Any:
        x, weight, bias = self.saved
        g = np.broadcast_to(self.spread(g), self.targets.shape)
        dx, dw, db = [], 0, 0
        for piece, op, _ in self.pieces(x, weight, bias):
            u = op.backward(g[piece])
            dx.append(self.product(u, weight))
            dw = dw + self.product(u.T, x[piece])
            db = db + np.sum(u, axis=0)
        return (np.concatenate(dx), dw, db)[: len(self.parents)]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for reduction in ("mean", "sum", "none"):
            make = partial(cls, np.array([2, -1, 0, 3, 3]), positive(4), reduction, 2)
            yield sample(make, normal(5, 3, seed=1), normal(4, 3, seed=2), normal(4))
        yield sample(lambda: cls(integers(0, 4, 5), rows=8), normal(5, 3, seed=1), normal(4, 3, seed=2))
        yield sample(lambda: cls(integers(0, 40, 200), rows=64), normal(200, 30), normal(40, 30), normal(40))
        yield bad(lambda: cls(integers(0, 4, 5)), normal(5, 2), normal(4, 3))


def log_softmax_of_rows(x: Any) -> Any:
    """ln p of every row of logits (N, C)."""
    shifted = x - np.max(x, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


def counted(targets: np.ndarray, classes: int, ignore_index: int) -> np.ndarray:
    """Targets as a :class:`ClassLoss` takes them: -1 in place of ``ignore_index``.

    Raises:
        DimensionError: a target is no class.
    """
    targets = targets.astype(np.int64, copy=False)
    if not targets.size or (targets.min() >= 0 and targets.max() < classes and not 0 <= ignore_index < classes):
        return targets
    counts = targets != ignore_index
    wrong = np.argwhere(((targets < 0) | (targets >= classes)) & counts)
    if len(wrong):
        place = tuple(map(int, wrong[0]))
        raise DimensionError(
            f"Target {targets[place]} is out of bounds: expected a class from 0 to {classes - 1} (or ignore_index, "
            f"{ignore_index}) at target[{', '.join(map(str, place))}]; axis 1 of the input has {classes} classes"
        )
    return np.where(counts, targets, -1)
