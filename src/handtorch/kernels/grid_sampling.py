"""Twins of the three ops of grid sampling: channel by channel, so that the plane looked up stays in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import grid_sampling

_GRAIN = 1 << 14  # products that are worth a thread


def _suit(places: np.ndarray, x: np.ndarray, other: np.ndarray) -> bool:
    """Whether arrays can go to a kernel: solid memory, floating point, and as many pictures as places are for."""
    solid = all(a.dtype in (np.float32, np.float64) and a.flags.c_contiguous for a in (x, other))
    return solid and len(x) == len(other) == len(places)


class _Fast(grid_sampling.AtPlaces):
    """What the kernels share: pictures are dealt out to the threads."""

    def _by_picture(self, compute: Callable[..., None], channels: int, *arrays: np.ndarray) -> None:
        each = self.places[0].size * channels if len(self.places) else 1

        def work(low: int, high: int) -> None:
            compute(*[a[low:high] for a in (self.places, *arrays)], self.size)

        parallel_for(work, len(self.places), -(-_GRAIN // max(each, 1)))

    def lookup(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Of :class:`Lookup`."""
        y = np.zeros((*x.shape[:2], w.shape[2]), x.dtype)
        self._by_picture(_lookup, x.shape[1], x, w.astype(x.dtype, copy=False), y)
        return y

    def spread(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Of :class:`Spread`."""
        y = np.zeros((*x.shape[:2], self.size), x.dtype)
        self._by_picture(_spread, x.shape[1], x, w.astype(x.dtype, copy=False), y)
        return y

    def match(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Of :class:`Match`."""
        y = np.zeros(self.places.shape)
        self._by_picture(_match, x.shape[1], x, z, y)
        return y


class Lookup(_Fast, grid_sampling.Lookup):
    """Sums of elements."""

    def accepts(self, x: Any, w: Any) -> bool:  # type: ignore[override]
        return _suit(self.places, x, w) and w.shape == self.places.shape and x.shape[2] == self.size

    def forward(self, x: Any, w: Any) -> Any:
        self.save(x, w)
        return self.lookup(x, w)

    def backward(self, g: Any) -> Any:
        x, w = self.saved
        g = np.ascontiguousarray(g)
        return self.spread(g, w) if self.needs(0) else None, self.match(g, x) if self.needs(1) else None


class Spread(_Fast, grid_sampling.Spread):
    """Its transpose."""

    def accepts(self, x: Any, w: Any) -> bool:  # type: ignore[override]
        return _suit(self.places, x, w) and w.shape == self.places.shape and x.shape[2] == w.shape[2]

    def forward(self, x: Any, w: Any) -> Any:
        self.save(x, w)
        return self.spread(x, w)

    def backward(self, g: Any) -> Any:
        x, w = self.saved
        g = np.ascontiguousarray(g)
        return self.lookup(g, w) if self.needs(0) else None, self.match(x, g) if self.needs(1) else None


class Match(_Fast, grid_sampling.Match):
    """Products of elements and results, summed over channels."""

    def accepts(self, x: Any, z: Any) -> bool:  # type: ignore[override]
        fit = x.shape[:2] == z.shape[:2] and x.shape[2] == self.places.shape[2] and z.shape[2] == self.size
        return _suit(self.places, x, z) and fit

    def forward(self, x: Any, z: Any) -> Any:
        self.save(x, z)
        return self.match(x, z)

    def backward(self, g: Any) -> Any:
        x, z = self.saved
        g = np.ascontiguousarray(g)
        return self.lookup(z, g) if self.needs(0) else None, self.spread(x, g) if self.needs(1) else None


@kernel
def _lookup(places: Any, x: Any, w: Any, y: Any, size: int) -> None:
    for n in range(places.shape[0]):
        for c in range(x.shape[1]):
            for k in range(places.shape[1]):
                for p in range(places.shape[2]):
                    s = places[n, k, p]
                    y[n, c, p] += w[n, k, p] * (x[n, c, s] if s < size else x.dtype.type(0))


@kernel
def _spread(places: Any, x: Any, w: Any, y: Any, size: int) -> None:
    for n in range(places.shape[0]):
        for c in range(x.shape[1]):
            for k in range(places.shape[1]):
                for p in range(places.shape[2]):
                    s = places[n, k, p]
                    if s < size:
                        y[n, c, s] += w[n, k, p] * x[n, c, p]


@kernel
def _match(places: Any, x: Any, z: Any, y: Any, size: int) -> None:
    for n in range(places.shape[0]):
        for c in range(x.shape[1]):
            for k in range(places.shape[1]):
                for p in range(places.shape[2]):
                    s = places[n, k, p]
                    if s < size:
                        y[n, k, p] += np.float64(x[n, c, p]) * np.float64(z[n, c, s])
