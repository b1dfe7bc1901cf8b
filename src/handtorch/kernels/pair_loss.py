"""Twins of losses of pairs: the loss is added up, and its slopes are computed, in one pass over memory each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch.kernels.activation import plain
from handtorch.kernels.compile import exp, kernel, log1p, summing_kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import pair_loss

_GRAIN = 1 << 14
_BLOCK = 1 << 12  # so many losses are added in the type of the array, and such sums in float64


class _Summed(pair_loss.PairLoss):
    """A mean or a sum. A subclass names the two kernels and says with which settings they are called."""

    total: Callable[..., Any]
    pull: Callable[..., None]

    def settings(self) -> tuple[float, ...]:
        """Numbers that the kernels get, in the type of the arrays."""
        return ()

    def accepts(self, x: Any, t: Any) -> bool:  # type: ignore[override]
        return self.reduction != "none" and x.shape == t.shape and plain(x, t)

    def forward(self, x: Any, t: Any) -> Any:
        self.save(x, t)
        self.losses_shape = x.shape
        settings = [x.dtype.type(value) for value in self.settings()]
        flat_x, flat_t = x.reshape(-1), t.reshape(-1)
        totals = np.empty(-(-x.size // _BLOCK))

        def blocks(low: int, high: int) -> None:
            for i in range(low, high):
                part = slice(i * _BLOCK, (i + 1) * _BLOCK)
                totals[i] = type(self).total(flat_x[part], flat_t[part], *settings)

        parallel_for(blocks, len(totals), _GRAIN // _BLOCK)
        return x.dtype.type(totals.sum() / (x.size if self.reduction == "mean" else 1))

    def backward(self, g: Any) -> Any:
        if self.needs(1):
            return super().backward(g)
        x, t = self.saved
        scale = x.dtype.type(g / x.size if self.reduction == "mean" else g)
        settings = [x.dtype.type(value) for value in self.settings()]
        dx = np.empty_like(x)
        flat = x.reshape(-1), t.reshape(-1), dx.reshape(-1)

        def piece(low: int, high: int) -> None:
            type(self).pull(*[a[low:high] for a in flat], scale, *settings)

        parallel_for(piece, x.size, _GRAIN)
        return dx, None


@summing_kernel
def _squares(x: Any, t: Any) -> Any:
    total = x.dtype.type(0)
    for i in range(x.size):
        d = x[i] - t[i]
        total += d * d
    return total


@kernel
def _square_pull(x: Any, t: Any, dx: Any, g: Any) -> None:
    for i in range(x.size):
        dx[i] = (g + g) * (x[i] - t[i])


class MseLoss(_Summed, pair_loss.MseLoss):
    """Squares."""

    total, pull = _squares, _square_pull


@summing_kernel
def _distances(x: Any, t: Any) -> Any:
    total = x.dtype.type(0)
    for i in range(x.size):
        total += abs(x[i] - t[i])
    return total


@kernel
def _sign_pull(x: Any, t: Any, dx: Any, g: Any) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        d = x[i] - t[i]
        dx[i] = g if d > zero else -g if d < zero else g * d


class L1Loss(_Summed, pair_loss.L1Loss):
    """Distances."""

    total, pull = _distances, _sign_pull


@summing_kernel
def _hubers(x: Any, t: Any, delta: Any, factor: Any) -> Any:
    total, half = x.dtype.type(0), x.dtype.type(0.5)
    for i in range(x.size):
        d = x[i] - t[i]
        c = min(max(d, -delta), delta)
        total += c * (d - half * c)
    return factor * total


@kernel
def _clipped_pull(x: Any, t: Any, dx: Any, g: Any, delta: Any, factor: Any) -> None:
    slope = g * factor
    for i in range(x.size):
        dx[i] = slope * min(max(x[i] - t[i], -delta), delta)


class HuberLoss(_Summed, pair_loss.HuberLoss):
    """Parabolas that end in lines."""

    total, pull = _hubers, _clipped_pull

    def settings(self) -> tuple[float, ...]:
        return self.delta, 1.0


class SmoothL1Loss(_Summed, pair_loss.SmoothL1Loss):
    """The same, divided by δ."""

    total, pull = _hubers, _clipped_pull

    def settings(self) -> tuple[float, ...]:
        return self.delta, 1 / self.delta


@summing_kernel
def _logistic(x: Any, t: Any) -> Any:
    zero = x.dtype.type(0)
    total = zero
    for i in range(x.size):
        total += max(x[i], zero) - t[i] * x[i] + log1p(exp(-abs(x[i])))
    return total


@kernel
def _logistic_pull(x: Any, t: Any, dx: Any, g: Any) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        dx[i] = g * (one / (one + exp(-x[i])) - t[i])


class BinaryCrossEntropyWithLogits(_Summed, pair_loss.BinaryCrossEntropyWithLogits):
    """Softplus and sigmoid."""

    total, pull = _logistic, _logistic_pull
