"""Strides: memory read at steps of one's own choice, sliding windows, and memory of another size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from handtorch.errors import GradientError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.indexing import scatter_add
from handtorch.ops.memory import address, at_steps, offset_of, steps_of, storage, strided
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.ops.shape import lengths
from handtorch.ops.writing import WriteRegion, adopt, on

__all__ = [
    "as_strided",
    "as_strided_",
    "as_strided_scatter",
    "resize_as_",
]


class AsStrided(Op):
    """y[i, j] = memory[start + i s0 + j s1], a view.

    dL/dx: g is added up for each place of the memory, and x reads it off there; where elements of x share a place, each
    gets an equal part.

    Args:
        target, steps: the shape of y, and its steps counted in elements.
        start: where y begins in the memory that x is a view of; None: where x does.
    """

    view = True

    def __init__(self, target: Sequence[int], steps: Sequence[int], start: int | None = None) -> None:
        self.target, self.steps, self.start = tuple(target), tuple(steps), start

    def forward(self, x: Any) -> Any:
        self.input_shape, self.input_steps = x.shape, steps_of(x)
        self.ahead = 0 if self.start is None else self.start - offset_of(x)
        if any(s < 0 for s in self.steps):
            raise ValueError("negative steps")
        return strided(x, self.target, self.steps, self.ahead)

    def backward(self, g: Any) -> Any:
        read = at_steps(self.target, self.steps, self.ahead)
        held = at_steps(self.input_shape, self.input_steps)
        first = min(read.min(initial=0), held.min(initial=0))
        length = int(max(read.max(initial=0), held.max(initial=0)) - first) + 1
        memory = scatter_add(g.reshape(-1), (read - first).reshape(-1), (length,))
        shares = np.bincount((held - first).reshape(-1), minlength=length)
        return memory[held - first] if shares.max(initial=0) <= 1 else memory[held - first] / shares[held - first]

    def explain(self, *arrays: Any) -> str:
        return (
            f"setStorage: sizes {list(self.target)}, strides {list(self.steps)}, storage offset {self.start or 0} are "
            f"out of bounds for storage of size {storage(arrays[0]).nbytes}"
        )

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((2, 3), (1, 2), 3), normal(3, 4))
        yield sample(lambda: cls((3, 2), (0, 1)), normal(4))
        yield bad(lambda: cls((3, 5), (4, 1)), normal(3, 4))


class Unfold(Op):
    """y[i, k] = x[i · step + k] for k < size: windows along an axis, whose elements become the last axis; a view.

    dL/dx: what :class:`Fold` makes of g.

    Args:
        axis: not negative.
        size, step: of the windows, in elements.
    """

    view = True

    def __init__(self, axis: int, size: int, step: int) -> None:
        self.axis, self.size, self.step = axis, size, step

    def forward(self, x: Any) -> Any:
        self.length = x.shape[self.axis]
        steps = steps_of(x)
        shape = list(x.shape)
        shape[self.axis] = (self.length - self.size) // self.step + 1
        steps.append(steps[self.axis])
        steps[self.axis] *= self.step
        return strided(x, (*shape, self.size), steps)

    def backward(self, g: Any) -> Any:
        return on(Fold(self.axis, self.step, self.length), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1, 3, 2), normal(2, 8))
        yield sample(lambda: cls(0, 2, 3), normal(5, 2))


class Fold(Op):
    """y[n] = Σ x[i, k] over all i · step + k = n: windows added where they overlap. dL/dx = the windows of g.

    Args:
        axis: of the windows in x; their elements are its last axis.
        step: from window to window.
        length: of that axis in y.
    """

    def __init__(self, axis: int, step: int, length: int) -> None:
        self.axis, self.step, self.length = axis, step, length

    def forward(self, x: Any) -> Any:
        self.size = x.shape[-1]
        windows = np.moveaxis(x, self.axis, -2)
        *batch, count, _ = windows.shape
        # A window is a row of pieces one step long, and piece i of all windows lands on consecutive rows of y.
        pieces = -(-self.size // self.step)
        rows = max(count + pieces - 1, -(-self.length // self.step))
        y = np.zeros((*batch, rows, self.step), x.dtype)
        for i in range(pieces):
            piece = windows[..., i * self.step : (i + 1) * self.step]
            y[..., i : i + count, : piece.shape[-1]] += piece
        y = np.moveaxis(y.reshape(*batch, rows * self.step)[..., : self.length], -1, self.axis)
        return y

    def backward(self, g: Any) -> Any:
        return on(Unfold(self.axis, self.size, self.step), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1, 2, 8), normal(2, 3, 3))


# -- functions ------------------------------------------------------------------------------------------------------


@method()
def storage_offset(input: Any) -> int:
    """Where the tensor begins in its memory, in elements."""
    return offset_of(input.array)


@method()
def as_strided(input: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """The memory that ``input`` is a view of, read in a shape with strides of one's own choice; a view.

    Args:
        stride: for each axis the step in elements; steps of 0 and overlaps are allowed.
        storage_offset: where to begin, counted from the beginning of the memory; None: where ``input`` does.

    Raises:
        ShapeError: that is more than the memory.
    """
    target, steps = lengths((size,)), lengths((stride,))
    if len(target) != len(steps):
        raise ShapeError(f"mismatch in length of strides and shape: {len(steps)} and {len(target)}")
    return AsStrided(target, steps, storage_offset)(input)


@method()
def as_strided_(input: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """In-place version of :func:`as_strided`."""
    return adopt(input, as_strided(input, size, stride, storage_offset))


@method()
def as_strided_scatter(input: Any, src: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """input with ``src`` in the places that :func:`as_strided` would read."""
    target = lengths((size,))
    if src.array.shape != target:
        raise ShapeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.array.shape)}, "
            f"slice size = {list(target)}"
        )
    places = at_steps(target, lengths((stride,)), storage_offset or 0)
    if places.size and places.max() >= input.array.size:
        raise ShapeError(
            f"setStorage: sizes {list(target)}, strides {list(stride)}, storage offset {storage_offset or 0} are out "
            f"of bounds for storage of size {input.array.nbytes}"
        )
    return WriteRegion(places)(input, src)


@method()
def unfold(input: Any, dimension: int, size: int, step: int) -> Any:
    """Windows of ``size`` elements, ``step`` apart, along an axis; their elements become the last axis. A view."""
    at = normal_axis(dimension, input.array.ndim)
    n = input.array.shape[at] if input.array.ndim else 1
    if size < 0:
        raise ShapeError(f"size is {size} but must be >= 0")
    if size > n:
        raise ShapeError(f"maximum size for tensor at dimension {at} is {n} but size is {size}")
    if step <= 0:
        raise ShapeError(f"step is {step} but must be > 0")
    if not input.array.ndim:
        return AsStrided((size,), (1,))(input)
    return Unfold(at, size, step)(input)


@method()
def resize_(input: Any, *sizes: Any, memory_format: Any = None) -> Any:
    """Give the tensor another shape, row-major; its memory is kept where it is large enough.

    Raises:
        GradientError: the tensor requires gradients.
    """
    target = lengths(sizes)
    if input.needs_grad:
        raise GradientError("cannot resize variables that require grad")
    if any(n < 0 for n in target):
        raise ShapeError(f"Trying to create tensor with negative dimension: {list(target)}")
    array = input.array
    steps = [int(np.prod(target[i + 1 :])) for i in range(len(target))]
    try:
        input.array = strided(array, target, steps)
    except ValueError:  # the memory is too small
        grown = np.empty(target, array.dtype)
        grown.reshape(-1)[: array.size] = array.reshape(-1)
        input.array = grown
    input._bump()
    return input


@method()
def set_(input: Any, source: Any = None) -> Any:
    """Give the tensor the memory and shape of another one; without one, none."""
    input.array = np.empty(0, input.array.dtype) if source is None else source.array
    return input


@method()
def is_set_to(input: Any, tensor: Any) -> bool:
    """Whether both look at the same memory in the same way."""
    a, b = input.array, tensor.array
    return address(a) == address(b) and a.shape == b.shape and a.strides == b.strides


@method()
def resize_as_(input: Any, the_template: Any, *, memory_format: Any = None) -> Any:
    """Give the tensor the shape of another one."""
    return resize_(input, the_template.array.shape)
