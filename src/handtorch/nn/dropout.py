"""Dropout layers."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.module import Module


class Dropout(Module):
    """In training, zero each element with probability p and scale the others by 1 / (1 - p)."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"p={self.p}, inplace={self.inplace}"
