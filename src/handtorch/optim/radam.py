"""RAdam: Adam that trusts its mean square only once enough gradients have been seen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.optim.optimizer import (
    Arrays,
    Group,
    Optimizer,
    ParamsT,
    check_betas,
    check_lr,
    check_not_negative,
    full_like,
    scalar_tensor,
    to_scalar,
)
from handtorch.tensor import Tensor


class RAdam(Optimizer):
    """Rectified Adam: a warm-up that follows from the variance of the adaptive rate.

    For a parameter ``p`` with gradient ``g`` (negated when ``maximize``; plus ``λ p``, or after ``p ← (1 - γλ) p``
    when the decay is decoupled) at step ``t``::

        m ← β₁ m + (1 - β₁) g,   m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²
        ρ∞ = 2 / (1 - β₂) - 1,   ρₜ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ)
        r = √((ρₜ - 4)(ρₜ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρₜ))
        p ← p - γ m̂ r √(1 - β₂ᵗ) / (√v + ε)      when ρₜ > 5
        p ← p - γ m̂                              before

    State: ``step``, ``exp_avg`` (m), ``exp_avg_sq`` (v).

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        betas: (β₁, β₂).
        eps: ε, keeps the division finite.
        weight_decay: λ.
        decoupled_weight_decay: shrink the parameter itself, as in AdamW.
        foreach: accepted; which code runs is chosen by size.
        maximize: climb instead.
        capturable: accepted, without meaning on a CPU.
        differentiable: must be False.

    Raises:
        ArgumentError: an option outside its range.

    Source: Liu, Jiang, He, Chen, Liu, Gao and Han, "On the Variance of the Adaptive Learning Rate and Beyond",
    ICLR 2020, algorithm 2 (there with the threshold 4).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        return {"step": scalar_tensor(0), "exp_avg": full_like(p, 0), "exp_avg_sq": full_like(p, 0)}

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        beta1, beta2 = group["betas"]
        t = float(state["step"])
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * (g * g)

        size = to_scalar(group["lr"]) / (1 - beta1**t)
        rectification = _rectification(t, beta2)
        if rectification is None:
            p -= size * m
        else:
            size *= rectification * math.sqrt(1 - beta2**t)
            p -= size * m / (np.sqrt(v) + group["eps"])


def _rectification(t: float, beta2: float) -> float | None:
    """The ``r`` of the formula, None as long as the variance of the adaptive rate is not tractable (``ρₜ <= 5``)."""
    limit = 2 / (1 - beta2) - 1
    length = limit - 2 * t * beta2**t / (1 - beta2**t)
    if length <= 5:
        return None
    return math.sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))
