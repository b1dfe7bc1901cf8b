"""Pooling: the largest element of each window, its mean or its norm; and the way back from the largest."""

from __future__ import annotations

from typing import Any

from handtorch.ops import pooling as of
from handtorch.ops.fractional_pooling import fractional_max_pool
from handtorch.ops.pooling import adaptive_avg_pool1d, avg_pool1d
from handtorch.ops.unpooling import max_unpool

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]


def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (C, L) or (N, C, L).

    Args:
        kernel_size: how long a window is; the length of each axis, in order, or one for all.
        stride: from window to window; by default that length.
        padding: how far windows reach beyond both ends, at most half their length; there is -Inf there.
        dilation: from one element of a window to the next.
        ceil_mode: a window may reach further at the end, if it begins before it.
        return_indices: return (values, places) instead, the places counted in row-major order through L (H, W ...).

    Raises:
        ShapeError: an argument is out of its range, or no window fits.
    """
    pair = max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return pair if return_indices else pair[0]


def max_pool1d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Any, Any]:
    """:func:`max_pool1d` with ``return_indices``."""
    return of.max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode)


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of each of ``output_size`` windows of (C, L) or (N, C, L); None keeps an axis."""
    pair = adaptive_max_pool1d_with_indices(input, output_size)
    return pair if return_indices else pair[0]


def adaptive_max_pool1d_with_indices(input: Any, output_size: Any, return_indices: bool = False) -> tuple[Any, Any]:
    """:func:`adaptive_max_pool1d` with ``return_indices``."""
    return of.adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size)


def max_unpool1d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Put the largest elements back, into zeros (C, L) or (N, C, L).

    Args:
        indices: where each element of the input comes from, as :func:`max_pool1d` returns it.
        kernel_size, stride, padding: those of the pooling.
        output_size: the shape before it, where that is not clear from its shape after it.

    Raises:
        RangeError: ``output_size`` cannot have been that shape.
        ShapeError: a place lies outside, or the shapes differ.
    """
    return max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """(Σ x^p)^(1/p) over each window of (C, L) or (N, C, L); the largest |x| for p = Inf.

    Args:
        norm_type: p.
        kernel_size: how long a window is; the length of each axis, in order, or one for all.
        stride: from window to window; by default that length.
        ceil_mode: a window may reach beyond the end, if it begins before it.
    """
    return of.lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (C, H, W) or (N, C, H, W). Arguments as of :func:`max_pool1d`."""
    pair = max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return pair if return_indices else pair[0]


def max_pool2d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Any, Any]:
    """:func:`max_pool2d` with ``return_indices``."""
    return of.max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of each of ``output_size`` windows of (C, H, W) or (N, C, H, W); None keeps an axis."""
    pair = adaptive_max_pool2d_with_indices(input, output_size)
    return pair if return_indices else pair[0]


def adaptive_max_pool2d_with_indices(input: Any, output_size: Any, return_indices: bool = False) -> tuple[Any, Any]:
    """:func:`adaptive_max_pool2d` with ``return_indices``."""
    return of.adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of (C, H, W) or (N, C, H, W).

    Args:
        kernel_size: how long a window is; the length of each axis, in order, or one for all.
        stride: from window to window; by default that length.
        padding: how far windows reach beyond both ends, at most half their length; there is 0 there.
        ceil_mode: a window may reach further at the end, if it begins before it.
        count_include_pad: the padding counts as elements of the window.
        divisor_override: what sums are divided by, instead of the number of elements.

    Raises:
        ShapeError: an argument is out of its range, or no window fits.
    """
    return of.avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The mean of each of ``output_size`` windows of (C, H, W) or (N, C, H, W); None keeps an axis."""
    return of.adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def fractional_max_pool2d(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The largest element of each window of (C, H, W) or (N, C, H, W), as many as wanted.

    The windows lie at random places, about (length - kernel_size) / (output_size - 1) apart. (Graham 2014)

    Args:
        output_size, output_ratio: how many windows; or how many for each element of the input. One of the two.
        return_indices: return (values, places) instead, the places counted in row-major order through H, W.

    Raises:
        RangeError: neither is given.
        ShapeError: the windows do not fit.
    """
    pair = fractional_max_pool2d_with_indices(
        input, kernel_size, output_size, output_ratio, _random_samples=_random_samples
    )
    return pair if return_indices else pair[0]


def fractional_max_pool2d_with_indices(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> tuple[Any, Any]:
    """:func:`fractional_max_pool2d` with ``return_indices``."""
    return fractional_max_pool(
        "fractional_max_pool2d", 2, input, kernel_size, output_size, output_ratio, _random_samples
    )


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Put the largest elements back, into zeros (C, H, W) or (N, C, H, W). Arguments as of :func:`max_unpool1d`."""
    return max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """(Σ x^p)^(1/p) over each window of (C, H, W) or (N, C, H, W); the largest |x| for p = Inf.

    Arguments as of :func:`lp_pool1d`.
    """
    return of.lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def max_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (C, D, H, W) or (N, C, D, H, W). Arguments as of :func:`max_pool1d`."""
    pair = max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return pair if return_indices else pair[0]


def max_pool3d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Any, Any]:
    """:func:`max_pool3d` with ``return_indices``."""
    return of.max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of each of ``output_size`` windows of (C, D, H, W) or (N, C, D, H, W); None keeps an axis."""
    pair = adaptive_max_pool3d_with_indices(input, output_size)
    return pair if return_indices else pair[0]


def adaptive_max_pool3d_with_indices(input: Any, output_size: Any, return_indices: bool = False) -> tuple[Any, Any]:
    """:func:`adaptive_max_pool3d` with ``return_indices``."""
    return of.adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size)


def avg_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of (C, D, H, W) or (N, C, D, H, W). Arguments as of :func:`avg_pool2d`."""
    return of.avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """The mean of each of ``output_size`` windows of (C, D, H, W) or (N, C, D, H, W); None keeps an axis."""
    return of.adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def fractional_max_pool3d(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The largest element of each window of (C, D, H, W) or (N, C, D, H, W), as many as wanted.

    Arguments as of :func:`fractional_max_pool2d`.
    """
    pair = fractional_max_pool3d_with_indices(
        input, kernel_size, output_size, output_ratio, _random_samples=_random_samples
    )
    return pair if return_indices else pair[0]


def fractional_max_pool3d_with_indices(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> tuple[Any, Any]:
    """:func:`fractional_max_pool3d` with ``return_indices``."""
    return fractional_max_pool(
        "fractional_max_pool3d", 3, input, kernel_size, output_size, output_ratio, _random_samples
    )


def max_unpool3d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Put the largest elements back, into zeros (C, D, H, W) or (N, C, D, H, W).

    Arguments as of :func:`max_unpool1d`.
    """
    return max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def lp_pool3d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """(Σ x^p)^(1/p) over each window of (C, D, H, W) or (N, C, D, H, W); the largest |x| for p = Inf.

    Arguments as of :func:`lp_pool1d`.
    """
    return of.lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)
