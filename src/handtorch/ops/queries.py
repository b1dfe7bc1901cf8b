"""Questions about whole tensors and about element types."""

from __future__ import annotations

from typing import Any

from handtorch import dtypes
from handtorch.errors import ShapeError
from handtorch.ops.attach import method
from handtorch.tensor import Tensor

__all__ = [
    "can_cast",
    "is_complex",
    "is_floating_point",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "result_type",
]


def is_floating_point(input: Any) -> bool:
    """Whether the tensor holds floating point numbers."""
    return input.is_floating_point()


def is_complex(input: Any) -> bool:
    """Whether the tensor holds complex numbers."""
    return input.is_complex()


@method()
def is_signed(input: Any) -> bool:
    """Whether the tensor's type has negative numbers."""
    return input.dtype.is_signed


@method()
def is_nonzero(input: Any) -> bool:
    """Whether the one element of the tensor is other than 0.

    Raises:
        ShapeError: there is more or less than one.
    """
    if input.array.size != 1:
        raise ShapeError(f"Boolean value of Tensor with {input.array.size} values is ambiguous; use .any() or .all()")
    return bool(input.array.item())


@method()
def is_same_size(input: Any, other: Any) -> bool:
    """Whether both tensors have the same shape."""
    return input.array.shape == other.array.shape


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The element type in which two tensors or numbers meet."""
    return dtypes.result_type([x.array if isinstance(x, Tensor) else x for x in (tensor1, tensor2)])


def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether a result of one type may be written to a tensor of the other: not from complex to real, and so on."""
    return from_.category <= to.category
