"""MLP: fully connected layers, one behind another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError

_ACTIVATIONS: dict[str, Any] = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh}


class MLP(nn.Module):
    """A multilayer perceptron: for each hidden layer ``Dropout(activation(BatchNorm(x Wᵀ)))``, then ``x Wᵀ + b``.

    Normalising before the activation keeps every layer's input in the range where the activation bends (Ioffe &
    Szegedy 2015); the normalisation has a bias of its own, so the linear map before it has none.

    Args:
        in_features: I, values in an input.
        hidden: widths of the hidden layers, in order; empty for a linear classifier.
        out_features: O, values in an output.
        activation: ``"gelu"``, ``"relu"``, ``"silu"`` or ``"tanh"``.
        dropout: probability that a hidden value is dropped in training.
        batch_norm: whether hidden layers are normalised over the batch.

    Attributes:
        settings: the arguments as a dict that JSON can hold; ``MLP(**mlp.settings)`` has the same shape.

    Raises:
        ArgumentError: a width below 1, or an activation of another name.
    """

    def __init__(
        self,
        in_features: int,
        hidden: Sequence[int],
        out_features: int,
        *,
        activation: str = "gelu",
        dropout: float = 0.0,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        widths = [int(in_features), *map(int, hidden), int(out_features)]
        if min(widths) < 1:
            raise ArgumentError(f"expected widths of at least 1, got {' - '.join(map(str, widths))}")
        if activation not in _ACTIVATIONS:
            raise ArgumentError(f"expected activation {', '.join(map(repr, _ACTIVATIONS))}, got {activation!r}")
        self.settings: dict[str, Any] = {
            "in_features": widths[0],
            "hidden": widths[1:-1],
            "out_features": widths[-1],
            "activation": activation,
            "dropout": float(dropout),
            "batch_norm": bool(batch_norm),
        }
        layers: list[nn.Module] = []
        for before, width in pairwise(widths[:-1]):
            layers.append(nn.Linear(before, width, bias=not batch_norm))
            if batch_norm:
                layers.append(nn.BatchNorm1d(width))
            layers.append(_ACTIVATIONS[activation]())
            if dropout:
                layers.append(nn.Dropout(dropout))
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))

    def forward(self, input: Any) -> Any:
        """x (N, I) to y (N, O)."""
        return self.layers(input)
