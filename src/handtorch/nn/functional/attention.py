"""Attention, alone and in several heads with their projections."""

from __future__ import annotations

from handtorch.ops.attention import scaled_dot_product_attention

__all__ = [
    "scaled_dot_product_attention",
]
