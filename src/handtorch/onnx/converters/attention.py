"""Converters of attention: ONNX's own operator is younger than version 17, so its scores are written out."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.onnx.converters.registry import converts
from handtorch.onnx.graph import Site, Unsupported
from handtorch.ops.attention import ScaledDotProductAttention


@converts(ScaledDotProductAttention)
def attention(site: Site, q: Any, k: Any, v: Any, bias: Any = None) -> str:
    """softmax(s q kᵀ + b) v; the lengths of both sequences may differ from run to run."""
    op = site.op
    if op.dropout_p:
        raise Unsupported("with dropout, which is not left out in evaluation: pass dropout_p=0.0 there")
    axes = len(k.shape)
    scores = site.node("MatMul", q, site.node("Transpose", k, perm=[*range(axes - 2), axes - 1, axes - 2]))
    scores = site.node("Mul", scores, site.constant(op.scale))
    if bias is not None:
        scores = site.node("Add", scores, bias)
    if op.mask is not None:
        scores = _hidden(site, scores, site.setting(op.mask))
    if op.causal:
        scores = _hidden(site, scores, _causal(site, q, k))
    weights = site.node("Softmax", scores, axis=-1)
    if bias is not None or op.mask is not None or op.offset < 0:  # a query may see no key
        weights = site.node("Where", site.node("IsNaN", weights), site.constant(0), weights)
    return site.node("MatMul", weights, v)


def _hidden(site: Site, scores: str, seen: str) -> str:
    return site.node("Where", seen, scores, site.constant(-np.inf))


def _causal(site: Site, q: str, k: str) -> str:
    """Which keys each query sees (L, S), of whatever lengths the sequences are."""
    zero, one = site.constant(0, np.int64), site.constant(1, np.int64)

    def numbers(x: str, first: int) -> str:
        """first, first + 1 ..., one for each row of x."""
        count = site.node("Squeeze", site.node("Shape", x, start=-2, end=-1))
        rows = site.node("Range", zero, count, one)
        return site.node("Add", rows, site.constant(first, np.int64)) if first else rows

    last = site.node("Unsqueeze", numbers(q, site.op.offset), site.integers(1))
    return site.node("LessOrEqual", numbers(k, 0), last)
