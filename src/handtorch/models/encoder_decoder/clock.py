"""A speller that is told how far the listener has come: attention finds its diagonal as soon as CTC can count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from handtorch import nn
from handtorch.autograd.mode import no_grad
from handtorch.factories import full
from handtorch.models.encoder_decoder.attention import DotAttention
from handtorch.models.encoder_decoder.base import Encoded, EncoderDecoder
from handtorch.models.encoder_decoder.listener import Listener
from handtorch.models.encoder_decoder.speller import LSTMSpeller, SpellerState
from handtorch.nn import functional as F
from handtorch.ops.masking import masked_fill
from handtorch.tensor import Tensor


def character_clock(probabilities: Any, blank: int = 0) -> Any:
    r"""How many tokens have begun by each step, as CTC expects it.

    ``n_t = Σ_{i ≤ t} Σ_{k ≠ blank} p_i(k) (1 - p_{i-1}(k))``

    A token that goes on from the step before does not count again.

    Args:
        probabilities: (N, T, V) of each token in each step.
        blank: the token that is none.

    Returns:
        (N, T), never falling.
    """
    tokens = np.delete(probabilities, blank, 2)
    before = np.concatenate([np.zeros_like(tokens[:, :1]), tokens[:, :-1]], 1)
    return np.cumsum((tokens * (1 - before)).sum(2), 1)


class ClockedAttention(DotAttention):
    r"""Look where keys are like the query, and where about as many tokens have gone by.

    ``a_ut = softmax_t((Q s_u) · (K m_t) / √E - λ (n_t - u - δ)²)``

    with the clock ``n_t`` of the memory and the number ``u`` of tokens read. λ > 0 and δ are learned, as windows that
    move along a sequence were by Graves (2013). Before CTC has learned anything the clock stands still, and the second
    term is the same for all steps: it does nothing until it means something.
    """

    def __init__(self, query_size: int, memory_size: int, size: int, heads: int = 1) -> None:
        super().__init__(query_size, memory_size, size, heads)
        # At first three tokens to either side are looked at.
        self.log_sharpness = nn.Parameter(full((heads, 1, 1), -3.0))
        self.lag = nn.Parameter(full((heads, 1, 1), 0.5))

    def forward(  # type: ignore[override]
        self, queries: Any, keys: Any, values: Any, there: Any, place: Any, watch: bool = True
    ) -> tuple[Any, Any, Any]:
        """As :class:`DotAttention`, and the clock after the last query.

        Args:
            queries: (N, U, query_size).
            keys: (N, h, T, E).
            values: (N, h, T, E).
            there: (N, 1, 1, T) bool, False after the end of the memory; None if it has no end.
            place: (N, 1, 1, T) tokens by which each step of the memory is ahead of the first query.
            watch: whether weights are wanted.
        """
        count = queries.shape[1]
        ahead = place - Tensor.of(np.arange(count, dtype=np.float32)[:, None])
        bias = -self.log_sharpness.exp() * (ahead - self.lag).square()
        if there is not None:
            bias = masked_fill(bias, ~there, -float("inf"))
        q = self._to_heads(self.query(queries))
        if not watch:
            contexts, weights = F.scaled_dot_product_attention(q, keys, values, bias), None
        else:
            weights = F.softmax(q @ keys.transpose(2, 3) / self.head_size**0.5 + bias, -1)
            contexts = weights @ values
        return contexts.transpose(1, 2).flatten(2), weights, place - float(count)


class ClockedSpeller(LSTMSpeller):
    """An :class:`LSTMSpeller` whose attention is a :class:`ClockedAttention`; arguments as there."""

    def __init__(self, memory_size: int, vocabulary: int, **settings: Any) -> None:
        super().__init__(memory_size, vocabulary, **settings)
        kept = self.settings
        self.attention = ClockedAttention(kept["hidden_size"], memory_size, kept["attention_size"], kept["heads"])

    def start(self, encoded: Any, lengths: Any, watch: bool = False, clock: Any = None) -> SpellerState:
        """The state before the first token, of a memory (N, T, D) and its clock (N, T)."""
        return replace(super().start(encoded, lengths, watch), place=clock[:, None, None])


class ClockedListenAttendSpell(EncoderDecoder):
    """A :class:`Listener`, a CTC head that counts tokens in what it heard, and a :class:`ClockedSpeller`.

    An attention that has to find out for itself that speech and text go the same way looks anywhere for thousands of
    steps. CTC knows from the beginning, and can spell roughly after some hundreds. So it tells how many tokens have
    gone by, and attention has to look at no more than a few of them.

    Args:
        in_features: F, values in a frame; or with ``encoder={"tokens_in": True}`` how many tokens the input has.
        out_features: V tokens.
        encoder: arguments of :class:`Listener`.
        decoder: arguments of :class:`LSTMSpeller`.
        start_token: what every text begins with, and CTC's blank.
        end_token: what every text ends with.

    Attributes:
        settings: the arguments as a dict that JSON can hold; a network made of them has the same shape.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        encoder: Mapping[str, Any] | None = None,
        decoder: Mapping[str, Any] | None = None,
        start_token: int = 0,
        end_token: int = 1,
    ) -> None:
        listener = Listener(in_features, **(encoder or {}))
        speller = ClockedSpeller(listener.output_size, out_features, **(decoder or {}))
        super().__init__(listener, speller, out_features, ctc=True, start_token=start_token, end_token=end_token)
        self.settings: dict[str, Any] = {
            "in_features": int(in_features),
            "out_features": int(out_features),
            "encoder": {name: value for name, value in listener.settings.items() if name != "in_features"},
            "decoder": {
                name: value for name, value in speller.settings.items() if name not in ("memory_size", "vocabulary")
            },
            "start_token": int(start_token),
            "end_token": int(end_token),
        }

    def begin(self, encoded: Encoded, *, watch: bool = False) -> Any:
        """The decoder's state before the first token; no gradient goes through the clock."""
        with no_grad():
            probabilities = self.ctc_log_probs(encoded).exp().numpy()
        clock = Tensor.of(character_clock(probabilities, self.start_token))
        return self.decoder.start(encoded.memory, encoded.lengths, watch, clock)
