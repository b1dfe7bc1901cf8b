"""Losses of probabilities: of yes-or-no questions, and of whole distributions."""

from __future__ import annotations

import warnings
from typing import Any

from handtorch.errors import DtypeError, RangeError
from handtorch.nn.functional.losses_of_regression import of_pairs
from handtorch.nn.functional.reductions import (
    need_one_shape,
    need_real,
    need_same_dtype,
    reduced,
    reduction_of,
)
from handtorch.ops.pair_loss import BinaryCrossEntropy, BinaryCrossEntropyWithLogits, KlDiv

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
]


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """-t ln p - (1 - t) ln(1 - p), each logarithm held above -100.

    Args:
        input: probabilities p (*). For logits use :func:`binary_cross_entropy_with_logits`, which does not overflow.
        target: t (*), in [0, 1].
        weight: broadcast to the target, of each loss; the mean is still over all elements.

    Raises:
        BatchError: input and target have different shapes.
        DtypeError: they, or the weight, have different element types.
        RangeError: one of them is outside [0, 1].
    """
    reduction = reduction_of(reduction, size_average, reduce)
    need_one_shape("binary_cross_entropy", input, target)
    need_real("binary_cross_entropy", input=input)
    need_same_dtype("binary_cross_entropy", input, target=target, weight=weight)
    _need_probabilities("input", input, "apply a sigmoid first, or use binary_cross_entropy_with_logits")
    _need_probabilities("target", target, "scale it")
    if weight is None:
        return of_pairs(BinaryCrossEntropy, reduction, input, target)
    return reduced(of_pairs(BinaryCrossEntropy, "none", input, target) * weight, reduction)


def _need_probabilities(argument: str, tensor: Any, advice: str) -> None:
    array = tensor.array
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise RangeError(
            f"binary_cross_entropy: all elements of {argument} should be between 0 and 1, got {array.min():.6g} to "
            f"{array.max():.6g}; {advice}"
        )


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """-w t ln σ(x) - (1 - t) ln(1 - σ(x)), without overflow; w is ``pos_weight``.

    Args:
        input: logits x (*).
        target: t (*), in [0, 1].
        weight: broadcast to the target, of each loss; the mean is still over all elements.
        pos_weight: w, broadcast to the target (along its last axes: one for each class), of positive examples.

    Raises:
        BatchError: input and target have different shapes.
        DtypeError: one of them is not floating point.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    name = "binary_cross_entropy_with_logits"
    need_one_shape(name, input, target)
    need_real(name, input=input, target=target)
    if pos_weight is not None:
        yes = of_pairs(BinaryCrossEntropyWithLogits, "none", input, target.new_ones(()))
        no = of_pairs(BinaryCrossEntropyWithLogits, "none", input, target.new_zeros(()))
        losses = pos_weight * target * yes + (1 - target) * no
    elif weight is not None:
        losses = of_pairs(BinaryCrossEntropyWithLogits, "none", input, target)
    else:
        return of_pairs(BinaryCrossEntropyWithLogits, reduction, input, target)
    return reduced(losses if weight is None else losses * weight, reduction)


def kl_div(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """The terms t (ln t - x) of the Kullback-Leibler divergence of t from e^x.

    Args:
        input: log probabilities x (N, *).
        target: probabilities t (N, *); or their logarithms, if ``log_target``.
        reduction: ``"batchmean"`` (the sum over N) is the divergence itself, averaged over a batch; ``"mean"`` divides
            by the number of elements; ``"sum"``; ``"none"``.

    Raises:
        DtypeError: input or target is not floating point.
    """
    if size_average is None and reduce is None and reduction == "mean":
        warnings.warn(
            "kl_div: reduction='mean' divides the total loss by both the batch size and the support size; "
            "'batchmean' divides by the batch size alone, which is the divergence",
            UserWarning,
            stacklevel=2,
        )
    reduction = reduction_of(reduction, size_average, reduce, extra=("batchmean",))
    if "f" != input.array.dtype.kind or "f" != target.array.dtype.kind:
        raise DtypeError(
            f"kl_div: Integral inputs not supported: expected input and target to be floating point, got {input.dtype} "
            f"and {target.dtype}"
        )
    total = "sum" if reduction == "batchmean" else reduction
    loss = of_pairs(lambda reduction: KlDiv(reduction, log_target), total, input, target)
    return loss / input.array.shape[0] if reduction == "batchmean" and input.array.ndim else loss


def soft_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """ln(1 + e^(-t x)): binary cross entropy of logits x, for targets t that are 1 or -1.

    Args:
        input: x (*).
        target: t, of the input's shape.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    logits = target * input
    return of_pairs(BinaryCrossEntropyWithLogits, reduction, logits, logits.new_ones(()))


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """Binary cross entropy of logits, averaged over the classes of each row.

    Args:
        input: logits (N, C) or (C).
        target: 1 for each class that is there, else 0, in the shape of the input.
        weight: (C), of each class.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    losses = of_pairs(BinaryCrossEntropyWithLogits, "none", input, target)
    if weight is not None:
        losses = losses * weight
    return reduced(losses.sum(-1) / input.array.shape[-1], reduction)
