"""Losses of a classifier: how unlikely it held the class that was right."""

from __future__ import annotations

import warnings
from typing import Any

from handtorch import dtypes
from handtorch.errors import ArgumentError, BatchError, RangeError, ShapeError
from handtorch.nn.functional.chunking import LinearCrossEntropyOptions
from handtorch.nn.functional.reductions import need_classes, need_real, need_same_dtype, reduced, reduction_of
from handtorch.ops.class_loss import ClassLoss, CrossEntropy, LinearCrossEntropy, NllLoss, counted
from handtorch.ops.conversion import cast
from handtorch.ops.linalg import linear
from handtorch.ops.softmax import log_softmax

__all__ = [
    "cross_entropy",
    "linear_cross_entropy",
    "nll_loss",
]


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The negative log likelihood of the right classes: l_n = -w_t input_n,t(n).

    Args:
        input: log probabilities (N, C), (C) or (N, C, *).
        target: classes (N), () or (N, *), in [0, C).
        weight: (C), of each class.
        ignore_index: the class whose targets do not count.
        reduction: ``"mean"`` (the sum over the sum of the weights), ``"sum"`` or ``"none"``.

    Raises:
        DtypeError, BatchError, ShapeError: the target does not hold class numbers, or does not fit the input.
        DimensionError: a target is no class.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    need_real("nll_loss", input=input)
    scores, classes, shape = _scores_and_classes("nll_loss", input, target, weight, ignore_index)
    return _of_classes(NllLoss(classes, None if weight is None else weight.array, reduction), scores, shape)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """The negative log likelihood of the target under softmax(input) along the class axis.

    l_n = -Σ_c w_c r_c ln softmax(input_n)_c, where r is 1 for the right class, or the target's probabilities; smoothed,
    it is (1 - s) r + s/C.

    Args:
        input: logits (N, C), (C) or (N, C, *).
        target: classes (N), () or (N, *); or probabilities in the shape of the input.
        weight: (C), of each class.
        ignore_index: the class whose targets do not count.
        reduction: ``"mean"`` (for classes the sum over the sum of the weights), ``"sum"`` or ``"none"``.
        label_smoothing: s in [0, 1], how much of each target is spread evenly over the classes.

    Raises:
        DtypeError, BatchError, ShapeError: the target is neither, or does not fit the input.
        DimensionError: a target is no class.
        RangeError: ``label_smoothing`` is outside [0, 1], or ``ignore_index`` is given for probabilities.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise RangeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    need_real("cross_entropy", input=input)
    if target.array.dtype.kind == "f" and target.array.shape == input.array.shape:
        if ignore_index >= 0:
            raise RangeError(f"ignore_index is not supported for floating point target, got {ignore_index}")
        _check_weight("cross_entropy", weight, input, min(1, input.array.ndim - 1))
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    if target.array.dtype.kind == "f" and target.array.shape[:1] == input.array.shape[:1] and target.array.ndim > 1:
        raise ShapeError(
            f"expected target probabilities of the input's shape {tuple(input.shape)}, got {tuple(target.shape)}"
        )
    scores, classes, shape = _scores_and_classes("cross_entropy", input, target, weight, ignore_index)
    if scores.array.ndim > 2:
        scores = scores.permute(0, *range(2, scores.array.ndim), 1).reshape(-1, scores.array.shape[1])
        classes = classes.reshape(-1)
    op = CrossEntropy(classes, None if weight is None else weight.array, reduction, label_smoothing)
    return _of_classes(op, scores, shape)


def _of_classes(op: ClassLoss, scores: Any, shape: tuple[int, ...]) -> Any:
    """Run an op; float16 is added up in float32. Losses that are not reduced get the target's shape."""
    loss = op(scores) if scores.array.dtype.char != "e" else cast(op(cast(scores, dtypes.float32)), dtypes.float16)
    return loss.reshape(shape) if op.reduction == "none" and loss.array.shape != shape else loss


def _scores_and_classes(
    name: str, input: Any, target: Any, weight: Any, ignore_index: int
) -> tuple[Any, Any, tuple[int, ...]]:
    """Scores (N, C, ...), classes (N, ...) with -1 for those that do not count, and the shape of one loss for each."""
    shape, target_shape = input.array.shape, target.array.shape
    _check_weight(name, weight, input, min(1, len(shape) - 1))
    if len(shape) == 1:
        if target_shape not in ((), (1,)):
            raise BatchError(f"{name}: for input (C,) = {shape}, expected target () or (1,), got {target_shape}")
        need_classes(name, target)
        return input.reshape(1, -1), counted(target.array.reshape(1), shape[0], ignore_index), target_shape
    if not target_shape or shape[0] != target_shape[0]:
        raise BatchError(
            f"Expected input batch_size ({shape[0]}) to match target batch_size "
            f"({target_shape[0] if target_shape else 'none'}): expected input (N, C, *) and target (N, *), got {shape} "
            f"and {target_shape}"
        )
    if (shape[0], *shape[2:]) != target_shape:
        raise ShapeError(
            f"{name}: expected target {(shape[0], *shape[2:])} for input {shape}, got {target_shape}; axis 1 of the "
            f"input is the class, and the target has all other axes"
        )
    need_classes(name, target)
    return input, counted(target.array, shape[1], ignore_index), target_shape


