"""Attention in several heads, with the projections of their inputs and results."""

from __future__ import annotations

import math
import warnings
from typing import Any

from handtorch.errors import DtypeError, ShapeError
from handtorch.nn.functional.attention import where_seen
from handtorch.nn.functional.dropouts import dropout
from handtorch.ops.joining import cat
from handtorch.ops.linalg import linear
from handtorch.ops.softmax import softmax

__all__ = [
    "multi_head_attention_forward",
]


class AttentionError(ShapeError, AssertionError):
    """Arguments of attention that do not go together; PyTorch raises AssertionError for these."""


class MaskError(DtypeError, AssertionError):
    """A mask of whole numbers; PyTorch raises AssertionError for it."""


def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """Attention in H heads: y = [head_1 ... head_H] W_oᵀ + b_o, head_i = attention(q W_qiᵀ, k W_kiᵀ, v W_viᵀ).

    Vaswani et al. 2017. A mask that hides is true where a query must not see a key, the other way round than for
    :func:`scaled_dot_product_attention`; or it holds numbers that are added to the scores.

    Args:
        query: (L, N, E), or (L, E) without a batch.
        key: (S, N, K), or (S, K).
        value: (S, N, V), or (S, V).
        embed_dim_to_check: E.
        num_heads: H, a divisor of E.
        in_proj_weight: (3 E, E), W_q, W_k and W_v one below the other; then K and V are E.
        in_proj_bias: (3 E), or None.
        bias_k, bias_v: (1, 1, E), a key and a value that are added to all sequences, or None.
        add_zero_attn: whether a key and a value of zeros are added.
        dropout_p: the probability with which a weight is set to 0 in training.
        out_proj_weight, out_proj_bias: W_o (E, E), b_o (E) or None.
        training: whether there is dropout.
        key_padding_mask: (N, S), or (S): the keys that are padding.
        need_weights: whether the weights are returned. Without them, memory grows with L, not with L · S.
        attn_mask: (L, S), or (N · H, L, S).
        use_separate_proj_weight: W_q (E, E), W_k (E, K) and W_v (E, V) are given one by one.
        q_proj_weight, k_proj_weight, v_proj_weight: these.
        static_k, static_v: (N · H, S, E / H), instead of the projected keys and values.
        average_attn_weights: whether the weights are averaged over heads.
        is_causal: a promise that ``attn_mask`` hides the keys after each query and no others.

    Returns:
        y (L, N, E), or (L, E); and the weights (N, L, S), or (N, H, L, S) of each head, without N if there is no
        batch; or None.

    Raises:
        ShapeError: shapes do not go together.
    """
    return attend(
        query,
        key,
        value,
        embed_dim_to_check,
        num_heads,
        in_proj=(q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight,
        in_proj_bias=in_proj_bias,
        added=None if bias_k is None and bias_v is None else (bias_k, bias_v),
        add_zero_attn=add_zero_attn,
        dropout_p=dropout_p if training else 0.0,
        out_proj=(out_proj_weight, out_proj_bias),
        key_padding_mask=key_padding_mask,
        need_weights=need_weights,
        attn_mask=attn_mask,
        static=(static_k, static_v),
        average_attn_weights=average_attn_weights,
        is_causal=is_causal,
    )


def attend(
    query: Any,
    key: Any,
    value: Any,
    embed_dim: int,
    num_heads: int,
    in_proj: Any,
    in_proj_bias: Any,
    added: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj: Any,
    key_padding_mask: Any,
    need_weights: bool,
    attn_mask: Any,
    static: Any = (None, None),
    average_attn_weights: bool = True,
    is_causal: bool = False,
    batch_first: bool = False,
) -> tuple[Any, Any]:
    """:func:`multi_head_attention_forward` of inputs (L, N, E), or (N, L, E) with ``batch_first``.

    Args:
        in_proj: one weight, or three.
        added: the key and the value that are added to all sequences, or None.
        out_proj: W_o and b_o.
        static: the keys and values that take the place of the projected ones, or None.
    """
    batched = _check_axes(query, key, value, key_padding_mask, attn_mask, num_heads)
    batch = 0 if batch_first and batched else 1
    if not batched:
        query, key, value = _together(query, key, value, lambda x: x.unsqueeze(1))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    padding = hiding(key_padding_mask, "key_padding_mask", attn_mask, "attn_mask")
    if is_causal and attn_mask is None:
        raise ShapeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    more_keys = added is not None or add_zero_attn  # at the end, where a causal mask would hide them
    is_causal = is_causal and not need_weights and (padding is None or not more_keys)
    mask = None if is_causal else hiding(attn_mask, "attn_mask")
    _check_lengths(query, key, value, embed_dim, num_heads, isinstance(in_proj, tuple), batch)
    n, length = query.shape[batch], query.shape[1 - batch]
    if mask is not None:
        mask = _of_heads(mask, n, num_heads, length, key.shape[1 - batch])

    q, k, v = _projected(query, key, value, in_proj, in_proj_bias, num_heads)
    if added is not None:
        k, v = _with_one_more(k, v, added, static, batch)
        mask, padding = _with_a_column(mask), _with_a_column(padding)
    q, k, v = (x.permute(batch, 2, 1 - batch, 3) for x in (q, k, v))  # to (N, H, L, E / H)
    k, v = (
        x if fixed is None else _static(fixed, name, n, num_heads, q.shape[-1])
        for x, fixed, name in zip((k, v), static, ("static_k", "static_v"), strict=True)
    )
    if add_zero_attn:
        k, v = (cat([x, x.new_zeros(n, num_heads, 1, x.shape[-1])], 2) for x in (k, v))
        mask, padding = _with_a_column(mask), _with_a_column(padding)
    mask = _both(mask, _of_keys(padding, n, k.shape[-2]))

    weights = None
    if need_weights:
        y, weights = _with_weights(q, k, v, mask, dropout_p)
        weights = weights.mean(1) if average_attn_weights else weights
    else:
        hidden = mask is not None and not mask.is_floating_point()
        y = where_seen(q, k, v, ~mask if hidden else mask, is_causal, dropout_p)
    y = linear(y.permute(2, 0, 1, 3).flatten(-2), *out_proj)
    y = y.transpose(0, 1) if batch == 0 else y  # in memory (L, N, E) as PyTorch's, for the draws of a dropout behind it
    if not batched:
        y, weights = y.squeeze(1), None if weights is None else weights.squeeze(0)
    return y, weights


# -- masks ----------------------------------------------------------------------------------------------------------


def hiding(mask: Any, name: str, other: Any = None, other_name: str = "") -> Any:
    """The mask, known to be of truth values or numbers.

    Raises:
        MaskError: it is of whole numbers.
    """
    if mask is None:
        return None
    if mask.array.dtype.kind not in "bf":
        raise MaskError(f"only bool and floating types of {name} are supported, got {mask.dtype}")
    if other is not None and other.dtype != mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=4,
        )
    return mask


