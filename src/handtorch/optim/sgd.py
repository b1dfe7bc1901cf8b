"""SGD: walk down the gradient, if asked with momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError
from handtorch.optim.optimizer import Group, Optimizer, ParamsT, check_lr, check_not_negative, to_scalar
from handtorch.tensor import Tensor


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's variant of it.

    For a parameter ``p`` with gradient ``g`` (negated when ``maximize``), learning rate ``γ``, weight decay ``λ``,
    momentum ``μ`` and dampening ``τ``::

        g ← g + λ p
        b ← g                   at the first step, if μ ≠ 0
        b ← μ b + (1 - τ) g     at later steps,   if μ ≠ 0
        d = g (μ = 0),  b (momentum)  or  g + μ b (nesterov)
        p ← p - γ d

    The learning rate is outside of ``b``: changing it changes the very next step.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        momentum: μ.
        dampening: τ.
        weight_decay: λ, an L2 penalty of λ/2 · ‖p‖² on the loss.
        nesterov: look ahead along ``b``.
        maximize: climb instead.
        foreach: accepted; which code runs is chosen by size.
        differentiable: must be False.
        fused: accepted; which code runs is chosen by size.

    Raises:
        ArgumentError: a negative option, or ``nesterov`` without momentum or with dampening.

    Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning",
    ICML 2013, eq. 1-4, with the learning rate moved out of the velocity.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative(momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ArgumentError(
                "Nesterov momentum requires a momentum and zero dampening, "
                f"got momentum={momentum}, dampening={dampening}"
            )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _update_group(self, params: list[Any], group: Group) -> None:
        if self._wants_twin(params):
            from handtorch.kernels import optim as twins

            params = twins.sgd(params, [self.state[p] if group["momentum"] else {} for p in params], group)
        lr = to_scalar(group["lr"])
        if not (group["momentum"] or group["maximize"] or to_scalar(group["weight_decay"])):
            _descend(params, lr)
            return
        for p in params:
            p.array -= lr * self._direction(p, group)
            p._bump()

    def _direction(self, p: Any, group: Group) -> np.ndarray:
        """The ``d`` of the formula; moves ``b``."""
        g = self._gradient(p.array, p.grad.array, group)
        momentum = group["momentum"]
        if momentum == 0:
            return g
        state = self.state[p]
        if state.get("momentum_buffer") is None:
            state["momentum_buffer"] = Tensor.of(np.array(g))
        else:
            b = state["momentum_buffer"].array
            b *= momentum
            b += (1 - group["dampening"]) * g
        b = state["momentum_buffer"].array
        return g + momentum * b if group["nesterov"] else b


def _descend(params: list[Any], lr: float) -> None:
    """``p ← p - γ g``, with as little as possible around the arithmetic: small networks live by this loop."""
    subtract, multiply = np.subtract, np.multiply
    rate = np.array(lr, np.float32)  # an array of the parameter's own type multiplies faster than a Python number
    for p in params:
        array = p.array
        if array.dtype is not rate.dtype:
            rate = np.array(lr, array.dtype)
        subtract(array, multiply(p._grad.array, rate), array)
        p._bump()
