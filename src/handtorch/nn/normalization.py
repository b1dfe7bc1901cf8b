"""Normalisation layers that know no batch: over the features of a sample, or over neighbouring channels."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.factories import ones, zeros
from handtorch.nn import functional as F
from handtorch.nn import init
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter


class LayerNorm(Module):
    """Normalisation over the last axes of each sample. (Ba, Kiros and Hinton 2016)

    Args:
        normalized_shape: the lengths of those axes.
        eps: added to the variance.
        elementwise_affine: whether γ is learned, and β if ``bias``.
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape = self.normalized_shape
        self.register_parameter("weight", Parameter(ones(*shape, dtype=dtype)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(zeros(*shape, dtype=dtype)) if elementwise_affine and bias else None)

    def reset_parameters(self) -> None:
        """Start anew."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Any) -> Any:
        """x (*, normalized_shape) to the same shape."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Division by the root of the mean square over the last axes of each sample. (Zhang and Sennrich 2019)

    Args:
        normalized_shape: the lengths of those axes.
        eps: added to the mean square; None for the distance from 1 to the next number.
        elementwise_affine: whether γ is learned.
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape = self.normalized_shape
        self.register_parameter("weight", Parameter(ones(*shape, dtype=dtype)) if elementwise_affine else None)

    def reset_parameters(self) -> None:
        """Start anew."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Any) -> Any:
        """x (*, normalized_shape) to the same shape."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Normalisation of groups of neighbouring channels, each sample by itself. (Wu and He 2018)

    Args:
        num_groups: G, a divisor of C.
        num_channels: C, the length of axis 1.
        eps: added to the variance.
        affine: whether γ is learned, and β if ``bias``.

    Raises:
        ArgumentError: G is no divisor of C.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ArgumentError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.register_parameter("weight", Parameter(ones(num_channels, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_channels, dtype=dtype)) if affine and bias else None)

    reset_parameters = LayerNorm.reset_parameters

    def forward(self, input: Any) -> Any:
        """x (N, C, *) to the same shape."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """x / (k + α mean(x²))^β, with the mean over neighbouring channels. (Krizhevsky, Sutskever and Hinton 2012)

    Args:
        size: how many channels.
        alpha, beta, k: α, β and k.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Any) -> Any:
        """x (N, C, *) to the same shape."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """:class:`LocalResponseNorm` of maps (N, C, H, W), with 2 ⌊(size - 1) / 2⌋ + 1 channels summed and divided by size.

    PyTorch's sums never let go of the first channel again: from the first whose neighbours it is not one of, its
    results are smaller than the formula's, by about α β x₀² / (k size) of them. Nor is its gradient that of its
    results. The formula and its gradient are what is here.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Any) -> Any:
        """x (N, C, H, W) to the same shape."""
        if input.array.ndim != 4:
            raise ArgumentError(f"CrossMapLRN2d: Expected input to be 4D, got {input.array.ndim}D instead.")
        summed = (self.size - 1) // 2 * 2 + 1
        return F.local_response_norm(input, summed, self.alpha * summed / self.size, self.beta, self.k)
