"""Dropout of weights: the connections from step to step of a recurrent network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.module import Module
from handtorch.nn.utils.parametrize import is_parametrized, register_parametrization, remove_parametrizations


class DropConnect(Module):
    """In training, zero each weight with probability p and scale the others by 1 / (1 - p) (Wan et al. 2013).

    A parametrization, see :func:`weight_drop`.

    Args:
        p: the probability.

    Raises:
        ArgumentError: p is no probability.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p

    def forward(self, weight: Any) -> Any:
        """The weight, or what is left of it."""
        return F.dropout(weight, self.p, self.training)

    def right_inverse(self, weight: Any) -> Any:
        """The weight to learn for this value of it: the same one."""
        return weight

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"p={self.p}"


def weight_drop(module: Any, p: float = 0.5, names: Iterable[str] | None = None) -> Any:
    """Leave out weights of a module at random in training, drawn anew at each forward pass (Merity et al. 2018).

    On the matrices W_hh of an LSTM one draw holds for all steps of a pass, so the memory is kept from leaning on single
    connections without being disturbed from step to step. Padded or packed makes no difference, as the draw does not
    depend on the input::

        lstm = weight_drop(nn.LSTM(400, 1150), 0.5)
        output, state = lstm(pack_padded_sequence(x, lengths))

    The raw weight stays the parameter that optimizers update, the same object as before. It is found at
    ``module.parametrizations.weight_hh_l0.original``, and in ``state_dict()`` under that name; nothing else is stored.
    :func:`remove_weight_drop` makes the module, and the names in its state, ordinary again.

    Args:
        module: changed in place.
        p: the probability.
        names: of parameters; by default all that begin with ``weight_hh``.

    Returns:
        the module.

    Raises:
        ArgumentError: p is no probability, or there is no such parameter.
    """
    chosen = _recurrent_weights(module) if names is None else list(names)
    for name in chosen:
        register_parametrization(module, name, DropConnect(p))
    return module


def remove_weight_drop(module: Any) -> Any:
    """Undo :func:`weight_drop`: the raw weights are ordinary parameters again, such as for use after training.

    Returns:
        the module.

    Raises:
        ArgumentError: no parameter of it has a weight drop alone.
    """
    chains = dict(module.parametrizations.items()) if is_parametrized(module) else {}
    dropped = [name for name, chain in chains.items() if all(isinstance(link, DropConnect) for link in chain)]
    if not dropped:
        raise ArgumentError(f"expected a module with weight_drop, got {type(module).__name__} without")
    for name in dropped:
        remove_parametrizations(module, name, leave_parametrized=False)
    return module


def _recurrent_weights(module: Any) -> list[str]:
    names = [name for name, _ in module.named_parameters(recurse=False) if name.startswith("weight_hh")]
    if not names:
        raise ArgumentError(
            f"expected a recurrent network with parameters weight_hh*, got {type(module).__name__}; "
            "name the parameters of another module"
        )
    return names
