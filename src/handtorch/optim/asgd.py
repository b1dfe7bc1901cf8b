"""ASGD: gradient descent that also keeps the average of where it has been."""

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


class ASGD(Optimizer):
    """Averaged stochastic gradient descent.

    For a parameter ``p`` with gradient ``g`` (negated when ``maximize``, plus ``λ p``) at step ``t``, with a rate
    ``η`` and a share ``μ`` that were set by the step before::

        p ← (1 - Λ η) p - η g
        a ← a + μ (p - a)
        η ← γ / (1 + Λ γ t)^α
        μ ← 1 / max(1, t - t₀)

    ``a`` is the average of the parameter since step ``t₀``; nothing reads it but the user.

    State: ``step``, ``eta`` (η, starts at γ), ``mu`` (μ, starts at 1), ``ax`` (a).

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        lambd: Λ, the decay term.
        alpha: the power with which the rate falls.
        t0: the step at which averaging starts.
        weight_decay: λ, an L2 penalty.
        foreach: accepted; which code runs is chosen by size.
        maximize: climb instead.
        differentiable: must be False.
        capturable: accepted, without meaning on a CPU.

    Raises:
        ArgumentError: a negative rate or weight decay.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30(4),
    1992, with the schedule of Bottou's "Stochastic Gradient Descent Tricks".
    """

    _scalar_state = ("step", "eta", "mu")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        eta, mu = scalar_tensor(to_scalar(group["lr"])), scalar_tensor(1)
        return {"step": scalar_tensor(0), "eta": eta, "mu": mu, "ax": full_like(p, 0)}

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        lr, decay, t = to_scalar(group["lr"]), group["lambd"], float(state["step"])
        eta, mu = float(state["eta"]), float(state["mu"])
        p *= 1 - decay * eta
        p -= eta * g
        if mu == 1:
            state["ax"][...] = p
        else:
            state["ax"] += mu * (p - state["ax"])
        state["eta"][...] = lr / (1 + decay * lr * t) ** group["alpha"]
        state["mu"][...] = 1 / max(1, t - group["t0"])
