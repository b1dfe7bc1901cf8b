"""Shaping: the same elements in other shapes and orders. Views share memory wherever NumPy can."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.ops.writing import adopt
from handtorch.tensor import Tensor

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "flatten",
    "ravel",
    "reshape",
    "squeeze",
    "unflatten",
    "unsqueeze",
]


class Reshape(Op):
    """y = x in another shape, row-major. dL/dx = g in the shape of x.

    Args:
        target: the new shape; one length may be -1.
    """

    view = True

    def __init__(self, target: tuple[int, ...]) -> None:
        self.target = target

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return x.reshape(self.target)

    def backward(self, g: Any) -> Any:
        return g.reshape(self.input_shape)

    def explain(self, *arrays: Any) -> str:
        if self.target.count(-1) > 1:
            return "only one dimension can be inferred"
        return f"shape '{list(self.target)}' is invalid for input of size {arrays[0].size}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((2, 6)), normal(3, 4))
        yield sample(lambda: cls((-1,)), normal(3, 4))
        yield bad(lambda: cls((5,)), normal(3, 4))
        yield bad(lambda: cls((-1, -1)), normal(3, 4))


class Expand(Op):
    """y = x repeated along axes of length 1 and along new leading axes, without a copy. dL/dx: the engine's sum.

    Args:
        target: the new shape, without -1.
    """

    view = True

    def __init__(self, target: tuple[int, ...]) -> None:
        self.target = target

    def forward(self, x: Any) -> Any:
        y = np.broadcast_to(x, self.target)
        return x.reshape(self.target) if y.size == x.size else y  # nothing repeated: it can be written to

    def backward(self, g: Any) -> Any:
        return g

    def explain(self, *arrays: Any) -> str:
        shape, target = arrays[0].shape, self.target
        for axis, (own, wanted) in enumerate(zip(reversed(shape), reversed(target), strict=False), 1):
            if own not in (1, wanted):
                return (
                    f"The expanded size of the tensor ({wanted}) must match the existing size ({own}) at non-singleton "
                    f"dimension {len(target) - axis}.  Target sizes: {list(target)}.  Tensor sizes: {list(shape)}"
                )
        return f"expand: cannot repeat shape {list(shape)} to {list(target)}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((2, 3, 4)), normal(3, 1))
        yield sample(lambda: cls((1, 3)), normal(3))
        yield bad(lambda: cls((2, 3)), normal(4))


class Contiguous(Op):
    """y = x with its elements in row-major order. dL/dx = g."""

    view = True

    def forward(self, x: Any) -> Any:
        return np.ascontiguousarray(x) if x.ndim else x

    def backward(self, g: Any) -> Any:
        return g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4).T)


# -- shapes ---------------------------------------------------------------------------------------------------------


def lengths(args: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape that was given as several integers or as one sequence.

    Raises:
        TypeError: something else than whole numbers is in it.
    """
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    for n in args:
        if type(n) is not int:
            return tuple(map(operator.index, args))
    return args


