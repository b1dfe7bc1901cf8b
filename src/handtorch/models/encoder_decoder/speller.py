"""The half that spells: an LSTM over the tokens so far, which looks at the memory to tell the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handtorch import nn
from handtorch.models.encoder_decoder.attention import DotAttention
from handtorch.models.encoder_decoder.state import State
from handtorch.nn.sequences import LockedDropout, frame_mask
from handtorch.ops.joining import cat


@dataclass(frozen=True)
class SpellerState(State):
    """The memory, ready to be looked at, and the LSTM after the tokens so far."""

    keys: Any  # (N, h, T, E)
    values: Any  # (N, h, T, E)
    ended: Any  # (N, 1, 1, T), True after the end of the memory
    hidden: Any = None  # (h, c), each (N, layers, H)
    watched: Any = None  # (N, h, U, T): where each step so far has looked, if anyone wants to know


class LSTMSpeller(nn.Module):
    r"""Tokens to the logits of the tokens after them, given a memory.

    ``s_u = LSTM(embedding(y_u), s_{u-1})``, ``c_u = attention(s_u, memory)``, ``logits_u = W tanh(W_c [s_u; c_u])``

    The LSTM knows the text and asks; attention answers (Luong et al. 2015). As the LSTM does not wait for the answer,
    all steps of a known text are one run of it, one attention and one product.

    Args:
        memory_size: D, width of a step of the memory.
        vocabulary: V tokens.
        embedding_dim: numbers that stand for a token.
        hidden_size: H, width of the LSTM.
        num_layers: how many LSTM layers.
        attention_size: numbers of all heads together.
        heads: how many places a step can look at.
        dropout: probability that a channel is dropped in training.
    """

    def __init__(
        self,
        memory_size: int,
        vocabulary: int,
        *,
        embedding_dim: int = 128,
        hidden_size: int = 256,
        num_layers: int = 1,
        attention_size: int = 128,
        heads: int = 1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "memory_size": int(memory_size),
            "vocabulary": int(vocabulary),
            "embedding_dim": int(embedding_dim),
            "hidden_size": int(hidden_size),
            "num_layers": int(num_layers),
            "attention_size": int(attention_size),
            "heads": int(heads),
            "dropout": float(dropout),
        }
        self.embedding = nn.Embedding(vocabulary, embedding_dim)
        between = dropout if num_layers > 1 else 0.0
        self.lstm = nn.LSTM(embedding_dim, hidden_size, num_layers, batch_first=True, dropout=between)
        self.attention = DotAttention(hidden_size, memory_size, attention_size, heads)
        self.combine = nn.Linear(hidden_size + self.attention.output_size, hidden_size)
        self.output = nn.Linear(hidden_size, vocabulary)
        self.dropout = LockedDropout(dropout)

    def start(self, memory: Any, lengths: Any, watch: bool = False) -> SpellerState:
        """The state before the first token.

        Args:
            memory: (N, T, D), 0 after the ends.
            lengths: (N).
            watch: whether the state should keep all weights of the attention.
        """
        keys, values = self.attention.prepare(memory)
        ended = ~frame_mask(lengths, memory.shape[1])[:, None, None]
        watched = keys.new_zeros((keys.shape[0], keys.shape[1], 0, keys.shape[2])) if watch else None
        return SpellerState(keys, values, ended, watched=watched)

    def forward(self, tokens: Any, state: SpellerState) -> tuple[Any, SpellerState]:
        """Tokens (N, U) that come next to logits (N, U, V) of the token after each, and the state after the last."""
        before = None if state.hidden is None else tuple(each.transpose(0, 1) for each in state.hidden)
        outputs, after = self.lstm(self.dropout(self.embedding(tokens)), before)
        contexts, weights, _ = self.attention(outputs, state.keys, state.values, state.ended)
        logits = self.output(self.dropout(self.combine(cat([outputs, contexts], 2)).tanh()))
        watched = None if state.watched is None else cat([state.watched, weights.detach()], 2)
        hidden = tuple(each.transpose(0, 1) for each in after)
        return logits, SpellerState(state.keys, state.values, state.ended, hidden, watched)
