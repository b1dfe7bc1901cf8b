"""Adagrad: each parameter's rate falls with the squares of all its gradients so far."""

from __future__ import annotations

from typing import Any

import numpy as np

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


class Adagrad(Optimizer):
    """Adaptive subgradient method.

    For a parameter ``p`` with gradient ``g`` (negated when ``maximize``, plus ``λ p``) at step ``t``::

        s ← s + g²                             s starts at initial_accumulator_value
        p ← p - γ / (1 + (t - 1) η) · g / (√s + ε)

    State: ``step``, ``sum`` (s).

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        lr_decay: η.
        weight_decay: λ, an L2 penalty.
        initial_accumulator_value: where the sum starts.
        eps: ε, keeps the division finite.
        foreach: accepted; which code runs is chosen by size.
        maximize: climb instead.
        differentiable: must be False.
        fused: accepted; which code runs is chosen by size.

    Raises:
        ArgumentError: a negative option.

    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    JMLR 12, 2011, with the diagonal matrix.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative(
            lr_decay=lr_decay, weight_decay=weight_decay, initial_accumulator_value=initial_accumulator_value, eps=eps
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self._state_of(p, group)  # there before the first step, as in PyTorch

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        start = group["initial_accumulator_value"]
        return {"step": scalar_tensor(0), "sum": full_like(p, complex(start, start) if p.is_complex() else start)}

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        rate = to_scalar(group["lr"]) / (1 + (float(state["step"]) - 1) * group["lr_decay"])
        state["sum"] += g * g
        p -= rate * g / (np.sqrt(state["sum"]) + group["eps"])
