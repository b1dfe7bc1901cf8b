"""Padding layers: a border around the last one, two or three axes."""

from __future__ import annotations

from typing import Any, ClassVar

from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.module import Module


class _Pad(Module):
    """A border of the input's own elements.

    Args:
        padding: its width; or the widths (before, after) of the last axis, then those of the one before it, and so on.
    """

    axes: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self.axes) if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Any) -> Any:
        """(C, *) or (N, C, *)."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """A border of one value.

    Args:
        padding: its width; or the widths (before, after) of the last axis, then those of the one before it, and so on.
        value: what it is filled with.
    """

    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Any) -> Any:
        """Of any number of axes."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"padding={self.padding}, value={self.value}"


class _CircularPad(_Pad):
    """A border that goes on with the other end.

    Args:
        padding: its width; or the widths (before, after) of the last axis, then those of the one before it, and so on.

    Raises:
        ArgumentError: the input has too few or too many axes.
    """

    mode = "circular"

    def forward(self, input: Any) -> Any:
        """(C, *) or (N, C, *)."""
        if input.array.ndim - self.axes not in (1, 2):
            raise ArgumentError(
                f"expected {self.axes + 1}D or {self.axes + 2}D input, (C, *) or (N, C, *), got {tuple(input.shape)}"
            )
        return super().forward(input)


class ConstantPad1d(_ConstantPad):
    """A border of one value on the last axis."""

    axes = 1


class ConstantPad2d(_ConstantPad):
    """A border of one value on the last two axes."""

    axes = 2


class ConstantPad3d(_ConstantPad):
    """A border of one value on the last three axes."""

    axes = 3


class ZeroPad1d(ConstantPad1d):
    """A border of zeros on the last axis."""

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """A border of zeros on the last two axes."""

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """A border of zeros on the last three axes."""

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.padding}"


class ReflectionPad1d(_Pad):
    """A border that mirrors the input, on the last axis."""

    axes, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """A border that mirrors the input, on the last two axes."""

    axes, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """A border that mirrors the input, on the last three axes."""

    axes, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """A border that repeats the outermost elements, on the last axis."""

    axes, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """A border that repeats the outermost elements, on the last two axes."""

    axes, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """A border that repeats the outermost elements, on the last three axes."""

    axes, mode = 3, "replicate"


class CircularPad1d(_CircularPad):
    """A border that goes on with the other end, on the last axis."""

    axes = 1


class CircularPad2d(_CircularPad):
    """A border that goes on with the other end, on the last two axes."""

    axes = 2


class CircularPad3d(_CircularPad):
    """A border that goes on with the other end, on the last three axes."""

    axes = 3
