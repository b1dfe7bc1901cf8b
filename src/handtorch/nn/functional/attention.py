"""Attention: for each query the values of the keys that it matches."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.nn.attention.bias import CausalBias
from handtorch.ops.attention import ScaledDotProductAttention
from handtorch.ops.elementwise import cast, of_floats

__all__ = [
    "scaled_dot_product_attention",
]


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(scale · query keyᵀ + mask) value: for each query the values of the keys that it matches.

    It takes memory for blocks of the scores only, however many queries and keys there are.

    Args:
        query: (..., H, L, E).
        key: (..., H, S, E).
        value: (..., H, S, D).
        attn_mask: broadcasts to (..., H, L, S); booleans, true where a query may see a key, or numbers that are added
            to the scores. Or a :class:`~handtorch.nn.attention.bias.CausalBias`.
        dropout_p: the probability with which each weight is set to 0, in training or not.
        is_causal: query i sees the keys 0 ... i only.
        scale: 1 / √E by default.
        enable_gqa: key and value have fewer heads, each for several heads of the query next to each other.
            (Ainslie et al. 2023)

    Returns:
        (..., H, L, D); 0 for a query that may see no key.

    Raises:
        ShapeError: shapes do not go together, or both ``attn_mask`` and ``is_causal`` are given.
        ArgumentError: both a causal bias and ``is_causal`` are given.
        DtypeError: the element types differ.
    """
    offset = 0
    if isinstance(attn_mask, CausalBias):
        if is_causal:
            raise ArgumentError("CausalBias should not be used with causal=True")
        offset, attn_mask, is_causal = attn_mask.offset, None, True
    _check(query, key, value, attn_mask, is_causal)
    heads = None
    if enable_gqa:
        heads = key.array.shape[-3] if key.array.ndim > 2 else 0
        query, key, value, attn_mask = _grouped(query, key, value, attn_mask)
    y = where_seen(query, key, value, attn_mask, is_causal, dropout_p, scale, offset)
    return y if heads is None else y.flatten(-4, -3)


def where_seen(
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    causal: bool,
    dropout_p: float = 0.0,
    scale: float | None = None,
    offset: int = 0,
) -> Any:
    """Attention with a mask, with a causal one, or with both at once, of which only the first takes memory.

    Args:
        query, key, value, mask, dropout_p, scale: as for :func:`scaled_dot_product_attention`.
        causal: query i sees the keys 0 ... i + offset only.
    """
    if mask is None:
        return of_floats(ScaledDotProductAttention(None, causal, dropout_p, scale, offset), query, key, value)
    if mask.array.ndim < 2:
        mask = mask.reshape(*(1,) * (2 - mask.array.ndim), *mask.shape)
    if mask.array.dtype == bool:
        return of_floats(ScaledDotProductAttention(mask.array, causal, dropout_p, scale, offset), query, key, value)
    op = ScaledDotProductAttention(None, causal, dropout_p, scale, offset)
    return of_floats(op, query, key, value, cast(mask, query.dtype))


def _check(query: Any, key: Any, value: Any, attn_mask: Any, is_causal: bool) -> None:
    """Raise what PyTorch raises on arguments that do not go together."""
    types = [x.array.dtype for x in (query, key, value)]
    if len(set(types)) > 1:
        raise DtypeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {query.dtype} key.dtype: "
            f"{key.dtype} and value.dtype: {value.dtype} instead."
        )
    axes = [x.array.ndim for x in (query, key, value)]
    if min(axes) < 2:
        raise ShapeError(
            f"Expected query, key, and value to all be at least 2 dimensional, but got query.dim: {axes[0]}, "
            f"key.dim: {axes[1]} and value.dim: {axes[2]} instead."
        )
    if attn_mask is not None:
        if is_causal:
            raise ShapeError("Explicit attn_mask should not be set when is_causal=True; combine them into one mask")
        if attn_mask.array.dtype not in (np.dtype(bool), np.dtype(np.float32), types[0]):
            raise DtypeError(
                f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{attn_mask.dtype} and query.dtype: {query.dtype} instead."
            )


def _grouped(query: Any, key: Any, value: Any, mask: Any) -> tuple[Any, Any, Any, Any]:
    """Heads of the query in groups, (..., H, G, L, E), that share a head of the key and value, (..., H, 1, S, E)."""
    if min(x.array.ndim for x in (query, key, value)) < 3:
        raise ShapeError("enable_gqa expects query, key and value with an axis of heads, (..., H, L, E)")
    heads, shared = query.array.shape[-3], key.array.shape[-3]
    if shared != value.array.shape[-3] or not shared or heads % shared:
        raise ShapeError(
            f"Number of heads in key and value must divide the number of heads in query, but got query.size(-3): "
            f"{heads}, key.size(-3): {shared} and value.size(-3): {value.array.shape[-3]}"
        )
    groups = (shared, heads // shared)
    if mask is not None and mask.array.ndim > 2:
        mask = mask.unflatten(-3, groups) if mask.array.shape[-3] > 1 else mask.unsqueeze(-3)
    return query.unflatten(-3, groups), key.unsqueeze(-3), value.unsqueeze(-3), mask
