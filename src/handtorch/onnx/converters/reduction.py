"""Converters of sums, means and extremes along axes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from handtorch.onnx.converters.registry import converts
from handtorch.onnx.graph import Site
from handtorch.ops import cumulative, extremes, norms, reduction

_REDUCTIONS = {
    reduction.Sum: "ReduceSum",
    reduction.Mean: "ReduceMean",
    reduction.Prod: "ReduceProd",
    reduction.LogSumExp: "ReduceLogSumExp",
    extremes.Amax: "ReduceMax",
    extremes.Amin: "ReduceMin",
}


def reduced(site: Site, kind: str, x: str, axes: Iterable[int], keepdims: bool) -> str:
    """A reduction. Its axes are an input from version 18 on (those of sums from 13 on), before that an attribute.

    Without axes it is of one number, which all of these leave as it is.
    """
    axes = list(axes)
    if not axes:
        return x
    if site.opset >= 18 or kind == "ReduceSum":
        return site.node(kind, x, site.integers(*axes), keepdims=int(keepdims))
    return site.node(kind, x, axes=axes, keepdims=int(keepdims))


@converts(*_REDUCTIONS)
def reduce(site: Site, x: Any) -> str:
    """Σ x, or what else it is, over axes."""
    return reduced(site, _REDUCTIONS[type(site.op).definition], x, _axes(site, x), site.op.keepdim)


def _axes(site: Site, x: Any) -> tuple[int, ...]:
    """The axes of a reduction."""
    axes = site.op.axes
    return tuple(range(len(x.shape))) if axes is None else axes if isinstance(axes, tuple) else (axes,)


@converts(reduction.Var, reduction.Std)
def var(site: Site, x: Any) -> str:
    """Σ (x - mean)² / (n - correction), or its root."""
    axes = _axes(site, x)
    centred = site.node("Sub", x, reduced(site, "ReduceMean", x, axes, keepdims=True))
    total = reduced(site, "ReduceSum", site.node("Mul", centred, centred), axes, site.op.keepdim)
    count = math.prod(x.lengths[axis] for axis in axes)
    y = site.node("Div", total, site.constant(max(count - site.op.correction, 0)))
    return site.node("Sqrt", y) if type(site.op).definition is reduction.Std else y


@converts(norms.Norm)
def norm(site: Site, x: Any) -> str:
    """(Σ |x|^p)^(1/p), or an extreme."""
    p, axes, keepdims = site.op.p, _axes(site, x), site.op.keepdim
    size = site.node("Abs", x)
    if p in (2, 1):
        return reduced(site, f"ReduceL{int(p)}", size, axes, keepdims)
    if math.isinf(p):
        return reduced(site, "ReduceMax" if p > 0 else "ReduceMin", size, axes, keepdims)
    if p == 0:
        return reduced(site, "ReduceSum", site.node("Abs", site.node("Sign", x)), axes, keepdims)
    total = reduced(site, "ReduceSum", site.node("Pow", size, site.constant(p)), axes, keepdims)
    return site.node("Pow", total, site.constant(1 / p))


@converts(extremes.ArgExtreme)
def arg_extreme(site: Site, x: Any) -> str:
    """The place of the largest or smallest number."""
    kind = "ArgMax" if site.op.function is np.argmax else "ArgMin"
    if site.op.axis is not None:
        return site.node(kind, x, axis=site.op.axis, keepdims=int(site.op.keepdim))
    place = site.node(kind, site.node("Reshape", x, site.integers(-1)), axis=0, keepdims=0)
    return site.node("Reshape", place, site.integers(*site.y.lengths)) if site.op.keepdim else place


@converts(cumulative.CumSum)
def cum_sum(site: Site, x: str) -> str:
    """The sum of everything up to each place."""
    return site.node("CumSum", x, site.constant(site.op.axis, np.int64))
