"""Converters of convolutions."""

from __future__ import annotations

from typing import Any

from handtorch.onnx.converters.registry import converts
from handtorch.onnx.graph import Site
from handtorch.ops import convolution


@converts(convolution.Convolution)
def conv(site: Site, x: Any, weight: Any, bias: Any = None) -> str:
    """The convolution; behind each axis as many zeros as the size of the result asks for."""
    op, kernel = site.op, weight.lengths[2:]
    behind = []
    for n, m, k, s, p, d in zip(x.lengths[2:], op.size, kernel, op.stride, op.padding, op.dilation, strict=True):
        reach = d * (k - 1) + 1
        behind.append(p if (n + 2 * p - reach) // s + 1 == m else (m - 1) * s + reach - n - p)
    return site.node("Conv", x, weight, *_given(bias), **_settings(op, kernel), pads=[*op.padding, *behind])


@converts(convolution.ConvolutionTranspose)
def conv_transpose(site: Site, x: Any, weight: Any, bias: Any = None) -> str:
    """The transpose; behind each axis it grows by what is left of the size of the result."""
    op, kernel = site.op, weight.lengths[2:]
    extra = [
        m - ((n - 1) * s + d * (k - 1) + 1 - 2 * p)
        for n, m, k, s, p, d in zip(x.lengths[2:], op.size, kernel, op.stride, op.padding, op.dilation, strict=True)
    ]
    settings = {**_settings(op, kernel), "pads": [*op.padding, *op.padding], "output_padding": extra}
    return site.node("ConvTranspose", x, weight, *_given(bias), **settings)


def _given(bias: Any) -> list[str]:
    return [] if bias is None else [bias]


def _settings(op: Any, kernel: Any) -> dict[str, Any]:
    return {
        "strides": list(op.stride),
        "dilations": list(op.dilation),
        "group": op.groups,
        "kernel_shape": list(kernel),
    }
