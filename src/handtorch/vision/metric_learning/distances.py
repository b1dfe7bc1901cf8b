"""Losses that look at distances: equal people near, different people far."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, BatchError, ShapeError
from handtorch.factories import empty
from handtorch.from_data import from_numpy
from handtorch.nn import Module, Parameter, init
from handtorch.nn import functional as F

# Under the root, where two embeddings are equal: its derivative would be infinite.
_TINY = 1e-12


class BatchHardTripletLoss(Module):
    """Every anchor against its furthest fellow and its nearest stranger in the batch (Hermans et al. 2017, equation 5).

        L = mean_a max(0, m + max_{p: y_p = y_a} d(a, p) - min_{n: y_n ≠ y_a} d(a, n))

    Args:
        margin: m; or None for the soft margin ``log(1 + exp(.))``.

    d is the Euclidean distance. Anchors without a fellow or a stranger do not count.
    """

    def __init__(self, margin: float | None = 0.3) -> None:
        super().__init__()
        if margin is not None and margin < 0:
            raise ArgumentError(f"expected margin >= 0 or None, got {margin}")
        self.margin = margin

    def forward(self, embeddings: Any, targets: Any) -> Any:
        """The loss of embeddings (N, D) of people (N,).

        Raises:
            ValueError: no anchor has both a fellow and a stranger.
        """
        _check(embeddings, targets)
        people = targets.numpy()
        same = people[:, None] == people
        fellow = same & ~np.eye(len(people), dtype=bool)
        anchors = fellow.any(axis=1) & ~same.all(axis=1)
        if not anchors.any():
            raise ArgumentError("expected a batch with two people or more, one of them twice; sample it by person")
        distances = _distances(embeddings)
        furthest = distances.masked_fill(from_numpy(~fellow), 0.0).amax(dim=1)
        nearest = distances.masked_fill(from_numpy(same), float("inf")).amin(dim=1)
        rows = from_numpy(np.flatnonzero(anchors))
        gap = furthest[rows] - nearest[rows]
        return (F.softplus(gap) if self.margin is None else (gap + self.margin).clamp(min=0)).mean()

    def extra_repr(self) -> str:
        """The margin."""
        return f"margin={self.margin}"


class ContrastiveLoss(Module):
    """Pairs of the same person pull, others push up to a margin (Hadsell et al. 2006, equation 4).

        L = mean (y d² + (1 - y) max(0, m - d)²) / 2,    y = 1 for the same person

    Args:
        margin: m, the distance from which strangers are left alone.
    """

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        if margin <= 0:
            raise ArgumentError(f"expected margin > 0, got {margin}")
        self.margin = margin

    def forward(self, first: Any, second: Any, same: Any) -> Any:
        """The loss of pairs of embeddings, both (N, D), and whether they show the same person (N,).

        Raises:
            ValueError: an answer that is neither 0 nor 1.
        """
        if first.ndim != 2 or first.shape != second.shape:
            raise ShapeError(f"expected two batches (N, D), got {tuple(first.shape)} and {tuple(second.shape)}")
        if same.shape != first.shape[:1]:
            raise BatchError(f"expected ({len(first)},) answers, got {tuple(same.shape)}")
        if not np.isin(same.numpy(), (0, 1)).all():
            raise ArgumentError("expected answers of 1 for the same person, else 0, got others; -1 stands for untold")
        squares = ((first - second) ** 2).sum(dim=1)
        alike = same.to(first.dtype)
        push = (self.margin - (squares + _TINY).sqrt()).clamp(min=0) ** 2
        return (alike * squares + (1 - alike) * push).mean() / 2

    def extra_repr(self) -> str:
        """The margin."""
        return f"margin={self.margin}"


class CenterLoss(Module):
    """Embeddings are drawn to a learned centre of their class.

        L = 1/(2N) Σ_i ‖x_i - c_{y_i}‖²    ∂L/∂x_i = (x_i - c_{y_i}) / N    ∂L/∂c_j = 1/N Σ_{i: y_i = j} (c_j - x_i)

    Args:
        num_classes: C, how many classes there are.
        in_features: D, length of the embeddings.

    Called with embeddings x (N, D) of floats and the numbers y (N,) of their classes, whole and from 0 to C - 1; the
    result is a scalar. ``centers``, c (C, D), is a parameter that is drawn from N(0, 1) at first.

    To be added, with a small factor, to a classification loss: alone it is least when all embeddings are equal. Give
    the optimizer of the centres a rate of its own: their gradients are small, as a batch has few of each class.

    Raises:
        ShapeError: embeddings that are not (N, D).
        BatchError: other than N targets.

    Source: Wen, Zhang, Li & Qiao, "A discriminative feature learning approach for deep face recognition", ECCV 2016,
    equation 2, which sums over the batch where this is the mean; its equation 4 moves a centre by the mean over its own
    pictures instead of by the gradient.
    """

    def __init__(self, num_classes: int, in_features: int) -> None:
        super().__init__()
        if num_classes < 1 or in_features < 1:
            raise ArgumentError(f"expected num_classes and in_features above 0, got {num_classes} and {in_features}")
        self.num_classes, self.in_features = num_classes, in_features
        self.centers = Parameter(empty(num_classes, in_features))
        init.normal_(self.centers)

    def forward(self, embeddings: Any, targets: Any) -> Any:
        """The loss of embeddings (N, D) with numbers of classes (N,)."""
        _check(embeddings, targets)
        if embeddings.shape[1] != self.in_features:
            raise ShapeError(f"expected embeddings (N, {self.in_features}), got {tuple(embeddings.shape)}")
        # Not self.centers[targets], which takes -1 for the last class.
        return ((embeddings - F.embedding(targets, self.centers)) ** 2).sum(dim=1).mean() / 2

    def extra_repr(self) -> str:
        """The sizes."""
        return f"num_classes={self.num_classes}, in_features={self.in_features}"


def _distances(x: Any) -> Any:
    """Euclidean distances (N, N): ``‖a - b‖² = ‖a‖² + ‖b‖² - 2 a·b``."""
    squares = (x * x).sum(dim=1)
    return (squares.unsqueeze(1) + squares - 2 * (x @ x.T)).clamp(min=_TINY).sqrt()


def _check(embeddings: Any, targets: Any) -> None:
    if embeddings.ndim != 2:
        raise ShapeError(f"expected embeddings (N, D), got {tuple(embeddings.shape)}")
    if targets.shape != embeddings.shape[:1]:
        raise BatchError(f"expected targets ({len(embeddings)},), got {tuple(targets.shape)}")
