"""CTC as a second opinion in a search that goes token by token: how likely is each next token, given those so far?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import as_tensor
from handtorch.tensor import Tensor

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PrefixState:
    """For each of M texts so far, the paths that have said it by step t, in natural logarithms.

    ``symbol[m, t]`` of those that end in its last token there, ``blank[m, t]`` of those that end in a blank.
    """

    owners: Ints  # (M) whose log probabilities these are
    last: Ints  # (M) the last token, -1 before the first
    symbol: Floats  # (M, T)
    blank: Floats  # (M, T)

    def select(self, rows: Any) -> PrefixState:
        """The states of these texts, rows (M) whole numbers."""
        chosen = as_tensor(rows).array
        return PrefixState(self.owners[chosen], self.last[chosen], self.symbol[chosen], self.blank[chosen])


class CTCPrefixScorer:
    r"""From CTC's log probabilities of each step to those of the next token of a text, for joint decoding.

    A text g has the probability of all paths that say it and anything after it (Graves 2008; Watanabe et al. 2017,
    algorithm 2),

    ``ψ(g c) = Σ_t φ_t p_t(c)``, with φ_t that of the paths that have said exactly g before step t, and not, where c is
    the last token of g, ended in it,

    so ``p(c | g) = ψ(g c) / ψ(g)``, and ``p(end | g)`` is the share of ψ(g) that says g and nothing else. These
    add up to 1, as those of a language model, and the product over a whole text is CTC's probability of the text::

        scorer = CTCPrefixScorer(model.ctc_log_probs(encoded), encoded.lengths, blank=0, end=1)
        beam_search(model.decode, prompt, state=state, weight=0.7, scorers=[Scorer(scorer, 0.3, scorer.start())])

    The prompt, which is read first, has to be the blank alone: it says nothing.

    Args:
        log_probs: (N, T, V) of V tokens in each step.
        lengths: (N) steps.
        blank: the token that says nothing.
        end: the token that ends a text. CTC has no such symbol: what it gives it is shared among the others.

    Raises:
        ShapeError: lengths that do not fit.
        ArgumentError: blank and end are the same.
    """

    def __init__(self, log_probs: Any, lengths: Any, *, blank: int = 0, end: int = 1) -> None:
        if blank == end:
            raise ArgumentError(f"expected different tokens for blank and end, got {blank} for both")
        table = as_tensor(log_probs).array.astype(np.float64)
        ends = as_tensor(lengths).array
        if table.ndim != 3 or ends.shape != table.shape[:1]:
            raise ShapeError(f"expected log_probs (N, T, V) and lengths (N), got {table.shape} and {ends.shape}")
        table[:, :, end] = -np.inf
        table -= np.logaddexp.reduce(table, axis=2, keepdims=True)
        # After its end a sequence is silent for certain: then the last step of the batch is the end of all.
        ended = np.arange(table.shape[1]) >= ends[:, None]
        table[ended] = -np.inf
        table[ended, blank] = 0.0
        self.log_probs, self.probs = table, np.exp(table)
        self.blank_token, self.end_token = blank, end

    def start(self) -> PrefixState:
        """The state of N empty texts: only blanks so far."""
        number, steps, _ = self.log_probs.shape
        blank = np.cumsum(self.log_probs[:, :, self.blank_token], axis=1)
        return PrefixState(np.arange(number), np.full(number, -1), np.full((number, steps), -np.inf), blank)

    def __call__(self, tokens: Any, state: PrefixState) -> tuple[Any, PrefixState]:
        """Tokens (M, U) that come next, blanks ignored, to log probabilities (M, 1, V), and the new state."""
        for column in as_tensor(tokens).array.T:
            state = self._said(column, state)
        return Tensor.of(self._next(state)[:, None]), state

    def _said(self, tokens: Ints, state: PrefixState) -> PrefixState:
        """The state after one token more; a blank changes nothing."""
        emitted = self.log_probs[state.owners, :, tokens].T  # (T, M)
        silent = self.log_probs[state.owners, :, self.blank_token].T
        before = self._before(state)
        from_before = np.where((tokens == state.last)[:, None], state.blank, np.logaddexp(state.symbol, state.blank)).T
        symbol, blank = np.full_like(emitted, -np.inf), np.full_like(emitted, -np.inf)
        symbol[0] = before + emitted[0]
        for t in range(1, len(emitted)):
            symbol[t] = np.logaddexp(symbol[t - 1], from_before[t - 1]) + emitted[t]
            blank[t] = np.logaddexp(symbol[t - 1], blank[t - 1]) + silent[t]
        ignored = tokens == self.blank_token
        return PrefixState(
            state.owners,
            np.where(ignored, state.last, tokens),
            np.where(ignored[:, None], state.symbol, symbol.T),
            np.where(ignored[:, None], state.blank, blank.T),
        )

    def _next(self, state: PrefixState) -> Floats:
        """(M, V) ln p of the next token, of the end too."""
        all_paths = np.logaddexp(state.symbol, state.blank)
        first = self._before(state)[:, None]
        any_path = np.concatenate([first, all_paths[:, :-1]], 1)
        after_blank = np.concatenate([first, state.blank[:, :-1]], 1)
        result = np.empty((len(state.owners), self.log_probs.shape[2]))
        for owner in np.unique(state.owners):
            rows = np.flatnonzero(state.owners == owner)
            result[rows] = _log_product(any_path[rows], self.probs[owner])
            again = rows[state.last[rows] >= 0]
            if len(again):
                columns = self.probs[owner][:, state.last[again]].T
                result[again, state.last[again]] = _log_dot(after_blank[again], columns)
        result[:, self.blank_token] = -np.inf
        result[:, self.end_token] = all_paths[:, -1]
        return result - np.logaddexp.reduce(result, axis=1, keepdims=True)

    @staticmethod
    def _before(state: PrefixState) -> Floats:
        """(M) ln p of having said a text before the first step: 1 for the empty one."""
        return np.where(state.last < 0, 0.0, -np.inf)


def _log_product(logs: Floats, probs: Floats) -> Floats:
    """(M, V) ln Σ_t exp(logs[m, t]) probs[t, v]."""
    highest, moved = _moved(logs)
    with np.errstate(divide="ignore"):
        return highest + np.log(moved @ probs)


def _log_dot(logs: Floats, probs: Floats) -> Floats:
    """(M) ln Σ_t exp(logs[m, t]) probs[m, t]."""
    highest, moved = _moved(logs)
    with np.errstate(divide="ignore"):
        return highest[:, 0] + np.log((moved * probs).sum(axis=1))


def _moved(logs: Floats) -> tuple[Floats, Floats]:
    """The highest of each row, (M, 1), and exp of what the others are below it, where it keeps its digits."""
    highest = logs.max(axis=1, keepdims=True)
    highest = np.where(np.isfinite(highest), highest, 0.0)
    return highest, np.exp(logs - highest)