def _check_weight(name: str, weight: Any, input: Any, axis: int) -> None:
    if not input.array.ndim:
        raise ArgumentError(f"{name}: expected input with 1 or more dimensions, got 0; axis 1 is the class")
    if weight is None:
        return
    need_same_dtype(name, input, weight=weight)
    if weight.array.shape != (input.array.shape[axis],):
        raise ShapeError(
            f"{name}: weight tensor should be defined either for all {input.array.shape[axis]} classes or no classes "
            f"but got weight tensor of shape: {list(weight.array.shape)}"
        )


def _soft_cross_entropy(input: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    """Cross entropy with probabilities; their mean is over rows, whatever the weights."""
    axis = min(1, input.array.ndim - 1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input.array.shape[axis]
    terms = -log_softmax(input, axis) * target
    if weight is not None:
        terms = terms * weight.reshape((-1,) + (1,) * (input.array.ndim - 1 - axis))
    return reduced(terms.sum(axis), reduction)


def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Any:
    """:func:`cross_entropy` of the logits input · linear_weightᵀ + linear_bias.

    Args:
        input: (N, I) or (I).
        linear_weight: (C, I), or (C, *, I) for a batch (N, I).
        target: classes (N, *) or (), or probabilities (N, C, *) or (C).
        linear_bias: (C, *).
        weight: (C), of each class.
        ignore_index: the class whose targets do not count, -100 by default; only for targets that are classes.
        options: work on a few rows at a time, so that the logits (N, C) never exist as a whole. Done for classes as
            targets, without smoothing, and for linear_weight (C, I); else a warning says that it was not.

    Raises:
        ShapeError: the arguments do not fit together; the message names them.
        RangeError: ``ignore_index`` is given for probabilities.
    """
    places = _check_linear(input, linear_weight, linear_bias)
    classes = linear_weight.array.shape[0]
    logits_shape = (*input.array.shape[:-1], classes, *places)
    if target.array.shape == logits_shape and ignore_index is not None:
        raise RangeError("ignore_index cannot be specified when target contains probabilities")
    ignore_index = -100 if ignore_index is None else ignore_index
    if options is not None:
        if target.dtype is dtypes.int64 and not places and not label_smoothing:
            return _in_pieces(input, linear_weight, target, linear_bias, weight, reduction, ignore_index, options)
        warnings.warn(
            f"linear_cross_entropy: options ignored; working in pieces needs a target of classes (int64), "
            f"label_smoothing == 0 and linear_weight (C, I), got a target of {target.dtype}, "
            f"label_smoothing={label_smoothing} and linear_weight {tuple(linear_weight.shape)}",
            UserWarning,
            stacklevel=2,
        )
    if places:
        linear_weight = linear_weight.reshape(-1, linear_weight.array.shape[-1])
        linear_bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight, linear_bias)
    return cross_entropy(
        logits.reshape(logits_shape) if places else logits,
        target,
        weight,
        ignore_index=ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


def _check_linear(input: Any, linear_weight: Any, linear_bias: Any) -> tuple[int, ...]:
    """The axes of the weight (C, *, I) between the class and the features."""
    shape, weight_shape = input.array.shape, linear_weight.array.shape
    if len(shape) not in (1, 2):
        raise ShapeError(f"expected input (N, I) or (I), with dimensionality 1 or 2, got {len(shape)}: {shape}")
    if len(weight_shape) < 2:
        raise ShapeError(
            f"expected linear_weight (C, I) or (C, *, I), with dimensionality at least 2, got {len(weight_shape)}: "
            f"{weight_shape}"
        )
    if shape[-1] != weight_shape[-1]:
        raise ShapeError(
            f"expected equal last axes (I) of input and linear_weight, got {shape[-1]} and {weight_shape[-1]}"
        )
    if linear_bias is not None and linear_bias.array.shape != weight_shape[:-1]:
        raise ShapeError(f"expected linear_bias shape {weight_shape[:-1]}, got {linear_bias.array.shape}")
    if len(weight_shape) > 2 and len(shape) == 1:
        raise ShapeError(f"linear_weight {weight_shape} requires batched input (N, {shape[0]}), got {shape}")
    return weight_shape[1:-1]


def _in_pieces(
    input: Any,
    linear_weight: Any,
    target: Any,
    linear_bias: Any,
    weight: Any,
    reduction: str,
    ignore_index: int,
    options: LinearCrossEntropyOptions,
) -> Any:
    """The same by :class:`LinearCrossEntropy`, which never has all logits."""
    reduction = reduction_of(reduction)
    features, classes = input.array.shape[-1], linear_weight.array.shape[0]
    rows = input.reshape(-1, features)
    if target.array.shape != input.array.shape[:-1]:
        raise BatchError(
            f"linear_cross_entropy: expected target {input.array.shape[:-1]} for input {input.array.shape}, "
            f"got {target.array.shape}"
        )
    accumulate = options.accumulation_dtype(input.dtype)
    operands = [cast(x, accumulate) for x in (rows, linear_weight, linear_bias) if x is not None]
    op = LinearCrossEntropy(
        counted(target.array.reshape(-1), classes, ignore_index),
        None if weight is None else cast(weight, accumulate).array,
        reduction,
        options.rows(rows.array.shape[0], features, classes),
    )
    loss = cast(op(*operands), input.dtype)
    return loss.reshape(target.array.shape) if reduction == "none" else loss
