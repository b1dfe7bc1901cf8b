"""beam_search: the likeliest continuations, by a step from tokens to logits, and by second opinions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError
from handtorch.tensor import Tensor

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Step = Callable[[Any, Any], tuple[Any, Any]]

# Watanabe et al. 2017 look at as many lengths before they call it the end.
_LENGTHS_WITHOUT_HOPE = 3


@dataclass(frozen=True)
class Scorer:
    """A second opinion about the next token: a language model, or CTC.

    Args:
        step: (tokens (M, T), state) to (logits (M, T, V), state), as a language model is called; of the logits the
            ``log_softmax`` counts.
        weight: what that is multiplied with.
        state: what it remembers at the beginning, before it is given the prompt.
    """

    step: Step
    weight: float = 1.0
    state: Any = None


@dataclass(frozen=True)
class Hypothesis:
    """One way in which a prompt may go on."""

    tokens: tuple[int, ...]
    """Without the prompt and without the token that stopped it."""
    score: float
    """By which hypotheses are ranked."""
    log_prob: float
    """Σ ln p of its tokens by the step alone, of the token that stopped it too."""
    ended: bool
    """Whether it came to a stop token, not only to ``max_tokens``."""


@dataclass(frozen=True)
class _Rules:
    """How hypotheses are ranked; see :func:`beam_search`."""

    length_penalty: float
    length_bonus: float
    coverage: float
    seen: float

    def final(self, total: Any, coverage: Any, length: Any) -> Any:
        """The score of hypotheses of so many tokens."""
        return total / length**self.length_penalty + self.length_bonus * length + coverage

    def best_possible(self, total: Floats, shortest: int, longest: int, memory: float) -> float:
        """No continuation can be ranked above this: its total can only fall."""
        best = float(total.max()) / longest**self.length_penalty
        return best + self.length_bonus * (longest if self.length_bonus > 0 else shortest) + self.coverage * memory

    def covered(self, state: Any, rows: int) -> Floats:
        """(M) the weight times how many steps of the memory each hypothesis has looked at."""
        if not self.coverage:
            return np.zeros(rows)
        watched = getattr(state, "watched", None)
        if watched is None:
            raise ArgumentError(
                "expected a state with `watched`, where attention has looked, for coverage; "
                "begin with model.start(x, lengths, watch=True)"
            )
        looked = watched.numpy().mean(axis=1).sum(axis=1)
        return self.coverage * (looked > self.seen).sum(axis=1).astype(np.float64)


@dataclass
class _Running:
    """The M hypotheses that go on, those of one prompt behind each other, with what every scorer remembers of them."""

    owners: Ints  # (M) whose they are
    totals: Floats  # (M) Σ of weighted ln p
    log_probs: Floats  # (M) Σ ln p by the step alone
    texts: Ints  # (M, length)
    states: list[Any]

    def select(self, rows: Ints, rows_of_states: Ints) -> _Running:
        index = Tensor.of(rows_of_states)
        states = [state if state is None else state.select(index) for state in self.states]
        return _Running(self.owners[rows], self.totals[rows], self.log_probs[rows], self.texts[rows], states)


@dataclass
class _Found:
    """The best hypotheses of one prompt that have ended."""

    wanted: int
    best: list[Hypothesis] = field(default_factory=list)
    of_length: dict[int, float] = field(default_factory=dict)  # the best score among those that ended with it

    def add(self, hypothesis: Hypothesis, length: int) -> None:
        self.of_length[length] = max(self.of_length.get(length, -math.inf), hypothesis.score)
        if len(self.best) < self.wanted or hypothesis.score > self.best[-1].score:
            self.best.append(hypothesis)
            self.best.sort(key=lambda each: -each.score)
            del self.best[self.wanted :]

    def takes(self, score: float) -> bool:
        """Whether a hypothesis of this score would be among the best."""
        return len(self.best) < self.wanted or score > self.best[-1].score

    def hopeless(self, length: int, gap: float) -> bool:
        """Whether what ended with the last few lengths was far below the best."""
        if not self.best:
            return False
        lengths = range(length - _LENGTHS_WITHOUT_HOPE + 1, length + 1)
        return all(self.of_length.get(each, math.inf) < self.best[0].score - gap for each in lengths)


@no_grad()
def beam_search(
    step: Step,
    prompt: Any,
    *,
    beams: int = 5,
    max_tokens: int | Sequence[int] = 256,
    stop: int | Sequence[int] = (),
    state: Any = None,
    weight: float = 1.0,
    scorers: Sequence[Scorer] = (),
    n_best: int = 1,
    min_tokens: int = 0,
    length_penalty: float = 0.0,
    length_bonus: float = 0.0,
    coverage: float = 0.0,
    seen: float = 0.5,
    end_gap: float | None = None,
) -> list[list[Hypothesis]]:
    r"""Search for the continuations y of each prompt with the highest score.

    ``score(y) = L(y) / |y|^length_penalty + length_bonus |y| + coverage |{t : Σ_u a_ut > seen}|``,
    ``L(y) = Σ_u weight ln p(y_u | y_<u) + Σ_k weight_k ln p_k(y_u | y_<u)``

    with \|y\| tokens, the stop token among them, and the weight a_ut that attention gives to step t of a memory when it
    tells token u (Chorowski & Jaitly 2017: what has not been looked at has been left out). In each step the ``beams``
    best of the continuations that have not stopped go on; whatever stops is kept aside if it is among the ``n_best``.
    With enough beams to keep all, the result is that of trying everything.

    A prompt is done when nothing that goes on can still get among its best, and when ``end_gap`` says so.

    Args:
        step: (tokens (M, T), state) to (logits (M, T, V), state): a language model, or ``model.decode``.
        prompt: (N, T) tokens, or N lists of at least one token each, which may be of different lengths.
        beams: how many hypotheses of a prompt go on.
        max_tokens: how many tokens follow the prompt at most, the stop token among them; or N such numbers.
        stop: the token, or tokens, that end a text.
        state: what ``step`` remembers before the prompt.
        weight: of the step's own ln p.
        scorers: whose opinion counts beside it.
        n_best: how many hypotheses of a prompt are returned.
        min_tokens: how many tokens come before the stop token at least.
        length_penalty: 0 for the sum, which favours short texts; 1 for the mean of a token.
        length_bonus: added for each token.
        coverage: added for each step of the memory that was looked at; then the state needs ``watched``
            (N, heads, U, T), as ``model.start(..., watch=True)`` makes it.
        seen: how much weight a step must have been given in all to count.
        end_gap: also end when all that has stopped at the last 3 lengths is this far below the best (Watanabe et al.
            2017, section II-D); None never gives up what may still win.

    Returns:
        for each prompt at most ``n_best`` hypotheses, the best first; those without a stop token, at ``max_tokens``,
        come after all that have stopped.

    Raises:
        ArgumentError: no beams, no prompt, an empty prompt, negative weights, or coverage without ``watched``.
    """
    _check(beams, n_best, weight, scorers, length_penalty, coverage)
    prompts = _listed(prompt)
    stops = [stop] if isinstance(stop, int | np.integer) else list(stop)
    limits = np.broadcast_to(np.asarray(max_tokens, np.int64), len(prompts))
    rules = _Rules(length_penalty, length_bonus, coverage, seen)
    voices = [Scorer(step, weight, state), *scorers]
    results: list[list[Hypothesis]] = [[] for _ in prompts]
    # Prompts of one length are read together, so that none has to be padded.
    for length in sorted({len(each) for each in prompts}):
        group = [number for number, each in enumerate(prompts) if len(each) == length]
        search = _Search(voices, stops, rules, beams, n_best, min_tokens, end_gap, limits[group])
        for number, found in zip(group, search.run([prompts[number] for number in group], group), strict=True):
            results[number] = found
    return results


class _Search:
    """One search for prompts of one length."""

    def __init__(
        self,
        voices: list[Scorer],
        stops: list[int],
        rules: _Rules,
        beams: int,
        n_best: int,
        min_tokens: int,
        end_gap: float | None,
        limits: Ints,
    ) -> None:
        self.voices, self.stops, self.rules = voices, stops, rules
        self.beams, self.n_best, self.min_tokens, self.end_gap, self.limits = beams, n_best, min_tokens, end_gap, limits
        self.found = [_Found(n_best) for _ in limits]
        self.unfinished: list[list[Hypothesis]] = [[] for _ in limits]

    def run(self, prompts: list[list[int]], group: list[int]) -> list[list[Hypothesis]]:
        """The best hypotheses of each prompt; ``group`` (N) says which rows of the states at the beginning they are."""
        number = len(prompts)
        nothing = np.zeros((number, 0), np.int64)
        everyone = _Running(
            np.arange(number), np.zeros(number), np.zeros(number), nothing, [v.state for v in self.voices]
        )
        asked = np.flatnonzero(self.limits > 0)
        running = everyone.select(asked, np.asarray(group)[asked])
        tokens = np.asarray(prompts, np.int64)[running.owners]
        while len(running.owners):
            running = self._one_more(running, tokens)
            tokens = running.texts[:, -1:]
        kept = zip(self.found, self.unfinished, strict=True)
        return [(ended.best + sorted(others, key=lambda each: -each.score))[: self.n_best] for ended, others in kept]

    def _one_more(self, running: _Running, tokens: Ints) -> _Running:
        """The hypotheses with one token more, after those that stop have been put aside."""
        opinions = []
        for place, voice in enumerate(self.voices):
            logits, running.states[place] = voice.step(Tensor.of(tokens), running.states[place])
            opinions.append(_log_softmax(logits.numpy()[:, -1].astype(np.float64)))
        gains = sum(
            voice.weight * opinion for voice, opinion in zip(self.voices, opinions, strict=True) if voice.weight
        )
        totals = running.totals[:, None] + gains
        log_probs = running.log_probs[:, None] + opinions[0]
        covered = self.rules.covered(running.states[0], len(running.owners))
        length = running.texts.shape[1] + 1
        if length > self.min_tokens:
            self._put_aside(running, totals, log_probs, covered, length)
        totals[:, self.stops] = -math.inf
        rows, chosen = self._choose(running.owners, totals, covered)
        texts = np.concatenate([running.texts[rows], chosen[:, None]], 1)
        after = _Running(running.owners[rows], totals[rows, chosen], log_probs[rows, chosen], texts, running.states)
        going_on = self._going_on(after, covered[rows])
        return after.select(going_on, rows[going_on])

    def _put_aside(self, running: _Running, totals: Floats, log_probs: Floats, covered: Floats, length: int) -> None:
        """Keep the hypotheses that stop here, if they are among the best of their prompt."""
        for token in self.stops:
            scores = self.rules.final(totals[:, token], covered, length)
            for row in np.flatnonzero(scores > -math.inf):
                text = tuple(running.texts[row].tolist())
                ended = Hypothesis(text, float(scores[row]), float(log_probs[row, token]), True)
                self.found[running.owners[row]].add(ended, length)

    def _choose(self, owners: Ints, totals: Floats, covered: Floats) -> tuple[Ints, Ints]:
        """Rows and tokens of the best continuations, at most ``beams`` of each owner, the best of each first."""
        ranked = totals + covered[:, None]
        rows, tokens = [], []
        for owner in np.unique(owners):
            first, last = np.searchsorted(owners, [owner, owner + 1])
            flat = ranked[first:last].ravel()
            best = (
                np.argpartition(-flat, self.beams - 1)[: self.beams] if self.beams < len(flat) else np.arange(len(flat))
            )
            best = best[flat[best] > -math.inf]
            best = best[np.lexsort((best, -flat[best]))]
            rows.append(first + best // totals.shape[1])
            tokens.append(best % totals.shape[1])
        return np.concatenate(rows), np.concatenate(tokens)

    def _going_on(self, running: _Running, covered: Floats) -> Ints:
        """The rows of the prompts that are not done."""
        length = running.texts.shape[1]
        rows = []
        for owner in np.unique(running.owners):
            own = np.flatnonzero(running.owners == owner)
            limit = int(self.limits[owner])
            if length >= limit:
                self._give_up(running, covered, own, owner)
            elif not self._done(self.found[owner], running, own, limit):
                rows.append(own)
        return np.concatenate(rows) if rows else np.zeros(0, np.int64)

    def _give_up(self, running: _Running, covered: Floats, own: Ints, owner: int) -> None:
        length = running.texts.shape[1]
        for row in own[: self.n_best]:
            score = self.rules.final(running.totals[row], covered[row], length)
            text = tuple(running.texts[row].tolist())
            self.unfinished[owner].append(Hypothesis(text, float(score), float(running.log_probs[row]), False))

    def _done(self, found: _Found, running: _Running, own: Ints, limit: int) -> bool:
        length = running.texts.shape[1]
        memory = running.states[0].watched.shape[-1] if self.rules.coverage else 0
        best = self.rules.best_possible(running.totals[own], length + 1, limit, memory)
        if not found.takes(best):
            return True
        return self.end_gap is not None and found.hopeless(length, self.end_gap)


def _log_softmax(logits: Floats) -> Floats:
    highest = logits.max(axis=1, keepdims=True)
    return logits - highest - np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))


def _listed(prompt: Any) -> list[list[int]]:
    """Each prompt as a list of its tokens."""
    prompts = [[int(token) for token in each] for each in (prompt.tolist() if hasattr(prompt, "tolist") else prompt)]
    if not prompts or not all(prompts):
        raise ArgumentError("expected prompts of at least one token each, such as the start token")
    return prompts


def _check(
    beams: int, n_best: int, weight: float, scorers: Sequence[Scorer], length_penalty: float, coverage: float
) -> None:
    if beams < 1 or n_best < 1:
        raise ArgumentError(f"expected at least one beam and one result, got beams={beams} and n_best={n_best}")
    weights = [weight, *(scorer.weight for scorer in scorers)]
    if min(weights) < 0 or not any(weights) or length_penalty < 0 or coverage < 0:
        raise ArgumentError(
            f"expected weights, length_penalty and coverage of at least 0, and a weight above 0, got {weights}, "
            f"{length_penalty} and {coverage}"
        )
