"""Padding: a tensor with a border around it, of one value or of its own elements."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch.errors import ShapeError
from handtorch.ops.elementwise import run
from handtorch.ops.indexing import Index
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample

__all__ = [
    "constant_pad_nd",
]

Widths = dict[int, tuple[int, int]]  # axis -> how many elements before the first and after the last


def _lengths(shape: tuple[int, ...], widths: Widths) -> tuple[int, ...]:
    """A shape with borders."""
    return tuple(n + sum(widths.get(axis, ())) for axis, n in enumerate(shape))


def _inside(shape: tuple[int, ...], widths: Widths) -> tuple[slice, ...]:
    """The part of a tensor of this shape that lies inside its borders; a negative width is no border."""
    return tuple(
        slice(max(before, 0), n - max(after, 0))
        for n, (before, after) in ((n, widths.get(axis, (0, 0))) for axis, n in enumerate(shape))
    )


def _negative(widths: Widths) -> Widths:
    return {axis: (-before, -after) for axis, (before, after) in widths.items()}


class ConstantPad(Op):
    """y = x with a border of one value; a negative width cuts elements off. dL/dx = g without the border.

    Args:
        widths: for each axis that has a border, not negative, its width before and after.
        value: what the border is filled with.
    """

    def __init__(self, widths: Widths, value: Any = 0) -> None:
        self.widths, self.value = widths, value

    def forward(self, x: Any) -> Any:
        y = np.full(_lengths(x.shape, self.widths), self.value, x.dtype)
        y[_inside(y.shape, self.widths)] = x[_inside(x.shape, _negative(self.widths))]
        return y

    def backward(self, g: Any) -> Any:
        return run(ConstantPad(_negative(self.widths)), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls({1: (1, 2)}, 7.0), normal(3, 4))
        yield sample(lambda: cls({1: (-1, 2), 0: (1, -1)}), normal(3, 4, 2))
        yield sample(lambda: cls({}), normal(3, 4))


class Border(Op):
    """y = x with a border of its own elements. dL/dx = g without the border, which is added to where it came from.

    Along an axis, 2 before and 2 after a b c d are

    * c b | a b c d | c b for ``"reflect"``,
    * a a | a b c d | d d for ``"replicate"``,
    * c d | a b c d | a b for ``"circular"``.

    Args:
        widths: for each axis that has a border, not negative, its width before and after, not negative.
        mode: one of these words.
    """

    def __init__(self, widths: Widths, mode: str) -> None:
        self.widths, self.mode = widths, mode

    def forward(self, x: Any) -> Any:
        y = np.empty(_lengths(x.shape, self.widths), x.dtype)
        y[_inside(y.shape, self.widths)] = x
        for border, source in self._copies(y.shape):
            y[border] = y[source]
        return y

    def backward(self, g: Any) -> Any:
        return run(FoldedBorder(self.widths, self.mode), g)

    def _copies(self, shape: tuple[int, ...]) -> Iterator[tuple[Any, Any]]:
        """For each part of the border, its place in the result, and the place of what stands there.

        Args:
            shape: of the result.
        """
        for axis, (before, after) in self.widths.items():
            end = shape[axis] - after  # of what stood there before
            left, right = {
                "reflect": (_down_from(2 * before, before), _down_from(end - 2, after)),
                "replicate": (slice(before, before + 1), slice(end - 1, end)),
                "circular": (slice(end - before, end), slice(before, before + after)),
            }[self.mode]
            ahead = (slice(None),) * axis
            if before:
                yield (*ahead, slice(0, before)), (*ahead, left)
            if after:
                yield (*ahead, slice(end, None)), (*ahead, right)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for mode in ("reflect", "replicate", "circular"):
            yield sample(partial(cls, {1: (2, 1)}, mode), normal(2, 4))
            yield sample(partial(cls, {1: (0, 2), 2: (3, 3)}, mode), normal(2, 3, 4))
        yield sample(lambda: cls({0: (5, 7)}, "replicate"), normal(2, 3))


def _down_from(last: int, count: int) -> slice:
    """So many places, the last one first."""
    return slice(last, last - count if last >= count else None, -1)


class FoldedBorder(Border):
    """y = x without its border, which is added to the elements that :class:`Border` copied. dL/dx = g with a border."""

    def forward(self, x: Any) -> Any:
        x = x.copy()
        for border, source in reversed(list(self._copies(x.shape))):
            axis = len(border) - 1
            x[source] += x[border].sum(axis=axis, keepdims=True) if self.mode == "replicate" else x[border]
        return np.ascontiguousarray(x[_inside(x.shape, self.widths)])

    def backward(self, g: Any) -> Any:
        return run(Border(self.widths, self.mode), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for mode in ("reflect", "replicate", "circular"):
            yield sample(partial(cls, {1: (2, 1)}, mode), normal(2, 7))
            yield sample(partial(cls, {1: (0, 2), 2: (3, 3)}, mode), normal(2, 5, 10))


# -- functions ------------------------------------------------------------------------------------------------------


def constant_pad_nd(input: Any, pad: Any, value: Any = 0) -> Any:
    """A border of one value; a negative width cuts elements off.

    Args:
        pad: the widths (before, after) of the last axis, then those of the one before it, and so on.

    Raises:
        ShapeError: there are more widths than axes, or an odd number of them, or an axis would get a negative length.
    """
    widths = widths_of(input, pad)
    for axis, (before, after) in widths.items():
        n = input.array.shape[axis]
        if n + min(before, 0) + min(after, 0) < 0:
            raise ShapeError(f"widths ({before}, {after}) cut more off dimension {axis} than its length {n}")
    return ConstantPad(widths, value)(input)


def padded(input: Any, pad: Any, mode: str) -> Any:
    """A border of the tensor's own elements, on the last one, two or three axes.

    Args:
        input: (C, *) or (N, C, *).
        pad: the widths (before, after) of the last axis, then those of the one before it, and so on.
        mode: ``"reflect"``, ``"replicate"`` or ``"circular"``; see :class:`Border`.

    Raises:
        NotImplementedError: there are not widths for all axes but those of channels and batch, or for more than three.
        ShapeError: the axes are too short.
    """
    widths = widths_of(input, pad)
    shape = input.array.shape
    _check_input(shape, len(pad), mode)
    for axis, (before, after) in widths.items():
        _check_widths(shape[axis], before, after, mode)
    border = Border({axis: (max(before, 0), max(after, 0)) for axis, (before, after) in widths.items()}, mode)
    if not any(min(pair) < 0 for pair in widths.values()):
        return border(input)
    if mode == "circular":  # the ends that meet are those that the cut leaves
        return border(_without_border(input, _negative(widths)))
    return _without_border(border(input), _negative(widths))


def _without_border(input: Any, widths: Widths) -> Any:
    return Index(_inside(input.array.shape, widths))(input)


def _check_input(shape: tuple[int, ...], widths: int, mode: str) -> None:
    axes = widths // 2
    if not 1 <= axes <= 3 or len(shape) - axes not in (1, 2):
        raise NotImplementedError(
            f"Padding size {widths} is not supported for {len(shape)}D input tensor; with mode {mode!r} the input is "
            f"(C, *) or (N, C, *), and the border is on each of its last one, two or three axes"
        )
    if mode != "circular" and (0 in shape[1:] or (0 in shape and len(shape) == axes + 1)):
        raise ShapeError(
            f"Expected {axes + 1}D or {axes + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(shape)}"
        )


def _check_widths(n: int, before: int, after: int, mode: str) -> None:
    widths = f"widths ({before}, {after}) on an axis of length {n}"
    left = n + min(before, 0) + min(after, 0)
    if mode == "reflect" and max(before, after) >= n:
        raise ShapeError(f"Padding size should be less than the corresponding input dimension, but got: {widths}")
    if mode == "circular" and max(before, after) > left:
        raise ShapeError(f"Padding value causes wrapping around more than once: {widths}")
    if n + before + after < (mode != "circular"):
        raise ShapeError(f"input is too small: nothing is left of it by {widths}")


def widths_of(input: Any, pad: Any) -> Widths:
    """PyTorch's list of widths, in which the last axis comes first, by axis.

    Raises:
        ShapeError: there are more widths than axes, or an odd number of them, or an axis would get a negative length.
    """
    shape = input.array.shape
    if len(pad) % 2:
        raise ShapeError(f"Padding length must be divisible by 2, got {len(pad)}")
    if len(pad) > 2 * len(shape):
        raise ShapeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {len(shape)}"
        )
    pairs = zip(map(int, pad[::2]), map(int, pad[1::2]), strict=True)
    widths = {len(shape) - 1 - i: pair for i, pair in enumerate(pairs)}
    for axis, (before, after) in widths.items():
        if shape[axis] + before + after < 0:
            raise ShapeError(
                f"The input size {shape[axis]}, plus negative padding {before} and {after}, resulted in a negative "
                f"output size, which is invalid. Check dimension {axis} of your input."
            )
    return widths
