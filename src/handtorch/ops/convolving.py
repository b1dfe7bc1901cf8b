"""The functions of convolution: what they take, and what they say about what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handtorch import dtypes
from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.ops.conversion import cast
from handtorch.ops.convolution import Convolution, ConvolutionTranspose, Lengths
from handtorch.ops.op import Op

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolution",
]


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
    _check_places(name, x, axes)
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
    name = f"conv_transpose{axes}d"
    _check(name, axes, x, w, groups, channels=0)
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
    _check_places(name, x, axes)
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


def _check_places(name: str, x: Any, axes: int) -> None:
    """Raise where there are channels of inputs, but these have no places."""
    shape = x.array.shape
    if 0 in shape[-axes:] and 0 not in shape[:-axes]:
        raise ShapeError(f"{name}: only the batch and the channels may be empty, but got input {list(shape)}")


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
