"""Unpooling: the largest elements of windows put back to where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, RangeError, ShapeError
from handtorch.factories import zeros
from handtorch.ops.gathering import along
from handtorch.ops.indexing import SetItem
from handtorch.ops.pooling import check_lengths, need_kind, sizes


def max_unpool(
    name: str, axes: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Any:
    """Zeros (C, *) or (N, C, *), with the elements of the input at places counted through the axes *.

    Of several elements for one place the last is kept, and each gets its gradient, as in PyTorch.

    Raises:
        DtypeError: the places are not int64.
        RangeError: ``output_size`` cannot have been the shape before the pooling, or a stride is not positive.
        ShapeError: a place lies outside, or the shapes differ.
    """
    lengths = check_lengths(name, need_kind(name, input), axes)
    kernel = sizes(name, "kernel_size", kernel_size, axes)
    steps = kernel if stride is None or stride in ((), []) else sizes(name, "stride", stride, axes)
    if min(steps) <= 0:
        raise RangeError(f"{name}(): strides should be greater than zero, but got stride: {list(steps)}")
    natural = [
        (n - 1) * step + size - 2 * pad
        for n, step, size, pad in zip(lengths, steps, kernel, sizes(name, "padding", padding, axes), strict=True)
    ]
    target = natural if output_size is None else _checked(name, output_size, natural, steps)
    if min(target) < 0:
        raise RangeError(f"{name}(): output_size must contain non-negative spatial dimensions, but got {target}")
    places = _checked_places(name, input, indices, target)
    planes = input.array.shape[: input.array.ndim - axes]
    rows, size = int(np.prod(planes)), int(np.prod(target))
    found = int(np.prod(lengths))
    key = along(1, places.reshape(rows, found))
    blank = zeros(rows, size, dtype=input.dtype)
    return SetItem(key)(blank, input.reshape(rows, found)).reshape(*planes, *target)


def _checked(name: str, output_size: Any, natural: Sequence[int], steps: Sequence[int]) -> list[int]:
    axes = len(natural)
    target = list(output_size)
    if len(target) == axes + 2:
        target = target[2:]
    if len(target) != axes:
        raise RangeError(
            f"{name}(): output_size should be a sequence containing {axes} or {axes + 2} elements, but it has a "
            f"length of {len(target)}"
        )
    for axis, (length, n, step) in enumerate(zip(target, natural, steps, strict=True)):
        if not n - step < length < n + step:
            raise RangeError(
                f"{name}(): invalid output_size {target}: dim {axis} must be between {n - step} and {n + step}"
            )
    return target


def _checked_places(name: str, input: Any, indices: Any, target: Sequence[int]) -> np.ndarray:
    places: np.ndarray = indices.array
    if places.dtype != np.int64:
        raise DtypeError(f"{name}(): elements in indices should be type int64 but got: {indices.dtype}")
    if places.shape != input.array.shape:
        raise ShapeError(
            f"{name}(): Expected shape of indices to be same as that of the input {list(input.array.shape)}, but got "
            f"indices with shape {list(places.shape)}"
        )
    size = int(np.prod(target))
    outside = (places < 0) | (places >= size)
    if outside.any():
        raise ShapeError(
            f"{name}(): Found an invalid max index: {places[outside][0]} (output volumes are of size {list(target)})"
        )
    return places
