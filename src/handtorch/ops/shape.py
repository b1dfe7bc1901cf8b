"""Shaping: the same elements in other shapes, orders and pieces. Views share memory wherever NumPy can."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import ShapeError
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.indexing import Index
from handtorch.ops.op import Op
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "cat",
    "chunk",
    "flatten",
    "permute",
    "reshape",
    "split",
    "squeeze",
    "stack",
    "t",
    "transpose",
    "unbind",
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
        return np.reshape(x, self.target)

    def backward(self, g: Any) -> Any:
        return np.reshape(g, self.input_shape)

    def explain(self, *arrays: Any) -> str:
        return f"shape '{list(self.target)}' is invalid for input of size {arrays[0].size}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((2, 6)), normal(3, 4))
        yield sample(lambda: cls((-1,)), normal(3, 4))
        yield bad(lambda: cls((5,)), normal(3, 4))


class Permute(Op):
    """y = x with its axes in another order. dL/dx = g in the order of x.

    Args:
        order: for each axis of y the axis of x that it was; none negative.
    """

    view = True

    def __init__(self, order: tuple[int, ...]) -> None:
        self.order = order

    def forward(self, x: Any) -> Any:
        return np.transpose(x, self.order)

    def backward(self, g: Any) -> Any:
        return np.transpose(g, tuple(sorted(range(len(self.order)), key=self.order.__getitem__)))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((2, 0, 1)), normal(2, 3, 4))
        yield sample(lambda: cls((1, 0)), normal(3, 4))


class Expand(Op):
    """y = x repeated along axes of length 1 and along new leading axes, without a copy. dL/dx: the engine's sum.

    Args:
        target: the new shape, without -1.
    """

    view = True

    def __init__(self, target: tuple[int, ...]) -> None:
        self.target = target

    def forward(self, x: Any) -> Any:
        return np.broadcast_to(x, self.target)

    def backward(self, g: Any) -> Any:
        return g

    def explain(self, *arrays: Any) -> str:
        return f"expand: cannot repeat shape {arrays[0].shape} to {self.target}; only axes of length 1 can be repeated"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((2, 3, 4)), normal(3, 1))
        yield bad(lambda: cls((2, 3)), normal(4))


class Cat(Op):
    """y = the inputs one after another along an axis. dL/dx_i = its part of g.

    Args:
        dim: the axis, not negative.
    """

    promotes = True

    def __init__(self, dim: int = 0) -> None:
        self.dim = dim

    def forward(self, *xs: Any) -> Any:
        self.ends = np.cumsum([x.shape[self.dim] for x in xs])[:-1]
        return np.concatenate(xs, axis=self.dim)

    def backward(self, g: Any) -> Any:
        return tuple(np.split(g, self.ends, axis=self.dim))

    def explain(self, *arrays: Any) -> str:
        shapes = ", ".join(str(a.shape) for a in arrays)
        return f"cat: sizes of tensors must match except in dimension {self.dim}, got shapes {shapes}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(1), normal(3, 1, seed=1), normal(3, 2, seed=2), normal(3, 4, seed=3))
        yield sample(cls, normal(2, 3), normal(1, 3))
        yield bad(lambda: cls(1), normal(3, 4), normal(2, 4))


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


# -- functions ------------------------------------------------------------------------------------------------------


def lengths(args: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape that was given as several integers or as one sequence."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    return tuple(int(n) for n in args)


@method()
def reshape(input: Any, *shape: Any) -> Any:
    """The elements in row-major order in another shape; a view where possible, else a copy."""
    return Reshape(lengths(shape))(input)


@method()
def view(input: Any, *shape: Any) -> Any:
    """The same memory in another shape, or read as another element type.

    Raises:
        ShapeError: the memory cannot be read in that shape without a copy.
    """
    from handtorch.dtypes import dtype

    if len(shape) == 1 and isinstance(shape[0], dtype):
        return Tensor.of(input.array.view(shape[0].numpy))
    target = lengths(shape)
    if not input.array.flags.c_contiguous and input.array.size:
        probe = input.array.view()
        try:
            probe = np.reshape(input.array, target, copy=False)
        except ValueError:
            if np.prod([n for n in target if n != -1]) in (input.array.size, 0) or -1 in target:
                raise ShapeError(
                    "view size is not compatible with input tensor's size and stride (at least one dimension spans "
                    "across two contiguous subspaces). Use .reshape(...) instead."
                ) from None
        del probe
    return Reshape(target)(input)


@method()
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Axes from ``start_dim`` to ``end_dim`` joined into one."""
    shape = input.array.shape
    if not shape:
        return input.reshape(1)
    start, end = normal_axis(start_dim, len(shape)), normal_axis(end_dim, len(shape))
    if start > end:
        raise ShapeError("flatten() has invalid args: start_dim cannot come after end_dim")
    joined = int(np.prod(shape[start : end + 1]))
    return Reshape((*shape[:start], joined, *shape[end + 1 :]))(input)


