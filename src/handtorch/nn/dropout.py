"""Dropout layers."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.module import Module


class _Dropout(Module):
    """Leaves something out with probability p, in training.

    Args:
        p: the probability.
        inplace: whether it writes over its input.

    Raises:
        ArgumentError: p is no probability.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, zero each element with probability p and scale the others by 1 / (1 - p)."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """In training, zero each channel with probability p and scale the others by 1 / (1 - p)."""

    def forward(self, input: Any) -> Any:
        """(C, L) or (N, C, L)."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """In training, zero each channel with probability p and scale the others by 1 / (1 - p)."""

    def forward(self, input: Any) -> Any:
        """(N, C, H, W); (N, C, L) is taken as well."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """In training, zero each channel with probability p and scale the others by 1 / (1 - p)."""

    def forward(self, input: Any) -> Any:
        """(C, D, H, W) or (N, C, D, H, W)."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """In training, set elements to the limit of SELU with probability p, and keep mean 0 and variance 1."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """In training, set channels to the limit of SELU with probability p, and keep mean 0 and variance 1."""

    def forward(self, input: Any) -> Any:
        """(N, C, *)."""
        return F.feature_alpha_dropout(input, self.p, self.training)
