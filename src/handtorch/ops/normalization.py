"""Normalisation: shift and scale to mean 0 and variance 1, over the batch or over features."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, positive, sample


class Layout(NamedTuple):
    """How an op looks at x.

    Attributes:
        shape: the shape in which x is seen.
        axes: the axes of it that are normalised together.
        wide: the shape in which γ and β meet it: its own lengths where they have elements, 1 elsewhere.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    wide: tuple[int, ...]

    def mean(self, values: Any) -> Any:
        """The mean over the elements that are normalised together; 0 where there are none."""
        n = max(math.prod(self.shape[i] for i in self.axes), 1)
        return np.sum(values, axis=self.axes, keepdims=True) * (1 / n)

    def fold(self, values: Any) -> Any:
        """The sum over all elements that share an element of γ, in the shape ``wide``."""
        shared = tuple(i for i, length in enumerate(self.wide) if length != self.shape[i])
        return np.sum(values, axis=shared, keepdims=True) if shared else values


class Normalization(Op):
    """x̂ = (x - μ) / √(σ² + ε), with μ and σ² of a group of elements; y = γ x̂ + β.

    dL/dγ = Σ g x̂ and dL/dβ = Σ g over all that share an element of γ, and with h = γ g and means over the group
    dL/dx = (h - mean(h) - x̂ mean(h x̂)) / √(σ² + ε).

    A subclass says in ``layout`` which elements are a group and where γ and β stand. After the run, ``mean`` and
    ``var`` hold μ and the biased σ² of every group, in row-major order.

    Args:
        eps: ε, keeps the root away from 0.
    """

    def __init__(self, eps: float = 1e-5) -> None:
        self.eps = eps

    def layout(self, shape: tuple[int, ...]) -> Layout:
        """How an x of this shape is looked at."""
        raise NotImplementedError

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        layout = self.layout(x.shape)
        seen = np.reshape(x, layout.shape)
        mean = layout.mean(seen)
        centred = seen - mean
        var = layout.mean(np.square(centred))
        self.mean, self.var = np.reshape(mean, -1), np.reshape(var, -1)
        rstd = 1 / np.sqrt(var + self.eps)
        self.save(x, weight, bias, mean, rstd)
        y = centred * rstd
        if weight is not None:
            y = y * np.reshape(weight, layout.wide)
        if bias is not None:
            y = y + np.reshape(bias, layout.wide)
        return np.reshape(y, x.shape)

    def backward(self, g: Any) -> Any:
        x, weight, bias, mean, rstd = self.saved
        layout = self.layout(x.shape)
        normed = (np.reshape(x, layout.shape) - mean) * rstd
        g = np.reshape(g, layout.shape)
        h = g if weight is None else g * np.reshape(weight, layout.wide)
        dx = rstd * (h - layout.mean(h) - normed * layout.mean(h * normed))
        dw = None if weight is None else np.reshape(layout.fold(g * normed), weight.shape)
        db = None if bias is None else np.reshape(layout.fold(g), bias.shape)
        return (np.reshape(dx, x.shape), dw, db)[: len(self.parents)]


class BatchNorm(Normalization):
    """x̂ = (x - μ) / √(σ² + ε) over all axes but the channels; y = γ x̂ + β. x (N, C, *), γ and β (C).

    With n elements in a channel and sums over them: dL/dβ = Σ g, dL/dγ = Σ g x̂, and
    dL/dx = γ / √(σ² + ε) (g - Σ g / n - x̂ Σ g x̂ / n). (Ioffe and Szegedy 2015)
    """

    twin_from = 16_384

    def layout(self, shape: tuple[int, ...]) -> Layout:
        return Layout(shape, tuple(i for i in range(len(shape)) if i != 1), by_channel(shape))

    def explain(self, *arrays: Any) -> str:
        return _wrong_channels("batch norm", *arrays)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(5, 3), positive(3), normal(3))
        yield sample(cls, normal(4, 3, 5), positive(3), normal(3))
        yield sample(cls, normal(5, 3))
        yield sample(lambda: cls(0.1), normal(200, 100), positive(100), normal(100))
        yield sample(cls, normal(8, 6, 20, 20), positive(6), normal(6))
        yield sample(cls, normal(8, 6, 400))
        yield sample(cls, normal(9, 6, 1, 1), positive(6), normal(6))
        yield bad(cls, normal(5, 3), positive(4), normal(4))


