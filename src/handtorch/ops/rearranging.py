"""Rearranging: elements reversed, rolled, turned and repeated, in memory of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.axes import transpose
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.gathering import IndexSelect
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, normal, sample
from handtorch.ops.shape import lengths, reshape
from handtorch.tensor import Tensor

__all__ = [
    "flip",
    "fliplr",
    "flipud",
    "repeat_interleave",
    "roll",
    "rot90",
    "tile",
]


class Flip(Op):
    """y = x in reverse order along some axes. dL/dx = g in reverse order.

    Args:
        axes: not negative.
    """

    def __init__(self, axes: tuple[int, ...]) -> None:
        self.axes = axes

    def forward(self, x: Any) -> Any:
        return np.ascontiguousarray(np.flip(x, self.axes)).reshape(x.shape)

    def backward(self, g: Any) -> Any:
        return np.flip(g, self.axes)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((0, 2)), normal(2, 3, 4))
        yield sample(lambda: cls(()), normal(3))


class Roll(Op):
    """y[i + s] = x[i] along some axes, counted around the end. dL/dx = g rolled back.

    Args:
        shifts, axes: for each axis by how much; no axes: along the flattened tensor.
    """

    def __init__(self, shifts: tuple[int, ...], axes: tuple[int, ...]) -> None:
        self.shifts, self.axes = shifts, axes

    def forward(self, x: Any) -> Any:
        return np.roll(x, self.shifts, self.axes) if self.axes else np.roll(x, self.shifts)

    def backward(self, g: Any) -> Any:
        back = tuple(-shift for shift in self.shifts)
        return np.roll(g, back, self.axes) if self.axes else np.roll(g, back)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((1, -2), (0, 1)), normal(3, 4))
        yield sample(lambda: cls((5,), ()), normal(3, 4))


class Repeat(Op):
    """y = x several times side by side along each axis. dL/dx = the sum of g over the copies.

    Args:
        times: for each axis of y how often; new axes come first.
    """

    def __init__(self, times: tuple[int, ...]) -> None:
        self.times = times

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return np.tile(x, self.times)

    def backward(self, g: Any) -> Any:
        shape = (1,) * (len(self.times) - len(self.input_shape)) + self.input_shape
        apart = [n for pair in zip(self.times, shape, strict=True) for n in pair]
        return np.sum(g.reshape(apart), axis=tuple(range(0, len(apart), 2))).reshape(self.input_shape)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((2, 1, 3)), normal(3, 4))
        yield sample(lambda: cls((2, 0)), normal(3, 4), smooth=False)


@method()
def flip(input: Any, *axes: Any, dims: Any = None) -> Any:
    """In reverse order along ``dims``."""
    n = input.array.ndim
    chosen = tuple(normal_axis(d, n) for d in lengths(axes if dims is None else (dims,)))
    if len(set(chosen)) < len(chosen):
        raise ShapeError(f"dim {max(chosen, key=chosen.count)} appears multiple times in the list of dims")
    return Flip(chosen if n else ())(input)


@method("__reversed__")
def reverse(input: Any) -> Any:
    """In reverse order along the first axis."""
    return Flip((0,) if input.array.ndim else ())(input)


@method()
def fliplr(input: Any) -> Any:
    """In reverse order along the second axis."""
    if input.array.ndim < 2:
        raise ShapeError("Input must be >= 2-d.")
    return Flip((1,))(input)


@method()
def flipud(input: Any) -> Any:
    """In reverse order along the first axis."""
    if input.array.ndim < 1:
        raise ShapeError("Input must be >= 1-d.")
    return Flip((0,))(input)


@method()
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Elements moved on by ``shifts`` along ``dims``, around the end; along the flattened tensor without ``dims``."""
    by = lengths((shifts,))
    axes = () if dims is None else lengths((dims,))
    if not by:
        raise ShapeError("`shifts` required")
    if len(axes) != len(by) and not (not axes and len(by) == 1):
        raise ShapeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(axes)}")
    return Roll(by, tuple(normal_axis(d, input.array.ndim) for d in axes))(input)


@method()
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    """Turned by k · 90° from the first of ``dims`` towards the second."""
    n = input.array.ndim
    if len(dims) != 2:
        raise ShapeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if n < 2:
        raise ShapeError(f"expected total dims >= 2, but got total dims = {n}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == n:
        raise ShapeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    a, b = (normal_axis(d, n) for d in dims)
    if k % 4 == 1:
        return transpose(Flip((b,))(input), a, b)
    if k % 4 == 3:
        return transpose(Flip((a,))(input), a, b)
    return Flip((a, b) if k % 4 == 2 else ())(input)


@method()
def repeat(input: Any, *sizes: Any, repeats: Any = None) -> Any:
    """Several times side by side: for each axis how often; new axes come first."""
    times = lengths(sizes if repeats is None else (repeats,))
    if len(times) < input.array.ndim:
        raise ShapeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(n < 0 for n in times):
        raise ShapeError(f"Trying to create tensor with negative dimension: repeats {list(times)}")
    return Repeat(times)(input)


@method()
def tile(input: Any, *sizes: Any, dims: Any = None) -> Any:
    """Several times side by side, as :func:`Tensor.repeat`; ``dims`` may leave out leading axes."""
    times = lengths(sizes if dims is None else (dims,))
    return repeat(input, (1,) * (input.array.ndim - len(times)) + times)


@method()
def repeat_interleave(
    input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Any:
    """Each element (or slice along ``dim``) ``repeats`` times in succession.

    Called with ``repeats`` alone, the place i as often as repeats[i] says.
    """
    if repeats is None:
        times = _times(input.array, input.array.size)
        return Tensor.of(np.repeat(np.arange(len(times)), times))
    if dim is None:
        input = reshape(input, -1)
    elif not input.array.ndim:
        input = reshape(input, 1)
    at = normal_axis(0 if dim is None else dim, input.array.ndim)
    n = input.array.shape[at]
    times = _times(repeats.array, n) if isinstance(repeats, Tensor) else repeats
    if isinstance(times, int) and times < 0:
        raise ShapeError(f"repeats can not be negative, got {times}")
    index = np.repeat(np.arange(n), times)
    if output_size is not None and output_size != index.size:
        raise ShapeError(f"allocated size does not match required size: expected {index.size}, got {output_size}")
    return IndexSelect(at, index)(input)


def _times(repeats: np.ndarray, n: int) -> np.ndarray:
    if repeats.dtype not in (np.int64, np.int32):
        raise DtypeError(f"repeats has to be Long or Int tensor, got {repeats.dtype}")
    if repeats.ndim > 1 or (repeats.size not in (1, n)):
        raise ShapeError(f"repeats must have the same size as input along dim, expected {n}, got {list(repeats.shape)}")
    if (repeats < 0).any():
        raise ShapeError("repeats can not be negative")
    return repeats.reshape(-1)


answer_functions(
    {
        np.flip: lambda x, axis=None: flip(x, *(range(x.ndim) if axis is None else np.atleast_1d(axis).tolist())),
        np.roll: lambda x, shift, axis=None: roll(x, shift, axis),
        np.tile: tile,
    }
)
