"""Pooling: the largest element of each window, or their mean."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DimensionError, DtypeError, RangeError, ShapeError
from handtorch.ops.arithmetic import div, pow
from handtorch.ops.conversion import cast
from handtorch.ops.gathering import along
from handtorch.ops.indexing import scatter_add
from handtorch.ops.op import Op
from handtorch.ops.piecewise import relu
from handtorch.ops.reduction import mean
from handtorch.ops.resampling import Resample, Taps
from handtorch.ops.samples import Sample, bad, distinct, sample
from handtorch.ops.sign import sign
from handtorch.ops.windows import Slide, Windows, adaptive, sliding, summing
from handtorch.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
    "avg_pool1d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool3d",
]


class MaxPool(Op):
    """y[.., o, p] = max of x[.., a, b] over a in window o of one axis and b in window p of the next.

    It is saved where the maximum stands, counted in row-major order through the axes that have windows: the first of
    equals, the last NaN. dL/dx: g added at these places.

    Args:
        windows: of the last axes of x, that of the last one last.
        found: a list to which these places are added.
    """

    twin_from = 16_384

    def __init__(self, windows: Sequence[Windows], found: list[np.ndarray] | None = None) -> None:
        self.windows, self.found = tuple(windows), found

    def forward(self, x: Any) -> Any:
        axes = len(self.windows)
        if x.shape[x.ndim - axes :] != tuple(windows.length for windows in self.windows):
            raise ValueError("lengths differ")
        self.input_shape = x.shape
        flat = x.reshape(*x.shape[: x.ndim - axes], int(np.prod(x.shape[x.ndim - axes :])))
        largest: Any = None
        places: Any = None
        for elements in itertools.product(*(windows.elements for windows in self.windows)):
            here = self._places(elements)
            value = np.take(flat, here, axis=-1) if here.ndim == axes else _pick(flat, here)
            if largest is None:
                largest, places = value, np.array(np.broadcast_to(here, value.shape))
            else:
                better = (value > largest) | (value != value)
                largest, places = np.where(better, value, largest), np.where(better, here, places)
        self.keep(places)
        return largest

    def keep(self, places: np.ndarray) -> None:
        """Save where the largest elements stand, and tell whoever asked for it."""
        self.save(places)
        if self.found is not None:
            self.found.append(places)
            self.found = None  # it would keep the places alive after the backward pass

    def _places(self, elements: tuple[np.ndarray, ...]) -> np.ndarray:
        """The places of one element of all windows, in row-major order, from its place along each axis."""
        places: Any = 0
        for i, (windows, at) in enumerate(zip(self.windows, elements, strict=True)):
            behind = (1,) * (len(self.windows) - 1 - i)
            places = places * windows.length + at.reshape(*at.shape[:-1], *(1,) * i, at.shape[-1], *behind)
        return places

    def backward(self, g: Any) -> Any:
        (places,) = self.saved
        batch = self.input_shape[: len(self.input_shape) - len(self.windows)]
        size = int(np.prod([windows.length for windows in self.windows]))
        rows = int(np.prod(batch))
        results = places.size // max(rows, 1)
        key = along(1, places.reshape(rows, results))
        return scatter_add(g.reshape(rows, results), key, (rows, size)).reshape(self.input_shape)

    def explain(self, *arrays: Any) -> str:
        lengths = ", ".join(str(windows.length) for windows in self.windows)
        return f"max pooling: expected input (*, {lengths}), got {tuple(arrays[0].shape)}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls([sliding(Slide(7, 3, 2))]), distinct(2, 7))
        yield sample(lambda: cls([sliding(Slide(5, 2, 2, 1)), sliding(Slide(6, 3, 1, 1))]), distinct(2, 3, 5, 6))
        yield sample(lambda: cls([sliding(Slide(4, 2, 2)), sliding(Slide(7, 3, 2, 2, 2, True))]), distinct(2, 4, 7))
        yield sample(
            lambda: cls([sliding(Slide(4, 2, 1)), sliding(Slide(3, 3, 3, 1)), adaptive(5, 3)]), distinct(2, 4, 3, 5)
        )
        apart = Windows(np.array([[0, 2, 3], [1, 2, 3]]), np.full((2, 3), 2), 1, 5)
        yield sample(lambda: cls([apart]), distinct(2, 5))
        yield sample(lambda: cls([sliding(Slide(3, 2, 1)), sliding(Slide(3, 2, 1))]), np.zeros((2, 3, 3)), smooth=False)
        not_numbers = np.where(distinct(2, 6, 5) > 2, np.nan, distinct(2, 6, 5, seed=1))
        yield sample(lambda: cls([sliding(Slide(6, 3, 2)), sliding(Slide(5, 2, 1, 1))]), not_numbers, smooth=False)
        yield sample(lambda: cls([sliding(Slide(20, 3, 2, 1)), sliding(Slide(20, 3, 2, 1))]), distinct(5, 10, 20, 20))
        yield bad(lambda: cls([sliding(Slide(7, 3, 2))]), distinct(2, 6))


def _pick(flat: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The elements at places along the last axis, which differ along the others."""
    lines = places.reshape(*flat.shape[:-1], int(np.prod(places.shape[flat.ndim - 1 :])))
    return np.take_along_axis(flat, lines, -1).reshape(places.shape)


