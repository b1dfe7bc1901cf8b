"""Adam: steps of a size that each parameter's own gradients set."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError
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


class Adam(Optimizer):
    """Adaptive moment estimation.

    For a parameter ``p`` with gradient ``g`` (negated when ``maximize``; plus ``λ p`` unless the decay is decoupled)
    at step ``t``::

        p ← (1 - γλ) p                         decoupled weight decay only (that is AdamW)
        m ← β₁ m + (1 - β₁) g                  mean of the gradient
        v ← β₂ v + (1 - β₂) g²                 mean of its square
        v̂ = v / (1 - β₂ᵗ)                      the means start at 0 and are corrected for it
        v̂ = max of v so far / (1 - β₂ᵗ)        with amsgrad
        p ← p - γ / (1 - β₁ᵗ) · m / (√v̂ + ε)

    State: ``step``, ``exp_avg`` (m), ``exp_avg_sq`` (v) and, with amsgrad, ``max_exp_avg_sq``.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        betas: (β₁, β₂), both floats or both 1-element tensors.
        eps: ε, keeps the division finite.
        weight_decay: λ.
        amsgrad: divide by the largest mean square so far, so that the rate never grows back.
        foreach: accepted; which code runs is chosen by size.
        maximize: climb instead.
        capturable: accepted, without meaning on a CPU.
        differentiable: must be False.
        fused: accepted; which code runs is chosen by size.
        decoupled_weight_decay: shrink the parameter itself instead of adding ``λ p`` to the gradient.

    Raises:
        ArgumentError: an option outside its range.

    Sources: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1; Reddi, Kale and
    Kumar, "On the Convergence of Adam and Beyond", ICLR 2018, algorithm 2 (amsgrad).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if foreach and not capturable and isinstance(lr, Tensor):
            raise ArgumentError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_lr(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": _numbers(betas, foreach=bool(foreach and not capturable)),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        state = {"step": scalar_tensor(0), "exp_avg": full_like(p, 0), "exp_avg_sq": full_like(p, 0)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = full_like(p, 0)
        return state

    def _update_group(self, params: list[Any], group: Group) -> None:
        if self._wants_twin(params):
            from handtorch.kernels import optim as twins

            params = twins.adam(params, [self._state_of(p, group) for p in params], group)
        super()._update_group(params, group)

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        beta1, beta2 = (to_scalar(beta) for beta in group["betas"])
        step_size, correction = adam_scales(float(state["step"]), to_scalar(group["lr"]), beta1, beta2)
        m, v = state["exp_avg"], state["exp_avg_sq"]
        scratch = np.empty_like(p)  # the one temporary of this update

        np.subtract(g, m, out=scratch)
        scratch *= 1 - beta1
        m += scratch

        np.multiply(g, g, out=scratch)
        scratch *= 1 - beta2
        v *= beta2
        v += scratch

        if group["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        np.sqrt(v, out=scratch)
        scratch /= correction
        scratch += group["eps"]
        np.divide(m, scratch, out=scratch)
        scratch *= step_size
        p -= scratch


def adam_scales(step: float, lr: float, beta1: float, beta2: float) -> tuple[float, float]:
    """The two numbers that undo the start at zero: ``γ / (1 - β₁ᵗ)`` and ``√(1 - β₂ᵗ)``."""
    return lr / (1 - beta1**step), math.sqrt(1 - beta2**step)


def _numbers(betas: tuple[Any, Any], foreach: bool) -> tuple[float, float]:
    """The decay rates as two floats.

    Raises:
        ArgumentError: one is a tensor and the other is not, or a tensor has several elements.
    """
    are_tensors = [isinstance(beta, Tensor) for beta in betas]
    if not (all(are_tensors) or all(isinstance(beta, float) for beta in betas)):
        raise ArgumentError(f"betas must be either both floats or both Tensors, got {betas}")
    if are_tensors[0] and foreach:
        raise ArgumentError("betas[0] as a Tensor is not supported for capturable=False and foreach=True")
    return to_scalar(betas[0]), to_scalar(betas[1])
