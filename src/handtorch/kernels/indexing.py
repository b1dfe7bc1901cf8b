"""Twin of adding at a key, for keys that name whole rows: the gradient of an embedding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import indexing
from handtorch.ops.indexing import from_the_front

_COLUMNS = 64  # a multiple of the cache line; narrower blocks would share lines between threads


@kernel
def _add_rows(places: Any, x: Any, low: Any, high: Any, y: Any) -> None:
    """Add the columns from low to high of every row of x to the row of y at its place."""
    for i in range(places.size):
        source, target = x[i], y[places[i]]
        for j in range(low, high):
            target[j] += source[j]


class ScatterAdd(indexing.ScatterAdd):
    """Row by row; each thread takes a block of columns."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        index = _only_part(self.key)
        return (
            isinstance(index, np.ndarray)
            and index.dtype.kind in "iu"
            and x.shape == index.shape + tuple(self.target[1:])
            and math.prod(self.target[1:]) >= 8
            and plain(x)
        )

    def forward(self, x: Any) -> Any:
        y = np.zeros(self.target, x.dtype)
        places = from_the_front(_only_part(self.key), self.target[0]).reshape(-1)
        rows, table = x.reshape(places.size, -1), y.reshape(self.target[0], -1)
        width = rows.shape[1]

        def piece(low: int, high: int) -> None:
            _add_rows(places, rows, np.uint64(low * _COLUMNS), np.uint64(min(high * _COLUMNS, width)), table)

        parallel_for(piece, -(-width // _COLUMNS), max(1, (1 << 14) // (places.size * _COLUMNS)))
        return y


def _only_part(key: Any) -> Any:
    """What the key is, or is a tuple of alone."""
    return key[0] if type(key) is tuple and len(key) == 1 else key
