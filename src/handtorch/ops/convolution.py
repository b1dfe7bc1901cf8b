"""Convolution over any number of axes, its transpose, and the map from inputs to weights that both derivatives need.

All three are one sum over triples (place of x, place of y, tap of the kernel) that meet, read from different sides:

    y[i] += w[k] x[j]    wherever    j = s i + d k - p

with stride s, dilation d and padding p. Given x and w it makes y (:class:`Convolution`), given y and w it makes x
(:class:`ConvolutionTranspose`), given x and y it makes w (:class:`ConvolutionWeight`). Each derivative of one of them
is one of the others with the same s, d and p, so derivatives of any order stay within the three.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.conversion import cast
from handtorch.ops.elementwise import conj, run
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolution",
]

Lengths = tuple[int, ...]


def meetings(
    x: Lengths, y: Lengths, kernel: Lengths, stride: Lengths, padding: Lengths, dilation: Lengths
) -> Iterator[tuple[Any, Any, Any]]:
    """For each tap, where it stands in the kernel, and the part of x and the part of y that it joins.

    Args:
        x, y, kernel: lengths along the axes.
        stride, padding, dilation: for each axis.
    """
    for tap in itertools.product(*map(range, kernel)):
        parts = [
            _meeting(nx, ny, s, d * k - p)
            for nx, ny, s, d, k, p in zip(x, y, stride, dilation, tap, padding, strict=True)
        ]
        yield (..., *tap), (..., *(part[0] for part in parts)), (..., *(part[1] for part in parts))


def _meeting(nx: int, ny: int, stride: int, shift: int) -> tuple[slice, slice]:
    """The places j of nx and i of ny with j = stride · i + shift."""
    first = max(0, -(shift // stride))
    count = max(0, min(ny, (nx - 1 - shift) // stride + 1) - first)
    start = first * stride + shift
    return slice(start, start + (count - 1) * stride + 1 if count else start, stride), slice(first, first + count)


class Meetings(Op):
    """What the three have in common: which places of x and y meet at which tap.

    Args:
        stride, padding, dilation: s, p and d for each axis; p places before the first one of x count as 0, and so do
            all behind its last one.
        groups: G; channels of x and y are cut into so many groups, and only channels of the same group meet.
        size: the lengths of the result along the axes.
    """

    def __init__(self, stride: Lengths, padding: Lengths, dilation: Lengths, groups: int, size: Sequence[int]) -> None:
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.size = tuple(size)

    def meetings(self, x: Lengths, y: Lengths, kernel: Lengths) -> Iterator[tuple[Any, Any, Any]]:
        """The op's own :func:`meetings`."""
        return meetings(x, y, kernel, self.stride, self.padding, self.dilation)

    def like(self, kind: type[Meetings], size: Sequence[int]) -> Any:
        """The op of another kind for the same meetings."""
        return kind(self.stride, self.padding, self.dilation, self.groups, size)

    def grouped(self, a: Any, axis: int) -> Any:
        """``a`` with its channels, which are the axis, cut into (groups, channels of a group)."""
        return a.reshape(*a.shape[:axis], self.groups, a.shape[axis] // self.groups, *a.shape[axis + 1 :])


def _rows(a: Any) -> Any:
    """(N, G, C, *) as (N, G, C, places)."""
    return a.reshape(*a.shape[:3], math.prod(a.shape[3:]))


def _long_rows(a: Any) -> Any:
    """(N, G, C, *) as (G, C, N · places)."""
    return np.moveaxis(a, 0, 2).reshape(*a.shape[1:3], len(a) * math.prod(a.shape[3:]))


def over_batch_and_places(g: Any) -> Any:
    """Σ g for each channel."""
    return g.sum(axis=(0, *range(2, g.ndim)))


class Convolution(Meetings):
    """y[n, o, i] = b[o] + Σ_{c, k} w[o, c, k] x[n, c, s i + d k - p], where x counts as 0 outside.

    x (N, C, *), w (O, C / G, *), b (O), y (N, O, *size). dL/dx: :class:`ConvolutionTranspose` of g and w;
    dL/dw: :class:`ConvolutionWeight` of x and g; dL/db = Σ g over batch and places.
    """

    twin_from = 2048

    def forward(self, x: Any, w: Any, b: Any = None) -> Any:
        self.save(x, w)
        y = np.zeros((len(x), len(w), *self.size), np.result_type(x, w))
        xs, ys, ws = self.grouped(x, 1), self.grouped(y, 1), self.grouped(w, 0)
        for tap, at_x, at_y in self.meetings(x.shape[2:], self.size, w.shape[2:]):
            ys[at_y] += (ws[tap] @ _rows(xs[at_x])).reshape(ys[at_y].shape)
        return y if b is None else y + b.reshape(-1, *(1,) * len(self.size))

    def backward(self, g: Any) -> Any:
        x, w = self.saved
        dx = run(self.like(ConvolutionTranspose, x.shape[2:]), g, conj(w)) if self.needs(0) else None
        dw = run(self.like(ConvolutionWeight, w.shape[2:]), conj(x), g) if self.needs(1) else None
        if len(self.parents) == 2:
            return dx, dw
        return dx, dw, over_batch_and_places(g) if self.needs(2) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((1,), (0,), (1,), 1, (5,)), normal(2, 3, 7), normal(4, 3, 3), normal(4))
        yield sample(lambda: cls((2,), (3,), (2,), 1, (5,)), normal(2, 2, 8), normal(3, 2, 3))
        yield sample(lambda: cls((1, 1), (1, 1), (1, 1), 2, (4, 3)), normal(1, 4, 4, 3), normal(6, 2, 3, 3), normal(6))
        yield sample(lambda: cls((2, 1), (0, 4), (1, 2), 1, (2, 9)), normal(1, 2, 5, 5), normal(2, 2, 2, 3))
        yield sample(
            lambda: cls((1, 2, 1), (1, 0, 1), (1, 1, 1), 3, (2, 2, 3)), normal(1, 3, 2, 4, 3), normal(6, 1, 3, 2, 3)
        )
        yield sample(
            lambda: cls((1, 1), (1, 0), (1, 1), 1, (8, 6)), normal(2, 16, 8, 8), normal(18, 16, 3, 3), normal(18)
        )
        yield sample(
            lambda: cls((2, 1), (1, 2), (1, 2), 2, (9, 16)), normal(2, 4, 17, 16), normal(6, 2, 3, 3), normal(6)
        )
        yield sample(
            lambda: cls((2, 1), (1, 3), (1, 2), 4, (9, 18)), normal(3, 4, 17, 16), normal(8, 1, 3, 3), normal(8)
        )
        yield bad(lambda: cls((1,), (0,), (1,), 1, (5,)), normal(2, 3, 7), normal(4, 2, 3))


