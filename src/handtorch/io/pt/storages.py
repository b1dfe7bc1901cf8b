"""What the tensors of a file are built on: bytes, and the element type in which a pickle says they are."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DtypeError, FormatError
from handtorch.io.excerpt import excerpt
from handtorch.storage import TypedStorage
from handtorch.tensor import Tensor

_MOST_AXES = 64  # of a NumPy array

#: PyTorch's names of storages; a name that is not here is of a type that Handtorch has not.
STORAGES = {
    "FloatStorage": dtypes.float32,
    "DoubleStorage": dtypes.float64,
    "HalfStorage": dtypes.float16,
    "LongStorage": dtypes.int64,
    "IntStorage": dtypes.int32,
    "ShortStorage": dtypes.int16,
    "CharStorage": dtypes.int8,
    "ByteStorage": dtypes.uint8,
    "BoolStorage": dtypes.bool,
    "ComplexFloatStorage": dtypes.complex64,
    "ComplexDoubleStorage": dtypes.complex128,
}
NAMES = {dtype: name for name, dtype in STORAGES.items()}
BFLOAT16 = "BFloat16Storage"


class StorageKind:
    """What a pickle says about the elements of a storage: the name of PyTorch's class for them."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def itemsize(self) -> int:
        """Bytes of one element in the file."""
        if self.name == BFLOAT16:
            return 2
        if self.name not in STORAGES:
            raise DtypeError(f"expected one of {', '.join(STORAGES)}, got {self.name}, a type that Handtorch has not")
        return STORAGES[self.name].itemsize


def make_storage(kind: StorageKind, data: np.ndarray, order: str) -> TypedStorage:
    """A storage on bytes that were read.

    Args:
        kind: their element type.
        data: the bytes (n,), which may be written to.
        order: ``"little"`` or ``"big"``, the byte order of the machine that wrote them.

    Raises:
        FormatError: a truth value that is neither 0 nor 1.
    """
    if kind.name == BFLOAT16:  # the upper half of a float32
        warnings.warn("the file holds bfloat16, which becomes float32 here: the same numbers", stacklevel=2)
        halves = data.view("<u2" if order == "little" else ">u2")
        return TypedStorage.of((halves.astype(np.uint32) << 16).view(np.float32))
    dtype = STORAGES[kind.name]
    stored = data.view(dtype.numpy.newbyteorder("<" if order == "little" else ">"))
    if dtype is dtypes.bool and data.max(initial=0) > 1:
        raise FormatError("expected only 0 and 1 in a storage of truth values, got another byte")
    return TypedStorage.of(stored.astype(dtype.numpy, copy=False))  # a copy only where the order of bytes is another


def empty_storage(kind: StorageKind, count: int) -> TypedStorage:
    """A storage of so many elements, which are not set yet."""
    return TypedStorage(count, STORAGES.get(kind.name, dtypes.float32))


def make_tensor(storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False) -> Tensor:
    """A tensor that looks at a part of a storage; offset and strides count elements.

    Raises:
        FormatError: it would reach beyond the storage, or is not described by whole numbers.
    """
    if not isinstance(storage, TypedStorage):
        raise FormatError(f"expected a storage for a tensor, got {type(storage).__name__}")
    if not isinstance(size, tuple) or not isinstance(stride, tuple) or len(size) != len(stride):
        raise FormatError(f"expected as many strides as axes, got shape {excerpt(size)}, strides {excerpt(stride)}")
    if not all(type(n) is int and 0 <= n < 2**62 for n in (offset, *size, *stride)):
        raise FormatError(f"expected whole numbers as offset, shape and strides, got {excerpt((offset, size, stride))}")
    if len(size) > _MOST_AXES:
        raise FormatError(f"expected at most {_MOST_AXES} axes, got {len(size)}")
    if math.prod(size) >= 2**62:
        raise FormatError(f"expected a shape that memory can be counted for, got {excerpt(size)}")
    length = storage.size()
    end = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1 if all(size) else 0
    if end > length or offset > length:
        raise FormatError(f"expected a tensor within its storage of {length} elements, got one up to element {end}")
    kind = storage.array.dtype
    if not all(size):
        return _with_gradient(np.empty(size, kind), requires_grad)
    steps = tuple(step * kind.itemsize for step in stride)
    return _with_gradient(np.ndarray(size, kind, storage.array, offset * kind.itemsize, steps), requires_grad)


def _with_gradient(array: np.ndarray, requires_grad: Any) -> Tensor:
    if type(requires_grad) is not bool or (requires_grad and array.dtype.kind not in "fc"):
        raise FormatError(f"expected requires_grad for floating point numbers only, got it for {array.dtype}")
    made = Tensor.of(array)
    made.needs_grad = requires_grad
    return made
