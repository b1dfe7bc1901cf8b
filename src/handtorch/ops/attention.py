"""Attention: every query takes the values of the keys that it matches, without ever holding all scores at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handtorch import random
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.random.generator import Generator, resolve

__all__: list[str] = []

#: How many scores are held at a time: 4 MB of them in float32, which stay near the processor.
BLOCK = 1 << 20


class ScaledDotProductAttention(Op):
    """y = P v with P = softmax(s q kᵀ + b) over the keys: q (..., L, E), k (..., S, E), v (..., S, D), y (..., L, D).

    A row of P is 0 where its query may see no key at all. With dropout, weights P ∘ m / (1 - p) take the place of P,
    where each m is 0 with probability p and else 1. Going back, with dP = (g vᵀ) ∘ m / (1 - p):

    dS = P ∘ (dP - Σ_j dP_j P_j), dL/dq = s dS k, dL/dk = s dSᵀ q, dL/dv = (P ∘ m / (1 - p))ᵀ g, dL/db = dS.

    P has L · S elements, so it is neither kept nor ever whole: heads, and then the queries of one head, are halved
    until a part has at most ``BLOCK`` scores, and backward computes the scores of each part once more. (Vaswani et al.
    2017; Rabe & Staats 2021; Dao et al. 2022)

    Inputs:
        q, k, v: leading axes are broadcast.
        b: (..., L, S), added to the scores; left out if there is none.

    Args:
        mask: booleans that broadcast to (..., L, S), true where a query may see a key.
        causal: query i sees the keys 0 ... i + offset only.
        dropout_p: p.
        scale: s, 1 / √E by default.
        offset: how many keys come before the first query.
        generator: what draws m, the same numbers that PyTorch draws for all of P at once.
    """

    quiet = True
    twin_from = 2_048

    def __init__(
        self,
        mask: Any = None,
        causal: bool = False,
        dropout_p: float = 0.0,
        scale: float | None = None,
        offset: int = 0,
        generator: Generator | None = None,
    ) -> None:
        self.mask, self.causal, self.dropout_p, self.scale = mask, causal, dropout_p, scale
        self.offset, self.generator = offset, generator

    def forward(self, q: Any, k: Any, v: Any, bias: Any = None) -> Any:
        self.save(q, k, v, bias)
        if self.scale is None:
            self.scale = 1 / math.sqrt(q.shape[-1]) if q.shape[-1] else 1.0
        generator = resolve(self.generator)
        if self.dropout_p:
            self.start = generator.clone_state()  # from where backward draws the same numbers

        def attend(first: int, q: Any, k: Any, v: Any, bias: Any, mask: Any) -> list[Any]:
            weights = self.weights(first, q, k, bias, mask)
            return [np.matmul(self.dropped(weights, self.kept(weights.shape, generator)), v)]

        operands, shape = aligned(q, k, v, bias, self.mask)
        return in_blocks(attend, operands, shape)[0]

    def backward(self, g: Any) -> Any:
        generator = self.start.clone_state() if self.dropout_p else None

        def attend(first: int, q: Any, k: Any, v: Any, bias: Any, mask: Any, g: Any) -> list[Any]:
            weights = self.weights(first, q, k, bias, mask)
            kept = self.kept(weights.shape, generator)
            dv = np.matmul(np.swapaxes(self.dropped(weights, kept), -1, -2), g) if self.needs(2) else None
            d_weights = self.dropped(np.matmul(g, np.swapaxes(v, -1, -2)), kept)
            d_scores = weights * (d_weights - np.sum(d_weights * weights, axis=-1, keepdims=True))
            dq = np.matmul(d_scores, k) * self.scale if self.needs(0) else None
            dk = np.matmul(np.swapaxes(d_scores, -1, -2), q) * self.scale if self.needs(1) else None
            return [dq, dk, dv, d_scores if len(self.parents) > 3 and self.needs(3) else None]

        q, k, v, bias = self.saved
        operands, shape = aligned(q, k, v, bias, self.mask)
        return tuple(in_blocks(attend, [*operands, g], shape)[: len(self.parents)])

    def weights(self, first: int, q: Any, k: Any, bias: Any, mask: Any) -> Any:
        """P (..., L, S) for the queries from number ``first`` on."""
        scores = np.matmul(q * self.scale, np.swapaxes(k, -1, -2))
        rows, columns = scores.shape[-2:]
        if not columns:
            return scores
        if bias is not None:
            scores = scores + bias
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        if self.causal and columns > first + self.offset + 1:  # else all of these queries see all keys
            last = np.arange(first, first + rows) + self.offset
            scores = np.where(np.arange(columns) <= last[:, None], scores, -np.inf)
        highest = np.max(scores, axis=-1, keepdims=True)
        if bias is None and mask is None and self.offset >= 0:  # every query sees a key
            e = np.exp(scores - highest)
            return e / np.sum(e, axis=-1, keepdims=True)
        e = np.exp(scores - np.where(highest == -np.inf, 0, highest))
        total = np.sum(e, axis=-1, keepdims=True)
        return e / np.where(total == 0, 1, total)

    def kept(self, shape: tuple[int, ...], generator: Any) -> Any:
        """m (shape of P): whether each weight stays; None where all do."""
        if not self.dropout_p:
            return None
        if self.dropout_p == 1:
            return np.zeros(shape, bool)
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
        told = f", mask {masks[0]}; a mask broadcasts to (..., {q[-2]}, {k[-2]})" if masks else ""
        return f"expected shapes that broadcast, got query {q}, key {k}, value {v}{told}"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        q, k, v = normal(2, 3, 4), normal(2, 5, 4, seed=1), normal(2, 5, 3, seed=2)
        some = normal(3, 5, seed=3) > 0
        yield sample(cls, q, k, v)
        yield sample(lambda: cls(causal=True), q, k, v)
        yield sample(lambda: cls(causal=True), normal(5, 2), normal(3, 2, seed=1), normal(3, 2, seed=2))
        yield sample(lambda: cls(causal=True, offset=-1), q, k, v)
        yield sample(lambda: cls(causal=True, offset=2), q, k, v)
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
    batch, rows = q.shape[:-2], (q.shape[-2], k.shape[-2])
    if bias is None and mask is None and k.shape[:-2] == v.shape[:-2] == batch:
        return [q, k, v, None, None], (*batch, *rows)
    scores = (*np.broadcast_shapes(batch, k.shape[:-2]), *rows)
    for x in (bias, mask):
        if x is not None and np.broadcast_shapes(x.shape, scores) != scores:
            raise ValueError("the mask is larger than the scores")
    batch = np.broadcast_shapes(scores[:-2], v.shape[:-2])
    axes = len(batch) + 2
    q, k, v, bias, mask = (
        x if x is None or x.ndim == axes else np.reshape(x, (*(1,) * (axes - x.ndim), *x.shape))
        for x in (q, k, v, bias, mask)
    )
    return [np.broadcast_to(q, (*batch, *q.shape[-2:])), k, v, bias, mask], (*batch, *rows)


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
        results = function(first, *operands)
        return [y if y is None else summed_like(x, y) for x, y in zip(operands, results, strict=False)]
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
    if x.shape[:-1] == y.shape[:-1]:
        return y
    axes = tuple(i for i in range(y.ndim - 1) if x.shape[i] == 1 < y.shape[i])
    return np.sum(y, axis=axes, keepdims=True)
