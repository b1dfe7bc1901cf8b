"""Neural language models in the search, and guides written out as tables for the compiled one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from handtorch.audio.decode.frames import Doubles
from handtorch.audio.decode.guide import Automaton, Guide, LanguageModel
from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError, ShapeError
from handtorch.tensor import Tensor

HashableState = TypeVar("HashableState", bound=Hashable)
Step = Callable[[list[int], list[Any]], tuple[Any, Sequence[Any]]]

# Half precision rounds; see frames.py.
_LARGEST_SUM = 1.01


class NeuralState:
    """A prefix that a neural model has read, or will read when it is first asked what follows."""

    __slots__ = ("symbol", "before", "after", "log_probs")

    def __init__(self, symbol: int, before: Any) -> None:
        self.symbol, self.before = symbol, before
        self.after: Any = None
        self.log_probs: Doubles | None = None


class NeuralModel(LanguageModel[NeuralState]):
    r"""Any network that says what symbol comes next, as a language model for the search.

    A prefix is computed once as long as it is kept, all those that come up in a frame as one batch.

    A recurrent network::

        def step(symbols, states):
            h = handtorch.stack([zeros if state is None else state for state in states])
            h = cell(embedding(handtorch.tensor(symbols)), h)
            return head(h).log_softmax(-1), list(h)


        model = NeuralModel(step, start=SOS, end=EOS, columns=range(C))

    Args:
        step: takes N symbols and the N states before them, and returns the log probabilities (N, V) of what comes next
            and N new states, of any kind. The state before ``start`` is None.
        start: the symbol at the start of a sequence.
        end: which of the V columns is the end of a sequence; None: a sequence may end anywhere at no cost.
        columns: (C,) which of the V columns each symbol of the recognizer is; the default is that V = C and they
            agree. ``step`` is given columns, too.
    """

    def __init__(
        self, step: Step, *, start: int = 0, end: int | None = None, columns: Iterable[int] | None = None
    ) -> None:
        self.step, self.end_column = step, end
        self.columns = None if columns is None else np.array(list(columns), dtype=np.int64)
        self._first = start

    @classmethod
    def of_prefixes(
        cls,
        predict: Callable[[list[tuple[int, ...]]], Any],
        *,
        end: int | None = None,
        columns: Iterable[int] | None = None,
    ) -> NeuralModel:
        """The model of a function of whole prefixes, such as a transformer.

        Args:
            predict: takes N prefixes of any lengths, the first one ``()``, and returns log probabilities (N, V).
            end, columns: as of the class.
        """

        def step(symbols: list[int], states: list[Any]) -> tuple[Any, list[tuple[int, ...]]]:
            prefixes = [
                () if state is None else (*state, symbol) for symbol, state in zip(symbols, states, strict=True)
            ]
            return predict(prefixes), prefixes

        return cls(step, end=end, columns=columns)

    def start(self) -> NeuralState:
        return NeuralState(self._first, None)  # a new one: the network may have learned since

    def next(self, state: NeuralState) -> Doubles:
        return self.next_batch([state])[0]

    def next_batch(self, states: Sequence[NeuralState]) -> list[Doubles]:
        """:meth:`next` of several states; those not known yet go through the network together."""
        rows = self._rows(states)
        return rows if self.columns is None else [row[self.columns] for row in rows]

    def advance(self, state: NeuralState, symbol: int) -> NeuralState:
        self._rows([state])
        return NeuralState(symbol if self.columns is None else int(self.columns[symbol]), state.after)

    def end(self, state: NeuralState) -> float:
        return 0.0 if self.end_column is None else float(self._rows([state])[0][self.end_column])

    def _rows(self, states: Sequence[NeuralState]) -> list[Doubles]:
        new = list({id(state): state for state in states if state.log_probs is None}.values())
        if new:
            with no_grad():
                result, afters = self.step([state.symbol for state in new], [state.before for state in new])
            for state, row, after in zip(new, self._checked(result, len(new)), afters, strict=True):
                state.log_probs, state.after = row, after
        return [state.log_probs for state in states if state.log_probs is not None]

    def _checked(self, result: Any, count: int) -> Doubles:
        rows = np.asarray(result.detach() if isinstance(result, Tensor) else result, dtype=np.float64)
        used = [
            *([] if self.end_column is None else [self.end_column]),
            *([] if self.columns is None else self.columns),
        ]
        needed = 1 + max(used, default=0)
        if rows.ndim != 2 or len(rows) != count or rows.shape[1] < needed:
            raise ShapeError(
                f"expected log probabilities ({count}, V), V at least {needed}, of {count} prefixes; got {rows.shape}"
            )
        sums = np.exp(rows).sum(axis=1)
        if not (sums <= _LARGEST_SUM).all():
            raise ArgumentError(
                f"expected log probabilities of the next symbol, got a row with a sum of {sums.max():.4g}; "
                "apply log_softmax over the symbols first"
            )
        return rows


def tabulate(guide: Guide[HashableState], *, max_arcs: int = 4_000_000) -> tuple[Automaton, list[HashableState]]:
    """Write a guide out in full, so that the compiled search can follow it.

    It is for guides whose states are few and can be compared: an n-gram model over phones has as many as there are
    known histories, a lexicon without language model as many as it has beginnings of words.

    Args:
        guide: the guide.
        max_arcs: when to give up.

    Returns:
        the table, and the guide's state that each of its states stands for.

    Raises:
        ArgumentError: there are more than ``max_arcs`` choices, all states together.
    """
    number = {guide.start(): 0}
    states = list(number)
    symbols, scores, targets, sizes = [], [], [], [0]
    done = arcs = 0
    while done < len(states):
        new = states[done:]
        for state, (allowed, added) in zip(new, guide.choices(new), strict=True):
            arcs += len(allowed)
            if arcs > max_arcs:
                raise ArgumentError(
                    f"expected a guide of at most {max_arcs} arcs, got more in {len(states)} states; "
                    "search with the guide itself, or raise max_arcs"
                )
            possible = np.flatnonzero(np.asarray(added) > -np.inf)
            for choice in possible.tolist():
                target = guide.advance(state, choice)
                if target not in number:
                    number[target] = len(states)
                    states.append(target)
                targets.append(number[target])
            symbols.append(np.asarray(allowed)[possible])
            scores.append(np.asarray(added)[possible])
            sizes.append(len(possible))
        done += len(new)
    table = Automaton(
        np.cumsum(sizes),
        np.concatenate(symbols).astype(np.int64),
        np.concatenate(scores).astype(np.float64),
        np.array(targets, dtype=np.int64),
        np.array([guide.end(state) for state in states], dtype=np.float64),
    )
    return table, states