# -- functions ------------------------------------------------------------------------------------------------------


def sizes(name: str, argument: str, value: Any, axes: int) -> tuple[int, ...]:
    """One length for all axes, or one for each.

    Raises:
        ShapeError: it is a sequence of another length.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) == 1:
        values *= axes
    if len(values) != axes:
        raise ShapeError(f"{name}(): {argument} must either be a single int, or a tuple of {axes} ints, got {value}")
    for n in values:
        if isinstance(n, float):
            raise TypeError(f"{name}(): argument '{argument}' must be int or a tuple of ints, not float")
    return values


def check_lengths(name: str, input: Any, axes: int, *, empty_batch: bool = True) -> tuple[int, ...]:
    """The lengths of the axes that are pooled, of (C, *) or (N, C, *).

    Raises:
        DimensionError: the input has another number of axes.
        ShapeError: one of them is empty; with ``empty_batch`` N may be.
    """
    shape = input.array.shape
    if len(shape) - axes not in (1, 2):
        raise DimensionError(
            f"{name}(): Expected {axes + 1}D or {axes + 2}D (batch mode) tensor, (C, *) or (N, C, *) with {axes} axes "
            f"*, got {list(shape)}"
        )
    for axis in range(1 if empty_batch and len(shape) == axes + 2 else 0, len(shape)):
        if not shape[axis]:
            raise ShapeError(
                f"{name}(): Expected {axes + 1}D or {axes + 2}D (batch mode) tensor with optional 0 dim batch size "
                f"for input, got {list(shape)}, of which dimension {axis} is empty"
            )
    return shape[len(shape) - axes :]


def need_kind(name: str, input: Any, kinds: str = "f") -> Any:
    """The input, if it is of one of the kinds, by NumPy's letters.

    Raises:
        DtypeError: it is of another.
    """
    if input.array.dtype.kind not in kinds:
        raise DtypeError(f"{name}() is not defined for {input.dtype}; expected floating point, try input.float()")
    return input


def resample(input: Any, taps: Sequence[Taps]) -> Any:
    """Sums along the last axes; half precision goes through float32."""
    if input.array.dtype == np.float16:
        return cast(Resample(taps)(cast(input, dtypes.float32)), dtypes.float16)
    return Resample(taps)(input)


def _check_sliding(
    name: str,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> None:
    for argument, values in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if min(values) <= 0:
            raise ShapeError(f"{name}(): {argument} must be greater than zero, got {values}")
    for axis, (size, pad) in enumerate(zip(kernel, padding, strict=True)):
        if pad < 0:
            raise ShapeError(f"{name}(): pad must be non-negative, got {padding}")
        if pad > size // 2:
            raise ShapeError(
                f"{name}(): pad should be at most half of effective kernel size, got padding {pad} for kernel_size "
                f"{size} along axis {axis - len(kernel)}"
            )


def _slide(
    name: str, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, axes: int
) -> list[Slide]:
    """For each axis that is pooled how the windows slide over it.

    Raises:
        ShapeError: an argument is out of its range, or nothing is left of an axis.
    """
    kernel = sizes(name, "kernel_size", kernel_size, axes)
    steps = kernel if stride is None or stride in ((), []) else sizes(name, "stride", stride, axes)
    pads, dilations = sizes(name, "padding", padding, axes), sizes(name, "dilation", dilation, axes)
    _check_sliding(name, kernel, steps, pads, dilations)
    lengths = check_lengths(name, input, axes)
    slides = [Slide(*each, bool(ceil_mode)) for each in zip(lengths, kernel, steps, pads, dilations, strict=True)]
    for axis, slide in enumerate(slides):
        if not sliding(slide).none_is_empty:
            raise ShapeError(
                f"{name}(): Output size is too small: no window of {slide.size} elements, {slide.dilation} apart, has "
                f"a place in axis {axis - axes}, of length {slide.length} with padding {slide.padding}, got input "
                f"{list(input.array.shape)}"
            )
    return slides


def max_pool(
    name: str,
    axes: int,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> tuple[Any, Any]:
    """The largest element of each window of the last axes, and its place."""
    slides = _slide(name, input, kernel_size, stride, padding, dilation, ceil_mode, axes)
    return largest(need_kind(name, input, "fiu"), [sliding(slide) for slide in slides])


def largest(input: Any, windows: Sequence[Windows]) -> tuple[Any, Any]:
    """The largest element of each window, and its place, counted through the axes that have windows."""
    found: list[np.ndarray] = []  # what the op itself keeps, a checkpoint takes away at once
    values = MaxPool(windows, found)(input)
    return values, Tensor.of(found[0])


def avg_pool(
    name: str,
    axes: int,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of the last axes.

    Raises:
        ShapeError: the divisor is 0, or the windows do not fit.
    """
    if divisor_override == 0:
        raise ShapeError(f"{name}(): divisor must be not zero")
    slides = _slides_of_sums(name, input, kernel_size, stride, padding, ceil_mode, axes)
    if input.array.dtype.kind == "f" and divisor_override is None:
        return resample(input, [_mean(slide, bool(count_include_pad)) for slide in slides])
    sums = resample(input, [_sum(slide) for slide in slides])
    if divisor_override is not None:
        return div(sums, divisor_override, rounding_mode=None if input.array.dtype.kind == "f" else "trunc")
    counts = np.array(1)
    for slide in slides:
        counts = counts[..., None] * slide.divisors(count_include_pad)
    return div(sums, Tensor.of(counts), rounding_mode="trunc")


