"""Search that hears words of a lexicon only, weighed by a language model over words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handtorch.audio.decode.beam import BeamSearch
from handtorch.audio.decode.frames import Doubles
from handtorch.audio.decode.fusion import NeuralModel, tabulate
from handtorch.audio.decode.guide import Choices, Guide, LanguageModel
from handtorch.audio.decode.hypothesis import Hypothesis
from handtorch.audio.decode.lexicon import Lexicon, Node
from handtorch.audio.decode.ngram import NGram
from handtorch.errors import ArgumentError, ShapeError
from handtorch.tensor import Tensor

_NEVER = -np.inf

# What all remembered answers of a model together may take.
_REMEMBERED_BYTES = 64 << 20


@dataclass(frozen=True)
class Transcript:
    """One answer in words.

    Attributes:
        words: the words.
        times: for every word the first frame of its first symbol and the one after the last frame of its last symbol.
        score: what answers are ranked by, in nats.
        log_prob: the natural logarithm of the probability of the symbols given the frames.
        symbols: the pronunciation, or spelling, that was heard.
    """

    words: tuple[str, ...]
    times: tuple[tuple[int, int], ...]
    score: float
    log_prob: float
    symbols: tuple[int, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


class LexiconState(NamedTuple):
    """A place between or within words."""

    node: Node | None
    """The beginning of a word that was heard; None after a word that a separator has to follow."""
    context: Any
    """The language model's state after the last whole word."""
    word: int
    """The word that the last symbol completed; -1 if none."""
    ahead: float
    """What was added so far for the word to come."""


