"""Adadelta: steps in the units of the parameter, from running squares of gradients and of past steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError
from handtorch.optim.optimizer import (
    Arrays,
    Group,
    Optimizer,
    ParamsT,
    check_lr,
    check_not_negative,
    full_like,
    scalar_tensor,
    to_scalar,
)
from handtorch.tensor import Tensor


class Adadelta(Optimizer):
    """Adaptive steps without a rate to tune.

    For a parameter ``p`` with gradient ``g`` (negated when ``maximize``, plus ``λ p``)::

        v ← ρ v + (1 - ρ) g²
        d = g · √(u + ε) / √(v + ε)
        u ← ρ u + (1 - ρ) d²
        p ← p - γ d

    State: ``step``, ``square_avg`` (v), ``acc_delta`` (u).

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        rho: ρ, how much of the running squares is kept.
        eps: ε, keeps the division finite and starts the motion.
        weight_decay: λ, an L2 penalty.
        foreach: accepted; which code runs is chosen by size.
        capturable: accepted, without meaning on a CPU.
        maximize: climb instead.
        differentiable: must be False.

    Raises:
        ArgumentError: an option outside its range.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv 1212.5701, algorithm 1.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ArgumentError(f"Invalid rho value: {rho}; expected 0 <= rho <= 1")
        check_not_negative(eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        return {"step": scalar_tensor(0), "square_avg": full_like(p, 0), "acc_delta": full_like(p, 0)}

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        rho, eps = group["rho"], group["eps"]
        v, u = state["square_avg"], state["acc_delta"]
        v *= rho
        v += (1 - rho) * (g * g)
        d = g * np.sqrt(u + eps) / np.sqrt(v + eps)
        u *= rho
        u += (1 - rho) * (d * d)
        p -= to_scalar(group["lr"]) * d
