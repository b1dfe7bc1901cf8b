"""An encoder, a decoder that attends to what it gives, and a CTC head beside them: how they are trained together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from handtorch import nn
from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import as_tensor
from handtorch.models.generation.beam import Hypothesis, Scorer, beam_search
from handtorch.models.generation.ctc_prefix import CTCPrefixScorer
from handtorch.nn import functional as F
from handtorch.ops.joining import cat
from handtorch.random_factories import rand
from handtorch.tensor import Tensor


class Encoded(NamedTuple):
    """What an encoder has made of a batch: memory (N, T', D), 0 after the ends, and its lengths (N)."""

    memory: Any
    lengths: Any


class Losses(NamedTuple):
    """``total = (1 - ctc_weight) spelling + ctc_weight ctc``, nats a token each."""

    total: Any
    spelling: Any
    ctc: Any
    """None without the head or with weight 0."""


class EncoderDecoder(nn.Module):
    """From a sequence of features or tokens to a sequence of tokens that is its own length.

    As every autoregressive model of Handtorch it goes on from a state, which stays as it is::

        state = model.start(x, lengths)
        logits, state = model.decode(tokens, state)

    with tokens (N, U), at first the start token, and logits (N, U, V) of the token after each of them.

    With ``ctc`` there is a second way from the memory to the text, a linear map whose log probabilities are aligned
    step by step (Graves et al. 2006). It can only go forward in time, which teaches the memory order early, so that
    attention finds its diagonal sooner; and in the search it knows what attention has skipped or said twice
    (Watanabe et al. 2017). Its blank is the start token, which nobody ever spells.

    Args:
        encoder: a module, ``(x, lengths) -> (memory, lengths)``, with ``output_size``.
        decoder: a module with ``start(memory, lengths, watch) -> state`` and ``(tokens, state) -> (logits, state)``.
        vocabulary: V tokens.
        ctc: whether there is a CTC head.
        start_token: what every text begins with, and CTC's blank.
        end_token: what every text ends with.

    Raises:
        ArgumentError: start and end token are the same, or outside the vocabulary.
    """

    def __init__(
        self, encoder: Any, decoder: Any, vocabulary: int, *, ctc: bool = True, start_token: int = 0, end_token: int = 1
    ) -> None:
        super().__init__()
        if start_token == end_token or not 0 <= min(start_token, end_token) <= max(start_token, end_token) < vocabulary:
            raise ArgumentError(
                f"expected different start and end tokens from 0 to {vocabulary - 1}, got {start_token} and {end_token}"
            )
        self.encoder, self.decoder = encoder, decoder
        self.ctc_head = nn.Linear(encoder.output_size, vocabulary) if ctc else None
        self.vocabulary, self.start_token, self.end_token = vocabulary, start_token, end_token

    def _described(self) -> dict[str, Any]:
        """The arguments of a model that is made of those of its encoder and decoder, as a dict that JSON can hold."""
        encoder, decoder = dict(self.encoder.settings), dict(self.decoder.settings)
        del decoder["memory_size"]
        return {
            "in_features": encoder.pop("in_features"),
            "out_features": decoder.pop("vocabulary"),
            "encoder": encoder,
            "decoder": decoder,
            "ctc": self.ctc_head is not None,
            "start_token": self.start_token,
            "end_token": self.end_token,
        }

    @property
    def stride(self) -> int:
        """Input frames in a step of the memory."""
        return self.encoder.time_stride

    def encode(self, x: Any, lengths: Any) -> Encoded:
        """x (N, T, F), or tokens (N, T), and lengths (N) to the memory."""
        return Encoded(*self.encoder(x, lengths))

    def begin(self, encoded: Encoded, *, watch: bool = False) -> Any:
        """The decoder's state before the first token; with ``watch`` it keeps where attention looks, in ``watched``."""
        return self.decoder.start(encoded.memory, encoded.lengths, watch)

    def start(self, x: Any, lengths: Any, *, watch: bool = False) -> Any:
        """The state before the first token, of x (N, T, F), or tokens (N, T), and lengths (N)."""
        return self.begin(self.encode(x, lengths), watch=watch)

    def decode(self, tokens: Any, state: Any) -> tuple[Any, Any]:
        """Tokens (N, U) that come next to logits (N, U, V) of the token after each of them, and the new state.

        Raises:
            ShapeError: tokens of another shape, or of another batch than the state.
        """
        if tokens.ndim != 2 or len(tokens) != len(state):
            raise ShapeError(f"expected tokens ({len(state)}, U), a row for each state, got {tuple(tokens.shape)}")
        return self.decoder(tokens, state)

    def attention(self, x: Any, lengths: Any, tokens: Any) -> Any:
        """Where each of ``tokens`` (N, U) looks in the memory: weights (N, heads of all layers, U, T'), for pictures.

        Args:
            x: (N, T, F) features, or tokens (N, T).
            lengths: (N).
            tokens: what is read, the start token first; the last row shows where the end is seen.
        """
        with no_grad():
            return self.decode(tokens, self.start(x, lengths, watch=True))[1].watched

    def ctc_log_probs(self, encoded: Encoded) -> Any:
        """(N, T', V) log probabilities of the tokens, and of the start token as blank, in each step of the memory.

        Raises:
            ArgumentError: the model has no CTC head.
        """
        if self.ctc_head is None:
            raise ArgumentError("expected a model with a CTC head, got one made with ctc=False")
        return F.log_softmax(self.ctc_head(encoded.memory), -1)

    def forward(self, x: Any, lengths: Any, tokens: Any, own: float = 0.0) -> Any:
        """Logits (N, U, V) of the token after each of ``tokens`` (N, U), which begin with the start token.

        Args:
            x: (N, T, F) features, or tokens (N, T).
            lengths: (N).
            tokens: what a teacher has written; what stands after the end of a text means nothing.
            own: see :meth:`spell_after`.
        """
        return self.spell_after(self.encode(x, lengths), tokens, own)

    def spell_after(self, encoded: Encoded, tokens: Any, own: float = 0.0) -> Any:
        """Logits (N, U, V) as :meth:`forward`, of a memory.

        A model that in training only ever reads a teacher's tokens has not learned to go on after its own mistakes.
        So it is given, with probability ``own``, the token that it finds likeliest itself, where the teacher's stood
        (scheduled sampling, Bengio et al. 2015). To know these, the decoder is asked twice: first with the teacher's
        tokens alone, without gradients; all steps stay one call (Mihaylova & Martins 2019).

        Args:
            encoded: what :meth:`encode` gives.
            tokens: (N, U).
            own: probability from 0 to 1.
        """
        state = self.begin(encoded)
        if own > 0 and tokens.shape[1] > 1:
            with no_grad():
                likeliest = self.decode(tokens[:, :-1], state)[0].argmax(-1)
            chosen = rand(likeliest.shape) < own
            tokens = cat([tokens[:, :1], likeliest.where(chosen, tokens[:, 1:])], 1)
        return self.decode(tokens, state)[0]

    def loss(
        self,
        x: Any,
        lengths: Any,
        targets: Any,
        target_lengths: Any,
        *,
        ctc_weight: float = 0.3,
        label_smoothing: float = 0.0,
        own: float = 0.0,
    ) -> Losses:
        """How many nats a token of the targets costs, spelled with attention and aligned by CTC.

        Args:
            x: (N, T, F) features, or tokens (N, T).
            lengths: (N).
            targets: (N, U) texts without start and end token.
            target_lengths: (N).
            ctc_weight: share of CTC in the total.
            label_smoothing: share of the probability that is spread over all tokens.
            own: probability of reading its own token, see :meth:`spell_after`.
        """
        targets, target_lengths = as_tensor(targets), as_tensor(target_lengths)
        encoded = self.encode(x, lengths)
        tokens, expected = self._taught(targets, target_lengths)
        logits = self.spell_after(encoded, tokens, own)
        spelling = F.cross_entropy(
            logits.flatten(0, 1), expected.flatten(), ignore_index=-100, label_smoothing=label_smoothing
        )
        if self.ctc_head is None or ctc_weight == 0:
            return Losses(spelling, spelling, None)
        log_probs = self.ctc_log_probs(encoded).transpose(0, 1)
        ctc = F.ctc_loss(
            log_probs, targets, encoded.lengths, target_lengths, self.start_token, reduction="sum", zero_infinity=True
        ) / max(int(target_lengths.sum()), 1)
        return Losses((1 - ctc_weight) * spelling + ctc_weight * ctc, spelling, ctc)

    def spell(
        self,
        x: Any,
        lengths: Any,
        *,
        beams: int = 8,
        ctc_weight: float = 0.3,
        max_tokens: int | Sequence[int] | None = None,
        scorers: Sequence[Scorer] = (),
        end_gap: float | None = 10.0,
        **rules: Any,
    ) -> list[list[Hypothesis]]:
        """The likeliest texts, by attention and CTC together: ``(1 - ctc_weight) ln p_att + ctc_weight ln p_ctc``.

        In evaluation mode, as dropout would disturb it.

        Args:
            x: (N, T, F) features, or tokens (N, T).
            lengths: (N).
            beams: how many hypotheses go on; 1 is greedy.
            ctc_weight: share of CTC; 0 leaves it out.
            max_tokens: how many tokens a text has at most, the end token among them; by default as many as CTC can
                say, the steps of the memory, and one; without CTC twice the steps and 10.
            scorers: further opinions, such as a language model's.
            end_gap, rules: see :func:`handtorch.models.generation.beam.beam_search`, as are the hypotheses.
        """
        with no_grad():
            encoded = self.encode(x, lengths)
            state = self.begin(encoded, watch=bool(rules.get("coverage")))
            steps = as_tensor(encoded.lengths).numpy()
            if max_tokens is None:
                max_tokens = 2 * steps + 10 if self.ctc_head is None else steps + 1
            voices = list(scorers)
            if self.ctc_head is not None and ctc_weight > 0:
                ctc = CTCPrefixScorer(
                    self.ctc_log_probs(encoded), encoded.lengths, blank=self.start_token, end=self.end_token
                )
                voices.append(Scorer(ctc, ctc_weight, ctc.start()))
            own_weight = 1 - ctc_weight if len(voices) > len(scorers) else 1.0
            return beam_search(
                self.decode,
                [[self.start_token]] * len(steps),
                beams=beams,
                max_tokens=max_tokens,
                stop=self.end_token,
                state=state,
                weight=own_weight,
                scorers=voices,
                end_gap=end_gap,
                **rules,
            )

    def _taught(self, targets: Any, target_lengths: Any) -> tuple[Any, Any]:
        """What the decoder reads, start token first, and what it should say, end token last and -100 after it."""
        texts, ends = targets.numpy(), target_lengths.numpy()
        places = np.arange(texts.shape[1] + 1)
        read = np.full((len(texts), len(places)), self.end_token, np.int64)
        read[:, 0] = self.start_token
        read[:, 1:] = np.where(places[:-1] < ends[:, None], texts, self.end_token)
        said = np.full(read.shape, self.end_token, np.int64)
        said[:, :-1] = read[:, 1:]
        said[places > ends[:, None]] = -100
        return Tensor.of(read), Tensor.of(said)