@method()
def permute(input: Any, *dims: Any) -> Any:
    """Axes in the given order."""
    order = lengths(dims)
    n = input.array.ndim
    if len(order) != n:
        raise ShapeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {n} is not equal to len(dims) = {len(order)}"
        )
    axes = tuple(normal_axis(d, n) for d in order)
    if len(set(axes)) < n:
        raise ShapeError(f"permute(): duplicate dims are not allowed, got {order}")
    return Permute(axes)(input)


@method("transpose", "swapaxes", "swapdims")
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged."""
    n = input.array.ndim
    order = list(range(n))
    a, b = normal_axis(dim0, n), normal_axis(dim1, n)
    if n:
        order[a], order[b] = b, a
    return Permute(tuple(order))(input)


@method()
def t(input: Any) -> Any:
    """A matrix transposed; vectors and numbers as they are."""
    if input.array.ndim > 2:
        raise ShapeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.array.ndim}D")
    return input if input.array.ndim < 2 else Permute((1, 0))(input)


@method()
def squeeze(input: Any, dim: Any = None) -> Any:
    """Without the axes of length 1 (or those of ``dim`` that have it)."""
    shape = input.array.shape
    n = len(shape)
    if dim is None:
        chosen = set(range(n))
    else:
        chosen = {normal_axis(d, n) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))}
    return Reshape(tuple(length for i, length in enumerate(shape) if length != 1 or i not in chosen))(input)


@method()
def unsqueeze(input: Any, dim: int) -> Any:
    """With a new axis of length 1 at ``dim``."""
    shape = input.array.shape
    at = normal_axis(dim, len(shape) + 1)
    return Reshape((*shape[:at], 1, *shape[at:]))(input)


@method()
def expand(input: Any, *sizes: Any) -> Any:
    """Repeated along axes of length 1 without a copy; -1 keeps a length."""
    target = lengths(sizes)
    shape = input.array.shape
    if len(target) < len(shape):
        raise ShapeError(f"expand: the number of sizes provided ({len(target)}) must be at least {len(shape)}")
    padded = (1,) * (len(target) - len(shape)) + shape
    return Expand(tuple(own if wanted == -1 else wanted for own, wanted in zip(padded, target, strict=True)))(input)


@method()
def expand_as(input: Any, other: Any) -> Any:
    """Expanded to the shape of another tensor."""
    return expand(input, *other.array.shape)


@method()
def contiguous(input: Any, memory_format: Any = None) -> Any:
    """Itself if its elements lie in row-major order, else a copy in which they do."""
    return input if input.array.flags.c_contiguous else Contiguous()(input)


def cat(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Any:
    """Tensors one after another along ``dim``."""
    tensors = list(tensors)
    if not tensors:
        raise ShapeError("torch.cat(): expected a non-empty list of Tensors")
    real = [x for x in tensors if x.array.shape != (0,)] or tensors[:1]  # PyTorch skips empty vectors
    return Cat(normal_axis(dim if axis is None else axis, real[0].array.ndim))(*real)


def stack(tensors: Any, dim: int = 0) -> Any:
    """Tensors of one shape beside each other along a new axis ``dim``."""
    tensors = list(tensors)
    if not tensors:
        raise ShapeError("stack expects a non-empty TensorList")
    if len({x.array.shape for x in tensors}) > 1:
        other = next(i for i, x in enumerate(tensors) if x.array.shape != tensors[0].array.shape)
        raise ShapeError(
            f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
            f"{list(tensors[other].shape)} at entry {other}"
        )
    at = normal_axis(dim, tensors[0].array.ndim + 1)
    return Cat(at)(*[unsqueeze(x, at) for x in tensors])


@method()
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Pieces of a length, or of the given lengths, along ``dim``."""
    at = normal_axis(dim, tensor.array.ndim)
    n = tensor.array.shape[at]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step <= 0 and n:
            raise ShapeError(f"split expects split_size be non-negative, but got split_size={step}")
        sections = [min(step, n - i) for i in range(0, n, step)] if n else [0]
    else:
        sections = list(split_size_or_sections)
        if sum(sections) != n:
            raise ShapeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), "
                f"but got split_sizes={sections}"
            )
    starts = np.cumsum([0, *sections])
    return tuple(Index((slice(None),) * at + (slice(int(a), int(b)),))(tensor) for a, b in itertools.pairwise(starts))


