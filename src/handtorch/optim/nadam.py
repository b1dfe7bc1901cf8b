"""NAdam: Adam that looks ahead as Nesterov's momentum does."""

from __future__ import annotations

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


class NAdam(Optimizer):
    """Adam with Nesterov momentum.

    For a parameter ``p`` with gradient ``g`` (negated when ``maximize``; plus ``λ p``, or after ``p ← (1 - γλ) p``
    when the decay is decoupled) at step ``t``::

        μₜ = β₁ (1 - ½ · 0.96^(t ψ)),   Πₜ = μ₁ μ₂ … μₜ
        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        p ← p - γ · ((1 - μₜ) / (1 - Πₜ) · g + μₜ₊₁ / (1 - Πₜ₊₁) · m) / (√(v / (1 - β₂ᵗ)) + ε)

    State: ``step``, ``mu_product`` (Π), ``exp_avg`` (m), ``exp_avg_sq`` (v).

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        betas: (β₁, β₂).
        eps: ε, keeps the division finite.
        weight_decay: λ.
        momentum_decay: ψ, how fast μ rises to β₁.
        decoupled_weight_decay: shrink the parameter itself, as in AdamW.
        foreach: accepted; which code runs is chosen by size.
        maximize: climb instead.
        capturable: accepted, without meaning on a CPU.
        differentiable: must be False.

    Raises:
        ArgumentError: an option outside its range.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", ICLR workshop 2016, algorithm 2.
    """

    _scalar_state = ("step", "mu_product")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        return {
            "step": scalar_tensor(0),
            "mu_product": scalar_tensor(1),
            "exp_avg": full_like(p, 0),
            "exp_avg_sq": full_like(p, 0),
        }

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        (beta1, beta2), lr = group["betas"], to_scalar(group["lr"])
        t, decay = float(state["step"]), group["momentum_decay"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * decay))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))
        state["mu_product"] *= mu
        product = float(state["mu_product"])

        m, v = state["exp_avg"], state["exp_avg_sq"]
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * (g * g)
        ahead = (1 - mu) / (1 - product) * g + mu_next / (1 - product * mu_next) * m
        p -= lr * ahead / (np.sqrt(v / (1 - beta2**t)) + group["eps"])
