"""Other element types, copies, and filling: methods that change what a tensor holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError, GradientError, ShapeError
from handtorch.layout import channels_last, contiguous_format, copy_in, lies_in, memory_format
from handtorch.ops.attach import method
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.ops.writing import is_recorded, refuse, write
from handtorch.tensor import Tensor, only_cpu

__all__ = [
    "clone",
    "detach",
    "detach_",
    "fill",
    "fill_",
    "zero_",
]


class Cast(Op):
    """y = x in another element type; a complex number becomes its real part. dL/dx = g in the type of x.

    The engine casts g back.

    Args:
        dtype: NumPy's dtype.
    """

    quiet = True

    def __init__(self, dtype: Any) -> None:
        self.target = dtype

    def forward(self, x: Any) -> Any:
        return np.astype(x.real if x.dtype.kind == "c" and self.target.kind not in "cb" else x, self.target)

    def backward(self, g: Any) -> Any:
        return g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(np.dtype("float64")), normal(3, 4))
        yield sample(lambda: cls(np.dtype("float64")), normal(3, 4) + 1j)


class Clone(Op):
    """y = x in memory of its own. dL/dx = g.

    Args:
        order: how the elements shall lie; as those of x do by default.
    """

    def __init__(self, order: memory_format | None = None) -> None:
        self.order = order

    def forward(self, x: Any) -> Any:
        return copy_in(x, self.order)

    def backward(self, g: Any) -> Any:
        return g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4))
        yield sample(lambda: cls(contiguous_format), normal(3, 4).T)
        yield sample(lambda: cls(channels_last), normal(2, 3, 2, 2))
        yield bad(lambda: cls(channels_last), normal(3, 4))

    def explain(self, *arrays: Any) -> str:
        return f"clone: shape {arrays[0].shape} cannot lie in {self.order}"


class Fill(Op):
    """y = v everywhere, in the shape and type of x. dL/dx = 0, dL/dv = Σ g."""

    def forward(self, x: Any, v: Any) -> Any:
        return np.full_like(x, v)

    def backward(self, g: Any) -> Any:
        return np.zeros_like(g), g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4), normal())
        yield sample(cls, normal(3, 4), 2.5)


# -- functions ------------------------------------------------------------------------------------------------------


def cast(input: Any, dtype: Any) -> Any:
    """The input in another element type; itself where it has that type."""
    if type(dtype) is not dtypes.dtype:
        dtype = dtypes.named(dtype)
    return input if input.array.dtype == dtype.numpy else Cast(dtype.numpy)(input)


def floating(x: Any) -> Any:
    """A whole-number operand as floating point; others as they are."""
    if isinstance(x, Tensor) and x.array.dtype.kind in "iub":
        return cast(x, dtypes.get_default_dtype())
    return float(x) if isinstance(x, (bool, int)) else x


@method()
def clone(input: Any, *, memory_format: Any = None) -> Any:
    """A copy that stays in the graph, in the same order in memory or in that of ``memory_format``."""
    return Clone(memory_format)(input)


@method()
def to(
    input: Any,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> Any:
    """In another element type, or in that of another tensor; the only device is the CPU.

    Called as ``to(dtype, non_blocking, copy)``, ``to(device, dtype, non_blocking, copy)`` or
    ``to(other, non_blocking, copy)``.

    Raises:
        DeviceError: another device than the CPU.
    """
    if args:
        first, *rest = args
        if isinstance(first, (dtypes.dtype, type)):
            dtype = first
        elif isinstance(first, Tensor):
            dtype = first.dtype
        else:
            device = first
            if rest:
                dtype = rest.pop(0)
        if len(rest) > 1:
            copy = rest[1]
    only_cpu(device)
    result = input if dtype is None else cast(input, dtype)
    if (copy and result is input) or not lies_in(result.array, memory_format):
        return Clone(memory_format)(result)
    return result


_CASTS = {
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    "long": dtypes.int64,
    "int": dtypes.int32,
    "short": dtypes.int16,
    "char": dtypes.int8,
    "byte": dtypes.uint8,
    "bool": dtypes.bool,
    "cfloat": dtypes.complex64,
    "cdouble": dtypes.complex128,
}


def _casting(name: str, dtype: dtypes.dtype) -> None:
    def convert(input: Any, memory_format: Any = None) -> Any:
        return to(input, dtype, memory_format=memory_format)

    convert.__name__ = name
    convert.__doc__ = f"In the element type {dtype.name}."
    method(name)(convert)


for _name, _dtype in _CASTS.items():
    _casting(_name, _dtype)

FORMER_CLASSES = {  # the names of PyTorch's former tensor classes
    dtypes.float32: "FloatTensor",
    dtypes.float64: "DoubleTensor",
    dtypes.float16: "HalfTensor",
    dtypes.int64: "LongTensor",
    dtypes.int32: "IntTensor",
    dtypes.int16: "ShortTensor",
    dtypes.int8: "CharTensor",
    dtypes.uint8: "ByteTensor",
    dtypes.bool: "BoolTensor",
    dtypes.complex64: "ComplexFloatTensor",
    dtypes.complex128: "ComplexDoubleTensor",
}


@method("type")
def type_of(input: Any, dtype: Any = None, non_blocking: bool = False) -> Any:
    """In another element type; without one, the name of its type as of old: ``"torch.FloatTensor"``.

    Args:
        dtype: an element type, or the name of a former class of tensors.
    """
    if dtype is None:
        return f"torch.{FORMER_CLASSES[input.dtype]}"
    if isinstance(dtype, dtypes.dtype):
        return cast(input, dtype)
    return cast(input, of_former_class(dtype))


def of_former_class(kind: Any) -> dtypes.dtype:
    """The element type of a former class of tensors, or of its name, such as ``"torch.DoubleTensor"``.

    Raises:
        ArgumentError: there is no such class.
    """
    name = kind if isinstance(kind, str) else f"torch.{getattr(kind, '__name__', '')}"
    for candidate, former in FORMER_CLASSES.items():
        if name.removeprefix("torch.") == former:
            return candidate
    raise ArgumentError(f"invalid type: {kind!r}; expected one such as handtorch.float64 or 'torch.DoubleTensor'")


@method()
def type_as(input: Any, other: Any) -> Any:
    """In the element type of another tensor."""
    return cast(input, other.dtype)


@method()
def cpu(input: Any, memory_format: Any = None) -> Any:
    """Itself: it is on the CPU."""
    return to(input, memory_format=memory_format)


@method()
def copy_(input: Any, src: Any, non_blocking: bool = False) -> Any:
    """Write ``src``, broadcast and cast, into this tensor."""
    source = src if isinstance(src, Tensor) else Tensor.of(np.asarray(src))
    if source.array.shape != input.array.shape:
        source = source.expand(*input.array.shape)
    if is_recorded(input, source):
        return write(input, cast(source, input.dtype))
    array = source.array
    with np.errstate(all="ignore"):
        np.copyto(
            input.array,
            array.real if array.dtype.kind == "c" and input.array.dtype.kind not in "cb" else array,
            casting="unsafe",
        )
    input._bump()
    return input


def fill(input: Any, value: Any) -> Any:
    """One value in every place, in the shape and type of ``input``."""
    return Fill()(input, _one_value(value))


@method()
def fill_(input: Any, value: Any) -> Any:
    """Write one value, a number or a 0-dimensional tensor, to every place."""
    value = _one_value(value)
    if is_recorded(input, value):
        return write(input, fill(input, value))
    refuse(input, input)
    input.array[...] = value.array if isinstance(value, Tensor) else input.array.dtype.type(value)
    input._bump()
    return input


def _one_value(value: Any) -> Any:
    if isinstance(value, Tensor) and value.array.ndim:
        raise ShapeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {value.array.ndim} dimensions."
        )
    if not isinstance(value, (Tensor, bool, int, float, complex, np.generic)):
        raise TypeError(f"fill_(): expected a number or a Tensor as value, got {type(value).__name__}")
    return value


@method()
def zero_(input: Any) -> Any:
    """Write zeros."""
    return fill_(input, 0)


def detach(input: Any) -> Any:
    """The same memory without the history."""
    return input.detach()


@method()
def detach_(input: Any) -> Any:
    """Cut this tensor off from its history."""
    input.op, input.needs_grad = None, False
    return input


@method()
def apply_(input: Any, callable: Any) -> Any:
    """Write to every place what a Python function makes of its number; slow, and for tensors without a gradient."""
    return map_with(callable, input)


@method()
def map_(input: Any, tensor: Any, callable: Any) -> Any:
    """Write to every place what a Python function makes of its number and that of another tensor."""
    return map_with(callable, input, tensor)


def map_with(function: Any, target: Any, *others: Any) -> Any:
    """Write ``function(a, b, ...)`` over the a of ``target``, element by element.

    Raises:
        GradientError: a tensor requires gradients, which cannot flow through a Python function.
    """
    if target.needs_grad or any(x.needs_grad for x in others):
        raise GradientError("can't call a Python function on the elements of a Tensor that requires grad; detach() it")
    numbers = [np.broadcast_to(x.array, target.array.shape).ravel().tolist() for x in (target, *others)]
    target.array[...] = np.reshape([function(*values) for values in zip(*numbers, strict=True)], target.array.shape)
    target._bump()
    return target


answer_functions(
    {
        np.astype: lambda x, dtype, /, *, copy=True: cast(x, dtypes.from_numpy(np.dtype(dtype))),
        np.full_like: lambda x, value: fill(x, value),
    }
)