class ConvolutionTranspose(Meetings):
    """y[n, o, j] = b[o] + Σ_{c, i, k : s i + d k - p = j} w[c, o, k] x[n, c, i].

    x (N, C, *), w (C, O / G, *), b (O), y (N, O, *size). dL/dx: :class:`Convolution` of g and w; dL/dw:
    :class:`ConvolutionWeight` of g and x; dL/db = Σ g over batch and places.
    """

    twin_from = 2048

    def forward(self, x: Any, w: Any, b: Any = None) -> Any:
        self.save(x, w)
        y = np.zeros((len(x), self.groups * w.shape[1], *self.size), np.result_type(x, w))
        xs, ys, ws = self.grouped(x, 1), self.grouped(y, 1), self.grouped(w, 0)
        for tap, at_y, at_x in self.meetings(self.size, x.shape[2:], w.shape[2:]):
            ys[at_y] += (np.swapaxes(ws[tap], 1, 2) @ _rows(xs[at_x])).reshape(ys[at_y].shape)
        return y if b is None else y + b.reshape(-1, *(1,) * len(self.size))

    def backward(self, g: Any) -> Any:
        x, w = self.saved
        dx = run(self.like(Convolution, x.shape[2:]), g, conj(w)) if self.needs(0) else None
        dw = run(self.like(ConvolutionWeight, w.shape[2:]), g, conj(x)) if self.needs(1) else None
        if len(self.parents) == 2:
            return dx, dw
        return dx, dw, over_batch_and_places(g) if self.needs(2) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((1,), (0,), (1,), 1, (7,)), normal(2, 4, 5), normal(4, 3, 3), normal(3))
        yield sample(lambda: cls((2,), (1,), (2,), 2, (12,)), normal(2, 4, 5), normal(4, 3, 3))
        yield sample(lambda: cls((2, 1), (1, 2), (1, 2), 1, (5, 4)), normal(1, 2, 3, 4), normal(2, 3, 2, 3), normal(3))
        yield sample(
            lambda: cls((1, 2, 1), (0, 0, 1), (1, 1, 1), 1, (3, 4, 3)), normal(1, 2, 2, 2, 3), normal(2, 2, 2, 2, 3)
        )
        yield sample(
            lambda: cls((1, 1), (1, 0), (1, 1), 1, (8, 10)), normal(2, 16, 8, 8), normal(16, 17, 3, 3), normal(17)
        )
        yield sample(
            lambda: cls((2, 1), (1, 2), (1, 2), 2, (33, 16)), normal(1, 8, 17, 16), normal(8, 1, 3, 3), normal(2)
        )
        yield sample(
            lambda: cls((2, 1), (1, 2), (1, 2), 8, (33, 16)), normal(1, 8, 17, 16), normal(8, 1, 3, 3), normal(8)
        )
        yield bad(lambda: cls((1,), (0,), (1,), 1, (7,)), normal(2, 3, 5), normal(4, 3, 3))


