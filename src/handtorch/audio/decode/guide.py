"""What may follow a prefix, and what it adds to the score: the one hook of the search for models and lexica."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from handtorch.audio.decode.frames import Doubles, Integers
from handtorch.errors import ArgumentError, ShapeError

State = TypeVar("State")
Choices = tuple[Integers, Doubles]


class Guide(Protocol[State]):
    """Says which symbols may follow a prefix, with what additional score.

    A guide may offer the same symbol several times, as a lexicon does where one word ends and a longer one goes on:
    the choices lead to different states, and the search keeps what follows from them apart. So a choice is named by its
    place in the list of choices, not by its symbol.
    """

    def start(self) -> State:
        """The state before the first symbol."""

    def choices(self, states: Sequence[State]) -> list[Choices]:
        """For each state the symbols (K,) that may come next, never the blank, and the nats (K,) that each one adds.

        The search asks once for every prefix that it keeps, and at once for all those that came up in a frame, so that
        a neural model can answer them as one batch. -inf forbids a choice.
        """

    def advance(self, state: State, choice: int) -> State:
        """The state after a choice: a place in the list that :meth:`choices` gave for this state."""

    def end(self, state: State) -> float:
        """The nats that ending here adds; -inf where no sequence may end."""


class LanguageModel(Protocol[State]):
    """How likely symbols are after those before them, whatever was heard.

    A model that answers several states more quickly together has a ``next_batch(states)``, too: a list of what
    :meth:`next` gives for each.
    """

    def start(self) -> State:
        """The state before the first symbol."""

    def next(self, state: State) -> npt.ArrayLike:
        """(C,) log probabilities of the next symbol, in the order of ``log_probs``; that of the blank is not read."""

    def advance(self, state: State, symbol: int) -> State:
        """The state after one more symbol."""

    def end(self, state: State) -> float:
        """The log probability that the sequence ends here."""


class ShallowFusion(Guide[State]):
    r"""Adds a language model's score to what is heard (Gülçehre et al. 2015, "shallow fusion").

    ``score(y) = log P(y | frames) + weight \log P_{LM}(y) + bonus |y|``

    Args:
        model: the language model.
        symbols: C, how many symbols there are, the blank among them.
        blank: the index of the blank.
        weight: how much the language model counts.
        bonus: nats for every symbol; a language model alone makes every further symbol cost, and so deletes.
    """

    def __init__(
        self, model: LanguageModel[State], symbols: int, *, blank: int = 0, weight: float = 1.0, bonus: float = 0.0
    ) -> None:
        self.model, self.weight, self.bonus = model, weight, bonus
        self.size = symbols
        self.symbols = np.delete(np.arange(symbols), blank)

    def start(self) -> State:
        return self.model.start()

    def choices(self, states: Sequence[State]) -> list[Choices]:
        next_batch = getattr(self.model, "next_batch", None)
        rows = map(self.model.next, states) if next_batch is None else next_batch(states)
        return [(self.symbols, self._scores(row)) for row in rows]

    def _scores(self, log_probs: npt.ArrayLike) -> Doubles:
        scores = np.asarray(log_probs, np.float64)
        if scores.shape != (self.size,):
            raise ShapeError(
                f"expected the language model to give {self.size} log probabilities, one a symbol, the blank among "
                f"them; got shape {scores.shape}"
            )
        if not np.all(scores < np.inf):
            raise ArgumentError("expected log probabilities of the language model, got NaN or infinity")
        # a model that does not count must not forbid anything either: 0 times -inf is NaN
        return self.weight * scores[self.symbols] + self.bonus if self.weight else np.full(self.size - 1, self.bonus)

    def advance(self, state: State, choice: int) -> State:
        return self.model.advance(state, int(self.symbols[choice]))

    def end(self, state: State) -> float:
        return self.weight * float(self.model.end(state)) if self.weight else 0.0


_COLUMNS = {"offsets": np.int64, "symbols": np.int64, "scores": np.float64, "targets": np.int64, "ends": np.float64}


@dataclass(frozen=True, eq=False)
class Automaton(Guide[int]):
    """A guide written out in full as a table, which the compiled search reads: S states, A arcs between them.

    The arcs ``offsets[s]`` to ``offsets[s + 1]`` leave state s; the search begins in state 0.

    Attributes:
        offsets: (S + 1,) where the arcs of each state begin.
        symbols: (A,) the symbol of each arc.
        scores: (A,) the nats that it adds.
        targets: (A,) the state that it leads to.
        ends: (S,) the nats that ending in a state adds; -inf where no sequence may end.
    """

    offsets: Integers
    symbols: Integers
    scores: Doubles
    targets: Integers
    ends: Doubles

    def __post_init__(self) -> None:
        for name, dtype in _COLUMNS.items():
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype))
        states, arcs = len(self.ends), len(self.symbols)
        columns = {name: getattr(self, name).shape for name in _COLUMNS}
        expected = {"offsets": (states + 1,), "ends": (states,)} | dict.fromkeys(
            ("symbols", "scores", "targets"), (arcs,)
        )
        if columns != expected or states == 0:
            raise ShapeError(
                "expected offsets (S + 1,), ends (S,) with at least one state, and symbols, scores, targets (A,); "
                f"got {columns}"
            )
        if self.offsets[0] != 0 or self.offsets[-1] != arcs or np.any(np.diff(self.offsets) < 0):
            raise ArgumentError(f"expected offsets that rise from 0 to {arcs}, the number of arcs")
        if arcs and not (self.targets.min() >= 0 and self.targets.max() < states):
            raise ArgumentError(
                f"expected targets from 0 to {states - 1}, got {self.targets.min()} to {self.targets.max()}"
            )
        if not (np.all(self.scores < np.inf) and np.all(self.ends < np.inf)):
            raise ArgumentError("expected scores and ends below infinity, got NaN or infinity")

    def check_symbols(self, symbols: int, blank: int) -> None:
        """Raise :class:`ArgumentError` for an arc whose symbol is the blank or not there."""
        wrong = (self.symbols < 0) | (self.symbols >= symbols) | (self.symbols == blank)
        if wrong.any():
            raise ArgumentError(
                f"expected a guide over {symbols} symbols and never the blank {blank}, got {self.symbols[wrong][0]}"
            )

    @classmethod
    def free(cls, symbols: int, *, blank: int = 0, bonus: float = 0.0) -> Automaton:
        """One state, in which every symbol but the blank may follow, each adding ``bonus``: search without a guide."""
        others = np.delete(np.arange(symbols), blank)
        arcs = len(others)
        return cls(np.array([0, arcs]), others, np.full(arcs, bonus), np.zeros(arcs, np.int64), np.zeros(1))

    def start(self) -> int:
        return 0

    def choices(self, states: Sequence[int]) -> list[Choices]:
        arcs = [slice(self.offsets[state], self.offsets[state + 1]) for state in states]
        return [(self.symbols[these], self.scores[these]) for these in arcs]

    def advance(self, state: int, choice: int) -> int:
        return int(self.targets[self.offsets[state] + choice])

    def end(self, state: int) -> float:
        return float(self.ends[state])


AnyGuide = Guide[Any]
