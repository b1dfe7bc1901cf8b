"""Where in a sequence a step stands: rows of a table added to the steps, or features turned by an angle."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from handtorch.errors import ShapeError
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample


class AddPositions(Op):
    """y[..., t, :] = x[..., t, :] + table[start + t, :] with x (..., T, D) and table (S, D), S >= start + T.

    dL/dx = g, and dL/dtable holds g, summed over what precedes t, in its rows from ``start`` on, else 0.

    Args:
        start: how many steps came before the first one of x.
    """

    def __init__(self, start: int = 0) -> None:
        self.start = start

    def forward(self, x: Any, table: Any) -> Any:
        end = self.start + x.shape[-2]
        if end > table.shape[0]:
            raise ShapeError(f"expected at most {table.shape[0]} steps, which the table of positions has, got {end}")
        self.save(x, table)
        return x + table[self.start : end]

    def backward(self, g: Any) -> Any:
        _, table = self.saved
        if not self.needs(1):
            return g, None
        rows = np.sum(np.reshape(g, (-1, *g.shape[-2:])), axis=0)
        before, behind = self.start, table.shape[0] - self.start - g.shape[-2]
        zeros = [np.zeros((count, table.shape[1]), table.dtype) for count in (before, behind)]
        return g, np.concatenate([zeros[0], rows, zeros[1]])

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(2, 3, 4), normal(5, 4))
        yield sample(lambda: cls(2), normal(2, 2, 3, 4), normal(6, 4))
        yield sample(lambda: cls(1), normal(3, 4), normal(4, 4))
        yield bad(cls, normal(2, 6, 4), normal(5, 4))
        yield bad(cls, normal(2, 3, 4), normal(5, 3))


class Turn(Op):
    r"""Turn pairs of features by angles that grow with the position (Su et al. 2021, "RoFormer", equation 34).

    With x (..., T, E), pair i the features i and i + E/2, and θ = (start + t) / base^(2i/E)::

        y[t, i]       = x[t, i] cos θ - x[t, i + E/2] sin θ
        y[t, i + E/2] = x[t, i + E/2] cos θ + x[t, i] sin θ

    The product of a query turned by its position and a key turned by its own depends on how far apart they are, and
    not on where they stand. dL/dx = g turned back.

    Args:
        start: how many steps came before the first one of x.
        base: of the angles; the slowest pair turns once in about 2π base steps.
        back: by the negative angles.
    """

    twin_from = 8_192

    def __init__(self, start: int = 0, base: float = 10_000.0, back: bool = False) -> None:
        self.start, self.base, self.back = start, base, back

    def angles(self, x: Any) -> tuple[Any, Any]:
        """cos θ and sin θ (T, E/2) for x (..., T, E)."""
        end, half = self.start + x.shape[-2], x.shape[-1] // 2
        rows = 1 << max(end - 1, 255).bit_length()
        cos, sin = turns(rows, half, self.base, x.dtype)
        return cos[self.start : end], sin[self.start : end]

    def forward(self, x: Any) -> Any:
        if x.ndim < 2 or x.shape[-1] % 2:
            raise ShapeError(f"expected x (..., T, E) with an even number of features E, got {tuple(x.shape)}")
        self.save()
        cos, sin = self.angles(x)
        half = x.shape[-1] // 2
        first, second = x[..., :half], x[..., half:]
        if self.back:
            sin = -sin
        return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)

    def backward(self, g: Any) -> Any:
        return Turn.forward(Turn(self.start, self.base, not self.back), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(2, 3, 4))
        yield sample(lambda: cls(5, 100.0), normal(2, 2, 3, 6))
        yield sample(lambda: cls(300, back=True), normal(4, 2))
        yield sample(lambda: cls(7), normal(2, 3, 40, 64))
        yield bad(cls, normal(3, 5))


@cache
def turns(rows: int, half: int, base: float, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin (rows, half) of the angles t / base^(i / half) of position t and pair i."""
    angles = np.arange(rows)[:, None] / base ** (np.arange(half) / half)
    return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)
