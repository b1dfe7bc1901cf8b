"""Normalisation: shift and scale to mean 0 and variance 1, over the batch or over features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, positive, sample


class BatchNorm(Op):
    """x̂ = (x - μ) / √(σ² + ε) over all axes but the channels; y = γ x̂ + β. x (N, C, *), γ and β (C).

    With n elements in a channel and sums over them: dL/dβ = Σ g, dL/dγ = Σ g x̂, and
    dL/dx = γ / √(σ² + ε) (g - Σ g / n - x̂ Σ g x̂ / n). (Ioffe and Szegedy 2015)

    After the run, ``mean`` and ``var`` (C) hold μ and the biased σ².

    Args:
        eps: ε, keeps the root away from 0.
    """

    twin_from = 16_384

    def __init__(self, eps: float = 1e-5) -> None:
        self.eps = eps

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        axes, shape = around_channels(x)
        self.axes, self.wide = axes, shape
        mean = np.mean(x, axis=axes, keepdims=True)
        centred = x - mean
        var = np.mean(np.square(centred), axis=axes, keepdims=True)
        self.mean, self.var = np.reshape(mean, -1), np.reshape(var, -1)
        rstd = 1 / np.sqrt(var + self.eps)
        self.save(x, weight, bias, mean, rstd)
        normed = centred * rstd
        if weight is not None:
            normed = normed * np.reshape(weight, shape)
        return normed if bias is None else normed + np.reshape(bias, shape)

    def backward(self, g: Any) -> Any:
        x, weight, _, mean, rstd = self.saved
        normed = (x - mean) * rstd
        db = np.sum(g, axis=self.axes, keepdims=True)
        dw = np.sum(g * normed, axis=self.axes, keepdims=True)
        scale = rstd if weight is None else rstd * np.reshape(weight, self.wide)
        n = max(int(np.prod([x.shape[i] for i in self.axes])), 1)
        dx = scale * (g - db * (1 / n) - normed * (dw * (1 / n)))
        grads = (dx, np.reshape(dw, -1), np.reshape(db, -1))
        return grads[: len(self.parents)]

    def explain(self, *arrays: Any) -> str:
        return (
            f"batch norm: expected weight and bias ({arrays[0].shape[1]},), one for each channel of x "
            f"{arrays[0].shape} (axis 1), got {', '.join(str(np.shape(a)) for a in arrays[1:])}"
        )

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(5, 3), positive(3), normal(3))
        yield sample(cls, normal(4, 3, 5), positive(3), normal(3))
        yield sample(cls, normal(5, 3))
        yield sample(lambda: cls(0.1), normal(200, 100), positive(100), normal(100))
        yield bad(cls, normal(5, 3), positive(4), normal(4))


class LayerNorm(Op):
    """x̂ = (x - μ) / √(σ² + ε) over the last axes; y = γ x̂ + β. γ and β have the shape of those axes.

    dL/dβ = Σ g, dL/dγ = Σ g x̂ over the other axes, and with h = γ g and means over the last axes
    dL/dx = (h - mean(h) - x̂ mean(h x̂)) / √(σ² + ε). (Ba, Kiros and Hinton 2016)

    Args:
        ndim: how many last axes are normalised together.
        eps: ε, keeps the root away from 0.
    """

    def __init__(self, ndim: int = 1, eps: float = 1e-5) -> None:
        self.ndim, self.eps = ndim, eps

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        axes = tuple(range(x.ndim - self.ndim, x.ndim))
        centred = x - np.mean(x, axis=axes, keepdims=True)
        rstd = 1 / np.sqrt(np.mean(np.square(centred), axis=axes, keepdims=True) + self.eps)
        normed = centred * rstd
        self.save(x, weight, bias, normed, rstd)
        y = normed if weight is None else normed * weight
        return y if bias is None else y + bias

    def backward(self, g: Any) -> Any:
        x, weight, _, normed, rstd = self.saved
        axes = tuple(range(x.ndim - self.ndim, x.ndim))
        h = g if weight is None else g * weight
        dx = rstd * (h - np.mean(h, axis=axes, keepdims=True) - normed * np.mean(h * normed, axis=axes, keepdims=True))
        return (dx, g * normed, g)[: len(self.parents)]

    def explain(self, *arrays: Any) -> str:
        return f"layer norm: weight and bias must have the shape of the last {self.ndim} axes of x {arrays[0].shape}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(5, 4), positive(4), normal(4))
        yield sample(lambda: cls(2), normal(2, 3, 4), positive(3, 4), normal(3, 4))
        yield sample(cls, normal(5, 4))
        yield bad(cls, normal(5, 4), positive(3), normal(3))


def around_channels(x: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For x (N, C, *): all axes but the channels, and the shape in which a vector (C) broadcasts against x."""
    axes = tuple(i for i in range(x.ndim) if i != 1)
    return axes, tuple(x.shape[1] if i == 1 else 1 for i in range(x.ndim))