def _slides_of_sums(
    name: str, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, axes: int
) -> list[Slide]:
    """How windows slide that are summed; over three axes PyTorch takes none that is longer than its axis."""
    slides = _slide(name, input, kernel_size, stride, padding, 1, ceil_mode, axes)
    if axes == 3 and any(slide.length < slide.size for slide in slides):
        raise ShapeError(
            f"{name}(): input {list(input.array.shape)} smaller than kernel size {[slide.size for slide in slides]}; "
            f"padding does not count"
        )
    need_kind(name, input, "fi")
    return slides


@functools.lru_cache(1024)
def _sum(slide: Slide) -> Taps:
    return summing(sliding(slide), 1.0)


@functools.lru_cache(1024)
def _mean(slide: Slide, with_padding: bool) -> Taps:
    return summing(sliding(slide), 1 / slide.divisors(with_padding))


def _adaptive_lengths(name: str, input: Any, output_size: Any, axes: int) -> list[tuple[int, int]]:
    """For each axis that is pooled its length and that of the result; None keeps it."""
    target = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    if len(target) >= input.array.ndim:
        raise RangeError(f"{name}(): Input dimension should be at least {len(target) + 1}, got {input.array.ndim}")
    if len(target) != axes:
        raise ShapeError(f"{name}(): output_size must be one int or {axes} of them, got {output_size}")
    lengths = check_lengths(name, input, axes)
    pairs = [(n, n if m is None else int(m)) for n, m in zip(lengths, target, strict=True)]
    if any(m < 0 for _, m in pairs):
        raise ShapeError(f"{name}(): elements of output_size must be greater than or equal to 0, got {output_size}")
    return pairs