class ConvolutionWeight(Meetings):
    """w[o, c, k] = Σ_{n, i} y[n, o, i] x[n, c, s i + d k - p], where x counts as 0 outside.

    x (N, C, *), y (N, O, *), w (O, C / G, *size). dL/dx: :class:`ConvolutionTranspose` of y and g; dL/dy:
    :class:`Convolution` of x and g.
    """

    def forward(self, x: Any, y: Any) -> Any:
        self.save(x, y)
        xs, ys = self.grouped(x, 1), self.grouped(y, 1)
        w = np.zeros((y.shape[1], xs.shape[2], *self.size), np.result_type(x, y))
        ws = self.grouped(w, 0)
        for tap, at_x, at_y in self.meetings(x.shape[2:], y.shape[2:], self.size):
            ws[tap] = _long_rows(ys[at_y]) @ np.swapaxes(_long_rows(xs[at_x]), 1, 2)
        return w

    def backward(self, g: Any) -> Any:
        x, y = self.saved
        dx = run(self.like(ConvolutionTranspose, x.shape[2:]), conj(y), g) if self.needs(0) else None
        dy = run(self.like(Convolution, y.shape[2:]), conj(x), g) if self.needs(1) else None
        return dx, dy

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((1,), (1,), (1,), 1, (3,)), normal(2, 3, 5), normal(2, 4, 5))
        yield sample(lambda: cls((2, 1), (1, 0), (1, 2), 2, (3, 2)), normal(2, 2, 5, 4), normal(2, 4, 3, 2))
        yield bad(lambda: cls((1,), (1,), (1,), 2, (3,)), normal(2, 3, 5), normal(2, 4, 5))


# -- functions ------------------------------------------------------------------------------------------------------


