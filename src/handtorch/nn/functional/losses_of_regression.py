"""Losses of a regression: how far predicted numbers are from the measured ones, or how unlikely those are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError, DtypeError, RangeError
from handtorch.factories import full_like
from handtorch.nn.functional.reductions import (
    need_one_shape,
    reduced,
    reduction_of,
    warn_if_broadcast,
)
from handtorch.ops.pair_loss import HuberLoss, L1Loss, MseLoss, PairLoss, SmoothL1Loss
from handtorch.tensor import Tensor

__all__ = [
    "gaussian_nll_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]


def l1_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The absolute difference |input - target|: averaged, summed or by element.

    Args:
        input, target: of one shape.
        weight: in the shape of the input, of each difference; the mean is then over the sum of the weights.

    Raises:
        BatchError: the weight has another shape.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    warn_if_broadcast(input, target)
    if weight is None and input.array.dtype.kind == target.array.dtype.kind == "f":
        return of_pairs(L1Loss, reduction, input, target)
    return _weighted((input - target).abs(), input, weight, reduction)


def mse_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The squared difference (input - target)²: averaged, summed or by element.

    Args:
        input, target: of one shape.
        weight: in the shape of the input, of each square; the mean is then over the sum of the weights.

    Raises:
        BatchError: the weight has another shape.
        DtypeError: no argument is floating point.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    warn_if_broadcast(input, target)
    if weight is not None:
        return _weighted(of_pairs(MseLoss, "none", input, target), input, weight, reduction)
    return of_pairs(MseLoss, reduction, input, target)


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    """d²/(2 beta) where |d| < beta, else |d| - beta/2, for d = input - target. (Girshick 2015)

    Args:
        input, target: of one shape.
        beta: where the parabola becomes a line; for 0 this is :func:`l1_loss`.

    Raises:
        RangeError: ``beta`` is negative.
        DtypeError: no argument is floating point.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    warn_if_broadcast(input, target)
    if beta < 0:
        raise RangeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return of_pairs(L1Loss, reduction, input, target)
    return of_pairs(lambda reduction: SmoothL1Loss(reduction, beta), reduction, input, target)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """d²/2 where |d| <= delta, else delta (|d| - delta/2), for d = input - target. (Huber 1964)

    Args:
        input, target: of one shape.
        delta: where the parabola becomes a line.
        weight: in the shape of the input, of each loss; the mean is still over all elements.

    Raises:
        RangeError: ``delta`` is not positive.
        BatchError: the weight has another shape.
        DtypeError: no argument is floating point.
    """
    reduction = reduction_of(reduction)
    warn_if_broadcast(input, target)
    if delta <= 0:
        raise RangeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    if weight is None:
        return of_pairs(lambda reduction: HuberLoss(reduction, delta), reduction, input, target)
    need_one_shape("huber_loss", input, weight, "weight")
    return reduced(of_pairs(lambda reduction: HuberLoss(reduction, delta), "none", input, target) * weight, reduction)


def _weighted(losses: Any, input: Any, weight: Any, reduction: str) -> Any:
    """Losses times weights, and their mean as the sum over the sum of the weights."""
    if weight is None:
        return reduced(losses, reduction)
    need_one_shape("loss", input, weight, "weight")
    losses = losses * weight
    return losses.sum() / weight.sum() if reduction == "mean" else reduced(losses, reduction)


def of_pairs(make: Callable[[str], PairLoss], reduction: str, input: Any, target: Any) -> Any:
    """Run a loss of pairs; float16 is not added up in float16.

    Raises:
        DtypeError: no argument is floating point, or one is complex.
    """
    kinds = input.array.dtype.kind + target.array.dtype.kind
    if "f" not in kinds or "c" in kinds:
        op = make("none")
        raise DtypeError(
            f"{type(op).__name__} is not implemented for input {input.dtype} and target {target.dtype}; "
            f"convert them with .float()"
        )
    if "e" in (input.array.dtype.char, target.array.dtype.char):
        return reduced(make("none")(input, target), reduction)
    return make(reduction)(input, target)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """How unlikely counts are under a Poisson distribution: λ - k ln λ, for rates λ and counts k.

    Args:
        input: ln λ; or λ itself, if not ``log_input``.
        target: k, in the shape of the input.
        full: add Stirling's approximation of ln k!, k ln k - k + ln(2πk)/2, where k > 1.
        eps: added to λ under the logarithm, if not ``log_input``.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + stirling.masked_fill(target <= 1, 0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Any:
    """How unlikely numbers are under normal distributions: (ln v + (input - target)²/v) / 2, with v = max(var, eps).

    Args:
        input: means (N, *).
        target: (N, *), or with an axis of length 1 in place of one of them.
        var: variances, in the shape of the input; or one for all along its last axis (which may be missing); or a
            number.
        full: add the constant ln(2π)/2.
        eps: the least variance. The gradient passes to ``var`` as if it were not raised.

    Raises:
        ArgumentError: a variance is negative, or ``var`` has a shape that does not fit.
    """
    reduction = reduction_of(reduction)
    if not isinstance(var, Tensor):
        var = full_like(input, var)
    elif input.array.shape[:-1] == var.array.shape != input.array.shape:
        var = var.unsqueeze(-1)
    if (var.array < 0).any():
        raise ArgumentError("var has negative entry/entries; a variance is at least 0")
    _check_variance(input.array.shape, var.array.shape)
    var = var.clone()
    with no_grad():
        var.clamp_(min=eps)
    losses = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)


def _check_variance(shape: tuple[int, ...], of_variance: tuple[int, ...]) -> None:
    different = [b for a, b in zip(shape, of_variance, strict=False) if a != b]
    if len(shape) != len(of_variance) or different not in ([], [1]):
        raise ArgumentError(
            f"var is of incorrect size: expected {shape}, or that with one axis of length 1, got {of_variance}"
        )
