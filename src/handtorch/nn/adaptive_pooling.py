"""Adaptive pooling layers: as many windows as wanted, which share the input out."""

from __future__ import annotations

from typing import Any

from handtorch.nn import functional as F
from handtorch.nn.module import Module


class _AdaptiveMaxPool(Module):
    """The largest element of each window.

    Args:
        output_size: how many windows; the number for each axis, in order, or one for all. None keeps an axis.
        return_indices: return (values, places), for MaxUnpool.
    """

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest element of each of so many windows of the last axis."""

    def forward(self, input: Any) -> Any:
        """(C, L) or (N, C, L)."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest element of each of so many windows of the last two axes."""

    def forward(self, input: Any) -> Any:
        """(C, H, W) or (N, C, H, W)."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest element of each of so many windows of the last three axes."""

    def forward(self, input: Any) -> Any:
        """(C, D, H, W) or (N, C, D, H, W)."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _AdaptiveAvgPool(Module):
    """The mean of each window.

    Args:
        output_size: how many windows; the number for each axis, in order, or one for all. None keeps an axis.
    """

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The mean of each of so many windows of the last axis."""

    def forward(self, input: Any) -> Any:
        """(C, L) or (N, C, L)."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The mean of each of so many windows of the last two axes."""

    def forward(self, input: Any) -> Any:
        """(C, H, W) or (N, C, H, W)."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The mean of each of so many windows of the last three axes."""

    def forward(self, input: Any) -> Any:
        """(C, D, H, W) or (N, C, D, H, W)."""
        return F.adaptive_avg_pool3d(input, self.output_size)
