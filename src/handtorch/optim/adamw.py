"""AdamW: Adam whose weight decay does not pass through the gradient."""

from __future__ import annotations

from typing import Any

from handtorch.optim.adam import Adam
from handtorch.optim.optimizer import ParamsT
from handtorch.tensor import Tensor


class AdamW(Adam):
    """Adam with decoupled weight decay: ``p ← (1 - γλ) p`` before each step, in place of ``g ← g + λ p``.

    In Adam an L2 penalty is divided by ``√v̂`` with the rest of the gradient, so that parameters with large gradients
    are hardly regularised; here all shrink at the same rate.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts that describe groups.
        lr: γ, a number or a 1-element tensor.
        betas: (β₁, β₂), both floats or both 1-element tensors.
        eps: ε, keeps the division finite.
        weight_decay: λ.
        amsgrad: divide by the largest mean square so far.
        maximize: climb instead.
        foreach: accepted; which code runs is chosen by size.
        capturable: accepted, without meaning on a CPU.
        differentiable: must be False.
        fused: accepted; which code runs is chosen by size.

    Raises:
        ArgumentError: an option outside its range.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True  # a checkpoint of Adam goes on as AdamW
