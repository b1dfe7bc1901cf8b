"""Pooling layers: the largest element of each window, its mean or its norm, and the way back from the largest."""

from __future__ import annotations

from typing import Any, ClassVar

from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.axes import for_each_axis
from handtorch.nn.module import Module


class _MaxPool(Module):
    """The largest element of each window.

    Args:
        kernel_size: how long a window is; the length of each axis, in order, or one for all.
        stride: from window to window; by default that length.
        padding: how far windows reach beyond both ends.
        dilation: from one element of a window to the next.
        return_indices: return (values, places), for MaxUnpool.
        ceil_mode: a window may reach further at the end, if it begins before it.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def settings(self) -> tuple[Any, ...]:
        """The arguments of the function after the input."""
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window of the last axis."""

    def forward(self, input: Any) -> Any:
        """(C, L) or (N, C, L)."""
        return F.max_pool1d(input, *self.settings())


class MaxPool2d(_MaxPool):
    """The largest element of each window of the last two axes."""

    def forward(self, input: Any) -> Any:
        """(C, H, W) or (N, C, H, W)."""
        return F.max_pool2d(input, *self.settings())


class MaxPool3d(_MaxPool):
    """The largest element of each window of the last three axes."""

    def forward(self, input: Any) -> Any:
        """(C, D, H, W) or (N, C, D, H, W)."""
        return F.max_pool3d(input, *self.settings())


class _MaxUnpool(Module):
    """The largest elements put back to where max pooling found them, into zeros.

    Args:
        kernel_size, stride, padding: those of the pooling.
    """

    axes: ClassVar[int]

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = for_each_axis(kernel_size, self.axes)
        self.stride = for_each_axis(kernel_size if stride is None else stride, self.axes)
        self.padding = for_each_axis(padding, self.axes)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The way back from MaxPool1d."""

    axes = 1

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """(C, L) or (N, C, L), and the places that MaxPool1d returned."""
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpool):
    """The way back from MaxPool2d."""

    axes = 2

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """(C, H, W) or (N, C, H, W), and the places that MaxPool2d returned."""
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpool):
    """The way back from MaxPool3d."""

    axes = 3

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        """(C, D, H, W) or (N, C, D, H, W), and the places that MaxPool3d returned."""
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class _AvgPool(Module):
    """The mean of each window.

    Args:
        kernel_size: how long a window is; the length of each axis, in order, or one for all.
        stride: from window to window; by default that length.
        padding: how far windows reach beyond both ends; there is 0 there.
        ceil_mode: a window may reach further at the end, if it begins before it.
        count_include_pad: the padding counts as elements of the window.
        divisor_override: what sums are divided by, instead of the number of elements.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def settings(self) -> tuple[Any, ...]:
        """The arguments of the function after the input."""
        return (
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window of the last axis."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        steps = kernel_size if stride is None else stride
        super().__init__(
            for_each_axis(kernel_size, 1),
            for_each_axis(steps, 1),
            for_each_axis(padding, 1),
            ceil_mode,
            count_include_pad,
        )

    def forward(self, input: Any) -> Any:
        """(C, L) or (N, C, L)."""
        return F.avg_pool1d(input, *self.settings()[:-1])


class AvgPool2d(_AvgPool):
    """The mean of each window of the last two axes."""

    def forward(self, input: Any) -> Any:
        """(C, H, W) or (N, C, H, W)."""
        return F.avg_pool2d(input, *self.settings())


class AvgPool3d(_AvgPool):
    """The mean of each window of the last three axes."""

    def forward(self, input: Any) -> Any:
        """(C, D, H, W) or (N, C, D, H, W)."""
        return F.avg_pool3d(input, *self.settings())


class _FractionalMaxPool(Module):
    """The largest element of each of as many windows as wanted, at random places. (Graham 2014)

    Args:
        kernel_size: how long a window is; the length of each axis, in order, or one for all.
        output_size, output_ratio: how many windows; or how many for each element of the input. One of the two.
        return_indices: return (values, places), for MaxUnpool.

    Raises:
        ArgumentError: both or neither of the two, a ratio outside (0, 1), or a window without elements.
    """

    axes: ClassVar[int]

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size = for_each_axis(kernel_size, self.axes)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else for_each_axis(output_size, self.axes)
        self.output_ratio = None if output_ratio is None else for_each_axis(output_ratio, self.axes)
        if (output_size is None) == (output_ratio is None):
            raise ArgumentError(f"{name} requires specifying either an output size, or a pooling ratio, not both")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ArgumentError(f"output_ratio must be between 0 and 1 (got {output_ratio})")
        if self.axes == 3 and min(self.kernel_size) <= 0:
            raise ArgumentError(f"kernel_size must be greater than 0, but got {kernel_size}")

    def settings(self) -> tuple[Any, ...]:
        """The arguments of the function after the input."""
        return self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest element of each of as many windows as wanted of the last two axes."""

    axes = 2

    def forward(self, input: Any) -> Any:
        """(C, H, W) or (N, C, H, W)."""
        return F.fractional_max_pool2d(input, *self.settings())


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest element of each of as many windows as wanted of the last three axes."""

    axes = 3

    def forward(self, input: Any) -> Any:
        """(C, D, H, W) or (N, C, D, H, W)."""
        return F.fractional_max_pool3d(input, *self.settings())


class _LPPool(Module):
    """(Σ x^p)^(1/p) over each window.

    Args:
        norm_type: p.
        kernel_size: how long a window is; the length of each axis, in order, or one for all.
        stride: from window to window; by default that length.
        ceil_mode: a window may reach beyond the end, if it begins before it.
    """

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def settings(self) -> tuple[Any, ...]:
        """The arguments of the function after the input."""
        return float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window of the last axis, with signs."""

    def forward(self, input: Any) -> Any:
        """(C, L) or (N, C, L)."""
        return F.lp_pool1d(input, *self.settings())


class LPPool2d(_LPPool):
    """The p-norm of each window of the last two axes, with signs."""

    def forward(self, input: Any) -> Any:
        """(C, H, W) or (N, C, H, W)."""
        return F.lp_pool2d(input, *self.settings())


class LPPool3d(_LPPool):
    """The p-norm of each window of the last three axes, with signs."""

    def forward(self, input: Any) -> Any:
        """(C, D, H, W) or (N, C, D, H, W)."""
        return F.lp_pool3d(input, *self.settings())
