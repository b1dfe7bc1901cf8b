"""Dropout of whole words."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.factories import ones
from handtorch.nn import functional as F
from handtorch.nn.module import Module
from handtorch.nn.utils.rnn import PackedSequence


class EmbeddingDropout(Module):
    """An embedding that in training leaves out each word with probability p, at all its places in the batch or none.

    y[i] = weight[x[i]] m[x[i]] / (1 - p), with m[v] = 0 with probability p, else 1, for each word v of the vocabulary

    The same as dropping rows of the table (Gal & Ghahramani 2016; Merity et al. 2018), without a second table. The
    table stays at ``embedding.weight``, where an output layer can share it.

    Takes word numbers of any shape, or a ``PackedSequence`` of them, and gives the same with D numbers for each::

        words = EmbeddingDropout(nn.Embedding(10_000, 400), 0.1)
        output, state = lstm(words(pack_sequence(sentences, enforce_sorted=False)))

    Args:
        embedding: an ``nn.Embedding`` of V rows of D numbers.
        p: the probability.

    Raises:
        ArgumentError: p is no probability.
    """

    def __init__(self, embedding: Module, p: float = 0.1) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.embedding = embedding
        self.p = p

    def forward(self, x: Any) -> Any:
        """Word numbers (*), or packed, to (*, D)."""
        if isinstance(x, PackedSequence):
            return x._replace(data=self.forward(x.data))
        rows = self.embedding(x)
        if not self.training or self.p == 0:
            return rows
        table: Any = self.embedding.weight
        mask = F.dropout(ones(table.shape[0], dtype=table.dtype), self.p)
        return rows * mask[x].unsqueeze(-1)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"p={self.p}"
