"""The half that spells: an LSTM over the tokens so far, which looks at the memory to tell the next one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.factories import zeros
from handtorch.models.encoder_decoder.attention import DotAttention, LocationAttention
from handtorch.models.encoder_decoder.state import State, prepared
from handtorch.nn.sequences import LockedDropout
from handtorch.ops.joining import cat

ATTENTIONS = {"dot": DotAttention, "location": LocationAttention}


@dataclass(frozen=True)
class SpellerState(State):
    """The memory, and the LSTM after the tokens so far; None before the first of them."""

    hidden: Any = None
    """h and c, each (N, layers, H)."""
    place: Any = None
    """What the attention remembers: where the last token has looked, if it wants to know."""
    context: Any = None
    """(N, 1, attention_size) what it has seen there, if the LSTM wants to know."""


class LSTMSpeller(nn.Module):
    r"""Tokens to the logits of the tokens after them, given a memory.

    ``s_u = LSTM(embedding(y_u), s_{u-1})``, ``c_u = attention(s_u, memory)``, ``logits_u = W tanh(W_c [s_u; c_u])``

    The LSTM knows the text and asks; attention answers (Luong et al. 2015). As the LSTM does not wait for the answer,
    all steps of a known text are one run of it, one attention and one product.

    With ``feeding`` the LSTM reads [embedding(y_u); c_{u-1}], as in Chan et al. 2016, and with the attention "location"
    attention knows where it has looked before: then a text goes step by step, several times slower.

    Args:
        memory_size: D, width of a step of the memory.
        vocabulary: V tokens.
        embedding_dim: numbers that stand for a token.
        hidden_size: H, width of the LSTM.
        num_layers: how many LSTM layers.
        attention: "dot" or "location".
        attention_size: numbers of all heads together.
        heads: how many places a step can look at.
        feeding: whether the LSTM reads what attention saw last.
        dropout: probability that a channel is dropped in training.

    Raises:
        ArgumentError: a word that is none of these, or heads that do not divide.
    """

    def __init__(
        self,
        memory_size: int,
        vocabulary: int,
        *,
        embedding_dim: int = 128,
        hidden_size: int = 256,
        num_layers: int = 1,
        attention: str = "dot",
        attention_size: int = 128,
        heads: int = 1,
        feeding: bool = False,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if attention not in ATTENTIONS:
            raise ArgumentError(f"expected attention one of {', '.join(ATTENTIONS)}, got {attention!r}")
        self.settings: dict[str, Any] = {
            "memory_size": int(memory_size),
            "vocabulary": int(vocabulary),
            "embedding_dim": int(embedding_dim),
            "hidden_size": int(hidden_size),
            "num_layers": int(num_layers),
            "attention": attention,
            "attention_size": int(attention_size),
            "heads": int(heads),
            "feeding": bool(feeding),
            "dropout": float(dropout),
        }
        self.feeding = feeding
        self.embedding = nn.Embedding(vocabulary, embedding_dim)
        width = embedding_dim + attention_size if feeding else embedding_dim
        between = dropout if num_layers > 1 else 0.0
        self.lstm = nn.LSTM(width, hidden_size, num_layers, batch_first=True, dropout=between)
        self.attention = ATTENTIONS[attention](hidden_size, memory_size, attention_size, heads)
        self.combine = nn.Linear(hidden_size + attention_size, hidden_size)
        self.output = nn.Linear(hidden_size, vocabulary)
        self.dropout = LockedDropout(dropout)

    def start(self, encoded: Any, lengths: Any, watch: bool = False) -> SpellerState:
        """The state before the first token.

        Args:
            encoded: what the encoder gave, (N, T, D), 0 after the ends.
            lengths: (N).
            watch: whether the state should keep all weights of the attention.
        """
        memory = prepared([self.attention], encoded, lengths)
        watched = zeros(len(encoded), self.attention.heads, 0, encoded.shape[1], dtype=encoded.dtype) if watch else None
        return SpellerState(memory, watched)

    def forward(self, tokens: Any, state: SpellerState) -> tuple[Any, SpellerState]:
        """Tokens (N, U) that come next to logits (N, U, V) of the token after each, and the state after the last."""
        x = self.dropout(self.embedding(tokens))
        outputs, contexts, after = self._step_by_step(x, state) if self.feeding else self._asked(x, state)
        logits = self.output(self.dropout(self.combine(cat([outputs, contexts], 2)).tanh()))
        return logits, after

    def _asked(self, x: Any, state: SpellerState) -> tuple[Any, Any, SpellerState]:
        """What the LSTM makes of its input (N, U, I), what attention answers, and the state after it."""
        before = None if state.hidden is None else tuple(each.transpose(0, 1) for each in state.hidden)
        outputs, after = self.lstm(x, before)
        memory, watch = state.memory, state.watched is not None
        contexts, weights, place = self.attention(
            outputs, memory.keys[0], memory.values[0], memory.there, state.place, watch
        )
        hidden = tuple(each.transpose(0, 1) for each in after)
        watched = cat([state.watched, weights.detach()], 2) if watch else None
        return outputs, contexts, replace(state, watched=watched, hidden=hidden, place=place)

    def _step_by_step(self, x: Any, state: SpellerState) -> tuple[Any, Any, SpellerState]:
        """The same, with what attention has answered to each token going into the LSTM beside the next."""
        outputs, contexts = [], []
        if state.context is None:
            state = replace(state, context=zeros(len(x), 1, self.attention.output_size, dtype=x.dtype))
        for u in range(x.shape[1]):
            output, context, state = self._asked(cat([x[:, u : u + 1], state.context], 2), state)
            state = replace(state, context=context)
            outputs.append(output)
            contexts.append(context)
        return cat(outputs, 1), cat(contexts, 1), state
