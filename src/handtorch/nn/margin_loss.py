"""Losses with a margin as modules: a function of ``nn.functional`` each, with its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.loss import _Loss, _WeightedLoss


class _MarginLoss(_Loss):
    """A loss whose only setting is a margin."""

    margin: float

    def __init__(
        self, margin: float = 0.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class HingeEmbeddingLoss(_MarginLoss):
    """The input, or what it lacks to the margin; see :func:`handtorch.nn.functional.hinge_embedding_loss`."""

    def __init__(
        self, margin: float = 1.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """Distances and targets, 1 or -1, of one shape to the loss."""
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(_MarginLoss):
    """Which of two shall be larger; see :func:`handtorch.nn.functional.margin_ranking_loss`."""

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """Two inputs and targets, 1 or -1, of one shape to the loss."""
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_MarginLoss):
    """Whether two vectors shall point the same way; see :func:`handtorch.nn.functional.cosine_embedding_loss`."""

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """Vectors (N, D), (N, D) and targets (N), 1 or -1, to the loss."""
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """The right class shall win by the margin; see :func:`handtorch.nn.functional.multi_margin_loss`.

    Args:
        p: 1 or 2, the power of what is lacking.
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Any = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ArgumentError(f"only p == 1 and p == 2 supported, got {p}")
        if weight is not None and weight.dim() != 1:
            raise ArgumentError(
                f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.dim()}D instead"
            )
        self.p, self.margin = p, margin

    def forward(self, input: Any, target: Any) -> Any:
        """Scores (N, C) and classes (N) to the loss."""
        return F.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


class MultiLabelMarginLoss(_Loss):
    """Right classes shall win by 1 over wrong ones; see :func:`handtorch.nn.functional.multilabel_margin_loss`."""

    def forward(self, input: Any, target: Any) -> Any:
        """Scores and lists of right classes, both (N, C), to the loss."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """The positive shall be nearer than the negative; see :func:`handtorch.nn.functional.triplet_margin_loss`.

    Args:
        margin: by how much.
        p: of the norm.
        eps: added to the differences.
        swap: also count how near the negative is to the positive.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        _need_positive("TripletMarginLoss", margin)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """Three times vectors (N, D) to the loss."""
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """The same, with a distance of one's own.

    Args:
        distance_function: of two tensors (N, D), Euclidean by default.
        margin: by how much.
        swap: also count how near the negative is to the positive.
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        _need_positive("TripletMarginWithDistanceLoss", margin)
        self.distance_function, self.margin, self.swap = distance_function, margin, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """Three times vectors (N, D) to the loss."""
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


def _need_positive(name: str, margin: float) -> None:
    if margin <= 0:
        raise ArgumentError(f"{name}: expected margin to be greater than 0, got {margin} instead")