def as_numbers(mask: Any, dtype: Any) -> Any:
    """A mask of truth values as numbers that are added: -Inf where it hides."""
    return mask if mask.is_floating_point() else mask.new_zeros(mask.shape, dtype=dtype).masked_fill(mask, -math.inf)


def _both(mask: Any, padding: Any) -> Any:
    """What hides a key if one of two masks does."""
    if mask is None or padding is None:
        return padding if mask is None else mask
    if not mask.is_floating_point() and not padding.is_floating_point():
        return mask | padding
    dtype = mask.dtype if mask.is_floating_point() else padding.dtype
    return as_numbers(mask, dtype) + as_numbers(padding, dtype)


def _of_heads(mask: Any, n: int, heads: int, queries: int, keys: int) -> Any:
    """A mask (L, S) as (1, 1, L, S), or (N · H, L, S) as (N, H, L, S)."""
    expected = (queries, keys) if mask.ndim == 2 else (n * heads, queries, keys)
    if tuple(mask.shape) != expected:
        raise ShapeError(f"The shape of the {mask.ndim}D attn_mask is {tuple(mask.shape)}, but should be {expected}.")
    return mask.reshape(*((1, 1) if mask.ndim == 2 else (n, heads)), queries, keys)


def _of_keys(padding: Any, n: int, keys: int) -> Any:
    """A mask (N, S) as (N, 1, 1, S)."""
    if padding is None:
        return None
    for axis, expected in enumerate((n, keys)):
        if padding.shape[axis] != expected:
            raise AttentionError(
                f"Expected key_padded_mask.shape[{axis}] to be {expected}, but got {padding.shape[axis]}"
            )
    return padding.reshape(n, 1, 1, keys)


def _with_a_column(mask: Any) -> Any:
    """The mask for one more key, which it does not hide."""
    return None if mask is None else cat([mask, mask.new_zeros(*mask.shape[:-1], 1)], -1)


# -- queries, keys and values ---------------------------------------------------------------------------------------


def _together(query: Any, key: Any, value: Any, change: Any) -> tuple[Any, Any, Any]:
    """The three after a change; what was one tensor before is one afterwards."""
    k = change(key)
    return k if query is key else change(query), k, k if value is key else change(value)


