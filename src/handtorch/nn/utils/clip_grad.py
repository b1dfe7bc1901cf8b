"""Gradient clipping: keeping the gradients of one step from being too large, together or each."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

import numpy as np

from handtorch.errors import GradientError
from handtorch.tensor import Tensor

Tensors = Tensor | Iterable[Tensor]


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients by one factor, so that their norm, as one vector, is at most ``max_norm``.

    ``g <- g min(1, max_norm / (||g|| + 1e-6))`` (Pascanu et al., "On the difficulty of training recurrent neural
    networks", 2013). The gradients are changed in place.

    Args:
        parameters: a Tensor or several; those without a gradient are left out.
        max_norm: the largest norm allowed.
        norm_type: p of the p-norm, ``inf`` included.
        error_if_nonfinite: raise instead of scaling by a norm that is infinite or not a number.
        foreach: PyTorch's choice of an implementation; there is one here.

    Returns:
        the norm before clipping, as a Tensor without dimensions.

    Raises:
        GradientError: the norm is not finite and ``error_if_nonfinite`` is set.
    """
    listed = _listed(parameters)
    if not listed and isinstance(parameters, GeneratorType):
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur; was it used up before?", stacklevel=2
        )
    total_norm = get_total_norm(_gradients(listed), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(listed, max_norm, total_norm)
    return total_norm


def clip_grad_norm(*args: Any, **kwargs: Any) -> Tensor:
    """PyTorch's old name for :func:`clip_grad_norm_`."""
    warnings.warn(
        "`nn.utils.clip_grad_norm` is now deprecated in favor of `nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(*args, **kwargs)


def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The p-norm of all elements of all tensors: ``(sum |x|^p)^(1/p)``.

    Args:
        tensors: a Tensor or several.
        norm_type: p.
        error_if_nonfinite: raise if it is infinite or not a number.
        foreach: PyTorch's choice of an implementation; there is one here.

    Returns:
        a Tensor without dimensions.

    Raises:
        GradientError: see ``error_if_nonfinite``.
    """
    arrays = [tensor.array for tensor in _listed(tensors)]
    norm_type = float(norm_type)
    if not arrays:
        return Tensor.of(np.zeros((), np.float32))
    norm = _norm_of_norms([_norm(array, norm_type) for array in arrays], norm_type)
    if error_if_nonfinite and not math.isfinite(norm):
        raise GradientError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            f"clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            f"`error_if_nonfinite=False`"
        )
    dtype = np.result_type(*{array.dtype for array in arrays}).type(0).real.dtype
    return Tensor.of(np.asarray(norm, dtype))


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients by ``min(1, max_norm / (total_norm + 1e-6))``, in place.

    Args:
        parameters: a Tensor or several; those without a gradient are left out.
        max_norm: the largest norm allowed.
        total_norm: what :func:`get_total_norm` returned for the gradients, a Tensor without dimensions.
        foreach: PyTorch's choice of an implementation; there is one here.
    """
    factor = float(max_norm) / (total_norm.item() + 1e-6)
    if factor >= 1:  # not so for a norm that is not a number: that goes on into the gradients
        return
    for grad in _gradients(_listed(parameters)):
        np.multiply(grad.array, grad.array.dtype.type(factor), out=grad.array)
        grad._bump()


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Bring every element of every gradient into [-clip_value, clip_value], in place.

    Args:
        parameters: a Tensor or several; those without a gradient are left out.
        clip_value: the largest size allowed.
        foreach: PyTorch's choice of an implementation; there is one here.
    """
    limit = float(clip_value)
    for grad in _gradients(_listed(parameters)):
        np.clip(grad.array, -limit, limit, out=grad.array)
        grad._bump()


def _listed(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(tensors: list[Tensor]) -> list[Tensor]:
    return [tensor.grad for tensor in tensors if tensor.grad is not None]


_SMALLEST_SQUARE = 1e-36  # of a float32 that still has all of its digits


def _norm(array: np.ndarray, p: float) -> float:
    """The p-norm of all elements; the usual one in a single pass, without an array in between."""
    if p == 2.0:
        square = np.vdot(array, array).item().real
        if _SMALLEST_SQUARE < square < math.inf:
            return math.sqrt(square)
        array = array.astype(np.promote_types(array.dtype, np.float64))  # squares may have left the range of the type
    return float(np.linalg.norm(array.reshape(-1), p)) if array.size else 0.0


def _norm_of_norms(norms: list[float], p: float) -> float:
    return float(np.linalg.norm(norms, p))
