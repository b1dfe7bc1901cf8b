"""RMSprop: gradients divided by their running root mean square."""

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


class RMSprop(Optimizer):
    """Gradient descent in units of the recent gradient size.

    For a parameter ``p`` with gradient ``g`` (negated when ``maximize``, plus ``λ p``)::

        v ← α v + (1 - α) g²
        a ← α a + (1 - α) g,   ṽ = v - a²        centered;  else ṽ = v
        b ← μ b + g / (√ṽ + ε)
        p ← p - γ b                              (μ = 0: b is the fraction itself)

    State: ``step``, ``square_avg`` (v), with momentum ``momentum_buffer`` (b), centered ``grad_avg`` (a).

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        alpha: α, how much of the running mean is kept.
        eps: ε, keeps the division finite; added after the root.
        weight_decay: λ, an L2 penalty.
        momentum: μ.
        centered: divide by an estimate of the standard deviation.
        capturable: accepted, without meaning on a CPU.
        foreach: accepted; which code runs is chosen by size.
        maximize: climb instead.
        differentiable: must be False.

    Raises:
        ArgumentError: a negative option.

    Sources: Tieleman and Hinton, "Neural Networks for Machine Learning", lecture 6.5, 2012; the centered version is
    eq. 38-40 of Graves, "Generating Sequences With Recurrent Neural Networks", arXiv 1308.0850.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        state = {"step": scalar_tensor(0), "square_avg": full_like(p, 0)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = full_like(p, 0)
        if group["centered"]:
            state["grad_avg"] = full_like(p, 0)
        return state

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        alpha, lr = group["alpha"], to_scalar(group["lr"])
        v = state["square_avg"]
        v *= alpha
        v += (1 - alpha) * (g * g)
        if group["centered"]:
            a = state["grad_avg"]
            a += (1 - alpha) * (g - a)
            v = v - a * a
        fraction = g / (np.sqrt(v) + group["eps"])
        if group["momentum"] > 0:
            b = state["momentum_buffer"]
            b *= group["momentum"]
            b += fraction
            p -= lr * b
        else:
            p -= lr * fraction
