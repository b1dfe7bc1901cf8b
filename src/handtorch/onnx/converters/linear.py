"""Converters of matrix products and embeddings."""

from __future__ import annotations

from typing import Any

from handtorch.onnx.converters.registry import converts, same
from handtorch.onnx.graph import Site
from handtorch.ops import embedding, linalg

same({linalg.MatMul: "MatMul"})


@converts(linalg.Linear)
def linear(site: Site, x: Any, weight: str, bias: Any = None) -> str:
    """x Wᵀ + b."""
    if len(x.shape) == 2:
        return site.node("Gemm", x, weight, *([] if bias is None else [bias]), transB=1)
    y = site.node("MatMul", x, site.node("Transpose", weight, perm=[1, 0]))
    return y if bias is None else site.node("Add", y, bias)


@converts(embedding.Embedding)
def embedding_(site: Site, table: str) -> str:
    """The rows of a table that the index names."""
    return site.node("Gather", table, site.setting(site.op.index), axis=0)