def _target(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape to bring elements into."""
    target = lengths(sizes)
    if target and min(target) < -1:
        raise ShapeError(f"invalid shape dimension {min(target)} in shape {list(target)}")
    return target


def adopting(function: Any) -> None:
    """The method ``name_`` that makes a tensor look at its own memory in the way of the view ``name``."""

    def writer(self: Any, *args: Any, **options: Any) -> Any:
        return adopt(self, function(self, *args, **options))

    writer.__name__ = writer.__qualname__ = f"{function.__name__}_"
    writer.__doc__ = f"In-place version of :func:`{function.__name__}`."
    method(writer.__name__)(writer)


@method()
def reshape(input: Any, *sizes: Any, shape: Any = None) -> Any:
    """The elements in row-major order in another shape; a view where possible, else a copy."""
    return Reshape(_target(sizes if shape is None else shape))(input)


@method()
def reshape_as(input: Any, other: Any) -> Any:
    """Reshaped to the shape of another tensor."""
    return Reshape(other.array.shape)(input)


@method()
def view(input: Any, *sizes: Any, dtype: Any = None, size: Any = None) -> Any:
    """The same memory in another shape, or read as another element type.

    Raises:
        ShapeError: the memory cannot be read in that shape without a copy.
    """
    if dtype is None and len(sizes) == 1 and isinstance(sizes[0], dtypes.dtype):
        dtype = sizes[0]
    if dtype is not None:
        return _as_type(input, dtype)
    target = _target(sizes if size is None else size)
    array = input.array
    if not array.flags.c_contiguous and array.size and target.count(-1) <= 1:
        try:
            array.reshape(target, copy=False)
        except ValueError:
            if Reshape(target).forward(array).size:  # raises itself where the elements are too many or too few
                raise ShapeError(
                    "view size is not compatible with input tensor's size and stride (at least one dimension spans "
                    "across two contiguous subspaces). Use .reshape(...) instead."
                ) from None
    return Reshape(target)(input)


def _as_type(input: Any, dtype: Any) -> Any:
    """The same bytes read as another element type; they have no history."""
    array, size = input.array, dtype.numpy.itemsize
    if size != array.itemsize:
        if not array.ndim:
            raise ShapeError(f"self.dim() cannot be 0 to view {input.dtype} as {dtype} (different element sizes)")
        if array.strides[-1] != array.itemsize and array.size:
            raise ShapeError(
                f"self.stride(-1) must be 1 to view {input.dtype} as {dtype} (different element sizes), but got "
                f"{array.strides[-1] // array.itemsize}"
            )
        if array.shape[-1] * array.itemsize % size:
            raise ShapeError(
                f"self.size(-1) must be divisible by {size // array.itemsize} to view {input.dtype} as {dtype} "
                f"(different element sizes), but got {array.shape[-1]}"
            )
    out = Tensor.of(array.view(dtype.numpy))
    out._base = input if input._base is None else input._base
    out._detached = True
    return out


@method()
def view_as(input: Any, other: Any) -> Any:
    """The same memory in the shape of another tensor."""
    return view(input, other.array.shape)


@method()
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Axes from ``start_dim`` to ``end_dim`` joined into one."""
    shape = input.array.shape
    start, end = normal_axis(start_dim, len(shape)), normal_axis(end_dim, len(shape))
    if not shape:
        return Reshape((1,))(input)
    if start > end:
        raise ShapeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    joined = 1
    for n in shape[start : end + 1]:
        joined *= n
    return Reshape((*shape[:start], joined, *shape[end + 1 :]))(input)


@method()
def ravel(input: Any) -> Any:
    """All elements in one vector, a view where possible."""
    return Reshape((-1,))(input)


@method()
def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """One axis split into several, of which one length may be -1."""
    shape = input.array.shape
    at = normal_axis(dim, len(shape))
    parts = _target((sizes,))
    if not parts:
        raise ShapeError("unflatten: sizes must be non-empty")
    known = 1
    for n in parts:
        known *= n
    fits = known == shape[at] if -1 not in parts else known and shape[at] % known == 0
    if not fits:
        raise ShapeError(
            f"unflatten: Provided sizes {list(parts)} don't multiply up to the size of dim {dim} ({shape[at]}) in the "
            f"input tensor"
        )
    if -1 in parts:
        parts = tuple(-shape[at] // known if n == -1 else n for n in parts)
    return Reshape((*shape[:at], *parts, *shape[at + 1 :]))(input)


@method()
def squeeze(input: Any, dim: Any = None, *, axis: Any = None) -> Any:
    """Without the axes of length 1 (or those of ``dim`` that have it)."""
    dim = axis if dim is None else dim
    shape = input.array.shape
    if dim is None:
        return Reshape(tuple(n for n in shape if n != 1))(input)
    chosen = [normal_axis(d, len(shape)) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    if len(set(chosen)) < len(chosen):
        raise ShapeError(f"dim {max(chosen, key=chosen.count)} appears multiple times in the list of dims")
    return Reshape(tuple(n for i, n in enumerate(shape) if n != 1 or i not in chosen))(input)


@method()
def unsqueeze(input: Any, dim: Any = None, *, axis: int | None = None) -> Any:
    """With a new axis of length 1 at ``dim``."""
    shape = input.array.shape
    if dim is None:
        dim = axis
    at = normal_axis(dim, len(shape) + 1)
    return Reshape((*shape[:at], 1, *shape[at:]))(input)


def atleast_1d(*tensors: Any) -> Any:
    """Numbers as vectors; a tuple for several tensors."""
    return _each(lambda x: x if x.array.ndim else Reshape((1,))(x), tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Numbers as (1, 1), vectors as (1, n); a tuple for several tensors."""
    return _each(lambda x: x if x.array.ndim > 1 else Reshape((1, x.array.size))(x), tensors)


def atleast_3d(*tensors: Any) -> Any:
    """Numbers as (1, 1, 1), vectors as (1, n, 1), matrices as (n, m, 1); a tuple for several tensors."""

    def raised(x: Any) -> Any:
        shape = x.array.shape
        return x if len(shape) > 2 else Reshape((*shape, 1) if len(shape) == 2 else (1, x.array.size, 1))(x)

    return _each(raised, tensors)


def _each(function: Any, tensors: tuple[Any, ...]) -> Any:
    """A function of one tensor, or of each of several, which may come in one sequence."""
    if len(tensors) == 1:
        if isinstance(tensors[0], Tensor):
            return function(tensors[0])
        tensors = tensors[0]
    return tuple(map(function, tensors))


# -- repetition without a copy --------------------------------------------------------------------------------------


@method()
def expand(input: Any, *sizes: Any, size: Any = None, implicit: bool = False) -> Any:
    """Repeated along axes of length 1 without a copy; -1 keeps a length."""
    target = lengths(sizes if size is None else size)
    shape = input.array.shape
    extra = len(target) - len(shape)
    if extra < 0:
        raise ShapeError(
            f"expand: the number of sizes provided ({len(target)}) must be greater or equal to the number of "
            f"dimensions in the tensor ({len(shape)})"
        )
    if -1 in target:
        if -1 in target[:extra]:
            raise ShapeError(
                f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension "
                f"{target.index(-1)}"
            )
        target = tuple(shape[i - extra] if n == -1 else n for i, n in enumerate(target))
    return Expand(target)(input)


@method()
def expand_as(input: Any, other: Any) -> Any:
    """Expanded to the shape of another tensor."""
    return Expand(other.array.shape)(input)


@method()
def broadcast_to(input: Any, *sizes: Any, size: Any = None) -> Any:
    """Expanded to a shape."""
    return expand(input, *sizes, size=size)


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which all of these shapes are expanded when they meet.

    Raises:
        ShapeError: two lengths along an axis differ, and neither is 1.
    """
    from handtorch.tensor import Size

    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError:
        raise ShapeError(
            f"Shape mismatch: objects cannot be broadcast to a single shape: {', '.join(map(str, shapes))}"
        ) from None


def broadcast_tensors(*tensors: Any) -> Any:
    """The tensors expanded to the shape in which they meet."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    common = broadcast_shapes(*(x.array.shape for x in tensors))
    return tuple(x if x.array.shape == common else Expand(tuple(common))(x) for x in tensors)


# -- memory ---------------------------------------------------------------------------------------------------------


@method()
def contiguous(input: Any, memory_format: Any = None) -> Any:
    """Itself if its elements lie in row-major order, else a copy in which they do."""
    return input if input.array.flags.c_contiguous else Contiguous()(input)


for _function in (squeeze, unsqueeze):
    adopting(_function)


def _expand_dims(x: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, tuple) else (axis,)
    n = x.ndim + len(axes)
    places = {a % n for a in axes}
    own = iter(x.array.shape)
    return Reshape(tuple(1 if i in places else next(own) for i in range(n)))(x)


answer_functions(
    {
        np.reshape: reshape,
        np.ravel: ravel,
        np.broadcast_to: expand,
        np.expand_dims: _expand_dims,
        np.squeeze: squeeze,
        np.ascontiguousarray: contiguous,
        np.ndim: lambda x: x.ndim,
        np.shape: lambda x: x.array.shape,
        np.zeros_like: lambda x, dtype=None, shape=None: Tensor.of(np.zeros_like(x.array, dtype=dtype, shape=shape)),
        np.ones_like: lambda x: Tensor.of(np.ones_like(x.array)),
    }
)
