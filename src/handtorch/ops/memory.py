"""Memory: where the elements of arrays lie, which of them share a place, and arrays laid over memory at will."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def storage(array: np.ndarray) -> np.ndarray:
    """The array that holds the memory which ``array`` is a view of."""
    while True:
        base = array.base
        if isinstance(base, memoryview):
            base = base.obj
        if not isinstance(base, np.ndarray):
            return array
        array = base


def bytes_behind(array: np.ndarray) -> np.ndarray:
    """All memory that an array is a view of, as bytes (n,)."""
    whole = storage(array)
    if not whole.flags.c_contiguous:
        whole = whole.transpose(np.argsort(whole.strides, kind="stable")[::-1])
    return whole.reshape(-1).view(np.uint8)


def address(array: np.ndarray) -> int:
    """Where the first element lies."""
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def offset_of(array: np.ndarray) -> int:
    """Where an array begins in its memory, in elements."""
    return (address(array) - address(storage(array))) // array.itemsize


def steps_of(array: np.ndarray) -> list[int]:
    """The strides in elements."""
    size = array.itemsize
    return [step // size for step in array.strides]


def strided(x: np.ndarray, shape: Sequence[int], steps: Sequence[int], ahead: int = 0) -> np.ndarray:
    """The memory of x, from ``ahead`` elements after its first one, in a shape with steps in elements.

    Raises:
        ValueError: that is more than the memory.
    """
    if 0 in shape:
        return np.empty(shape, x.dtype)
    whole = storage(x)
    start = address(x) - address(whole) + ahead * x.itemsize
    last = sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    if start < 0 or start + (last + 1) * x.itemsize > whole.nbytes:  # NumPy does not look where the memory is empty
        raise ValueError("more than the memory")
    if not whole.flags.c_contiguous:
        whole = whole.transpose(np.argsort(whole.strides, kind="stable")[::-1])
    return np.ndarray(shape, x.dtype, whole, start, [step * x.itemsize for step in steps])


def at_steps(shape: Sequence[int], steps: Sequence[int], start: int = 0) -> np.ndarray:
    """start + Σ index_i · step_i for every place of a shape: where strided elements lie."""
    places = np.full((1,) * len(shape), start)
    for axis, (length, step) in enumerate(zip(shape, steps, strict=True)):
        places = places + (np.arange(length) * step).reshape((-1,) + (1,) * (len(shape) - 1 - axis))
    return places


def places_of(view: np.ndarray, base: np.ndarray) -> np.ndarray:
    """For each element of a view its place in the base, counted in the base's row-major order."""
    ahead = (address(view) - address(base)) // base.itemsize
    if base.flags.c_contiguous:
        return at_steps(view.shape, steps_of(view), ahead)
    lowest = sum((n - 1) * step for n, step in zip(base.shape, steps_of(base), strict=True) if step < 0)
    lie = at_steps(base.shape, steps_of(base), -lowest)
    numbers = np.full(int(lie.max(initial=0)) + 1, -1)
    numbers[lie] = np.arange(base.size).reshape(base.shape)
    return numbers[at_steps(view.shape, steps_of(view), ahead - lowest)]


def overlaps(array: np.ndarray) -> bool:
    """Whether elements of an array share memory, or it must not be written to at all."""
    if not array.flags.writeable:
        return True
    if 0 not in array.strides or not array.size:
        return False
    return any(n > 1 and not step for n, step in zip(array.shape, array.strides, strict=True))
