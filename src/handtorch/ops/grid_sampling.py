"""Sampling at the points of a grid: sums over a few elements each, whose weights depend on where a point lies.

All rests on one trilinear form, Σ g[n, c, p] w[n, k, p] x[n, c, s] over n, c, p and k with s = places[n, k, p]: point
p of picture n shows the sum of the elements s with weights w. Its derivatives by g, w and x are the three ops here, so
each of them has the other two for its own derivatives, of any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.ops.elementwise import run
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, integers, normal, sample


class AtPlaces(Op):
    """One derivative of the trilinear form.

    Args:
        places: (N, K, P) of elements; ``size`` stands for no element.
        size: S, how many elements there are.
    """

    twin_from = 16_384

    def __init__(self, places: np.ndarray, size: int) -> None:
        self.places, self.size = places, size

    def looked_up(self, x: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
        """(n, k, the elements (C, P) of x[n] at places[n, k]), with 0 for no element."""
        for n in range(len(self.places)):
            filled = np.concatenate([x[n], np.zeros((x.shape[1], 1), x.dtype)], axis=1)
            for k in range(self.places.shape[1]):
                yield n, k, np.take(filled, self.places[n, k], axis=1)

    def explain(self, *arrays: Any) -> str:
        shapes = " and ".join(str(a.shape) for a in arrays)
        return f"grid sampling: {shapes} do not fit places (N, K, P) = {self.places.shape} in {self.size} elements"


class Lookup(AtPlaces):
    """y[n, c, p] = Σ_k w[n, k, p] x[n, c, s] with s = places[n, k, p].

    dL/dx: :class:`Spread`, dL/dw: :class:`Match`.
    """

    def forward(self, x: Any, w: Any) -> Any:
        self.save(x, w)
        y = np.zeros((*x.shape[:2], w.shape[2]), x.dtype)
        weights = w.astype(x.dtype, copy=False)
        for n, k, found in self.looked_up(x):
            found *= weights[n, k]
            y[n] += found
        return y

    def backward(self, g: Any) -> Any:
        x, w = self.saved
        dx = run(Spread(self.places, self.size), g, w) if self.needs(0) else None
        return dx, run(Match(self.places, self.size), g, x) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(integers(0, 6, 2, 3, 4), 5), normal(2, 3, 5), normal(2, 3, 4))
        yield sample(lambda: cls(integers(0, 601, 2, 3, 4), 600), normal(2, 20, 600), normal(2, 3, 4))
        yield bad(lambda: cls(integers(0, 6, 2, 3, 4), 5), normal(2, 3, 5), normal(2, 3, 7))


class Spread(AtPlaces):
    """y[n, c, s] = Σ_p Σ_k w[n, k, p] x[n, c, p] over places[n, k, p] = s.

    dL/dx: :class:`Lookup`, dL/dw: :class:`Match`.
    """

    def forward(self, x: Any, w: Any) -> Any:
        self.save(x, w)
        batch, channels, _ = x.shape
        y = np.empty((batch, channels, self.size), x.dtype)
        for n in range(batch):
            places = self.places[n].reshape(-1)
            for c in range(channels):
                y[n, c] = np.bincount(places, (w[n] * x[n, c]).reshape(-1), self.size + 1)[: self.size]
        return y

    def backward(self, g: Any) -> Any:
        x, w = self.saved
        dx = run(Lookup(self.places, self.size), g, w) if self.needs(0) else None
        return dx, run(Match(self.places, self.size), x, g) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(integers(0, 6, 2, 3, 4), 5), normal(2, 3, 4), normal(2, 3, 4))
        yield sample(lambda: cls(integers(0, 6, 2, 3, 600), 5), normal(2, 20, 600), normal(2, 3, 600))


class Match(AtPlaces):
    """y[n, k, p] = Σ_c x[n, c, p] z[n, c, s] with s = places[n, k, p], in float64, as weights are.

    dL/dx: :class:`Lookup`, dL/dz: :class:`Spread`.
    """

    def forward(self, x: Any, z: Any) -> Any:
        self.save(x, z)
        y = np.empty(self.places.shape)
        for n, k, found in self.looked_up(z):
            y[n, k] = np.einsum("cp,cp->p", x[n], found, dtype=np.float64)
        return y

    def backward(self, g: Any) -> Any:
        x, z = self.saved
        dx = run(Lookup(self.places, self.size), z, g) if self.needs(0) else None
        return dx, run(Spread(self.places, self.size), x, g) if self.needs(1) else None

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(integers(0, 6, 2, 3, 4), 5), normal(2, 3, 4), normal(2, 3, 5))
        yield sample(lambda: cls(integers(0, 6, 2, 3, 600), 5), normal(2, 20, 600), normal(2, 20, 5))


class BringInside(Op):
    """y = x where it lies between 0 and n - 1, else the nearer end; or what x is after reflections at both ends.

    dL/dx = g, with the sign that reflections have given x; 0 where y is an end.

    Args:
        n: how many elements the axis has.
        mirrors: None for no reflections, else the places of the two mirrors.
    """

    quiet = True

    def __init__(self, n: int, mirrors: tuple[float, float] | None = None) -> None:
        self.n, self.mirrors = n, mirrors

    def forward(self, x: Any) -> Any:
        y, self.slope = x, np.ones_like(x)
        if self.mirrors is not None:
            y, self.slope = _reflected(x, *self.mirrors)
        self.slope = np.where((y > 0) & (y < self.n - 1), self.slope, 0).astype(x.dtype)
        return np.nan_to_num(np.clip(y, 0, self.n - 1), copy=False)

    def backward(self, g: Any) -> Any:
        return g * self.slope

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        x = np.array([-9.3, -1.4, -0.3, 0.3, 2.6, 3.2, 3.7, 4.1, 11.3])
        yield sample(lambda: cls(4), x)
        yield sample(lambda: cls(4, (0, 3)), x)
        yield sample(lambda: cls(4, (-0.5, 3.5)), x)
        yield sample(lambda: cls(1, (0, 0)), x)


def _reflected(x: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """x after reflections at two mirrors, and the sign that they have given it."""
    if low == high:
        return np.zeros_like(x), np.zeros_like(x)
    ahead = np.abs(x - low)
    turns, rest = np.divmod(ahead, high - low)
    back = turns % 2 == 1
    y = np.where(back, high - rest, rest + low).astype(x.dtype)
    return y, np.where(x < low, -1, 1) * np.where(back, -1, 1)
