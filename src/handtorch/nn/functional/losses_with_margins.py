"""Losses with a margin: right answers shall be better than wrong ones by that much, and then cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, DimensionError, DtypeError, ShapeError
from handtorch.nn.functional.reductions import reduced, reduction_of
from handtorch.ops.distance import pairwise_distance
from handtorch.ops.extremes import minimum
from handtorch.ops.piecewise import relu
from handtorch.tensor import Tensor

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """x where the target is 1, and max(0, margin - x) where it is -1.

    Args:
        input: x (*), for example how far apart two things are.
        target: 1 if they are alike, -1 if not, of the input's shape.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    apart = np.where(target.array != 1, (margin - input).clamp_min(0), 0)
    alike = np.where(target.array != -1, input, 0)
    return reduced(apart + alike, reduction)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """max(0, margin - t (x1 - x2)): x1 shall be larger than x2 where t = 1, smaller where t = -1.

    Args:
        input1, input2: x1 and x2 (*).
        target: t (*).

    Raises:
        ShapeError: they differ in the number of axes.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not input1.array.ndim == input2.array.ndim == target.array.ndim:
        raise ShapeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {tuple(input1.shape)}, input2: {tuple(input2.shape)}, target: {tuple(target.shape)}"
        )
    return reduced((margin - target * (input1 - input2)).clamp_min(0), reduction)


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """Σ w_t max(0, margin - x_t + x_c)^p / C over all wrong classes c: the right one, t, shall win by the margin.

    Args:
        input: scores x (N, C) or (C).
        target: classes t (N), or () or (1) for (C).
        p: 1 or 2.
        weight: w (C), of each class.

    Raises:
        ArgumentError: another ``p``, or a weight with several axes.
        ShapeError, DtypeError: the arguments do not fit together, or the target does not hold class numbers.
        DimensionError: a target is no class.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ArgumentError(f"only p == 1 and p == 2 supported, got {p}")
    if weight is not None and weight.array.ndim != 1:
        raise ArgumentError(f"weight must be one-dimensional, (C,), got {tuple(weight.shape)}")
    rows = _rows_of_classes("multi_margin_loss", input)
    n, classes = rows.array.shape
    if target.array.size != n or target.array.ndim > 1:
        raise ShapeError(
            f"target tensor should be 1-D with size equal to the number of rows of the input. Expected target size "
            f"[{n}], but got {list(target.shape)}"
        )
    if weight is not None and weight.array.size != classes:
        raise ShapeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    right = _class_numbers("multi_margin_loss", target, classes, least=0).reshape(-1, 1)
    lacking = relu(rows - rows.gather(1, Tensor.of(right)) + margin)
    wrong = Tensor.of((np.arange(classes) != right).astype(rows.array.dtype))
    losses = (lacking if p == 1 else lacking.square()) * wrong
    if weight is not None:
        losses = losses * weight[Tensor.of(right)]
    return reduced((losses.sum(1) / classes).reshape(target.shape), reduction)