def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Slide kernels along one axis: y[n, o, i] = b[o] + Σ w[o, c, k] x[n, c, stride i + dilation k - padding].

    Args:
        input: x (N, C, L), or (C, L) for one alone.
        weight: w (O, C / groups, K).
        bias: b (O).
        padding: how many zeros stand before and behind x; ``"valid"``: none; ``"same"``: as many as make
            y as long as x.
        groups: into how many groups the channels are cut; the outputs of a group see the inputs of that group only.

    Raises:
        ShapeError: the shapes do not fit together, or the kernel is longer than what it slides along.
        RangeError: a stride, dilation or number of groups below 1, or a padding below 0.
        DtypeError: the element types differ.
    """
    return convolve(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """:func:`conv1d` over two axes: x (N, C, H, W) or (C, H, W), w (O, C / groups, KH, KW); settings may be pairs."""
    return convolve(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """:func:`conv1d` over three axes: x (N, C, D, H, W) or (C, D, H, W), w (O, C / groups, KD, KH, KW)."""
    return convolve(3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transpose of :func:`conv1d`: each place i of x adds w times itself to y, from stride i - padding on.

    y has (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1 places.

    Args:
        input: x (N, C, L), or (C, L) for one alone.
        weight: w (C, O / groups, K).
        bias: b (O).
        padding: how many places are cut off at both ends of y.
        output_padding: how much longer y is at its end: with a stride, convolution makes inputs of several lengths
            equally long, and this chooses one of them.

    Raises:
        ShapeError: the shapes do not fit together, or nothing is left of y.
        RangeError: a setting below its least value, or an output_padding as large as both stride and dilation.
        DtypeError: the element types differ.
    """
    return convolve_transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """:func:`conv_transpose1d` over two axes: x (N, C, H, W) or (C, H, W), w (C, O / groups, KH, KW)."""
    return convolve_transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """:func:`conv_transpose1d` over three axes: x (N, C, D, H, W) or (C, D, H, W), w (C, O / groups, KD, KH, KW)."""
    return convolve_transposed(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def convolution(
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Any:
    """Any of the others, by the number of axes of ``weight``."""
    axes = weight.array.ndim - 2
    if transposed:
        return convolve_transposed(axes, input, weight, bias, stride, padding, output_padding, groups, dilation)
    return convolve(axes, input, weight, bias, stride, padding, dilation, groups)


def convolve(axes: int, x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """The convolution over so many axes."""
    name = f"conv{axes}d"
    s, d = per_axis(stride, axes, "stride", least=1), per_axis(dilation, axes, "dilation", least=1)
    _check(name, axes, x, w, groups, channels=1)
    lengths, kernel = x.array.shape[-axes:], w.array.shape[2:]
    before, behind = paddings(padding, s, [dd * (k - 1) for dd, k in zip(d, kernel, strict=True)])
    size = []
    for n, k, ss, p, q, dd in zip(lengths, kernel, s, before, behind, d, strict=True):
        room = n + p + q - dd * (k - 1) - 1
        if room < 0:
            raise ShapeError(
                f"Calculated padded input size per channel: {_times(lengths, before, behind)}. Kernel size: "
                f"{_times([dd * (k - 1) + 1 for dd, k in zip(d, kernel, strict=True)])}. "
                f"Kernel size can't be greater than actual input size; pad the input, or take a smaller kernel"
            )
        size.append(room // ss + 1)
    _check_bias(w, b, len(w.array))
    return _batched(Convolution(s, before, d, groups, size), axes, x, w, b)


def convolve_transposed(
    axes: int, x: Any, w: Any, b: Any, stride: Any, padding: Any, output_padding: Any, groups: int, dilation: Any
) -> Any:
    """The transposed convolution over so many axes."""
    if isinstance(padding, str):
        raise TypeError(f"conv_transpose{axes}d(): argument 'padding' must be tuple of ints, not str")
    s, d = per_axis(stride, axes, "stride", least=1), per_axis(dilation, axes, "dilation", least=1)
    p, extra = per_axis(padding, axes, "padding"), per_axis(output_padding, axes, "output_padding")
    _check(f"conv_transpose{axes}d", axes, x, w, groups, channels=0)
    if any(e >= max(ss, dd) for e, ss, dd in zip(extra, s, d, strict=True)):
        raise RangeError(
            f"output padding must be smaller than either stride or dilation, but got output_padding {list(extra)}, "
            f"stride {list(s)}, dilation {list(d)}"
        )
    lengths, kernel = x.array.shape[-axes:], w.array.shape[2:]
    size = [
        (n - 1) * ss - 2 * pp + dd * (k - 1) + e + 1
        for n, ss, pp, dd, k, e in zip(lengths, s, p, d, kernel, extra, strict=True)
    ]
    if min(size) < 1:
        raise ShapeError(
            f"Given input size per channel: {_times(lengths)}. Calculated output size per channel: {_times(size)}. "
            f"Output size is too small; padding cuts off more than there is"
        )
    _check_bias(w, b, w.array.shape[1] * groups)
    return _batched(ConvolutionTranspose(s, p, d, groups, size), axes, x, w, b)


def _batched(op: Op, axes: int, x: Any, *others: Any) -> Any:
    """Run an op, also on one input without a batch; float16 in float32, because NumPy would round after each step."""
    given = [other for other in others if other is not None]
    if x.array.dtype.char == "e":
        return cast(_batched(op, axes, *(cast(a, dtypes.float32) for a in (x, *given))), dtypes.float16)
    return op(x, *given) if x.array.ndim > axes + 1 else op(x.unsqueeze(0), *given).squeeze(0)


def per_axis(value: Any, axes: int, name: str, least: int = 0) -> Lengths:
    """A setting for each axis, given once or for each.

    Raises:
        RangeError: one is too small, or there are too few or too many.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    values = values * axes if len(values) == 1 else values
    if len(values) != axes:
        raise RangeError(
            f"expected {name} to be a single integer value or a list of {axes} values to match the convolution "
            f"dimensions, but got {name}={list(values)}"
        )
    if min(values) < least:
        kind = "non-positive" if least else "negative"
        raise RangeError(f"{kind} {name} is not supported, got {name}={list(values)}")
    return values


def paddings(padding: Any, stride: Lengths, reaches: Sequence[int]) -> tuple[Lengths, Lengths]:
    """How many zeros stand before and behind each axis.

    Args:
        reaches: how far a kernel reaches beyond its first place along each axis.

    Raises:
        RangeError: negative, another word than ``"same"`` and ``"valid"``, or ``"same"`` with a stride.
    """
    if not isinstance(padding, str):
        both = per_axis(padding, len(stride), "padding")
        return both, both
    if padding == "valid":
        return (0,) * len(stride), (0,) * len(stride)
    if padding != "same":
        raise RangeError(f"Invalid padding string: '{padding}'; expected 'valid' or 'same'")
    if any(s != 1 for s in stride):
        raise RangeError("padding='same' is not supported for strided convolutions")
    return tuple(reach // 2 for reach in reaches), tuple(reach - reach // 2 for reach in reaches)


def _check(name: str, axes: int, x: Any, w: Any, groups: int, channels: int) -> None:
    """Raise where input and weight do not fit together.

    Args:
        channels: the axis of the weight that is the channels of one group of the input, or 0 for those of all.
    """
    got, kernel = tuple(x.array.shape), tuple(w.array.shape)
    if groups < 1:
        raise RangeError(f"non-positive groups is not supported, got groups={groups}")
    if len(kernel) != axes + 2:
        raise ShapeError(f"{name}: expected weight of {axes + 2} axes (out, in / groups, *kernel), got {kernel}")
    letters = "DHW"[-axes:] if axes > 1 else "L"
    if len(got) not in (axes + 1, axes + 2):
        raise ShapeError(
            f"Expected {axes + 1}D (unbatched) or {axes + 2}D (batched) input to {name}, "
            f"(C, {', '.join(letters)}) or (N, C, {', '.join(letters)}), but got input of size: {list(got)}"
        )
    want = kernel[1] * groups if channels else kernel[0]
    batch = ("N",) if len(got) == axes + 2 else ()
    if got[-axes - 1] != want:
        raise ShapeError(
            f"expected x ({', '.join((*batch, str(want), *letters))}), got {got}; axis {len(batch)} is in_channels, "
            f"and weight {kernel} with groups={groups} takes {want}"
        )
    if kernel[0] % groups:
        raise ShapeError(f"{name}: expected weight whose axis 0 is divisible by groups={groups}, got {kernel}")
    if x.array.dtype != w.array.dtype:
        raise DtypeError(f"Input type ({x.dtype}) and weight type ({w.dtype}) should be the same")
    if x.array.dtype.kind == "b":
        raise DtypeError(f"{name} is not implemented for bool; convert with .float() first")


def _check_bias(w: Any, b: Any, out: int) -> None:
    if b is None:
        return
    if b.array.shape != (out,):
        raise ShapeError(
            f"Given weight of size {list(w.array.shape)}, expected bias to be 1-dimensional with {out} elements, but "
            f"got bias of size {list(b.array.shape)} instead"
        )
    if b.array.dtype != w.array.dtype:
        raise DtypeError(f"Input type ({w.dtype}) and bias type ({b.dtype}) should be the same")


def _times(lengths: Sequence[int], *more: Sequence[int]) -> str:
    """Lengths, and what is added to them, as PyTorch writes sizes: (3 x 4)."""
    return f"({' x '.join(str(sum(column)) for column in zip(lengths, *more, strict=True))})"
