"""Attention: every query takes the values of the keys that it matches, without ever holding all scores at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handtorch import random
from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.elementwise import cast, of_floats
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.random.generator import Generator, resolve

__all__ = [
    "scaled_dot_product_attention",
]

#: How many scores are held at a time: 4 MB of them in float32, which stay near the processor.
BLOCK = 1 << 20


class ScaledDotProductAttention(Op):
    """y = P v with P = softmax(s q kᵀ + b) over the keys: q (..., L, E), k (..., S, E), v (..., S, D), y (..., L, D).

    A row of P is 0 where its query may see no key at all. With dropout, weights P ∘ m / (1 - p) take the place of P,
    where each m is 0 with probability p and else 1. Going back, with dP = (g vᵀ) ∘ m / (1 - p):

    dS = P ∘ (dP - Σ_j dP_j P_j), dL/dq = s dS k, dL/dk = s dSᵀ q, dL/dv = (P ∘ m / (1 - p))ᵀ g, dL/db = dS.

    P has L · S elements, so it is neither kept nor ever whole: heads, and then the queries of one head, are halved until
    the scores of a part are at most ``BLOCK``, and backward computes the scores of each part once more. (Vaswani et al.
    2017; Rabe & Staats 2021; Dao et al. 2022)

    Inputs:
        q, k, v: leading axes are broadcast.
        b: (..., L, S), added to the scores; left out if there is none.

    Args:
        mask: booleans that broadcast to (..., L, S), true where a query may see a key.
        causal: query i sees the keys 0 ... i only.
        dropout_p: p.
        scale: s, 1 / √E by default.
        generator: what draws m, the same numbers that PyTorch draws for all of P at once.
    """

    quiet = True

    def __init__(
        self,
        mask: Any = None,
        causal: bool = False,
        dropout_p: float = 0.0,
        scale: float | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.mask, self.causal, self.dropout_p, self.scale = mask, causal, dropout_p, scale
        self.generator = generator

    def forward(self, q: Any, k: Any, v: Any, bias: Any = None) -> Any:
        self.save(q, k, v, bias)
        if self.scale is None:
            self.scale = 1 / math.sqrt(q.shape[-1]) if q.shape[-1] else 1.0
        generator = resolve(self.generator)
        if self.dropout_p:
            self.generator = generator.clone_state()  # backward draws the same numbers once more

        def attend(first: int, q: Any, k: Any, v: Any, bias: Any, mask: Any) -> list[Any]:
            weights = self.weights(first, q, k, bias, mask)
            return [np.matmul(self.dropped(weights, self.kept(weights.shape, generator)), v)]

        operands, shape = aligned(q, k, v, bias, self.mask)
        return in_blocks(attend, operands, shape)[0]

    def backward(self, g: Any) -> Any:
        generator = self.generator.clone_state() if self.dropout_p else None

        def attend(first: int, q: Any, k: Any, v: Any, bias: Any, mask: Any, g: Any) -> list[Any]:
            weights = self.weights(first, q, k, bias, mask)
            kept = self.kept(weights.shape, generator)
            dv = np.matmul(np.swapaxes(self.dropped(weights, kept), -1, -2), g) if self.needs(2) else None
            d_weights = self.dropped(np.matmul(g, np.swapaxes(v, -1, -2)), kept)
            d_scores = weights * (d_weights - np.sum(d_weights * weights, axis=-1, keepdims=True))
            dq = np.matmul(d_scores, k) * self.scale if self.needs(0) else None
            dk = np.matmul(np.swapaxes(d_scores, -1, -2), q) * self.scale if self.needs(1) else None
            return [dq, dk, dv, d_scores if len(self.parents) > 3 and self.needs(3) else None]

        operands, shape = aligned(*self.saved, self.mask)
        return tuple(in_blocks(attend, [*operands, g], shape)[: len(self.parents)])

    def weights(self, first: int, q: Any, k: Any, bias: Any, mask: Any) -> Any:
        """P (..., L, S) for the queries from number ``first`` on."""
        scores = np.matmul(q, np.swapaxes(k, -1, -2)) * self.scale
        if not scores.shape[-1]:
            return scores
        if bias is not None:
            scores = scores + bias
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        if self.causal:
            rows, columns = scores.shape[-2:]
            seen = np.arange(columns) <= np.arange(first, first + rows)[:, None]
            scores = np.where(seen, scores, -np.inf)
        highest = np.max(scores, axis=-1, keepdims=True)
        e = np.exp(scores - np.where(highest == -np.inf, 0, highest))
        total = np.sum(e, axis=-1, keepdims=True)
        return e / np.where(total == 0, 1, total)

    def kept(self, shape: tuple[int, ...], generator: Any) -> Any:
        """m (shape of P): whether each weight stays; None where all do."""
        if not self.dropout_p:
            return None
        return random.bernoulli(1 - self.dropout_p, shape, bool, generator)

    def dropped(self, x: Any, kept: Any) -> Any:
        """x ∘ m / (1 - p)."""
        if kept is None:
            return x
        return x * kept * (1 / (1 - self.dropout_p) if self.dropout_p < 1 else 0.0)

    def explain(self, *arrays: Any) -> str:
        q, k, v = (tuple(x.shape) for x in arrays[:3])
        if q[-1] != k[-1]:
            return f"expected query (..., L, E) and key (..., S, E), got {q} and {k}; their last axes differ"
        if k[-2] != v[-2]:
            return f"expected key (..., S, E) and value (..., S, D), got {k} and {v}; their numbers of rows differ"
        masks = [tuple(x.shape) for x in (*arrays[3:], self.mask) if x is not None]
        told = f" and mask {masks[0]}" if masks else ""
        return f"expected shapes that broadcast, got query {q}, key {k}, value {v}{told}; mask is (..., {q[-2]}, {k[-2]})"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        q, k, v = normal(2, 3, 4), normal(2, 5, 4, seed=1), normal(2, 5, 3, seed=2)
        some = normal(3, 5, seed=3) > 0
        yield sample(cls, q, k, v)
        yield sample(lambda: cls(causal=True), q, k, v)
        yield sample(lambda: cls(causal=True), normal(5, 2), normal(3, 2, seed=1), normal(3, 2, seed=2))
        yield sample(lambda: cls(scale=0.3), normal(2, 1, 3, 4), normal(3, 5, 4, seed=1), normal(5, 2, seed=2))
        yield sample(lambda: cls(mask=some), q, k, v)
        yield sample(lambda: cls(mask=some & (np.arange(3) != 1)[:, None]), q, k, v)
        yield sample(cls, q, k, v, normal(3, 5, seed=4))
        yield sample(cls, q, k, v, normal(2, 1, 5, seed=4))
        yield sample(lambda: cls(dropout_p=0.4, generator=Generator()), q, k, v)
        yield sample(cls, normal(3, 4), normal(0, 4), normal(0, 2))
        yield sample(lambda: cls(causal=True), *(normal(2, 3, 70, 8, seed=i) for i in range(3)))
        yield bad(cls, normal(2, 3, 4), normal(2, 5, 3), normal(2, 5, 3))
        yield bad(cls, normal(2, 3, 4), normal(2, 5, 4), normal(2, 4, 3))
        yield bad(cls, normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 3), normal(3, 4))


def aligned(q: Any, k: Any, v: Any, bias: Any, mask: Any) -> tuple[list[Any], tuple[int, ...]]:
    """All operands with the same number of axes, q with all of its leading ones, and the shape of the scores."""
    operands = [q, k, v, bias, mask]
    batch = np.broadcast_shapes(*(x.shape[:-2] for x in operands if x is not None))
    scores = (*batch, q.shape[-2], k.shape[-2])
    for x in (bias, mask):
        if x is not None and np.broadcast_shapes(x.shape, scores) != scores:
            raise ValueError("the mask has more rows or columns than there are queries or keys")
    operands = [
        x if x is None or x.ndim == len(scores) else np.reshape(x, (*(1,) * (len(scores) - x.ndim), *x.shape))
        for x in operands
    ]
    operands[0] = np.broadcast_to(operands[0], (*batch, *q.shape[-2:]))
    return operands, scores


def in_blocks(
    function: Callable[..., list[Any]], operands: list[Any], shape: tuple[int, ...], first: int = 0
) -> list[Any]:
    """The results of a function of a block of scores, put together for all of them.

    Args:
        function: takes the number of the first query and the operands of a block; its i-th result has the axes of the
            i-th operand, and adds up over those along which that operand is the same for all blocks.
        operands: q, k, v and what else goes with q, as :func:`aligned` makes them.
        shape: of the scores (..., L, S).
        first: the number of the first query.
    """
    if math.prod(shape) <= BLOCK or math.prod(shape[:-1]) == 1:
        return [
            None if y is None else summed_like(x, y)
            for x, y in zip(operands, function(first, *operands), strict=False)
        ]
    queries = len(shape) - 2
    axis = next(i for i, n in enumerate(shape[:-1]) if n > 1)
    shared = [
        x is None or x.shape[axis] == 1 or (axis == queries and place in (1, 2)) for place, x in enumerate(operands)
    ]
    middle = shape[axis] // 2
    halves = []
    for part in (slice(0, middle), slice(middle, shape[axis])):
        key = (*(slice(None),) * axis, part)
        halves.append(
            in_blocks(
                function,
                [x if same else x[key] for x, same in zip(operands, shared, strict=True)],
                (*shape[:axis], part.stop - part.start, *shape[axis + 1 :]),
                first + part.start if axis == queries else first,
            )
        )
    return [
        None if a is None else a + b if same else np.concatenate([a, b], axis=axis)
        for a, b, same in zip(*halves, shared, strict=False)
    ]


def summed_like(x: Any, y: Any) -> Any:
    """y, summed over the axes along which x has one element and is broadcast; not over the last one."""
    axes = tuple(i for i in range(y.ndim - 1) if x.shape[i] == 1 < y.shape[i])
    return np.sum(y, axis=axes, keepdims=True) if axes else y


# -- functions ------------------------------------------------------------------------------------------------------


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
            to the scores.
        dropout_p: the probability with which each weight is set to 0, in training or not.
        is_causal: query i sees the keys 0 ... i only.
        scale: 1 / √E by default.
        enable_gqa: key and value have fewer heads, each for several heads of the query next to each other.
            (Ainslie et al. 2023)

    Returns:
        (..., H, L, D); 0 for a query that may see no key.

    Raises:
        ShapeError: shapes do not go together, or both ``attn_mask`` and ``is_causal`` are given.
        DtypeError: the element types differ.
    """
    _check(query, key, value, attn_mask, is_causal)
    heads = None
    if enable_gqa:
        heads = key.array.shape[-3] if key.array.ndim > 2 else 0
        query, key, value, attn_mask = _grouped(query, key, value, attn_mask)
    mask = None
    inputs = [query, key, value]
    if attn_mask is not None:
        if attn_mask.array.ndim < 2:
            attn_mask = attn_mask.reshape(*(1,) * (2 - attn_mask.array.ndim), *attn_mask.shape)
        if attn_mask.array.dtype == bool:
            mask = attn_mask.array
        else:
            inputs.append(cast(attn_mask, query.dtype))
    y = of_floats(ScaledDotProductAttention(mask, is_causal, dropout_p, scale), *inputs)
    return y if heads is None else y.flatten(-4, -3)


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
