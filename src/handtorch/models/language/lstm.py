"""LSTMLanguageModel: layers of LSTM that read a text and guess its next token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError, ShapeError
from handtorch.models.language.model import LanguageModel, output_layer
from handtorch.nn import sequences
from handtorch.nn.sequences import EmbeddingDropout, LockedDropout


@dataclass(frozen=True)
class LSTMState:
    """What the layers remember of N sequences.

    Attributes:
        layers: for each layer its h and c, (1, N, H) each.
    """

    layers: tuple[tuple[Any, Any], ...]

    def __len__(self) -> int:
        """N."""
        return int(self.layers[0][0].shape[1])

    def select(self, rows: Any) -> LSTMState:
        """The state of these sequences, rows (M) whole numbers."""
        return self._each(lambda x: x[:, rows])

    def detach(self) -> LSTMState:
        """The same without its history."""
        return self._each(lambda x: x.detach())

    def _each(self, function: Callable[[Any], Any]) -> LSTMState:
        return LSTMState(tuple((function(h), function(c)) for h, c in self.layers))


class LSTMLanguageModel(LanguageModel):
    r"""Embeddings, L layers of LSTM, logits; with the dropouts of Merity et al. 2018 ("AWD-LSTM").

    ``h_0 = embedding(x)``, ``h_j = dropout(LSTM_j(h_{j-1}))``, ``logits = W h_L + b``

    With ``tied`` W is the table of the embeddings, and the last layer has the width of a row of it: a token's meaning
    is learned once, and most of a small model's weights are saved (Press & Wolf 2017).

    Every dropout of features draws one mask for all steps of a call. ``dropout_embedding`` leaves out whole tokens,
    ``weight_drop`` connections of the recurrence; the same ones for all steps, too.

    Args:
        vocabulary: V.
        embedding_dim: E, the numbers in a row of the table.
        hidden: H, the width of a layer; the last one has E if ``tied``.
        layers: L.
        tied: whether logits and embeddings share the table.
        dropout_embedding: probability with which a token is left out wherever it stands.
        dropout_input: of a feature of the embeddings.
        dropout_between: of a feature between two layers.
        dropout_output: of a feature of the last layer.
        weight_drop: of a connection from step to step.
        cutoffs: adaptive softmax (Grave et al. 2017) for a large vocabulary numbered from the most frequent token
            down: where its clusters begin, such as (2000, 10000). Then what comes for logits are log probabilities
            already, and :meth:`nll` computes a small part of them. Not with ``tied``.

    Raises:
        ArgumentError: a size below 1, a probability that is none, or cutoffs with ``tied``.
    """

    def __init__(
        self,
        vocabulary: int,
        embedding_dim: int = 400,
        hidden: int = 1150,
        layers: int = 3,
        *,
        tied: bool = True,
        dropout_embedding: float = 0.1,
        dropout_input: float = 0.4,
        dropout_between: float = 0.25,
        dropout_output: float = 0.4,
        weight_drop: float = 0.5,
        cutoffs: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        sizes = {"vocabulary": vocabulary, "embedding_dim": embedding_dim, "hidden": hidden, "layers": layers}
        for name, size in sizes.items():
            if size < 1:
                raise ArgumentError(f"expected {name} of at least 1, got {size}")
        self.settings = {
            **{name: int(size) for name, size in sizes.items()},
            "tied": bool(tied),
            "dropout_embedding": float(dropout_embedding),
            "dropout_input": float(dropout_input),
            "dropout_between": float(dropout_between),
            "dropout_output": float(dropout_output),
            "weight_drop": float(weight_drop),
            "cutoffs": None if cutoffs is None else [int(cutoff) for cutoff in cutoffs],
        }
        table = nn.Embedding(vocabulary, embedding_dim)
        nn.init.uniform_(table.weight, -0.1, 0.1)  # as weights of the logits a standard normal table would be too large
        self.embedding = EmbeddingDropout(table, dropout_embedding)
        widths = [embedding_dim, *[hidden] * (layers - 1), embedding_dim if tied else hidden]
        self.layers = nn.ModuleList(nn.LSTM(a, b, batch_first=True) for a, b in pairwise(widths))
        if weight_drop:
            for layer in self.layers:
                sequences.weight_drop(layer, weight_drop)
        self.dropout_input = LockedDropout(dropout_input)
        self.dropout_between = LockedDropout(dropout_between)
        self.dropout_output = LockedDropout(dropout_output)
        self.output = output_layer(widths[-1], vocabulary, table if tied else None, cutoffs)

    def read(self, tokens: Any, state: LSTMState | None = None) -> tuple[Any, LSTMState]:
        """tokens (N, T) that follow what ``state`` remembers, to features (N, T, D) and the state after them."""
        if state is not None and len(state) != len(tokens):
            raise ShapeError(f"expected tokens of the state's {len(state)} sequences, got {tuple(tokens.shape)}")
        x = self.dropout_input(self.embedding(tokens))
        ends = []
        for i, layer in enumerate(self.layers):
            if i:
                x = self.dropout_between(x)
            x, end = layer(x, None if state is None else state.layers[i])
            ends.append(end)
        return self.dropout_output(x), LSTMState(tuple(ends))
