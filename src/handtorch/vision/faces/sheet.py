"""Many pictures as one, to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, ShapeError


def contact_sheet(pictures: Any, columns: int, gap: int = 2) -> npt.NDArray[np.uint8]:
    """Lay pictures out in rows.

    Args:
        pictures: (N, H, W, 3) uint8.
        columns: how many stand side by side.
        gap: white pixels between them.

    Returns:
        (rows (H + gap) - gap, columns (W + gap) - gap, 3) uint8; places without a picture are white.
    """
    array = np.asarray(pictures)
    if array.ndim != 4 or array.shape[3] != 3 or array.dtype != np.uint8:
        raise ShapeError(f"expected pictures (N, H, W, 3) of uint8, got {array.shape} of {array.dtype}")
    if columns < 1 or gap < 0:
        raise ArgumentError(f"expected at least one column and a gap of at least 0, got {columns} and {gap}")
    number, height, width, _ = array.shape
    rows = -(-number // columns)
    sheet = np.full((rows, height + gap, columns, width + gap, 3), 255, np.uint8)
    for index, picture in enumerate(array):
        sheet[index // columns, :height, index % columns, :width] = picture
    return sheet.reshape(rows * (height + gap), columns * (width + gap), 3)[: -gap or None, : -gap or None]