def adaptive_max_pool(name: str, axes: int, input: Any, output_size: Any) -> tuple[Any, Any]:
    """The largest element of each of so many windows, and its place."""
    pairs = _adaptive_lengths(name, input, output_size, axes)
    return largest(need_kind(name, input), [adaptive(*pair) for pair in pairs])


def adaptive_avg_pool(name: str, axes: int, input: Any, output_size: Any) -> Any:
    """The mean of each of so many windows."""
    pairs = _adaptive_lengths(name, input, output_size, axes)
    if all(count == 1 for _, count in pairs):
        return mean(need_kind(name, input), tuple(range(-axes, 0)), keepdim=True)
    return resample(need_kind(name, input), [_adaptive_mean(*pair) for pair in pairs])


@functools.lru_cache(1024)
def _adaptive_mean(n: int, count: int) -> Taps:
    windows = adaptive(n, count)
    return summing(windows, 1 / windows.count)


def max_pool1d_with_indices(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Any, Any]:
    """The largest element of each window (C, L) or (N, C, L), and its place along L."""
    return max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """The largest element of each window of (C, L) or (N, C, L)."""
    return max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode)[0]


def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """The largest element of each window of (C, H, W) or (N, C, H, W)."""
    return max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)[0]


def max_pool3d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """The largest element of each window of (C, D, H, W) or (N, C, D, H, W)."""
    return max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)[0]


def adaptive_max_pool1d(input: Any, output_size: Any) -> tuple[Any, Any]:
    """The largest element of each of ``output_size`` windows of (C, L) or (N, C, L), and its place along L."""
    return adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size)


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window of (C, L) or (N, C, L); see :func:`handtorch.nn.functional.avg_pool2d`."""
    return avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The mean of each of ``output_size`` windows of (C, L) or (N, C, L)."""
    return adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def lp_pool(name: str, axes: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Any:
    """(Σ x^p)^(1/p) over each window of the last axes; the largest |x| for p = Inf."""
    if norm_type == float("inf"):
        return max_pool(name, axes, abs(input), kernel_size, stride, ceil_mode=ceil_mode)[0]
    if norm_type == -float("inf"):
        return -max_pool(name, axes, -abs(input), kernel_size, stride, ceil_mode=ceil_mode)[0]
    powers = pow(input, norm_type)
    slides = _slides_of_sums(name, powers, kernel_size, stride, 0, ceil_mode, axes)
    if powers.array.dtype.kind == "f":
        sums = resample(powers, [_filled_sum(slide) for slide in slides])
    else:  # PyTorch rounds the means
        count = int(np.prod([slide.size for slide in slides]))
        sums = avg_pool(name, axes, powers, kernel_size, stride, ceil_mode=ceil_mode) * count
    # sign and relu say what the gradient is where a sum is 0, as in PyTorch; otherwise they change nothing
    return pow(sign(sums) * relu(abs(sums)), 1 / norm_type)


@functools.lru_cache(1024)
def _filled_sum(slide: Slide) -> Taps:
    """The sum of each window; that of one which reaches beyond the end is scaled as if it were full."""
    return summing(sliding(slide), slide.size / slide.divisors(True))
