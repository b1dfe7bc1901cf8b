"""Losses as modules: a function of ``nn.functional`` each, with its settings."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

from handtorch.errors import RangeError, ShapeError
from handtorch.nn import functional as F
from handtorch.nn.functional.chunking import LinearCrossEntropyOptions
from handtorch.nn.functional.reductions import reduction_of
from handtorch.nn.linear import Linear
from handtorch.nn.module import Module


class _Loss(Module):
    """A loss with a reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Args:
        size_average, reduce: PyTorch's old flags for the reduction.
    """

    more_reductions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction_of(reduction, size_average, reduce, self.more_reductions)


class _WeightedLoss(_Loss):
    """A loss with a weight for each class, a buffer.

    Args:
        weight: (C).
    """

    def __init__(
        self, weight: Any = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


# -- of a regression ------------------------------------------------------------------------------------------------


class L1Loss(_Loss):
    """|input - target|; see :func:`handtorch.nn.functional.l1_loss`."""

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of input and target of one shape."""
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """(input - target)²; see :func:`handtorch.nn.functional.mse_loss`."""

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of input and target of one shape."""
        return F.mse_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """A parabola near 0 and lines of slope ±1 beyond; see :func:`handtorch.nn.functional.smooth_l1_loss`.

    Args:
        beta: where the parabola becomes a line.
    """

    def __init__(
        self, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of input and target of one shape."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """A parabola near 0 and lines of slope ±delta beyond; see :func:`handtorch.nn.functional.huber_loss`.

    Args:
        delta: where the parabola becomes a line.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, (int, float)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of input and target of one shape."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class PoissonNLLLoss(_Loss):
    """How unlikely counts are under Poisson distributions; see :func:`handtorch.nn.functional.poisson_nll_loss`.

    Args:
        log_input: the input is the logarithm of the rates.
        full: add Stirling's approximation of the term that does not depend on the input.
        eps: added to the rates under the logarithm, if not ``log_input``.
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: Any = None,
        eps: float = 1e-8,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Any, target: Any) -> Any:
        """The loss of rates, or their logarithms, and counts of one shape."""
        return F.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(_Loss):
    """How unlikely numbers are under normal distributions; see :func:`handtorch.nn.functional.gaussian_nll_loss`.

    Args:
        full: add the constant term.
        eps: the least variance.
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Any, target: Any, var: Any) -> Any:
        """The loss of means, numbers and variances."""
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


# -- of a classifier ------------------------------------------------------------------------------------------------


class NLLLoss(_WeightedLoss):
    """Minus the log probability of the right class; see :func:`handtorch.nn.functional.nll_loss`.

    Args:
        ignore_index: the class whose targets do not count.
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        """Log probabilities (N, C, *) and classes (N, *) to the loss."""
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class NLLLoss2d(NLLLoss):
    """The former name of :class:`NLLLoss` for images."""

    def __init__(
        self,
        weight: Any = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        warnings.warn("`NLLLoss2d` has been deprecated; write `NLLLoss`", FutureWarning, stacklevel=2)
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


class CrossEntropyLoss(_WeightedLoss):
    """Minus the log probability of the right class, from logits; see :func:`handtorch.nn.functional.cross_entropy`.

    Args:
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
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """Logits (N, C, *) and classes (N, *), or probabilities (N, C, *), to the loss."""
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class LinearCrossEntropyLoss(_WeightedLoss):
    """A linear layer to logits and their cross entropy; see :func:`handtorch.nn.functional.linear_cross_entropy`.

    Args:
        in_features: I.
        num_classes: C.
        out_features: the axes of the targets (N, *), for one layer for each of their places.
        bias: whether the layer has one.
        ignore_index: the class whose targets do not count.
        label_smoothing: how much of each target is spread evenly over the classes.
        options: work on a few rows at a time.

    Attributes:
        linear: the layer, with C and all of ``out_features`` as one axis.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Any = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise ShapeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RangeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__(weight, reduction=reduction)
        self.num_classes, self.out_features = num_classes, out_features
        self.ignore_index, self.label_smoothing, self.options = ignore_index, label_smoothing, options
        self.linear = Linear(in_features, num_classes * math.prod(out_features), bias, device, dtype)

    def forward(self, input: Any, target: Any) -> Any:
        """Features (N, I) or (I) and targets (N, *) to the loss."""
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*shape, self.linear.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, reduction={self.reduction}, "
            f"ignore_index={self.ignore_index}, label_smoothing={self.label_smoothing}, options={self.options}"
        )


# -- of probabilities -----------------------------------------------------------------------------------------------


class KLDivLoss(_Loss):
    """How much one distribution differs from another; see :func:`handtorch.nn.functional.kl_div`.

    Args:
        reduction: also ``"batchmean"``, which is the divergence.
        log_target: the target holds logarithms, as the input does.
    """

    more_reductions = ("batchmean",)

    def __init__(
        self, size_average: Any = None, reduce: Any = None, reduction: str = "mean", log_target: bool = False
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Any:
        """Log probabilities and probabilities (N, *) to the loss."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class CTCLoss(_Loss):
    """Labels whose places in the input are unknown; see :func:`handtorch.nn.functional.ctc_loss`.

    Args:
        blank: which symbol says that there is no label.
        reduction: ``"mean"`` (over the batch, of each loss over its target length), ``"sum"`` or ``"none"``.
        zero_infinity: whether labels that do not fit into their input count nothing instead of Inf.
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
        """Log probabilities (T, N, C), targets (N, S) or joined, and the lengths (N) of both, to the loss."""
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


class BCELoss(_WeightedLoss):
    """Cross entropy of yes-or-no answers; see :func:`handtorch.nn.functional.binary_cross_entropy`.

    Args:
        weight: of each loss, broadcast to the target.
    """

    def forward(self, input: Any, target: Any) -> Any:
        """Probabilities and targets of one shape to the loss."""
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """The same from logits; see :func:`handtorch.nn.functional.binary_cross_entropy_with_logits`.

    Args:
        weight: of each loss, broadcast to the target.
        pos_weight: of the positive examples, broadcast to the target.
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        pos_weight: Any = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        """Logits and targets of one shape to the loss."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class SoftMarginLoss(_Loss):
    """ln(1 + e^(-target · input)); see :func:`handtorch.nn.functional.soft_margin_loss`."""

    def forward(self, input: Any, target: Any) -> Any:
        """Logits and targets, 1 or -1, of one shape to the loss."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Binary cross entropy over classes; see :func:`handtorch.nn.functional.multilabel_soft_margin_loss`."""

    def forward(self, input: Any, target: Any) -> Any:
        """Logits and targets, 1 or 0, both (N, C), to the loss."""
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)
