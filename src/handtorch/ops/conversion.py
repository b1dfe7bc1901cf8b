"""Other element types, filling, copying: methods that change what a tensor holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.ops.arithmetic import cast, clone
from handtorch.ops.attach import method
from handtorch.ops.writing import write
from handtorch.tensor import Tensor, device


@method()
def to(input: Any, *args: Any, dtype: Any = None, copy: bool = False, **_: Any) -> Any:
    """In another element type, or in that of another tensor; the only device is the CPU."""
    for arg in args:
        if isinstance(arg, dtypes.dtype):
            dtype = arg
        elif isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, str):
            device(arg)
    result = input if dtype is None else cast(input, dtype)
    return clone(result) if copy and result is input else result


def _casting(name: str, dtype: dtypes.dtype) -> None:
    def convert(input: Any, memory_format: Any = None) -> Any:
        return cast(input, dtype)

    convert.__name__ = name
    convert.__doc__ = f"In the element type {dtype.name}."
    method(name)(convert)


for _name, _dtype in {
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
}.items():
    _casting(_name, _dtype)


@method()
def type_as(input: Any, other: Any) -> Any:
    """In the element type of another tensor."""
    return cast(input, other.dtype)


@method()
def cpu(input: Any, memory_format: Any = None) -> Any:
    """Itself: it is on the CPU."""
    return input


@method()
def copy_(input: Any, src: Any, non_blocking: bool = False) -> Any:
    """Write ``src``, broadcast and cast, into this tensor."""
    source = src if isinstance(src, Tensor) else Tensor.of(np.asarray(src))
    if source.array.shape != input.array.shape:
        source = source.expand(*input.array.shape)
    return write(input, cast(source, input.dtype))


@method()
def fill_(input: Any, value: Any) -> Any:
    """Write one value to every place."""
    return write(input, Tensor.of(np.full_like(input.array, value.item() if isinstance(value, Tensor) else value)))


@method()
def zero_(input: Any) -> Any:
    """Write zeros."""
    return fill_(input, 0)


@method()
def detach_(input: Any) -> Any:
    """Cut this tensor off from its history."""
    input.op, input.needs_grad = None, False
    return input
