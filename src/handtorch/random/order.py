"""Numbers for arrays that do not lie row by row: PyTorch draws them in the order in which they lie in memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def in_order_of_memory(array: np.ndarray, draw: Callable[..., np.ndarray], *parameters: np.ndarray) -> np.ndarray:
    """Numbers in the shape of an array, drawn in the order in which its elements lie in memory.

    Args:
        draw: called with a shape and with the parameters, whose axes are in that order.
        parameters: arrays of the array's shape.
    """
    if array.flags.c_contiguous:
        return draw(array.shape, *parameters)
    order = np.argsort([-step for step in array.strides], kind="stable")
    shape = tuple(array.shape[axis] for axis in order)
    return draw(shape, *(p.transpose(order) for p in parameters)).transpose(np.argsort(order))


def without_gaps(array: np.ndarray) -> np.ndarray:
    """Memory in the shape of an array and in the order in which its elements lie; row by row if they share places."""
    return np.empty(array.shape, array.dtype) if 0 in array.strides else np.empty_like(array)