class FrozenBatchNorm(Op):
    """y = γ (x - μ) / √(σ² + ε) + β with statistics that are given. x (N, C, *), γ and β (C).

    dL/dx = g γ / √(σ² + ε); dL/dγ = Σ g (x - μ) / √(σ² + ε) and dL/dβ = Σ g over all axes but the channels.

    Args:
        mean, var: μ and σ² (C), kept as ``statistics``.
        eps: ε.
    """

    twin_from = 16_384

    def __init__(self, mean: Any, var: Any, eps: float = 1e-5) -> None:
        self.statistics, self.eps = (mean, var), eps
        self.mean, self.rstd = np.array(mean), 1 / np.sqrt(var + eps)  # a later batch may move the running mean

    def forward(self, x: Any, weight: Any = None, bias: Any = None) -> Any:
        wide = by_channel(x.shape)
        self.mean, self.rstd = (np.astype(s, x.dtype, copy=False) for s in (self.mean, self.rstd))
        self.save(x, weight, bias)
        scale = self.rstd if weight is None else self.rstd * weight
        shift = -self.mean * scale if bias is None else bias - self.mean * scale
        return x * np.reshape(scale, wide) + np.reshape(shift, wide)

    def backward(self, g: Any) -> Any:
        x, weight, bias = self.saved
        wide = by_channel(x.shape)
        axes = tuple(i for i in range(g.ndim) if i != 1)
        dx = g * np.reshape(self.rstd if weight is None else self.rstd * weight, wide)
        dw = db = None
        if weight is not None:
            dw = np.sum(g * (x - np.reshape(self.mean, wide)), axis=axes) * self.rstd
        if bias is not None:
            db = np.sum(g, axis=axes)
        return (dx, dw, db)[: len(self.parents)]

    def explain(self, *arrays: Any) -> str:
        return _wrong_channels("batch norm", *arrays)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(normal(3), positive(3)), normal(5, 3), positive(3), normal(3))
        yield sample(lambda: cls(normal(3), positive(3)), normal(4, 3, 5))
        yield sample(lambda: cls(normal(6), positive(6), 0.1), normal(8, 6, 20, 20), positive(6), normal(6))
        yield bad(lambda: cls(normal(3), positive(3)), normal(5, 3), positive(4), normal(4))


class LayerNorm(Normalization):
    """x̂ = (x - μ) / √(σ² + ε) over the last axes; y = γ x̂ + β. γ and β have the shape of those axes.

    dL/dβ = Σ g, dL/dγ = Σ g x̂ over the other axes, and with h = γ g and means over the last axes
    dL/dx = (h - mean(h) - x̂ mean(h x̂)) / √(σ² + ε). (Ba, Kiros and Hinton 2016)

    Args:
        ndim: how many last axes are normalised together.
        eps: ε, keeps the root away from 0.
    """

    twin_from = 1_024

    def __init__(self, ndim: int = 1, eps: float = 1e-5) -> None:
        super().__init__(eps)
        self.ndim = ndim

    def layout(self, shape: tuple[int, ...]) -> Layout:
        return last_axes(shape, self.ndim)

    def explain(self, *arrays: Any) -> str:
        return f"layer norm: weight and bias must have the shape of the last {self.ndim} axes of x {arrays[0].shape}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(5, 4), positive(4), normal(4))
        yield sample(lambda: cls(2), normal(2, 3, 4), positive(3, 4), normal(3, 4))
        yield sample(cls, normal(5, 4))
        yield sample(cls, normal(5, 4), positive(4))
        yield sample(lambda: cls(2, 0.1), normal(70, 10, 6), positive(10, 6), normal(10, 6))
        yield sample(cls, normal(70, 60))
        yield bad(cls, normal(5, 4), positive(3), normal(3))


