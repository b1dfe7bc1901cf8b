"""Where to look: attention of a decoder's steps to the steps of a memory, with as many heads as one likes.

Every kind takes ``keys, values = attention.prepare(memory)`` once for a sequence, and then
``contexts, weights, place = attention(queries, keys, values, ended, place)`` for each step, or for many steps at once.
"""

from __future__ import annotations

import math
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.ops.masking import masked_fill


class DotAttention(nn.Module):
    r"""Look where keys are like the query.

    ``c_u = Σ_t a_ut V m_t``, ``a_u = softmax_t((Q s_u) · (K m_t) / √E)``

    in each of h heads (Luong et al. 2015; Vaswani et al. 2017). What one step sees does not depend on where the step
    before has looked, so that all steps of a known text are one product.

    Args:
        query_size: width of s, the decoder's state.
        memory_size: D, width of m.
        size: h E, numbers of all heads together.
        heads: h.

    Raises:
        ArgumentError: size is no multiple of heads.
    """

    #: Whether a step has to know where the one before has looked.
    stepwise = False

    def __init__(self, query_size: int, memory_size: int, size: int, heads: int = 1) -> None:
        super().__init__()
        if heads < 1 or size % heads:
            raise ArgumentError(f"expected a size that can be divided among the heads, got {size} for {heads}")
        self.heads, self.head_size, self.output_size = heads, size // heads, size
        self.query = nn.Linear(query_size, size, bias=False)
        self.key = nn.Linear(memory_size, size, bias=False)
        self.value = nn.Linear(memory_size, size, bias=False)

    def prepare(self, memory: Any) -> tuple[Any, Any]:
        """Memory (N, T, D) to keys and values (N, h, T, E)."""
        return self._to_heads(self.key(memory)), self._to_heads(self.value(memory))

    def forward(self, queries: Any, keys: Any, values: Any, ended: Any, place: Any = None) -> tuple[Any, Any, Any]:
        """Contexts (N, U, h E), weights (N, h, U, T), and None: nothing has to be remembered.

        Args:
            queries: (N, U, query_size).
            keys: (N, h, T, E).
            values: (N, h, T, E).
            ended: (N, 1, 1, T) bool, True after the end of the memory.
            place: not used.
        """
        scores = (self._to_heads(self.query(queries)) / math.sqrt(self.head_size)) @ keys.transpose(2, 3)
        weights = F.softmax(masked_fill(scores, ended, -math.inf), -1)
        return (weights @ values).transpose(1, 2).flatten(2), weights, None

    def _to_heads(self, x: Any) -> Any:
        return x.unflatten(2, (self.heads, self.head_size)).transpose(1, 2)