def multilabel_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """Σ max(0, 1 - x_t + x_c) / C over all right classes t and all wrong ones c of a row.

    Args:
        input: scores x (N, C) or (C).
        target: of the input's shape; each row lists its right classes, and ends at the first -1.

    Raises:
        ShapeError, DtypeError: the arguments do not fit together, or the target does not hold class numbers.
        DimensionError: a target is no class.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    rows = _rows_of_classes("multilabel_margin_loss", input)
    n, classes = rows.array.shape
    if target.array.shape != input.array.shape and target.array.shape != (n, classes)[1:] * (n == 1):
        raise ShapeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    listed = _class_numbers("multilabel_margin_loss", target, classes, least=-1).reshape(n, classes)
    there = np.logical_and.accumulate(listed >= 0, axis=1)
    places = np.where(there, listed, 0)
    right = np.zeros((n, classes), bool)
    right[np.nonzero(there)[0], listed[there]] = True
    lacking = relu(1 - rows.gather(1, Tensor.of(places)).unsqueeze(2) + rows.unsqueeze(1))  # (N, listed, C)
    pairs = Tensor.of((there[:, :, None] & ~right[:, None, :]).astype(rows.array.dtype))
    losses = (lacking * pairs).sum((1, 2)) / classes
    return reduced(losses.reshape(input.shape[:-1]), reduction)


def _rows_of_classes(name: str, input: Any) -> Any:
    """Scores as (N, C)."""
    shape = input.array.shape
    if len(shape) > 2 or (shape and not shape[-1]):
        raise ShapeError(
            f"{name}: Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(shape)}; "
            f"the last axis is the class"
        )
    return input.reshape(-1, shape[-1] if shape else 1)


def _class_numbers(name: str, target: Any, classes: int, least: int) -> np.ndarray:
    """The array of a target that holds numbers of classes."""
    array: np.ndarray = target.array
    if array.dtype != np.int64:
        raise DtypeError(
            f"{name}: expected scalar type Long (numbers of classes) for target but found {target.dtype}; "
            f"convert it with target.long()"
        )
    wrong = np.argwhere((array < least) | (array >= classes))
    if len(wrong):
        place = tuple(map(int, wrong[0]))
        raise DimensionError(
            f"{name}: argument target is out of range: target[{', '.join(map(str, place))}] is {array[place]}, "
            f"expected {least} to {classes - 1}, because the input has {classes} classes"
        )
    return array


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """1 - cos where the target is 1, and max(0, cos - margin) where it is -1, with cos of the angle of two vectors.

    Args:
        input1, input2: vectors (N, D) or (D).
        target: 1 if they are alike, -1 if not, (N) or ().

    Raises:
        ShapeError: the arguments do not fit together.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    axes = target.array.ndim + 1
    if axes > 2 or input1.array.ndim != axes or input2.array.ndim != axes:
        raise ShapeError(
            f"cosine_embedding_loss: {axes - 1}D target tensor expects {axes}D input tensors, but found inputs with "
            f"sizes {list(input1.shape)} and {list(input2.shape)}; expected (N, D), (N, D) and target (N)"
        )
    products = (input1 * input2).sum(-1)
    squares1, squares2 = (input1 * input1).sum(-1) + _EPS, (input2 * input2).sum(-1) + _EPS
    cosines = products / (squares1 * squares2).sqrt()
    alike = np.where(target.array == 1, 1 - cosines, 0)
    apart = np.where(target.array == -1, (cosines - margin).clamp_min(0), 0)
    return reduced(alike + apart, reduction)


_EPS = 1e-12  # keeps the cosine of a vector of zeros from being 0/0


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """max(0, margin + |anchor - positive| - |anchor - negative|), with the p-norm of the differences.

    Args:
        anchor, positive, negative: (N, D) or (D).
        eps: added to the differences.
        swap: measure the distance of the negative from the positive instead, where that is smaller.
            (Balntas et al. 2016)

    Raises:
        ArgumentError: ``margin`` is not positive.
        ShapeError: the arguments do not fit together.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda a, b: pairwise_distance(a, b, p, eps),
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """max(0, margin + d(anchor, positive) - d(anchor, negative)).

    Args:
        anchor, positive, negative: (N, D) or (D).
        distance_function: d, the Euclidean distance by default.
        swap: use d(positive, negative) in place of d(anchor, negative), where it is smaller.

    Raises:
        ArgumentError: ``margin`` is not positive.
        ShapeError: the arguments do not fit together.
    """
    reduction = reduction_of(reduction)
    if margin <= 0:
        raise ArgumentError(f"margin must be greater than 0, got {margin}")
    axes = [x.array.ndim for x in (anchor, positive, negative)]
    if len(set(axes)) > 1:
        raise ShapeError(
            f"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {axes[0]}D, positive {axes[1]}D, and negative {axes[2]}D inputs"
        )
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced((margin + near - far).clamp_min(0), reduction)
