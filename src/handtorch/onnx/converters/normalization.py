"""Converters of normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.onnx.converters.reduction import reduced
from handtorch.onnx.converters.registry import converts
from handtorch.onnx.graph import Site
from handtorch.ops import normalization


@converts(normalization.FrozenBatchNorm)
def batch_norm(site: Site, x: Any, weight: Any = None, bias: Any = None) -> str:
    """γ (x - μ) / √(σ² + ε) + β with the running statistics."""
    op = site.op
    mean, var = (site.buffer(array, x.dtype) for array in op.statistics)
    ones = (x.lengths[1],)
    scale = site.constant(np.ones(ones)) if weight is None else weight
    shift = site.constant(np.zeros(ones)) if bias is None else bias
    return site.node("BatchNormalization", x, scale, shift, mean, var, epsilon=op.eps)


@converts(normalization.LayerNorm)
def layer_norm(site: Site, x: Any, weight: Any = None, bias: Any = None) -> str:
    """γ (x - μ) / √(σ² + ε) + β over the last axes."""
    ndim = site.op.ndim
    scale = site.constant(np.ones(x.lengths[-ndim:])) if weight is None else weight
    others = [] if bias is None else [bias]
    return site.node("LayerNormalization", x, scale, *others, axis=-ndim, epsilon=site.op.eps)


@converts(normalization.GroupNorm)
def group_norm(site: Site, x: Any, weight: Any = None, bias: Any = None) -> str:
    """γ (x - μ) / √(σ² + ε) + β over groups of channels: groups are taken for the channels of an instance norm."""
    groups, channels = site.op.groups, x.lengths[1]
    grouped = site.node("Reshape", x, site.integers(0, groups, -1))
    ones, zeros = site.constant(np.ones(groups)), site.constant(np.zeros(groups))
    normed = site.node("InstanceNormalization", grouped, ones, zeros, epsilon=site.op.eps)
    y = site.node("Reshape", normed, site.node("Shape", x))
    wide = site.integers(channels, *(1 for _ in x.shape[2:]))
    for kind, other in (("Mul", weight), ("Add", bias)):
        if other is not None:
            y = site.node(kind, y, site.node("Reshape", other, wide))
    return y


@converts(normalization.RMSNorm)
def rms_norm(site: Site, x: Any, weight: Any = None) -> str:
    """γ x / √(mean(x²) + ε) over the last axes."""
    axes = range(len(x.shape) - site.op.ndim, len(x.shape))
    power = reduced(site, "ReduceMean", site.node("Mul", x, x), axes, keepdims=True)
    y = site.node("Div", x, site.node("Sqrt", site.node("Add", power, site.constant(site.op.eps))))
    return y if weight is None else site.node("Mul", y, weight)