class LexiconGuide(Guide[LexiconState]):
    r"""Lets through the symbols that spell words, and adds for each word what a language model says.

    ``score = log P(symbols | frames) + weight \log P_{LM}(words and end) + bonus |words|``

    With look-ahead, a beginning of a word gets at once the best score of all words that begin so, and the completed
    word the rest: the sum is the same, but the beam drops hopeless beginnings earlier (Ortmanns et al. 1997).

    Args:
        lexicon: the words and their spelling.
        language_model: over ``lexicon.words``; None: all are as likely, log P is 0, and of words that sound alike only
            the first one is ever returned.
        weight: how much the language model counts.
        bonus: nats for every word.
        look_ahead: whether to look ahead.
        separator: the symbol that has to stand between words, such as a space; None: words follow each other.
        fillers: symbols that may stand between words and at both ends, such as silence.
        unfinished: nats for ending within a word, which is dropped then and counts for nothing; the default forbids it.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        *,
        language_model: LanguageModel[Any] | None = None,
        weight: float = 1.0,
        bonus: float = 0.0,
        look_ahead: bool = True,
        separator: int | None = None,
        fillers: Iterable[int] = (),
        unfinished: float = _NEVER,
    ) -> None:
        if not weight >= 0:
            raise ArgumentError(f"expected a weight of the language model of at least 0, got {weight}")
        self.model = language_model if weight else None
        # Without a model nothing tells homophones apart, and all their combinations would fill the beam.
        self.lexicon = lexicon if self.model is not None else lexicon.without_homophones()
        self.weight, self.bonus, self.look_ahead = weight, bonus, look_ahead
        self.separator, self.unfinished = separator, unfinished
        self.fillers = np.array(list(fillers), dtype=np.int64)
        remembered = max(16, _REMEMBERED_BYTES // (8 * len(self.lexicon.word_of)))
        self._worth = lru_cache(maxsize=remembered)(self._compute_worth)

    def start(self) -> LexiconState:
        return LexiconState(self.lexicon.root, None if self.model is None else self.model.start(), -1, 0.0)

    def choices(self, states: Sequence[LexiconState]) -> list[Choices]:
        if isinstance(self.model, NeuralModel):  # it reads all new words at once, and keeps the answers
            self.model.next_batch([state.context for state in states])
        return [self._choices(state) for state in states]

    def _choices(self, state: LexiconState) -> Choices:
        if state.node is None:
            return np.array([self.separator]), np.zeros(1)
        branches, worth = self.lexicon.branches(state.node), self._worth(state.context)
        if self.look_ahead:
            bounds = np.stack([branches.lows, branches.highs], axis=1).ravel()
            scores = np.maximum.reduceat(worth, bounds)[::2] - state.ahead
        else:
            scores = np.where(branches.words >= 0, worth[branches.lows], 0.0)
        if state.node != self.lexicon.root:
            return branches.symbols, scores
        return np.append(branches.symbols, self.fillers), np.append(scores, np.zeros(len(self.fillers)))

    def _compute_worth(self, context: Any) -> Doubles:
        """(E + 1,) what completing each entry adds; the last one is none, it ends the range of the one before."""
        if self.model is None:
            worth = np.full(len(self.lexicon.word_of), self.bonus)
        else:
            row = np.asarray(self.model.next(context), dtype=np.float64)
            if row.shape != (len(self.lexicon),):
                raise ShapeError(
                    f"expected the language model to give {len(self.lexicon)} log probabilities, one a word of the "
                    f"lexicon in the order of lexicon.words; got shape {row.shape}"
                )
            worth = self.weight * row[self.lexicon.word_of] + self.bonus
        return np.append(worth, _NEVER)

    def advance(self, state: LexiconState, choice: int) -> LexiconState:
        between = LexiconState(self.lexicon.root, state.context, -1, 0.0)
        if state.node is None:
            return between
        branches = self.lexicon.branches(state.node)
        if choice >= len(branches.symbols):
            return between
        word = int(branches.words[choice])
        if word < 0:
            low, high = int(branches.lows[choice]), int(branches.highs[choice])
            ahead = float(self._worth(state.context)[low:high].max()) if self.look_ahead else 0.0
            return LexiconState(Node(low, high, state.node.depth + 1), state.context, -1, ahead)
        context = None if self.model is None else self.model.advance(state.context, word)
        return LexiconState(self.lexicon.root if self.separator is None else None, context, word, 0.0)

    def end(self, state: LexiconState) -> float:
        score = 0.0 if self.model is None else self.weight * float(self.model.end(state.context))
        within = state.node is not None and state.node != self.lexicon.root
        return score + self.unfinished - state.ahead if within else score


class LexiconSearch:
    """Beam search for words: :class:`~handtorch.audio.decode.BeamSearch` guided by a :class:`LexiconGuide`.

    Args:
        lexicon: the words and their spelling.
        width, blank, n_best, token_min_logp, beam_min_logp: as of :class:`~handtorch.audio.decode.BeamSearch`.
        language_model: an :class:`~handtorch.audio.decode.NGram` of words, or any model over ``lexicon.words``.
        lm_weight: how much it counts.
        word_bonus: nats for every word.
        look_ahead, separator, fillers, unfinished: as of :class:`LexiconGuide`.
        compiled: write the guide out as a table first, which takes long for a large lexicon, and then search some ten
            times as fast; for some thousand words without language model, or with one that has few histories.

    Raises:
        ArgumentError: the blank is used as a symbol, a number is out of its range, or the table gets too large.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        width: int = 50,
        *,
        blank: int = 0,
        n_best: int = 1,
        token_min_logp: float = _NEVER,
        beam_min_logp: float = _NEVER,
        language_model: NGram | LanguageModel[Any] | None = None,
        lm_weight: float = 1.0,
        word_bonus: float = 0.0,
        look_ahead: bool = True,
        separator: int | None = None,
        fillers: Sequence[int] = (),
        unfinished: float = _NEVER,
        compiled: bool = False,
    ) -> None:
        between = [*fillers, *([] if separator is None else [separator])]
        if blank in between or (lexicon.spellings == blank).any():
            raise ArgumentError(f"expected words, separator and fillers without the blank, which is {blank}")
        self._largest = max(int(lexicon.spellings.max()), *between, 0)
        guide: Any = LexiconGuide(
            lexicon,
            language_model=language_model.over(lexicon.words) if isinstance(language_model, NGram) else language_model,
            weight=lm_weight,
            bonus=word_bonus,
            look_ahead=look_ahead,
            separator=separator,
            fillers=fillers,
            unfinished=unfinished,
        )
        self.lexicon, self.n_best = guide.lexicon, n_best
        self._states: list[LexiconState] | None = None
        if compiled:
            guide, self._states = tabulate(guide)
        # Homophones and several pronunciations are told apart in the beam; the best one of the same words is returned.
        self.search = BeamSearch(
            width,
            blank=blank,
            n_best=width,
            token_min_logp=token_min_logp,
            beam_min_logp=beam_min_logp,
            guide=guide,
        )
        if not 1 <= n_best <= width:
            raise ArgumentError(f"expected n_best from 1 to width, {width} here, got {n_best}")

    def __call__(self, log_probs: npt.ArrayLike | Tensor, lengths: Sequence[int] | npt.ArrayLike | None = None) -> Any:
        """The best transcripts.

        Args:
            log_probs: (T, C), or a batch of them (N, T, C).
            lengths: (N,) how many frames of each sequence of a batch count; default: all.

        Returns:
            At most ``n_best`` different :class:`Transcript`, best first; for a batch a list of N such lists. A list is
            empty where no sequence of whole words was left in the beam: try a larger width, or let
            the last word be ``unfinished`` for -100 nats, say.

        Raises:
            ShapeError, DtypeError, ArgumentError: no log probabilities, lengths that do not fit, or fewer symbols than
                the lexicon is spelled with.
        """
        shape = np.shape(log_probs)
        if shape and shape[-1] <= self._largest:
            raise ArgumentError(f"expected log_probs of more than {self._largest} symbols for these words, got {shape}")
        found = self.search(log_probs, lengths)
        return self._transcripts(found) if len(shape) == 2 else [self._transcripts(one) for one in found]

    def _transcripts(self, found: list[Hypothesis]) -> list[Transcript]:
        best: dict[tuple[str, ...], Transcript] = {}
        for hypothesis in found:
            transcript = self._transcript(hypothesis)
            best.setdefault(transcript.words, transcript)
        return list(best.values())[: self.n_best]

    def _transcript(self, hypothesis: Hypothesis) -> Transcript:
        words, times = [], []
        begin = None
        for place, (start, end) in zip(hypothesis.states, hypothesis.times, strict=True):
            state: LexiconState = place if self._states is None else self._states[place]
            if state.word >= 0:
                words.append(self.lexicon.words[state.word])
                times.append((start if begin is None else begin, end))
                begin = None
            elif state.node == self.lexicon.root:  # a separator or a filler
                begin = None
            elif begin is None:
                begin = start
        return Transcript(tuple(words), tuple(times), hypothesis.score, hypothesis.log_prob, hypothesis.symbols)