def _projected(query: Any, key: Any, value: Any, weight: Any, bias: Any, heads: int) -> tuple[Any, Any, Any]:
    """q, k and v (L, N, H, E / H); one product for what is projected from the same tensor."""
    if isinstance(weight, tuple):
        biases = (None,) * 3 if bias is None else bias.chunk(3)
        q, k, v = (linear(x, w, b) for x, w, b in zip((query, key, value), weight, biases, strict=True))
        return q.unflatten(-1, (heads, -1)), k.unflatten(-1, (heads, -1)), v.unflatten(-1, (heads, -1))
    size = query.shape[-1]
    if key is not value:
        return _projected(query, key, value, weight.chunk(3), bias, heads)
    if query is key:
        return linear(query, weight, bias).unflatten(-1, (3, heads, -1)).unbind(-3)
    (w_q, w_kv), (b_q, b_kv) = ((None, None) if x is None else x.split([size, 2 * size]) for x in (weight, bias))
    q = linear(query, w_q, b_q).unflatten(-1, (heads, -1))
    return q, *linear(key, w_kv, b_kv).unflatten(-1, (2, heads, -1)).unbind(-3)


def _with_one_more(k: Any, v: Any, added: Any, static: Any, batch: int) -> tuple[Any, Any]:
    """Keys and values with one more at the end, the same for all sequences."""
    for x, name in zip(added, ("bias_k", "bias_v"), strict=True):
        if x is None:
            raise AttentionError(f"bias_k and bias_v go together, but {name} is None")
    for x, name in zip(static, ("key", "value"), strict=True):
        if x is not None:
            raise AttentionError(f"bias cannot be added to static {name}.")
    shape = list(k.shape)
    shape[1 - batch] = 1
    k, v = (
        cat([x, more.unflatten(-1, shape[2:]).expand(*shape)], 1 - batch) for x, more in zip((k, v), added, strict=True)
    )
    return k, v


def _static(x: Any, name: str, n: int, heads: int, size: int) -> Any:
    """Keys or values (N · H, S, E / H) that were projected before, as (N, H, S, E / H)."""
    for axis, expected in ((0, n * heads), (2, size)):
        if x.shape[axis] != expected:
            raise AttentionError(f"expecting {name}.size({axis}) of {expected}, but got {x.shape[axis]}")
    return x.unflatten(0, (n, heads))


def _with_weights(q: Any, k: Any, v: Any, mask: Any, dropout_p: float) -> tuple[Any, Any]:
    """Attention whose weights are all there: y (N, H, L, E / H) and P (N, H, L, S)."""
    scores = q * math.sqrt(1 / q.shape[-1]) @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores + as_numbers(mask, scores.dtype)
    weights = dropout(softmax(scores, -1), dropout_p)
    return weights @ v, weights


# -- checks ---------------------------------------------------------------------------------------------------------


def _check_axes(query: Any, key: Any, value: Any, padding: Any, mask: Any, heads: int) -> bool:
    """Whether there is a batch; raise where the numbers of axes do not go together."""
    axes = query.ndim
    if axes not in (2, 3):
        raise AttentionError(f"query should be unbatched 2D or batched 3D tensor but received {axes}-D query tensor")
    told = f"For {'batched (3-D)' if axes == 3 else 'unbatched (2-D)'} `query`, expected"
    if key.ndim != axes or value.ndim != axes:
        raise AttentionError(
            f"{told} `key` and `value` to be {axes}-D but found {key.ndim}-D and {value.ndim}-D tensors respectively"
        )
    if padding is not None and padding.ndim != axes - 1:
        raise AttentionError(
            f"{told} `key_padding_mask` to be `None` or {axes - 1}-D but found {padding.ndim}-D tensor instead"
        )
    if mask is not None:
        if mask.ndim not in (2, 3):
            raise AttentionError(f"{told} `attn_mask` to be `None`, 2-D or 3-D but found {mask.ndim}-D tensor instead")
        expected = (heads, query.shape[0], key.shape[0])
        if axes == 2 and mask.ndim == 3 and tuple(mask.shape) != expected:
            raise AttentionError(f"Expected `attn_mask` shape to be {expected} but got {tuple(mask.shape)}")
    return axes == 3


def _check_lengths(query: Any, key: Any, value: Any, embed_dim: int, heads: int, separate: bool, batch: int) -> None:
    """Raise where lengths of axes do not go together."""
    if query.shape[-1] != embed_dim:
        raise AttentionError(f"was expecting embedding dimension of {embed_dim}, but got {query.shape[-1]}")
    if not heads or embed_dim % heads:
        raise AttentionError(f"embed_dim {embed_dim} not divisible by num_heads {heads}")
    if separate:
        if key.shape[:2] != value.shape[:2]:
            raise AttentionError(
                f"key's sequence and batch dims {tuple(key.shape[:2])} do not match value's {tuple(value.shape[:2])}"
            )
    elif key.shape != value.shape:
        raise AttentionError(f"key shape {tuple(key.shape)} does not match value shape {tuple(value.shape)}")
    if key.shape[batch] != query.shape[batch]:
        raise ShapeError(
            f"expected as many sequences of keys as of queries, got {key.shape[batch]} and {query.shape[batch]}"
        )