@method()
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most ``chunks`` pieces of equal length (the last may be shorter)."""
    if chunks <= 0:
        raise ShapeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.array.shape[normal_axis(dim, input.array.ndim)]
    return split(input, max(-(-n // chunks), 1), dim)


@method()
def unbind(input: Any, dim: int = 0) -> Any:
    """The slices along ``dim``, without that axis."""
    at = normal_axis(dim, input.array.ndim)
    return tuple(Index((slice(None),) * at + (i,))(input) for i in range(input.array.shape[at]))


@method("__iter__")
def iterate(input: Any) -> Any:
    """The slices along the first axis."""
    if input.array.ndim == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(input, 0))


def _transposed(self: Any) -> Any:
    """All axes in reverse order."""
    return Permute(tuple(range(self.array.ndim))[::-1])(self)


def _matrices_transposed(self: Any) -> Any:
    """The last two axes exchanged."""
    if self.array.ndim < 2:
        raise ShapeError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {self.array.ndim}-D tensor."
        )
    return transpose(self, -2, -1)


Tensor.T = property(_transposed)  # type: ignore[attr-defined]
Tensor.mT = property(_matrices_transposed)  # type: ignore[attr-defined]


def _expand_dims(x: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, tuple) else (axis,)
    n = x.ndim + len(axes)
    places = {a % n for a in axes}
    own = iter(x.array.shape)
    return reshape(x, tuple(1 if i in places else next(own) for i in range(n)))


answer_functions(
    {
        np.reshape: reshape,
        np.transpose: lambda x, axes=None: permute(x, axes or tuple(range(x.ndim))[::-1]),
        np.swapaxes: transpose,
        np.broadcast_to: expand,
        np.expand_dims: _expand_dims,
        np.squeeze: squeeze,
        np.concatenate: cat,
        np.stack: stack,
        np.split: lambda x, ends, axis=0: split(x, np.diff([0, *ends, x.array.shape[axis]]).tolist(), axis),
        np.ascontiguousarray: contiguous,
        np.ndim: lambda x: x.ndim,
        np.shape: lambda x: x.array.shape,
        np.zeros_like: lambda x, dtype=None, shape=None: Tensor.of(np.zeros_like(x.array, dtype=dtype, shape=shape)),
        np.ones_like: lambda x: Tensor.of(np.ones_like(x.array)),
    }
)
