"""Losses: how far a network's output is from what was wanted, as one number."""

from __future__ import annotations

from typing import Any

from handtorch.errors import BatchError, DtypeError, RangeError, ShapeError
from handtorch.nn.functional.reductions import reduction_of
from handtorch.ops.loss import CrossEntropy, MeanSquaredError, SquaredError
from handtorch.ops.softmax import log_softmax

__all__ = [
    "cross_entropy",
    "mse_loss",
]


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
    """Negative log likelihood of the target under softmax(input) along the class axis.

    Args:
        input: logits (N, C), (C) or (N, C, *).
        target: classes (N), () or (N, *); or probabilities in the shape of the input.
        weight: (C), of each class.
        ignore_index: the class whose targets do not count.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: how much of each target is spread evenly over the classes, in [0, 1].
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise RangeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if target.array.dtype.kind == "f":
        if ignore_index >= 0:
            raise RangeError(f"ignore_index is not supported for floating point target, got {ignore_index}")
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    if target.array.dtype.kind not in "iu":
        raise DtypeError(f"expected target of whole numbers (classes) or floating point, got {target.dtype}")
    rows, shape = _class_rows(input)
    if weight is not None and weight.array.shape != rows.array.shape[1:]:
        raise ShapeError(
            f"weight tensor should be defined either for all {rows.array.shape[1]} classes or no classes but got "
            f"weight tensor of shape: {list(weight.array.shape)}"
        )
    if target.array.ndim and shape and target.array.shape[0] != shape[0]:
        raise BatchError(
            f"Expected input batch_size ({shape[0]}) to match target batch_size ({target.array.shape[0]}); "
            f"expected input (N, C) and target (N,), got {tuple(input.shape)} and {tuple(target.shape)}"
        )
    classes = target.array.reshape(-1) if target.array.shape == shape else target.array
    op = CrossEntropy(classes, None if weight is None else weight.array, ignore_index, label_smoothing, reduction)
    loss = op(rows)
    return loss.reshape(shape) if reduction == "none" else loss


def _class_rows(input: Any) -> tuple[Any, tuple[int, ...]]:
    """Logits as (rows, C), and the shape that one number for each row shall have."""
    shape = input.array.shape
    if len(shape) == 2:
        return input, shape[:1]
    if len(shape) == 1:
        return input.reshape(1, -1), ()
    return input.permute(0, *range(2, len(shape)), 1).reshape(-1, shape[1]), (shape[0], *shape[2:])


def _soft_cross_entropy(input: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    if target.array.shape != input.array.shape:
        raise ShapeError(
            f"expected target probabilities of the input's shape {tuple(input.shape)}, got {tuple(target.shape)}"
        )
    axis = min(1, input.array.ndim - 1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input.array.shape[axis]
    terms = -log_softmax(input, axis) * target
    if weight is not None:
        terms = terms * weight.reshape((-1,) + (1,) * (input.array.ndim - 1 - axis))
    rows = terms.sum(axis)
    if reduction == "mean":
        return rows.sum() / max(rows.array.size, 1)
    return rows.sum() if reduction == "sum" else rows


def mse_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The squared difference, averaged, summed or by element."""
    reduction = reduction_of(reduction, size_average, reduce)
    if reduction == "mean" and weight is None and input.array.shape == target.array.shape:
        return MeanSquaredError()(input, target)
    errors = SquaredError()(input, target)
    if weight is not None:
        errors = errors * weight
        if reduction == "mean":
            return errors.sum() / weight.expand_as(errors).sum()
    return errors if reduction == "none" else errors.sum() if reduction == "sum" else errors.mean()
