"""Activation layers."""

from __future__ import annotations

from typing import Any

from handtorch.nn import functional as F
from handtorch.nn.module import Module


class _InPlace(Module):
    """An activation that can write over its input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """y = max(x, 0)."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.relu(input, self.inplace)


class SiLU(_InPlace):
    """y = x sigmoid(x)."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.silu(input, self.inplace)


class LeakyReLU(Module):
    """y = x where x > 0, else negative_slope · x."""

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """y = x where x > 0, else alpha (e^x - 1)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class Sigmoid(Module):
    """y = 1 / (1 + e^-x)."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.sigmoid(input)


class Tanh(Module):
    """y = tanh x."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.tanh(input)


class GELU(Module):
    """y = x Φ(x), Φ the normal distribution function; or its tanh formula."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """y = ln(1 + e^(beta x)) / beta."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """Probabilities along an axis."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Along ``dim``."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of :class:`Softmax`."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Along ``dim``."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"dim={self.dim}"
