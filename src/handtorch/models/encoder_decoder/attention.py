"""Where to look: attention of a decoder's steps to the steps of a memory, with as many heads as one likes.

Every kind takes ``keys, values = attention.prepare(memory)`` once for a sequence, and then
``contexts, weights, place = attention(queries, keys, values, there, place)`` for one step, or for many at once, where
``place`` is what it has to remember of the step before.
"""

from __future__ import annotations

import math
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.factories import empty, zeros
from handtorch.nn import functional as F
from handtorch.ops.joining import cat
from handtorch.ops.masking import masked_fill


class _HeadedAttention(nn.Module):
    """Keys and values in heads: what both kinds share.

    Args:
        query_size: width of s, the decoder's state.
        memory_size: D, width of m.
        size: h E, numbers of all heads together.
        heads: h.
        bias: whether the maps have one.
    """

    def __init__(self, query_size: int, memory_size: int, size: int, heads: int = 1, bias: bool = False) -> None:
        super().__init__()
        if heads < 1 or size < 1 or size % heads:
            raise ArgumentError(f"expected a size that can be divided among the heads, got {size} for {heads}")
        self.heads, self.head_size, self.output_size = heads, size // heads, size
        self.query = nn.Linear(query_size, size, bias=bias)
        self.key = nn.Linear(memory_size, size, bias=bias)
        self.value = nn.Linear(memory_size, size, bias=bias)

    def prepare(self, memory: Any) -> tuple[Any, Any]:
        """Memory (N, T, D) to keys and values (N, h, T, E)."""
        return self._to_heads(self.key(memory)), self._to_heads(self.value(memory))

    def _to_heads(self, x: Any) -> Any:
        return x.unflatten(2, (self.heads, self.head_size)).transpose(1, 2)


class DotAttention(_HeadedAttention):
    r"""Look where keys are like the query.

    ``c_u = Σ_t a_ut V m_t``, ``a_u = softmax_t((Q s_u) · (K m_t) / √E)``

    in each of h heads (Luong et al. 2015; Vaswani et al. 2017). What one step sees does not depend on where the step
    before has looked, so all steps of a known text are one call.

    Args:
        query_size: width of s, the decoder's state.
        memory_size: D, width of m.
        size: h E, numbers of all heads together.
        heads: h.
        bias: whether Q, K and V have one.

    Raises:
        ArgumentError: size is no multiple of heads.
    """

    def forward(
        self, queries: Any, keys: Any, values: Any, there: Any, place: Any = None, watch: bool = True
    ) -> tuple[Any, Any, None]:
        """Contexts (N, U, h E), weights (N, h, U, T), and None: nothing has to be remembered.

        Args:
            queries: (N, U, query_size).
            keys: (N, h, T, E).
            values: (N, h, T, E).
            there: (N, 1, 1, T) bool, False after the end of the memory; None if it has no end.
            place: not used.
            watch: whether weights are wanted; without, there are none, and they need not exist all at once.
        """
        q = self._to_heads(self.query(queries))
        if not watch:
            return F.scaled_dot_product_attention(q, keys, values, there).transpose(1, 2).flatten(2), None, None
        scores = (q / math.sqrt(self.head_size)) @ keys.transpose(2, 3)
        weights = F.softmax(scores if there is None else masked_fill(scores, ~there, -math.inf), -1)
        return (weights @ values).transpose(1, 2).flatten(2), weights, None


class LocationAttention(_HeadedAttention):
    r"""Look where the key suits the query, knowing where the step before has looked.

    ``c_u = Σ_t a_ut V m_t``, ``a_u = softmax_t(w · tanh(Q s_u + K m_t + (F * a_{u-1})_t + b))``

    in each head (Chorowski et al. 2015). F is a convolution over time: it tells "a little further than before", so that
    a sound that is said twice is not confused with itself. It has to go step by step.

    Args:
        query_size: width of s, the decoder's state.
        memory_size: D, width of m.
        size: h E, numbers of all heads together.
        heads: h.
        kernel_size: how many steps of the memory F sees, odd.

    Raises:
        ArgumentError: size is no multiple of heads, or an even kernel.
    """

    def __init__(self, query_size: int, memory_size: int, size: int, heads: int = 1, kernel_size: int = 31) -> None:
        super().__init__(query_size, memory_size, size, heads)
        if kernel_size % 2 == 0:
            raise ArgumentError(f"expected an odd kernel_size, which has a middle, got {kernel_size}")
        # Each head sees its own weights only; b is the convolution's.
        self.location = nn.Conv1d(heads, size, kernel_size, padding=kernel_size // 2, groups=heads)
        self.score = nn.Parameter(empty(heads, self.head_size, 1))
        nn.init.xavier_uniform_(self.score)

    def forward(
        self, queries: Any, keys: Any, values: Any, there: Any, place: Any = None, watch: bool = True
    ) -> tuple[Any, Any, Any]:
        """Contexts (N, U, h E), weights (N, h, U, T), and those of the last step (N, h, T).

        Args:
            queries: (N, U, query_size).
            keys: (N, h, T, E).
            values: (N, h, T, E).
            there: (N, 1, 1, T) bool, False after the end of the memory; None if it has no end.
            place: where the step before the first has looked (N, h, T); None for nowhere.
            watch: not used.
        """
        q = self._to_heads(self.query(queries))
        number, heads, steps, _ = keys.shape
        if place is None:
            place = zeros(number, heads, steps, dtype=keys.dtype)
        weights = []
        for u in range(q.shape[2]):
            moved = self.location(place).unflatten(1, (heads, self.head_size)).transpose(2, 3)
            scores = ((q[:, :, u : u + 1] + keys + moved).tanh() @ self.score).transpose(2, 3)
            weights.append(F.softmax(scores if there is None else masked_fill(scores, ~there, -math.inf), -1))
            place = weights[-1][:, :, 0]
        looked = cat(weights, 2)
        return (looked @ values).transpose(1, 2).flatten(2), looked, place
