"""Twins of recurrent layers: each direction, or each part of the batch, walks through all steps in compiled code.

The weights of the recurrence are packed once for all steps, and a step's gates are computed while its product is in the
cache. Nothing of a step waits for another thread. The gradient of the weights is one product for all steps, afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handtorch.kernels import recurrent_loops as loops
from handtorch.kernels.layout import one_kind, row_major
from handtorch.kernels.linalg import product
from handtorch.kernels.panels import pack
from handtorch.kernels.threads import get_num_threads, parallel_for
from handtorch.ops import recurrent

_WORTH_A_THREAD = 4_000_000  # multiplications
_FEWEST_STEPS = 4  # for fewer, packed weights do not pay
_FEWEST = 8  # sequences worth a thread of their own: every thread reads all weights in every step


def _walk(batch_sizes: Sequence[int], direction: int, low: int, high: int) -> np.ndarray:
    """The first row of each step and how many follow, for sequences low to high, in the order of the direction."""
    sizes = np.asarray(batch_sizes)
    walk = np.stack([np.cumsum(sizes) - sizes + low, np.clip(sizes - low, 0, high - low)], axis=1)
    return np.ascontiguousarray(walk[::-1] if direction else walk)


class _Walking:
    """What the twins share, in front of the ops that they are twins of."""

    batch_sizes: Sequence[int]
    states: int

    def accepts(self, a: Any, *others: Any) -> bool:
        return len(self.batch_sizes) >= _FEWEST_STEPS and a.ndim == 3 and one_kind(a, *others)

    def _over(self, w_hh: np.ndarray, walk: Callable[[np.ndarray, int, slice], None]) -> None:
        """Call ``walk(steps, direction, sequences)`` for each direction and part of the batch, on all threads."""
        directions, batch, worth = len(w_hh), self.batch_sizes[0], sum(self.batch_sizes) * w_hh.size
        parts = 1
        if worth > _WORTH_A_THREAD:
            parts = max(1, min(-(-get_num_threads() // directions), batch // _FEWEST))
        pieces = [(d, batch * i // parts, batch * (i + 1) // parts) for d in range(directions) for i in range(parts)]

        def some(first: int, last: int) -> None:
            for d, low, high in pieces[first:last]:
                walk(_walk(self.batch_sizes, d, low, high), d, slice(low, high))

        parallel_for(some, len(pieces), 1 if worth > _WORTH_A_THREAD else len(pieces))

    def _kept(self, a: np.ndarray, *widths: int) -> list[list[np.ndarray]]:
        """For each direction, arrays (S, width)."""
        return [[np.empty((len(a), width), a.dtype) for width in widths] for _ in range(a.shape[1])]

    def _keep(self, inputs: tuple[Any, ...], kept: list[list[np.ndarray]]) -> None:
        self.save(*inputs, *[array for own in kept for array in own])  # type: ignore[attr-defined]

    def _recall(self) -> tuple[tuple[Any, ...], list[tuple[np.ndarray, ...]]]:
        """The inputs, and for each direction what was kept."""
        saved, count = self.saved, len(self.parents)  # type: ignore[attr-defined]
        inputs, kept = saved[:count], saved[count:]
        each = len(kept) // inputs[0].shape[1]
        return inputs, [kept[i : i + each] for i in range(0, len(kept), each)]

    def _pulls(self, g: Any, states: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """dL/dy (S, D, *), and dL/d(last states) to be walked back with; zeros for what is None."""
        gy, *g_ends = g
        directions, _, size = states[0].shape
        shape = sum(self.batch_sizes), directions, size
        gy = np.zeros(shape, states[0].dtype) if gy is None else row_major(gy).reshape(shape)
        ends = [
            np.zeros(h.shape, h.dtype) if end is None else np.array(end, order="C")
            for end, h in zip(g_ends, states, strict=True)
        ]
        return gy, ends


def _outer(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """leftᵀ right: what (S, M) and (S, N) give of a weight (M, N)."""
    return product(left.T, right)


class Rnn(_Walking, recurrent.Rnn):
    """On packed weights."""

    def forward(self, a: Any, h_0: Any, w_hh: Any) -> Any:
        self._check(a, h_0, w_hh)
        rows, h = row_major(a), np.array(h_0, order="C")
        kept, y = self._kept(a, h.shape[2], h.shape[2]), np.empty_like(rows)

        def walk(steps: np.ndarray, d: int, part: slice) -> None:
            loops.rnn(steps, d, self.relu, rows, pack(w_hh[d]), h[d, part], *kept[d], y)

        self._over(w_hh, walk)
        self._keep((a, h_0, w_hh), kept)
        return y.reshape(len(a), -1), h

    def backward(self, g: Any) -> Any:
        (a, h_0, w_hh), kept = self._recall()
        gy, (dh,) = self._pulls(g, [h_0])
        da = np.empty(a.shape, a.dtype)

        def walk(steps: np.ndarray, d: int, part: slice) -> None:
            loops.rnn_back(steps, d, self.relu, gy, pack(w_hh[d].T), dh[d, part], kept[d][1], da)

        self._over(w_hh, walk)
        dw = np.stack([_outer(da[:, d], before) for d, (before, _) in enumerate(kept)]) if self.needs(2) else None
        return da, dh, dw


class Gru(_Walking, recurrent.Gru):
    """On packed weights."""

    def forward(self, a: Any, h_0: Any, w_hh: Any, b_hh: Any = None) -> Any:
        inputs = (a, h_0, w_hh) if b_hh is None else (a, h_0, w_hh, b_hh)
        self._check(*inputs)
        rows, h = row_major(a), np.array(h_0, order="C")
        size = h.shape[2]
        bias = np.zeros(w_hh.shape[:2], a.dtype) if b_hh is None else row_major(b_hh)
        kept, y = self._kept(a, size, 3 * size, size), np.empty((len(a), len(h), size), a.dtype)

        def walk(steps: np.ndarray, d: int, part: slice) -> None:
            loops.gru(steps, d, rows, pack(w_hh[d]), bias[d], h[d, part], *kept[d], y)

        self._over(w_hh, walk)
        self._keep(inputs, kept)
        return y.reshape(len(a), -1), h

    def backward(self, g: Any) -> Any:
        (a, h_0, w_hh, *bias), kept = self._recall()
        size = h_0.shape[2]
        gy, (dh,) = self._pulls(g, [h_0])
        da, d_inner = np.empty(a.shape, a.dtype), [own[0] for own in self._kept(a, size)]

        def walk(steps: np.ndarray, d: int, part: slice) -> None:
            loops.gru_back(steps, d, gy, pack(w_hh[d].T), dh[d, part], *kept[d], da, d_inner[d])

        self._over(w_hh, walk)
        dw = self._of_weights(da, d_inner, [before for before, *_ in kept]) if self.needs(2) else None
        if not bias:
            return da, dh, dw
        ones = [np.ones((len(a), 1), a.dtype)] * len(w_hh)
        return da, dh, dw, self._of_weights(da, d_inner, ones)[:, :, 0] if self.needs(3) else None

    def _of_weights(self, da: np.ndarray, d_inner: list[np.ndarray], right: list[np.ndarray]) -> np.ndarray:
        """Σ_s dL/dp_s right_sᵀ of each direction; r and z parts of dL/dp are those of dL/da."""
        outer = 2 * d_inner[0].shape[1]
        parts = [
            (_outer(da[:, d, :outer], own), _outer(inner, own))
            for d, (inner, own) in enumerate(zip(d_inner, right, strict=True))
        ]
        return np.stack([np.concatenate(both) for both in parts])


class Lstm(_Walking, recurrent.Lstm):
    """On packed weights."""

    def forward(self, a: Any, h_0: Any, c_0: Any, w_hh: Any, *projection: Any) -> Any:
        self._check(a, h_0, c_0, w_hh, *projection)
        rows, h, c = row_major(a), np.array(h_0, order="C"), np.array(c_0, order="C")
        kept = self._kept(a, h.shape[2], c.shape[2], a.shape[2])
        y = np.empty((len(a), len(h), h.shape[2]), a.dtype)

        def walk(steps: np.ndarray, d: int, part: slice) -> None:
            w_hr = pack(projection[0][d]) if projection else None
            loops.lstm(steps, d, rows, pack(w_hh[d]), w_hr, h[d, part], c[d, part], *kept[d], y)

        self._over(w_hh, walk)
        self._keep((a, h_0, c_0, w_hh, *projection), kept)
        return y.reshape(len(a), -1), h, c

    def backward(self, g: Any) -> Any:
        (a, h_0, c_0, w_hh, *projection), kept = self._recall()
        gy, (dh, dc) = self._pulls(g, [h_0, c_0])
        da = np.empty(a.shape, a.dtype)
        for_projection = self._kept(a, h_0.shape[2], c_0.shape[2]) if projection else [[gy[0]] * 2] * len(h_0)

        def walk(steps: np.ndarray, d: int, part: slice) -> None:
            w_hr = pack(projection[0][d].T) if projection else None
            _, *states = kept[d]
            loops.lstm_back(
                steps, d, gy, pack(w_hh[d].T), w_hr, dh[d, part], dc[d, part], *states, da, *for_projection[d]
            )

        self._over(w_hh, walk)
        dw = np.stack([_outer(da[:, d], own[0]) for d, own in enumerate(kept)]) if self.needs(3) else None
        if not projection:
            return da, dh, dc, dw
        return da, dh, dc, dw, np.stack([_outer(*own) for own in for_projection]) if self.needs(4) else None