class GroupNorm(Normalization):
    """x̂ = (x - μ) / √(σ² + ε) over groups of neighbouring channels; y = γ x̂ + β. x (N, C, *), γ and β (C).

    Each of N samples and G groups is normalised by itself: over C/G channels and all further axes. With h = γ g and
    means over such a group, dL/dx = (h - mean(h) - x̂ mean(h x̂)) / √(σ² + ε); dL/dγ = Σ g x̂ and dL/dβ = Σ g over all
    axes but the channels. (Wu and He 2018; with G = C it is instance norm: Ulyanov, Vedaldi and Lempitsky 2016)

    Args:
        groups: G, a divisor of C.
        eps: ε, keeps the root away from 0.
    """

    twin_from = 16_384

    def __init__(self, groups: int, eps: float = 1e-5) -> None:
        super().__init__(eps)
        self.groups = groups

    def layout(self, shape: tuple[int, ...]) -> Layout:
        batch, channels, *rest = shape
        seen = (batch, self.groups, channels // self.groups, *rest)
        return Layout(seen, tuple(range(2, len(seen))), (1, self.groups, channels // self.groups, *(1 for _ in rest)))

    def explain(self, *arrays: Any) -> str:
        return _wrong_channels(f"group norm in {self.groups} groups", *arrays)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(2), normal(3, 4, 5), positive(4), normal(4))
        yield sample(lambda: cls(4), normal(3, 4, 2, 2), positive(4), normal(4))
        yield sample(lambda: cls(1, 0.1), normal(3, 4))
        yield sample(lambda: cls(3), normal(8, 6, 20, 20), positive(6), normal(6))
        yield sample(lambda: cls(6), normal(8, 6, 400))
        yield bad(lambda: cls(2), normal(5, 4), positive(3), normal(3))
        yield bad(lambda: cls(3), normal(5, 4))


class RMSNorm(Op):
    """y = γ x / √(mean(x²) + ε), with the mean over the last axes. γ has the shape of those axes.

    With r = 1 / √(mean(x²) + ε), x̂ = r x, h = γ g: dL/dx = r (h - x̂ mean(h x̂)), dL/dγ = Σ g x̂ over the other axes.
    (Zhang and Sennrich 2019)

    Args:
        ndim: how many last axes are normalised together.
        eps: ε, keeps the root away from 0.
    """

    twin_from = 1_024

    def __init__(self, ndim: int = 1, eps: float = 1e-5) -> None:
        self.ndim, self.eps = ndim, eps

    def forward(self, x: Any, weight: Any = None) -> Any:
        layout = last_axes(x.shape, self.ndim)
        scale = 1 / np.sqrt(layout.mean(np.square(x)) + self.eps)
        self.save(x, weight, scale)
        return x * scale if weight is None else x * scale * weight

    def backward(self, g: Any) -> Any:
        x, weight, scale = self.saved
        layout = last_axes(x.shape, self.ndim)
        normed = x * scale
        h = g if weight is None else g * weight
        return (scale * (h - normed * layout.mean(h * normed)), g * normed)[: len(self.parents)]

    explain = LayerNorm.explain

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(5, 4), positive(4))
        yield sample(lambda: cls(2, 0.1), normal(2, 3, 4), positive(3, 4))
        yield sample(cls, normal(5, 4))
        yield sample(lambda: cls(2), normal(70, 10, 6), positive(10, 6))
        yield sample(cls, normal(70, 60))
        yield bad(cls, normal(5, 4), positive(3))


def last_axes(shape: tuple[int, ...], ndim: int) -> Layout:
    """Groups of all elements along the last axes, with a γ for each."""
    first = len(shape) - ndim
    return Layout(shape, tuple(range(first, len(shape))), (1,) * first + shape[first:])


def by_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which a vector (C) broadcasts against (N, C, *)."""
    return tuple(length if i == 1 else 1 for i, length in enumerate(shape))


def _wrong_channels(name: str, x: Any, *others: Any) -> str:
    return (
        f"{name}: expected weight and bias ({x.shape[1]},), one for each channel of x {x.shape} (axis 1), "
        f"got {', '.join(str(np.shape(a)) for a in others) or 'none'}"
    )
