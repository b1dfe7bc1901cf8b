"""Converters of positions: for sequences of any length, as far as there are rows in a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.onnx.converters.registry import converts
from handtorch.onnx.graph import Site
from handtorch.ops import positions


@converts(positions.AddPositions)
def add_positions(site: Site, x: Any, table: str) -> str:
    """x + table[start : start + T]."""
    start = site.integers(site.op.start)
    end = site.node("Add", _steps(site, x), start)
    return site.node("Add", x, site.node("Slice", table, start, end, site.integers(0)))


@converts(positions.Turn)
def turn(site: Site, x: Any) -> str:
    """Pairs of features turned; the angles are computed from the length of x, in double precision."""
    half = x.lengths[-1] // 2
    start, axis = site.integers(site.op.start), site.integers(0)
    first = site.node("Squeeze", start, axis)
    end = site.node("Squeeze", site.node("Add", _steps(site, x), start), axis)
    steps = site.node("Range", first, end, site.constant(1, np.int64))
    speeds = (-1.0 if site.op.back else 1.0) / site.op.base ** (np.arange(half) / half)
    angles = site.node(
        "Mul", site.node("Unsqueeze", site.cast(steps, np.float64), site.integers(1)), site.constant(speeds, np.float64)
    )
    cos, sin = (site.cast(site.node(kind, angles), x.dtype) for kind in ("Cos", "Sin"))
    a, b = site.nodes("Split", 2, x, site.integers(half, half), axis=-1)
    turned = (
        site.node("Sub", site.node("Mul", a, cos), site.node("Mul", b, sin)),
        site.node("Add", site.node("Mul", b, cos), site.node("Mul", a, sin)),
    )
    return site.node("Concat", *turned, axis=-1)


def _steps(site: Site, x: Any) -> str:
    """T of x (..., T, D), as a vector of one number."""
    axis = len(x.lengths) - 2
    return site.node("Gather", site.node("Shape", x), site.integers(axis))
