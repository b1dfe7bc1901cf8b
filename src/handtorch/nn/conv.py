"""Convolution layers and their transposes over one, two and three axes; the lazy ones learn their input channels."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import empty
from handtorch.nn import functional as F
from handtorch.nn import init
from handtorch.nn.axes import for_each_axis
from handtorch.nn.lazy import LazyModuleMixin
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter, UninitializedParameter
from handtorch.ops import convolving

_MODES = ("zeros", "reflect", "replicate", "circular")


def _each(value: Any, axes: int) -> Any:
    """A setting for each axis; a word as it is."""
    return value if isinstance(value, str) else for_each_axis(value, axes)


class _Convolving(Module):
    """What all of them have: a kernel with its settings, drawn as PyTorch draws it."""

    axes: ClassVar[int]
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        output_padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        dtype: Any,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = (_each(v, self.axes) for v in (kernel_size, stride, dilation))
        self.padding, self.output_padding = _each(padding, self.axes), _each(output_padding, self.axes)
        self.padding_mode = padding_mode
        self._check()
        self.weight = Parameter(empty(self._weight_shape(), dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _check(self) -> None:
        if self.groups <= 0:
            raise ArgumentError(f"groups must be a positive integer, got {self.groups}")
        for name, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels % self.groups:
                raise ArgumentError(f"{name} must be divisible by groups, got {channels} and {self.groups}")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ArgumentError(f"Invalid padding string {self.padding!r}, should be 'same' or 'valid'")
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ArgumentError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _MODES:
            raise ArgumentError(f"padding_mode must be one of {_MODES}, but got padding_mode={self.padding_mode!r}")

    def _settings(self, *names: str) -> list[tuple[int, ...]]:
        """Settings by name, one number for each axis, also where a list of one was given for all."""
        return [convolving.per_axis(getattr(self, name), self.axes, name) for name in names]

    def _weight_shape(self) -> tuple[int, ...]:
        rows, columns = self.out_channels, self.in_channels
        if self.transposed:
            rows, columns = columns, rows
        return (rows, columns // self.groups, *self.kernel_size)

    def reset_parameters(self) -> None:
        """Draw the parameters anew: uniform in ±1/√(inputs of one output)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = math.prod(self.weight.shape[1:])
            bound = 1 / math.sqrt(fan_in) if fan_in else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        settings = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        usual = {"padding": 0, "dilation": 1, "output_padding": 0}
        for name, value in usual.items():
            if getattr(self, name) != (value,) * self.axes:
                settings.append(f"{name}={getattr(self, name)}")
        if self.groups != 1:
            settings.append(f"groups={self.groups}")
        if self.bias is None:
            settings.append("bias=False")
        if self.padding_mode != "zeros":
            settings.append(f"padding_mode={self.padding_mode}")
        return ", ".join(settings)


