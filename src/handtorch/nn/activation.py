"""Activation layers."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.factories import empty
from handtorch.nn import functional as F
from handtorch.nn.init import constant_
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter


class _InPlace(Module):
    """An activation that can write over its input.

    Args:
        inplace: whether it does.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return ", ".join([*self._settings(), *["inplace=True"] * self.inplace])

    def _settings(self) -> list[str]:
        """The other settings."""
        return []


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


class Mish(_InPlace):
    """y = x tanh(ln(1 + e^x))."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.mish(input, self.inplace)


class SELU(_InPlace):
    """y = 1.0507 x where x > 0, else 1.7581 (e^x - 1): keeps mean 0 and variance 1 from layer to layer."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.selu(input, self.inplace)


class Hardsigmoid(_InPlace):
    """y = x / 6 + 1/2, held between 0 and 1."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_InPlace):
    """y = x hardsigmoid(x)."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.hardswish(input, self.inplace)


class LeakyReLU(_InPlace):
    """y = x where x > 0, else negative_slope · x."""

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def _settings(self) -> list[str]:
        return [f"negative_slope={self.negative_slope}"]


class RReLU(_InPlace):
    """y = x where x > 0, else a x: with a drawn from [lower, upper] in training, their mean in evaluation."""

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower, self.upper = lower, upper

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def _settings(self) -> list[str]:
        return [f"lower={self.lower}", f"upper={self.upper}"]


class ELU(_InPlace):
    """y = x where x > 0, else alpha (e^x - 1)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.elu(input, self.alpha, self.inplace)

    def _settings(self) -> list[str]:
        return [f"alpha={self.alpha}"]


class CELU(_InPlace):
    """y = x where x > 0, else alpha (e^(x / alpha) - 1)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.celu(input, self.alpha, self.inplace)

    def _settings(self) -> list[str]:
        return [f"alpha={self.alpha}"]


class Threshold(_InPlace):
    """y = x where x > threshold, else value."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold, self.value = threshold, value

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def _settings(self) -> list[str]:
        return [f"threshold={self.threshold}", f"value={self.value}"]


class Hardtanh(_InPlace):
    """y = x, held between min_val and max_val.

    Args:
        min_value, max_value: former names of the bounds.

    Raises:
        AssertionError: the bounds are equal or the wrong way round, as in PyTorch.
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__(inplace)
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def _settings(self) -> list[str]:
        return [f"min_val={self.min_val}", f"max_val={self.max_val}"]


class ReLU6(Hardtanh):
    """y = x, held between 0 and 6."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def _settings(self) -> list[str]:
        return []


class Sigmoid(Module):
    """y = 1 / (1 + e^-x)."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.sigmoid(input)


class LogSigmoid(Module):
    """y = ln(1 / (1 + e^-x))."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.logsigmoid(input)


class Tanh(Module):
    """y = tanh x."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.tanh(input)


class Tanhshrink(Module):
    """y = x - tanh x."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.tanhshrink(input)


class Softsign(Module):
    """y = x / (1 + abs(x))."""

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.softsign(input)


class Hardshrink(Module):
    """y = 0 where abs(x) <= lambd, else x."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.lambd}"


class Softshrink(Module):
    """y = 0 where abs(x) <= lambd, else x moved by lambd towards 0."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """By element."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.lambd}"


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


class GLU(Module):
    """y = a sigmoid(b), a and b the halves of x along an axis."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Along ``dim``."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"dim={self.dim}"


class Softmax(Module):
    """Probabilities along an axis."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Along ``dim``."""
        return F.softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"dim={self.dim}"


class Softmin(Module):
    """Probabilities along an axis, the largest for the smallest number."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Along ``dim``."""
        return F.softmin(input, self.dim, _stacklevel=5)

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
        return F.log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"dim={self.dim}"


class Softmax2d(Module):
    """Probabilities over the channels, at each place of an image.

    Raises:
        ArgumentError: the input is neither (C, H, W) nor (N, C, H, W).
    """

    def forward(self, input: Any) -> Any:
        """(C, H, W) or (N, C, H, W), along C."""
        if input.array.ndim not in (3, 4):
            raise ArgumentError(f"Softmax2d: expected input to be 3D or 4D, (N, C, H, W), got {tuple(input.shape)}")
        return F.softmax(input, -3)


class PReLU(Module):
    """y = x where x > 0, else w x, with a learned w.

    Args:
        num_parameters: 1, or the number C of channels of the input (N, C, *).
        init: the value of w at first.

    Attributes:
        weight: w (num_parameters).
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the parameters to ``init``."""
        constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        """By element, each channel with its own w."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"num_parameters={self.num_parameters}"
