"""Losses as modules."""

from __future__ import annotations

from typing import Any

from handtorch.nn import functional as F
from handtorch.nn.functional.reductions import reduction_of
from handtorch.nn.module import Module


class _Loss(Module):
    """A loss with a reduction: ``"mean"``, ``"sum"`` or ``"none"``."""

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction_of(reduction, size_average, reduce)


class MSELoss(_Loss):
    """The mean squared difference."""

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of input and target of one shape."""
        return F.mse_loss(input, target, reduction=self.reduction)


class CrossEntropyLoss(_Loss):
    """Negative log likelihood of target classes under softmax(logits).

    Args:
        weight: (C), of each class.
        ignore_index: the class whose targets do not count.
        label_smoothing: how much of each target is spread evenly over the classes.
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """Logits (N, C) and classes (N) to the loss."""
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
