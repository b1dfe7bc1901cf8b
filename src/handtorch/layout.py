"""How the elements of a tensor lie in memory: PyTorch's memory formats, as orders of NumPy's strides."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, ShapeError


class memory_format:
    """An order of elements, such as ``handtorch.channels_last``. There is one object for each."""

    __slots__ = ("name", "rank")

    def __init__(self, name: str, rank: int | None = None) -> None:
        self.name, self.rank = name, rank

    def __repr__(self) -> str:
        return f"handtorch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


contiguous_format = memory_format("contiguous_format")  # row-major
preserve_format = memory_format("preserve_format")  # as the original lies
channels_last = memory_format("channels_last", 4)  # (N, C, H, W) with the channels of a pixel beside each other
channels_last_3d = memory_format("channels_last_3d", 5)


class layout:
    """How a tensor is stored. Handtorch's tensors are all strided arrays."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"handtorch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided = layout("strided")
sparse_coo = layout("sparse_coo")  # a name that can be asked for, and is refused: see `check`


def check(asked: layout | None) -> None:
    """Raise unless a tensor can be made in this layout.

    Raises:
        ArgumentError: it is not strided.
    """
    if asked is not None and asked is not strided:
        raise ArgumentError(f"expected layout=strided, got {asked}: Handtorch's tensors are dense arrays")


def lies_in(array: np.ndarray, order: memory_format | None) -> bool:
    """Whether an array lies in a memory format already.

    Raises:
        ShapeError: the format is of images, and the array is none.
    """
    if order is None or order is preserve_format:
        return True
    return bool(_by_rows(array, order).flags.c_contiguous)


def copy_in(array: np.ndarray, order: memory_format | None) -> np.ndarray:
    """A copy of an array in a memory format: the array's own order of axes by default.

    Raises:
        ShapeError: the format is of images, and the array is none.
    """
    if order is None or order is preserve_format:
        return np.array(array, copy=True)
    rows: Any = np.array(_by_rows(array, order), copy=True, order="C")
    return rows if order.rank is None else np.moveaxis(rows, -1, 1)


def _by_rows(array: np.ndarray, order: memory_format) -> np.ndarray:
    """The array with its axes in the order in which they shall lie in memory."""
    if order.rank is None:
        return array
    if array.ndim != order.rank:
        raise ShapeError(f"required rank {order.rank} tensor to use {order.name} format, got shape {array.shape}")
    return np.moveaxis(array, 1, -1)
