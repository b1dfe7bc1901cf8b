"""A Transformer that spells, and the encoder-decoder made with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from handtorch import nn
from handtorch.factories import zeros
from handtorch.models.encoder_decoder.attention import DotAttention
from handtorch.models.encoder_decoder.base import EncoderDecoder
from handtorch.models.encoder_decoder.listener import Listener
from handtorch.models.encoder_decoder.state import State, prepared
from handtorch.models.language.cache import KeyValueCache
from handtorch.models.language.transformer import CausalAttention
from handtorch.nn import functional as F
from handtorch.nn.positions import SinusoidalPositions
from handtorch.ops.joining import cat


@dataclass(frozen=True)
class TransformerSpellerState(State):
    """The memory, and the keys and values of the tokens so far in each layer; () before the first token."""

    caches: tuple[KeyValueCache, ...] = ()


class SpellerLayer(nn.Module):
    """Attention to the tokens so far, attention to the memory, then two maps on each token alone; each adds to x.

    ``x + attend(norm(x))``, ``x + look(norm(x), memory)``, ``x + W_2 gelu(W_1 norm(x))``

    Args:
        width: D.
        memory_size: of a step of the memory.
        heads: of both attentions.
        d_ff: width between the two maps.
        dropout: of a feature of what is added.
    """

    def __init__(self, width: int, memory_size: int, heads: int, d_ff: int, dropout: float) -> None:
        super().__init__()
        self.norm_attention, self.norm_look, self.norm_feed = (nn.LayerNorm(width) for _ in range(3))
        self.attention = CausalAttention(width, heads, heads, 0.0, True, None)
        self.look = DotAttention(width, memory_size, width, heads, bias=True)
        self.look_out = nn.Linear(width, width)
        self.expand, self.contract = nn.Linear(width, d_ff), nn.Linear(d_ff, width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Any, keys: Any, values: Any, there: Any, before: KeyValueCache | None, watch: bool
    ) -> tuple[Any, KeyValueCache, Any]:
        """x (N, U, D) after the tokens in ``before`` to y (N, U, D), the keys and values of all tokens, and weights."""
        y, seen = self.attention(self.norm_attention(x), before)
        x = x + self.dropout(y)
        y, weights, _ = self.look(self.norm_look(x), keys, values, there, watch=watch)
        x = x + self.dropout(self.look_out(y))
        y = self.contract(self.dropout(F.gelu(self.expand(self.norm_feed(x)))))
        return x + self.dropout(y), seen, weights


class TransformerSpeller(nn.Module):
    r"""Tokens to the logits of the tokens after them, given a memory, by layers of attention (Vaswani et al. 2017).

    ``h_0 = √D embedding(y) + positions``, ``h_j = layer_j(h_{j-1}, memory)``, ``logits = W norm(h_L)``

    Args:
        memory_size: width of a step of the memory.
        vocabulary: V tokens.
        width: D.
        heads: of each attention.
        num_layers: L.
        d_ff: width between the two maps of a layer; 4 D by default.
        tied: whether W is the table of the embeddings.
        dropout: of a feature of the embeddings and of what a layer adds.

    Raises:
        ArgumentError: heads that do not divide the width.
    """

    def __init__(
        self,
        memory_size: int,
        vocabulary: int,
        *,
        width: int = 256,
        heads: int = 4,
        num_layers: int = 2,
        d_ff: int | None = None,
        tied: bool = False,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        d_ff = 4 * width if d_ff is None else d_ff
        self.settings: dict[str, Any] = {
            "memory_size": int(memory_size),
            "vocabulary": int(vocabulary),
            "width": int(width),
            "heads": int(heads),
            "num_layers": int(num_layers),
            "d_ff": int(d_ff),
            "tied": bool(tied),
            "dropout": float(dropout),
        }
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(width))
        self.positions = SinusoidalPositions(width)
        self.layers = nn.ModuleList(SpellerLayer(width, memory_size, heads, d_ff, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, vocabulary)
        if tied:
            self.output.weight = self.embedding.weight
        self.dropout = nn.Dropout(dropout)

    def start(self, encoded: Any, lengths: Any, watch: bool = False) -> TransformerSpellerState:
        """The state before the first token.

        Args:
            encoded: what the encoder gave, (N, T, memory_size), 0 after the ends.
            lengths: (N).
            watch: whether the state should keep all weights of the attentions to the memory.
        """
        memory = prepared([layer.look for layer in self.layers], encoded, lengths)
        heads = sum(layer.look.heads for layer in self.layers)
        watched = zeros(len(encoded), heads, 0, encoded.shape[1], dtype=encoded.dtype) if watch else None
        return TransformerSpellerState(memory, watched)

    def forward(self, tokens: Any, state: TransformerSpellerState) -> tuple[Any, TransformerSpellerState]:
        """Tokens (N, U) that come next to logits (N, U, V) of the token after each, and the state after the last."""
        steps = len(state.caches[0]) if state.caches else 0
        x = self.dropout(self.positions(self.embedding(tokens) * math.sqrt(self.settings["width"]), steps))
        memory, watch = state.memory, state.watched is not None
        caches, looked = [], []
        for number, layer in enumerate(self.layers):
            before = state.caches[number] if state.caches else None
            x, cache, weights = layer(x, memory.keys[number], memory.values[number], memory.there, before, watch)
            caches.append(cache)
            looked.append(weights)
        watched = cat([state.watched, cat(looked, 1).detach()], 2) if watch else None
        return self.output(self.norm(x)), replace(state, watched=watched, caches=tuple(caches))


class EncoderDecoderTransformer(EncoderDecoder):
    """A :class:`Listener`, and a :class:`TransformerSpeller` that attends to it, with a CTC head beside.

    The encoder is what ``encoder`` makes of it: with ``{"num_layers": 0, "blocks": 6}`` a Transformer, with ``"block":
    "conformer"`` a Conformer, by default convolutions and a bidirectional LSTM, which learn from little.

    Args:
        in_features: F, values in a frame; or with ``encoder={"tokens_in": True}`` how many tokens the input has.
        out_features: V tokens.
        encoder: arguments of :class:`Listener`.
        decoder: arguments of :class:`TransformerSpeller`.
        ctc: whether there is a CTC head.
        start_token: what every text begins with, and CTC's blank.
        end_token: what every text ends with.

    Attributes:
        settings: the arguments as a dict that JSON can hold; ``type(model)(**model.settings)`` has the same shape.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        encoder: Mapping[str, Any] | None = None,
        decoder: Mapping[str, Any] | None = None,
        ctc: bool = True,
        start_token: int = 0,
        end_token: int = 1,
    ) -> None:
        listener = Listener(in_features, **(encoder or {}))
        speller = TransformerSpeller(listener.output_size, out_features, **(decoder or {}))
        super().__init__(listener, speller, out_features, ctc=ctc, start_token=start_token, end_token=end_token)
        self.settings: dict[str, Any] = self._described()
