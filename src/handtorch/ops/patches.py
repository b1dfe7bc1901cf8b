"""Windows of a picture as the columns of a matrix, and columns added up to a picture: im2col and col2im."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.convolution import Lengths, meetings
from handtorch.ops.elementwise import run
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample

__all__: list[str] = []  # the functions are handtorch.nn.functional's


class Patches(Op):
    """y[n, (c, k), i] = x[n, c, s i + d k - p], where x counts as 0 outside: column i is the window at place i.

    x (N, C, H, W), y (N, C · KH · KW, number of windows). dL/dx: :class:`PatchSum` of g.

    Args:
        stride, padding, dilation: s, p and d for each axis.
        kernel, lengths: of a window and of the picture along each axis.
    """

    def __init__(self, stride: Lengths, padding: Lengths, dilation: Lengths, kernel: Lengths, lengths: Lengths) -> None:
        self.settings = stride, padding, dilation, kernel, lengths
        self.kernel, self.lengths = kernel, lengths
        self.windows = tuple(
            (n + 2 * p - d * (k - 1) - 1) // s + 1 for s, p, d, k, n in zip(*self.settings, strict=True)
        )

    def meetings(self) -> Iterator[tuple[Any, Any, Any]]:
        """For each place in a window, where it stands, and the part of the picture and of the windows it joins."""
        stride, padding, dilation, _, _ = self.settings
        return meetings(self.lengths, self.windows, self.kernel, stride, padding, dilation)

    def forward(self, x: Any) -> Any:
        y = np.zeros((*x.shape[:2], *self.windows, *self.kernel), x.dtype)
        for tap, at_x, at_y in self.meetings():
            y[tap][at_y] = x[at_x]
        return np.moveaxis(y, (2, 3), (-2, -1)).reshape(
            len(x), x.shape[1] * math.prod(self.kernel), math.prod(self.windows)
        )

    def backward(self, g: Any) -> Any:
        return run(PatchSum(*self.settings), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((1, 1), (0, 0), (1, 1), (2, 3), (4, 5)), normal(2, 3, 4, 5))
        yield sample(lambda: cls((2, 1), (1, 2), (1, 2), (3, 2), (4, 3)), normal(1, 2, 4, 3))


class PatchSum(Patches):
    """y[n, c, j] = Σ x[n, (c, k), i] over all s i + d k - p = j: windows added where they overlap.

    x (N, C · KH · KW, number of windows), y (N, C, H, W). dL/dx: :class:`Patches` of g.
    """

    def forward(self, x: Any) -> Any:
        channels = x.shape[1] // math.prod(self.kernel)
        xs = np.moveaxis(x.reshape(len(x), channels, *self.kernel, *self.windows), (2, 3), (-2, -1))
        y = np.zeros((len(x), channels, *self.lengths), x.dtype)
        for tap, at_y, at_x in self.meetings():
            y[at_y] += xs[tap][at_x]
        return y

    def backward(self, g: Any) -> Any:
        return run(Patches(*self.settings), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((1, 1), (0, 0), (1, 1), (2, 3), (4, 5)), normal(2, 18, 9))
        yield sample(lambda: cls((2, 1), (1, 2), (1, 2), (3, 2), (4, 3)), normal(1, 12, 10))
        yield bad(lambda: cls((1, 1), (0, 0), (1, 1), (2, 3), (4, 5)), normal(2, 18, 8))


# -- functions ------------------------------------------------------------------------------------------------------


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The windows of a picture as columns.

    Args:
        input: (N, C, H, W), or (C, H, W) for one alone.
        kernel_size, dilation, padding, stride: of the windows, as of a convolution's kernel.

    Returns:
        (N, C · KH · KW, number of windows): convolution is the product of a weight (O, C · KH · KW) with this.

    Raises:
        ShapeError: the shapes do not fit together, or no window fits into the picture.
        RangeError: a setting is too small.
    """
    shape = input.array.shape
    if len(shape) < 3:
        input.size(2)  # PyTorch asks for that axis first
    if len(shape) > 4 or 0 in shape[-3:]:
        raise ShapeError(
            f"Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            f"input, but got: {list(shape)}"
        )
    _check_type(input, "unfold")
    op = Patches(*_settings(kernel_size, dilation, padding, stride), shape[-2:])
    if min(op.windows) < 1:
        raise ShapeError(
            f"Given input with spatial size {shape[-2:]}, {_described(op)}, calculated shape of the array of sliding "
            f"blocks as {op.windows}, but its components must be at least one."
        )
    return op(input) if len(shape) == 4 else op(input.unsqueeze(0)).squeeze(0)


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns, each a window, added up to a picture where they overlap.

    Args:
        input: (N, C · KH · KW, number of windows), or without N for one alone.
        output_size: H and W of the picture.
        kernel_size, dilation, padding, stride: of the windows, as for :func:`unfold`.

    Returns:
        (N, C, H, W).

    Raises:
        ShapeError: the shapes do not fit together.
        RangeError: a setting is too small.
    """
    shape = input.array.shape
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise ShapeError(
            f"Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(shape)}"
        )
    _check_type(input, "fold")
    op = PatchSum(*_settings(kernel_size, dilation, padding, stride), _pair(output_size, "output_size", 1))
    elements, (high, wide) = op.kernel[0] * op.kernel[1], op.windows
    if shape[-2] % elements:
        raise ShapeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={shape[-2]} and kernel_size={op.kernel}."
        )
    if min(op.windows) < 1 or shape[-1] != high * wide:
        raise ShapeError(
            f"Given output_size={op.lengths}, {_described(op)}, expected size of input's dimension 2 to match the "
            f"calculated number of sliding blocks {high} * {wide} = {high * wide}, but got input.size(2)={shape[-1]}."
        )
    return op(input) if len(shape) == 3 else op(input.unsqueeze(0)).squeeze(0)


def _settings(kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple[Lengths, Lengths, Lengths, Lengths]:
    return (
        _pair(stride, "stride", 1),
        _pair(padding, "padding", 0),
        _pair(dilation, "dilation", 1),
        _pair(kernel_size, "kernel_size", 1),
    )


def _pair(value: Any, name: str, least: int) -> Lengths:
    """A setting for both axes."""
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2:
        raise RangeError(f"It is expected {name} equals to 2, but got size {len(pair)}")
    if min(pair) < least:
        raise RangeError(f"{name} should be {'greater than zero' if least else 'non-negative'}, but got {pair}")
    return pair


def _described(op: Patches) -> str:
    stride, padding, dilation, kernel, _ = op.settings
    return f"kernel_size={kernel}, dilation={dilation}, padding={padding}, stride={stride}"


def _check_type(input: Any, name: str) -> None:
    if input.array.dtype.kind in "iu":
        raise DtypeError(f"{name} is not implemented for {input.dtype}; convert with .float() first")
