"""Keys: what stands between brackets, as NumPy has to get it so that PyTorch's rules come out."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, DimensionError
from handtorch.tensor import Tensor

_PLAIN = {int, slice, type(None), type(...)}
ALL = slice(None)


def parts_of(key: Any) -> tuple[Any, ...]:
    """A key as a tuple."""
    return key if isinstance(key, tuple) else (key,)


def names_each_once(key: Any) -> bool:
    """Whether no element can be named twice: a key without arrays of integers."""
    for part in parts_of(key):
        if type(part) not in _PLAIN and not (isinstance(part, (np.ndarray, bool)) and np.asarray(part).dtype == bool):
            return False
    return True


def why_not(key: Any, shape: tuple[int, ...]) -> str:
    """What is wrong with a key for this shape; nothing, if nothing is."""
    parts = parts_of(key)
    axes = sum(_axes_of(part) for part in parts)
    if axes > len(shape):
        if not shape:
            return (
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim tensor to a number"
            )
        return f"too many indices for tensor of dimension {len(shape)}"
    axis = 0
    for part in parts:
        if part is Ellipsis:
            axis += len(shape) - axes
        if isinstance(part, np.ndarray) and part.dtype == bool:
            if part.shape != shape[axis : axis + part.ndim]:
                return (
                    f"The shape of the mask {list(part.shape)} at index {axis} does not match the shape of the indexed "
                    f"tensor {list(shape)} at index {axis}"
                )
        elif isinstance(part, (int, np.ndarray)) and not isinstance(part, bool):
            outside = [int(i) for i in np.ravel(part) if not -shape[axis] <= i < shape[axis]]
            if outside:
                return f"index {outside[0]} is out of bounds for dimension {axis} with size {shape[axis]}"
        axis += _axes_of(part)
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    try:
        np.broadcast_shapes(*((int(a.sum()),) if a.dtype == bool else a.shape for a in arrays))
    except ValueError:
        shapes = ", ".join(str(list(a.shape)) for a in arrays)
        return f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
    return ""


def _axes_of(part: Any) -> int:
    """How many axes of the tensor a part of a key stands for."""
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype == bool else 1


def is_plain(index: Any) -> bool:
    """Whether an index consists of integers, slices, None and Ellipsis, which make a view."""
    if type(index) is not tuple:
        index = (index,)
    seen = False  # more than one Ellipsis is not NumPy's
    for part in index:
        kind = type(part)
        if kind not in _PLAIN:
            return False
        if part is Ellipsis:
            if seen:
                return False
            seen = True
        elif kind is slice and part.step is not None and not isinstance(part.step, Tensor) and part.step <= 0:
            raise ArgumentError("step must be greater than zero")
    return True


def lookups(index: Any) -> list[Any]:
    """The keys, one or two, that have to be looked up one after the other.

    PyTorch takes integers and slices first, then looks up arrays in the view that they leave. NumPy counts an integer
    beside an array as an array too, which may put axes elsewhere; so where both stand together, these are two steps.
    """
    if is_plain(index):
        return [index]
    parts = [_part(part) for part in (index if _is_sequence_of_parts(index) else (index,))]
    for i in [i for i, part in enumerate(parts) if part is Ellipsis][:0:-1]:
        del parts[i]  # a second Ellipsis stands for nothing
    arrays = any(isinstance(part, (np.ndarray, bool)) for part in parts)
    if not arrays or not any(type(part) is int for part in parts):
        return [tuple(parts)]
    basic: list[Any] = []
    advanced: list[Any] = []
    for part in parts:
        if isinstance(part, (np.ndarray, bool)):
            basic += [ALL] * _axes_of(part)
            advanced.append(part)
        else:
            basic.append(part)
            if type(part) is not int:
                advanced.append(part if part is Ellipsis else ALL)
    return [tuple(basic), tuple(advanced)]


def _is_sequence_of_parts(index: Any) -> bool:
    """Whether an index is a tuple, or a list that PyTorch takes for one because more than numbers are in it."""
    if isinstance(index, tuple):
        return True
    return (
        isinstance(index, list)
        and len(index) < 32
        and any(part is None or part is Ellipsis or isinstance(part, (Tensor, slice, list, tuple)) for part in index)
    )


def _part(part: Any) -> Any:
    """A part of an index for NumPy: Tensors and sequences as arrays of int64 or bool, single numbers as such."""
    kind = type(part)
    if kind in _PLAIN or kind is bool:
        is_plain(part)
        return part
    if isinstance(part, np.integer):
        return int(part)
    if isinstance(part, Tensor):
        array = part.array
    elif isinstance(part, np.ndarray):
        array = part
    elif isinstance(part, (list, tuple, range)):
        from handtorch.from_data import tensor

        array = tensor(part).array if len(part) else np.empty(0, np.int64)
    elif isinstance(part, str):
        raise TypeError("new(): invalid data type 'str'")
    else:
        raise DimensionError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            f"(got {kind.__name__})"
        )
    if array.dtype == np.uint8:
        array = array.astype(bool)
    if array.dtype == bool:
        return array if array.ndim else bool(array)
    if array.dtype != np.int64 and array.dtype != np.int32:
        raise DimensionError("tensors used as indices must be long, int, byte or bool tensors")
    return array if array.ndim else int(array)
