"""Converters of what gives the same elements another shape or order, and of parts, joins and borders."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.onnx.converters.registry import converts
from handtorch.onnx.graph import Site, Unsupported
from handtorch.ops import axes, gathering, indexing, joining, padding, rearranging, shape, splitting

_END = np.iinfo(np.int64).max


@converts(shape.Reshape)
def reshape(site: Site, x: Any) -> str:
    """Another shape. A length that may differ is that of x at the same place, or what is left, or that of an input."""
    lengths, before = site.graph.apart.get(x, (None, ""))
    if lengths == site.y.lengths:
        return before
    target: list[int] = []
    for i, n in enumerate(site.y.shape):
        if n is not None:
            target.append(n)
        elif i < len(x.shape) and x.shape[i] is None and x.lengths[i] == site.y.lengths[i]:
            target.append(0)
        else:
            target.append(-1)
    if target.count(-1) > 1:
        return site.node("Reshape", x, site.node("Concat", *_lengths(site, target), axis=0))
    return site.node("Reshape", x, site.integers(*target))


def _lengths(site: Site, target: list[int]) -> list[str]:
    """The lengths of a shape one by one, those that may differ taken from the one input axis that is as long."""
    graph = site.graph
    axes = [(value, axis) for value in graph.trace.inputs for axis, n in enumerate(graph.shapes[value]) if n is None]
    lengths = []
    for n, wanted in zip(site.y.lengths, target, strict=True):
        if wanted != -1:
            lengths.append(site.integers(wanted))
            continue
        found = [(value, axis) for value, axis in axes if value.shape[axis] == n]
        if len(found) != 1:
            raise Unsupported(
                f"to a shape of which several lengths differ with the input's: {site.y.shape}"
                + ("; try inputs whose dynamic axes have different lengths" if found else "")
            )
        value, axis = found[0]
        lengths.append(site.node("Shape", graph.symbol(value), start=axis, end=axis + 1))
    return lengths


@converts(shape.Expand)
def expand(site: Site, x: Any) -> str:
    """Repeated along axes of length 1. ONNX keeps a length where the target is 1."""
    behind = x.shape[::-1] + (1,) * (len(site.y.shape) - len(x.shape))
    target = []
    for own, n in zip(behind[::-1], site.y.shape, strict=True):
        if n is None and own is not None:
            raise Unsupported(f"to a length that differs with the input's: {site.y.shape}")
        target.append(1 if n is None else n)
    return site.node("Expand", x, site.integers(*target))


@converts(axes.Permute)
def permute(site: Site, x: str) -> str:
    """The axes in another order."""
    return site.node("Transpose", x, perm=list(site.op.order))


@converts(joining.Cat)
def cat(site: Site, *xs: str) -> str:
    """One after another along an axis."""
    return site.node("Concat", *xs, axis=site.op.dim)


@converts(joining.Stack)
def stack(site: Site, *xs: str) -> str:
    """Beside each other along a new axis."""
    at = site.integers(site.op.dim)
    return site.node("Concat", *(site.node("Unsqueeze", x, at) for x in xs), axis=site.op.dim)


@converts(splitting.Split)
def split(site: Site, x: str) -> list[str]:
    """Successive pieces along an axis."""
    return site.nodes("Split", len(site.results), x, site.integers(*site.op.sections), axis=site.op.dim)


@converts(splitting.Unbind)
def unbind(site: Site, x: str) -> list[str]:
    """The slices along an axis."""
    return [site.node("Gather", x, site.constant(i, np.int64), axis=site.op.dim) for i in range(len(site.results))]


@converts(indexing.Index)
def index(site: Site, x: Any) -> str:
    """x[key] for integers, slices, None, an Ellipsis, and one array of integers."""
    key = site.op.key if isinstance(site.op.key, tuple) else (site.op.key,)
    named = sum(part is not None and part is not Ellipsis for part in key)
    spread: list[Any] = []
    for part in key:
        spread += [slice(None)] * (len(x.shape) - named) if part is Ellipsis else [part]
    if sum(isinstance(part, np.ndarray) for part in spread) > 1 or any(
        isinstance(part, np.ndarray) and part.dtype.kind == "b" for part in spread
    ):
        raise Unsupported("a mask, or several arrays of indices, as key")
    y = _sliced(site, x, [part for part in spread if part is not None])
    axis = 0
    for part in spread:
        if part is None:
            y = site.node("Unsqueeze", y, site.integers(axis))
        elif not isinstance(part, slice):
            array = isinstance(part, np.ndarray)
            y = site.node("Gather", y, site.setting(part) if array else site.constant(part, np.int64), axis=axis)
            axis += np.ndim(part)
            continue
        axis += 1
    return y


def _sliced(site: Site, x: str, parts: list[Any]) -> str:
    """x with those axes cut that have a slice."""
    cuts = [(i, part) for i, part in enumerate(parts) if isinstance(part, slice) and part != slice(None)]
    if not cuts:
        return x
    starts, ends, steps = [], [], []
    for _, part in cuts:
        step = 1 if part.step is None else part.step
        starts.append((0 if step > 0 else _END) if part.start is None else part.start)
        ends.append((_END if step > 0 else -_END) if part.stop is None else part.stop)
        steps.append(step)
    return site.node("Slice", x, *(site.integers(*ns) for ns in (starts, ends, [i for i, _ in cuts], steps)))


@converts(gathering.IndexSelect)
def index_select(site: Site, x: str) -> str:
    """The slices along an axis that an index names."""
    return site.node("Gather", x, site.setting(site.op.index), axis=site.op.dim)


@converts(gathering.Gather)
def gather(site: Site, x: Any) -> str:
    """x[i, index[i, j]]; the index may be shorter than x along other axes, which ONNX wants cut to it."""
    lengths, dim = site.op.index.shape, site.op.dim
    parts = [
        slice(None) if axis == dim or n == m else slice(0, m)
        for axis, (n, m) in enumerate(zip(x.lengths, lengths, strict=True))
    ]
    return site.node("GatherElements", _sliced(site, x, parts), site.setting(site.op.index), axis=dim)


@converts(rearranging.Flip)
def flip(site: Site, x: str) -> str:
    """Axes from their end."""
    axes = range(len(site.y.shape))
    return _sliced(site, x, [slice(None, None, -1) if axis in site.op.axes else slice(None) for axis in axes])


@converts(rearranging.Repeat)
def repeat(site: Site, x: Any) -> str:
    """Several times along each axis."""
    missing = len(site.op.times) - len(x.shape)
    if missing:
        x = site.node("Unsqueeze", x, site.integers(*range(missing)))
    return site.node("Tile", x, site.integers(*site.op.times))


@converts(padding.ConstantPad)
def constant_pad(site: Site, x: Any) -> str:
    """A border of one value; a negative width cuts off."""
    return site.node("Pad", x, _widths(site, x), site.constant(site.op.value), mode="constant")


@converts(padding.Border)
def border(site: Site, x: Any) -> str:
    """A border of x's own elements; one in a circle is joined, as Pad knows that from version 19 on only."""
    if site.op.mode != "circular":
        return site.node("Pad", x, _widths(site, x), mode={"reflect": "reflect", "replicate": "edge"}[site.op.mode])
    y = x
    for axis, (before, after) in site.op.widths.items():
        ahead = [slice(None)] * axis
        ends = [_sliced(site, y, [*ahead, slice(-before, None)])] if before else []
        begins = [_sliced(site, y, [*ahead, slice(0, after)])] if after else []
        y = site.node("Concat", *ends, y, *begins, axis=axis)
    return y


def _widths(site: Site, x: Any) -> str:
    widths = [site.op.widths.get(axis, (0, 0)) for axis in range(len(x.shape))]
    return site.integers(*(before for before, _ in widths), *(after for _, after in widths))
