"""Masks: values written where a boolean tensor holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.indexing import SetItem, number_as
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.ops.writing import in_two_forms, overwrite
from handtorch.tensor import Tensor

__all__ = [
    "masked_fill",
    "masked_scatter",
]


class MaskedFill(Op):
    """y = v where the mask holds, else x. dL/dx = g where it does not, dL/dv = Σ g where it does.

    Args:
        mask: broadcast against x.
    """

    in_place = False  # y is x itself

    def __init__(self, mask: Any) -> None:
        self.mask = mask

    def forward(self, x: Any, v: Any) -> Any:
        if self.in_place:
            np.copyto(x, v, where=self.mask, casting="unsafe")
            return x
        return np.where(self.mask, np.asarray(v, x.dtype), x)

    def backward(self, g: Any) -> Any:
        return np.where(self.mask, 0, g), np.where(self.mask, g, 0) if self.needs(1) else None

    def explain(self, *arrays: Any) -> str:
        return f"masked_fill: cannot broadcast the mask {self.mask.shape} against {arrays[0].shape}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        mask = np.array([[True, False, True, False]])
        yield sample(lambda: cls(mask), normal(3, 4), normal())
        yield sample(lambda: cls(mask), normal(3, 1), -2.5)
        yield bad(lambda: cls(mask), normal(3), 0.0)


@in_two_forms
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """input with a number, or a tensor without axes, where the mask holds."""
    array = mask.array
    if array.dtype == np.uint8:  # masks of the time before there was a boolean type
        array = array.astype(bool)
    if array.dtype != bool:
        raise DtypeError(f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype}")
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise ShapeError(
                f"masked_fill only supports a 0-dimensional value tensor, but got tensor with {value.array.ndim} "
                f"dimension(s)."
            )
        if value.array.dtype.kind == "c" and input.array.dtype.kind != "c":
            raise DtypeError(f"value cannot be converted to type {input.dtype} without overflow")
        return MaskedFill(array), value
    return MaskedFill(array), number_as(value, input.array.dtype)


@method()
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """input with the elements of ``source``, in row-major order, where the mask holds."""
    shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    key, values = _elements(input, mask, source, shape)
    return SetItem(key)(input if input.array.shape == shape else input.expand(*shape), values)


@method()
def masked_scatter_(input: Any, mask: Any, source: Any) -> Any:
    """In-place version of :func:`masked_scatter`."""
    key, values = _elements(input, mask, source, input.array.shape)
    return overwrite(input, SetItem(key), values)


def _elements(input: Any, mask: Any, source: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The mask as a key, and the elements of ``source`` that it takes."""
    if source.array.dtype != input.array.dtype:
        raise DtypeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.dtype} and {source.dtype}"
        )
    if mask.array.dtype != bool:
        raise DtypeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype}")
    key = np.broadcast_to(mask.array, shape)
    count = int(np.count_nonzero(key))
    if count > source.array.size:
        raise ShapeError(
            f"Number of elements of source < number of ones in mask: {source.array.size} elements for {count} places"
        )
    return key if shape else bool(key), source.reshape(-1)[:count]