class _Conv(_Convolving):
    """y = b + Σ w x over a sliding window; see :func:`handtorch.nn.functional.conv1d`.

    Args:
        in_channels, out_channels: C of the input (N, C, *) and O of the output (N, O, *).
        kernel_size, stride, dilation: one number, or one for each axis.
        padding: the same, ``"same"`` or ``"valid"``.
        groups: into how many groups the channels are cut.
        bias: whether b is added.
        padding_mode: what stands in the border: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.

    Attributes:
        weight: (O, C / groups, *kernel_size), uniform in ±1/√(C / groups · ∏ kernel_size) at first.
        bias: (O), the same, or None.

    Raises:
        ArgumentError: channels that groups do not divide, or words that it does not know.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, padding_mode, dtype
        )

    def forward(self, input: Any) -> Any:
        """x (N, C, *) to y (N, O, *), or both without N."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = self._bordered(input), 0
        return convolving.convolve(
            self.axes, input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def _bordered(self, input: Any) -> Any:
        stride, dilation = self._settings("stride", "dilation")
        reaches = [d * (k - 1) for d, k in zip(dilation, self.kernel_size, strict=True)]
        before, behind = convolving.paddings(self.padding, stride, reaches)
        widths = [n for pair in zip(reversed(before), reversed(behind), strict=True) for n in pair]
        return F.pad(input, widths, self.padding_mode)


class _ConvTranspose(_Convolving):
    """The transpose of a convolution; see :func:`handtorch.nn.functional.conv_transpose1d`.

    Args:
        in_channels, out_channels: C of the input (N, C, *) and O of the output (N, O, *).
        kernel_size, stride, padding, dilation: of the convolution that it is the transpose of.
        output_padding: how much longer the output is at its end.
        groups: into how many groups the channels are cut.
        bias: whether b is added.
        padding_mode: ``"zeros"``.

    Attributes:
        weight: (C, O / groups, *kernel_size), uniform in ±1/√(O / groups · ∏ kernel_size) at first.
        bias: (O), the same, or None.

    Raises:
        ArgumentError: channels that groups do not divide, or another padding_mode.
    """

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ArgumentError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            output_padding,
            dilation,
            groups,
            bias,
            padding_mode,
            dtype,
        )

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """x (N, C, *) to y (N, O, *), or both without N.

        Args:
            output_size: the lengths of y, with or without N and O, instead of ``output_padding``.

        Raises:
            ArgumentError: no output_padding gives these lengths.
        """
        extra = self.output_padding if output_size is None else self._extra(input, list(output_size))
        return convolving.convolve_transposed(
            self.axes, input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, input: Any, output_size: list[int]) -> tuple[int, ...]:
        ahead = input.array.ndim - self.axes
        if len(output_size) == ahead + self.axes:
            output_size = output_size[ahead:]
        if len(output_size) != self.axes:
            raise ArgumentError(
                f"for {input.array.ndim}D input, output_size must have {self.axes} or {self.axes + ahead} elements "
                f"(got {len(output_size)})"
            )
        stride, padding, dilation = self._settings("stride", "padding", "dilation")
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                input.array.shape[ahead:], stride, padding, dilation, self.kernel_size, strict=True
            )
        ]
        most = [n + s - 1 for n, s in zip(least, stride, strict=True)]
        if any(not a <= n <= b for n, a, b in zip(output_size, least, most, strict=True)):
            raise ArgumentError(
                f"requested an output size of {output_size}, but valid sizes range from {least} to {most} "
                f"(for an input of {tuple(input.array.shape[ahead:])})"
            )
        return tuple(n - a for n, a in zip(output_size, least, strict=True))


class _LazyConvolving(LazyModuleMixin):
    """Learns in_channels from the first input."""

    def _wait(self: Any, out_channels: int, bias: bool, dtype: Any) -> None:
        """Put parameters without a shape in place of empty ones."""
        self.out_channels = out_channels
        self.weight = UninitializedParameter(dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(dtype=dtype)

    def reset_parameters(self: Any) -> None:
        """Draw the parameters anew, once they have shapes."""
        if not self.has_uninitialized_params() and self.in_channels:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self: Any, input: Any, *args: Any, **kwargs: Any) -> None:
        """Materialize weight and bias for an input (N, C, *) or (C, *)."""
        if not self.has_uninitialized_params():
            return
        shape = tuple(input.shape)
        if len(shape) - self.axes not in (1, 2):
            raise ShapeError(
                f"Expected {self.axes + 1}D (unbatched) or {self.axes + 2}D (batched) input to {type(self).__name__}, "
                f"but got input of size: {list(shape)}"
            )
        self.in_channels = shape[-self.axes - 1]
        self._check()
        self.weight.materialize(self._weight_shape())
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyConv(_LazyConvolving):
    """A convolution without in_channels; the other arguments are the convolution's."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._wait(out_channels, bias, dtype)


class _LazyConvTranspose(_LazyConvolving):
    """A transposed convolution without in_channels; the other arguments are the transposed convolution's."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self._wait(out_channels, bias, dtype)


class Conv1d(_Conv):
    """Convolution over one axis: x (N, C, L)."""

    axes = 1


class Conv2d(_Conv):
    """Convolution over two axes: x (N, C, H, W)."""

    axes = 2


class Conv3d(_Conv):
    """Convolution over three axes: x (N, C, D, H, W)."""

    axes = 3


class ConvTranspose1d(_ConvTranspose):
    """The transpose of a convolution over one axis: x (N, C, L)."""

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """The transpose of a convolution over two axes: x (N, C, H, W)."""

    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """The transpose of a convolution over three axes: x (N, C, D, H, W)."""

    axes = 3


class LazyConv1d(_LazyConv, Conv1d):  # type: ignore[misc]
    """:class:`Conv1d` that learns in_channels from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):  # type: ignore[misc]
    """:class:`Conv2d` that learns in_channels from its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):  # type: ignore[misc]
    """:class:`Conv3d` that learns in_channels from its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):  # type: ignore[misc]
    """:class:`ConvTranspose1d` that learns in_channels from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):  # type: ignore[misc]
    """:class:`ConvTranspose2d` that learns in_channels from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):  # type: ignore[misc]
    """:class:`ConvTranspose3d` that learns in_channels from its first input."""

    cls_to_become = ConvTranspose3d
