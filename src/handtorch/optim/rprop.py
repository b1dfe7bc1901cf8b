"""Rprop: only the sign of the gradient counts; step sizes grow while it stays and shrink when it flips."""

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
    full_like,
    scalar_tensor,
    to_scalar,
)
from handtorch.tensor import Tensor


class Rprop(Optimizer):
    """Resilient backpropagation, for full batches.

    For a parameter ``p`` with gradient ``g`` (negated when ``maximize``), element by element, with the gradient ``q``
    of the step before::

        s ← clip(s · η⁺, s_min, s_max)           where g q > 0
        s ← clip(s · η⁻, s_min, s_max),  g ← 0   where g q < 0: the minimum was jumped over, stay
        p ← p - s · sign(g),  q ← g

    State: ``step``, ``prev`` (q), ``step_size`` (s, starts at ``lr``).

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: the first step size, a number or a 1-element tensor.
        etas: (η⁻, η⁺).
        step_sizes: (s_min, s_max).
        capturable: accepted, without meaning on a CPU.
        foreach: accepted; which code runs is chosen by size.
        maximize: climb instead.
        differentiable: must be False.

    Raises:
        ArgumentError: a negative rate, or factors that are not ``0 < η⁻ < 1 < η⁺``.

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm",
    ICNN 1993, in the variant without weight backtracking (iRprop⁻, Igel and Hüsken 2000).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ArgumentError(f"Invalid eta values: {etas[0]}, {etas[1]}; expected 0 < etas[0] < 1 < etas[1]")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _initial_state(self, p: Tensor, group: Group) -> dict[str, Any]:
        lr = to_scalar(group["lr"])
        size = full_like(p, complex(lr, lr) if p.is_complex() else lr)
        return {"step": scalar_tensor(0), "prev": full_like(p, 0), "step_size": size}

    def _update(self, p: np.ndarray, g: np.ndarray, state: Arrays, group: Group) -> None:
        shrink, grow = group["etas"]
        size, before = state["step_size"], state["prev"]
        agreement = g * before
        size *= np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1)).astype(p.dtype)
        np.clip(size, *group["step_sizes"], out=size)
        before[...] = np.where(agreement < 0, 0, g)
        p -= np.sign(before) * size
