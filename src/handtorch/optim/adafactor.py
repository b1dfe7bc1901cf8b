"""Adafactor: Adam's mean square of a matrix kept as one row and one column."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, DtypeError
from handtorch.optim.optimizer import (
    Arrays,
    Group,
    Optimizer,
    ParamsT,
    check_lr,
    full_like,
    scalar_tensor,
    to_scalar,
)
from handtorch.tensor import Tensor


class Adafactor(Optimizer):
    """Adaptive rates in memory that grows with rows plus columns instead of rows times columns.

    For a parameter ``p`` of ``n`` elements with gradient ``g`` (negated when ``maximize``) at step ``t``, with
    ``RMS(x) = ‖x‖ / √n``::

        α = max(ε₂, RMS(p)) · min(γ, 1/√t),   w = t^c
        p ← (1 - γλ) p
        r ← r + w (mean of g² over columns - r),   s ← s + w (mean of g² over rows - s)
        v = r sᵀ / max(mean of r, ε₁)              (a vector keeps v itself: v ← v + w (g² - v))
        u = g / √max(v, ε₁²)
        p ← p - α u / max(1, RMS(u) / d)

    State: ``step`` and ``row_var`` (r, shape ``(..., R, 1)``), ``col_var`` (s, ``(..., 1, C)``), or ``variance`` (v)
    for vectors and single numbers.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        beta2_decay: c, not positive; the running means forget less as ``t`` grows.
        eps: (ε₁, ε₂); None for ε₁ means the resolution of the element type.
        d: the root mean square above which an update is scaled down.
        weight_decay: λ, decoupled.
        foreach: accepted; which code runs is chosen by size.
        maximize: climb instead.

    Raises:
        ArgumentError: an option outside its range.
        DtypeError: complex parameters, at the first step.

    Source: Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", ICML 2018, algorithms
    4 and 5.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_lr(lr, "Learning rate should be >= 0 but is:")
        if not 0.0 >= beta2_decay:
            raise ArgumentError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ArgumentError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ArgumentError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ArgumentError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ArgumentError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        if p.is_complex():
            raise DtypeError("Adafactor does not support complex parameters; try Adam")
        if p.array.ndim < 2:
            return {"step": scalar_tensor(0), "variance": full_like(p, 0)}
        rows, columns = p.array[..., :1], p.array[..., :1, :]
        return {
            "step": scalar_tensor(0),
            "row_var": Tensor.of(np.zeros(rows.shape, rows.dtype)),
            "col_var": Tensor.of(np.zeros(columns.shape, columns.dtype)),
        }

    def _gradient(self, p: np.ndarray, g: np.ndarray, group: Group) -> np.ndarray:
        return -g if group["maximize"] else g  # the decay of p comes later: the step size looks at p before it

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        if not p.size:
            return
        lr, t, (eps1, eps2) = to_scalar(group["lr"]), float(state["step"]), group["eps"]
        if eps1 is None:
            eps1 = float(np.finfo(p.dtype).eps)
        alpha = max(eps2, _rms(p)) * min(lr, 1 / t**0.5)
        p *= 1 - lr * group["weight_decay"]
        v = _mean_square(g, state, t ** group["beta2_decay"], eps1)
        u = g / np.sqrt(np.maximum(v, eps1 * eps1))
        p -= alpha / max(1.0, _rms(u) / group["d"]) * u


def _rms(x: np.ndarray) -> float:
    return float(np.linalg.norm(x)) / x.size**0.5


def _mean_square(g: np.ndarray, state: Arrays, weight: float, eps: float) -> np.ndarray:
    """Take ``g`` into the running mean square and return it, for a matrix rebuilt from its row and column."""
    square = g * g
    if "variance" in state:
        v = state["variance"]
        v += weight * (square - v)
        return v
    row, column = state["row_var"], state["col_var"]
    row += weight * (square.mean(axis=-1, keepdims=True) - row)
    column += weight * (square.mean(axis=-2, keepdims=True) - column)
    return row * column / np.maximum(row.mean(axis=-2, keepdims=True), eps)
