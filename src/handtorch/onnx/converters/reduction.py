"""Converters of sums, means and extremes along axes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from handtorch.onnx.converters.registry import converts
from handtorch.onnx.graph import Site
from handtorch.ops import cumulative, extremes, reduction

_REDUCTIONS = {
    reduction.Sum: "ReduceSum",
    reduction.Mean: "ReduceMean",
    reduction.Prod: "ReduceProd",
    reduction.LogSumExp: "ReduceLogSumExp",
    extremes.Amax: "ReduceMax",
    extremes.Amin: "ReduceMin",
}


def reduced(site: Site, kind: str, x: str, axes: Iterable[int], keepdims: bool) -> str:
    """A reduction. Its axes are an input from version 18 on (those of sums from 13 on), before that an attribute."""
    if site.opset >= 18 or kind == "ReduceSum":
        return site.node(kind, x, site.integers(*axes), keepdims=int(keepdims))
    return site.node(kind, x, axes=list(axes), keepdims=int(keepdims))


@converts(*_REDUCTIONS)
def reduce(site: Site, x: Any) -> str:
    """Σ x, or what else it is, over axes."""
    axes = site.op.axes
    every = range(len(x.shape)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    return reduced(site, _REDUCTIONS[type(site.op).definition], x, every, site.op.keepdim)


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
