"""Beam search over prefixes: the likeliest symbols, with all paths that say them summed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeGuard
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from handtorch import kernels
from handtorch.audio.decode import compiled
from handtorch.audio.decode.frames import Doubles, Integers, as_sequences
from handtorch.audio.decode.guide import AnyGuide, Automaton, LanguageModel, ShallowFusion
from handtorch.audio.decode.hypothesis import Hypothesis
from handtorch.errors import ArgumentError
from handtorch.kernels.threads import parallel_for
from handtorch.tensor import Tensor

_NEVER = -math.inf

# The spans of a path's symbols as a list that grows at its end and is shared by all that goes on from it: the last
# symbol's first frame, the frame after its last, and the spans before it.
_Spans = tuple[int, int, "_Spans"] | None


class BeamSearch:
    r"""The most probable sequences of symbols under CTC (Hannun et al. 2014; Graves 2012, "prefix search").

    ``score(y) = \log \sum_{paths that say y} \prod_t P(path_t | frame t) + guide(y)``

    In every frame the search holds the ``width`` best prefixes. For each it knows the summed probability of its paths
    that end in a blank and of those that end in its last symbol, because they go on differently: after a, another a
    only says ``a a`` where a blank stood between; otherwise it prolongs the first. Nothing is lost but what the beam
    and the two thresholds drop: with a width above the number of prefixes the scores are exact.

    Args:
        width: how many prefixes are kept from frame to frame.
        blank: the index of the blank.
        n_best: how many hypotheses are returned at most.
        token_min_logp: symbols below this log probability are not tried in a frame; its likeliest always is.
        beam_min_logp: prefixes are dropped whose score is this far below the best one's (a negative number).
        language_model: what symbols are likely after those before them.
        lm_weight: how much the language model counts.
        insertion_bonus: nats for every symbol.
        guide: what may follow a prefix, in general; instead of a language model.
    """

    def __init__(
        self,
        width: int = 50,
        *,
        blank: int = 0,
        n_best: int = 1,
        token_min_logp: float = _NEVER,
        beam_min_logp: float = _NEVER,
        language_model: LanguageModel[Any] | None = None,
        lm_weight: float = 1.0,
        insertion_bonus: float = 0.0,
        guide: AnyGuide | None = None,
    ) -> None:
        if width < 1:
            raise ArgumentError(f"expected width >= 1 prefixes, got {width}")
        if not 1 <= n_best <= width:
            raise ArgumentError(f"expected n_best from 1 to width, {width} here, got {n_best}")
        if not beam_min_logp <= 0:
            raise ArgumentError(f"expected beam_min_logp <= 0, so far below the best prefix; got {beam_min_logp}")
        if math.isnan(token_min_logp):
            raise ArgumentError("expected token_min_logp as a log probability, got nan")
        if guide is not None and (language_model is not None or insertion_bonus):
            raise ArgumentError(
                "expected a guide or a language model with its bonus, got both; put them into one guide"
            )
        self.width, self.blank, self.n_best = width, blank, n_best
        self.token_min_logp, self.beam_min_logp = token_min_logp, beam_min_logp
        self.language_model, self.lm_weight, self.insertion_bonus = language_model, lm_weight, insertion_bonus
        self.guide = guide

    def __call__(self, log_probs: npt.ArrayLike | Tensor, lengths: Sequence[int] | npt.ArrayLike | None = None) -> Any:
        """The best hypotheses.

        Args:
            log_probs: (T, C), or a batch of them (N, T, C).
            lengths: (N,) how many frames of each sequence of a batch count; default: all. The rest is not looked at.

        Returns:
            At most ``n_best`` of :class:`Hypothesis`, best first; for a batch a list of N such lists. A list is empty
            where nothing is possible: there is a frame without any probability, or the guide allows no end.

        Raises:
            ShapeError, DtypeError, ArgumentError: no log probabilities, or lengths that do not fit.
        """
        sequences, is_batch = as_sequences(log_probs, self.blank, lengths)
        if not sequences:
            return []
        results = self._search_all(sequences, self._guide(sequences[0].shape[-1]))
        return results if is_batch else results[0]

    def _guide(self, symbols: int) -> AnyGuide:
        if self.guide is not None:
            if isinstance(self.guide, Automaton):
                self.guide.check_symbols(symbols, self.blank)
            return self.guide
        if self.language_model is None:
            return Automaton.free(symbols, blank=self.blank, bonus=self.insertion_bonus)
        return ShallowFusion(
            self.language_model, symbols, blank=self.blank, weight=self.lm_weight, bonus=self.insertion_bonus
        )

    def _search_all(self, batch: list[Doubles], guide: AnyGuide) -> list[list[Hypothesis]]:
        results: list[list[Hypothesis]] = [[] for _ in batch]

        def work(low: int, high: int) -> None:
            results[low:high] = [self._search(one, guide) for one in batch[low:high]]

        if _is_compiled(guide):
            parallel_for(work, len(batch), finer=4)
        else:
            work(0, len(batch))
        return results

    def _search(self, log_probs: Doubles, guide: AnyGuide) -> list[Hypothesis]:
        if self.token_min_logp > _NEVER:
            unlikely = (log_probs < self.token_min_logp) & (log_probs < log_probs.max(axis=1, keepdims=True))
            log_probs = np.where(unlikely, _NEVER, log_probs)
        settings = (self.blank, self.width, self.beam_min_logp, self.n_best)
        if _is_compiled(guide):
            return compiled.search(log_probs, guide, *settings)
        return search(log_probs, guide, *settings)


def _is_compiled(guide: AnyGuide) -> TypeGuard[Automaton]:
    return isinstance(guide, Automaton) and kernels.enabled()


def log_add(a: float, b: float) -> float:
    """``log(exp(a) + exp(b))``."""
    high, low = max(a, b), min(a, b)
    return high if low == _NEVER else high + math.log1p(math.exp(low - high))


class _Prefix:
    """Symbols, and the way that a guide took through them; the same ones are the same object.

    Attributes:
        parent: the prefix without its last symbol; None of the empty one.
        symbol: the last symbol; -1 of the empty one.
        choice: which of the guide's choices it was.
        state: the guide's state after it.
        bonus: all that the guide has added so far.
        symbols, scores: what may follow, filled in when the prefix enters the beam.
        children: the prefixes with one symbol more, by the guide's choice, as long as something in the beam needs them.
    """

    __slots__ = ("parent", "symbol", "choice", "state", "bonus", "symbols", "scores", "children", "__weakref__")
    symbols: Integers
    scores: Doubles

    def __init__(self, parent: _Prefix | None, symbol: int, choice: int, state: Any, bonus: float) -> None:
        self.parent, self.symbol, self.choice, self.state, self.bonus = parent, symbol, choice, state, bonus
        self.children: WeakValueDictionary[int, _Prefix] = WeakValueDictionary()

    def child(self, choice: int, guide: AnyGuide) -> _Prefix:
        """The prefix that a choice leads to."""
        child = self.children.get(choice)
        if child is None:
            state = guide.advance(self.state, choice)
            bonus = self.bonus + float(self.scores[choice])
            child = self.children[choice] = _Prefix(self, int(self.symbols[choice]), choice, state, bonus)
        return child


class _Paths:
    """The paths that say a prefix, up to a frame.

    Attributes:
        blank, label: log of the summed probabilities of those that end in a blank, and in the last symbol.
        total: log of the sum of both.
        best_blank, best_label: log probability of the likeliest one of each kind.
        spans: of the likeliest one that ends in a blank, the spans of all symbols.
        before, start: of the likeliest one that ends in the last symbol, the spans of the symbols before, and the first
            frame of the last.
    """

    __slots__ = ("blank", "label", "total", "best_blank", "best_label", "spans", "before", "start")

    def __init__(self, blank: float, best_blank: float, spans: _Spans) -> None:
        self.blank, self.best_blank, self.spans = blank, best_blank, spans
        self.label = self.best_label = _NEVER
        self.before: _Spans = None
        self.start = 0
        self.total = blank

    def best(self, t: int, *, blank_only: bool = False) -> tuple[float, _Spans]:
        """Log probability and spans of the likeliest path before frame t."""
        if blank_only or self.best_blank >= self.best_label:
            return self.best_blank, self.spans
        return self.best_label, (self.start, t, self.before)

    def stay(self, symbol: int, frame: list[float], blank: int, t: int) -> _Paths:
        """The paths that say the same after frame t: one blank more, or the last symbol prolonged."""
        best, spans = self.best(t)
        after = _Paths(self.total + frame[blank], best + frame[blank], spans)
        if symbol >= 0:
            after.label, after.best_label = self.label + frame[symbol], self.best_label + frame[symbol]
            after.before, after.start = self.before, self.start
            after.total = log_add(after.blank, after.label)
        return after

    def join(self, log_prob: float, best: float, spans: _Spans, t: int) -> None:
        """Take in the paths on which the last symbol begins in frame t."""
        self.label = log_add(self.label, log_prob)
        self.total = log_add(self.blank, self.label)
        if best > self.best_label:
            self.best_label, self.before, self.start = best, spans, t


def search(
    log_probs: Doubles, guide: AnyGuide, blank: int, width: int, beam_min_logp: float, n_best: int
) -> list[Hypothesis]:
    """The best hypotheses in the beam after the last frame: the definition that the compiled search follows.

    Where two prefixes score the same, the one that stays goes before the one that is new, and of two of a kind the one
    whose prefix, then whose choice, came first.
    """
    root = _Prefix(None, -1, -1, guide.start(), 0.0)
    beam = {root: _Paths(0.0, 0.0, None)}
    _look_up_choices(beam, guide)
    for t, row in enumerate(log_probs):
        beam = _step(beam, t, row, guide, blank, width, beam_min_logp)
        if not beam:
            return []
        _look_up_choices(beam, guide)
    scored = [(paths.total + prefix.bonus + guide.end(prefix.state), prefix, paths) for prefix, paths in beam.items()]
    scored = sorted((one for one in scored if one[0] > _NEVER), key=lambda one: -one[0])
    return [_hypothesis(score, prefix, paths, len(log_probs)) for score, prefix, paths in scored[:n_best]]


def _look_up_choices(beam: dict[_Prefix, _Paths], guide: AnyGuide) -> None:
    new = [prefix for prefix in beam if not hasattr(prefix, "symbols")]
    if new:
        for prefix, (symbols, scores) in zip(new, guide.choices([prefix.state for prefix in new]), strict=True):
            prefix.symbols, prefix.scores = symbols, scores


def _step(
    beam: dict[_Prefix, _Paths], t: int, row: Doubles, guide: AnyGuide, blank: int, width: int, beam_min_logp: float
) -> dict[_Prefix, _Paths]:
    frame = row.tolist()
    after = {prefix: paths.stay(prefix.symbol, frame, blank, t) for prefix, paths in beam.items()}
    # What each choice of each prefix comes to: the last symbol once more needs a blank in between.
    heard = {
        prefix: np.where(prefix.symbols == prefix.symbol, paths.blank, paths.total) + row[prefix.symbols]
        for prefix, paths in beam.items()
    }
    scores = {prefix: log_prob + (prefix.bonus + prefix.scores) for prefix, log_prob in heard.items()}
    for prefix, paths in after.items():
        if prefix.parent in beam:  # there are two ways to it, and this is where they meet
            assert prefix.parent is not None
            best, spans = beam[prefix.parent].best(t, blank_only=prefix.parent.symbol == prefix.symbol)
            paths.join(float(heard[prefix.parent][prefix.choice]), best + frame[prefix.symbol], spans, t)
            scores[prefix.parent][prefix.choice] = _NEVER

    prefixes = list(beam)
    every = np.concatenate([[after[p].total + p.bonus for p in prefixes], *(scores[p] for p in prefixes)])
    order = np.argsort(-every, kind="stable")[:width]
    order = order[(every[order] > _NEVER) & (every[order] >= every.max() + beam_min_logp)]
    ends = len(prefixes) + np.cumsum([len(p.symbols) for p in prefixes])
    kept: dict[_Prefix, _Paths] = {}
    for place in order.tolist():
        if place < len(prefixes):
            kept[prefixes[place]] = after[prefixes[place]]
        else:
            number = int(np.searchsorted(ends, place, side="right"))
            prefix = prefixes[number]
            choice = place - int(ends[number]) + len(prefix.symbols)
            kept[prefix.child(choice, guide)] = _begun(
                prefix, choice, float(heard[prefix][choice]), beam[prefix], row, t
            )
    return kept


def _begun(prefix: _Prefix, choice: int, log_prob: float, paths: _Paths, row: Doubles, t: int) -> _Paths:
    """The paths on which a choice is first said in frame t."""
    symbol = int(prefix.symbols[choice])
    result = _Paths(_NEVER, _NEVER, None)
    best, spans = paths.best(t, blank_only=prefix.symbol == symbol)
    result.join(log_prob, best + float(row[symbol]), spans, t)
    return result


def _hypothesis(score: float, prefix: _Prefix, paths: _Paths, frames: int) -> Hypothesis:
    chain = []
    while prefix.parent is not None:
        chain.append(prefix)
        prefix = prefix.parent
    times = []
    spans = paths.best(frames)[1]
    while spans is not None:
        times.append(spans[:2])
        spans = spans[2]
    return Hypothesis(
        symbols=tuple(prefix.symbol for prefix in reversed(chain)),
        score=score,
        log_prob=paths.total,
        times=tuple(reversed(times)),
        states=tuple(prefix.state for prefix in reversed(chain)),
    )
