"""Forced alignment: when each of the symbols that are known to have been said was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.audio.decode.frames import Doubles, as_log_probs
from handtorch.audio.decode.hypothesis import Hypothesis
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.tensor import Tensor


def align(
    log_probs: npt.ArrayLike | Tensor, targets: Sequence[int] | npt.ArrayLike | Tensor, *, blank: int = 0
) -> Hypothesis:
    """The likeliest of all paths that say these symbols (Viterbi's algorithm).

    A path names one symbol a frame; what it says is left when its runs are merged and then its blanks are dropped. It
    walks through the states blank, symbol, blank, symbol ... blank: with x the probabilities and k(s) the symbol of a
    state, the best path that is in state s at time t has probability

        best_t(s) = x_t,k(s) max(best_t-1(s), best_t-1(s-1), best_t-1(s-2) if k(s) is a symbol, unlike k(s-2)),

    alpha of :class:`handtorch.ops.ctc.CtcLoss` with the largest in the place of the sum. Which of the three it was is
    kept, and read from the end.

    Args:
        log_probs: (T, C).
        targets: (S), the symbols.
        blank: the index of the blank.

    Returns:
        The symbols with their times; ``log_prob`` and ``score`` are those of the path.

    Raises:
        ShapeError, DtypeError: no log probabilities, or no symbols.
        ArgumentError: a symbol that is not there, or no path says them: S symbols need S frames, and one more for every
            symbol that equals the one before.
    """
    array = as_log_probs(log_probs, blank)
    if array.ndim != 2:
        raise ShapeError(f"expected log_probs (T, C) of one sequence, got an array of shape {array.shape}")
    symbols = _as_symbols(targets, array.shape[1], blank)
    states, log_prob = _best_path(array, symbols, blank)
    if log_prob == -np.inf:
        needed = len(symbols) + int((symbols[1:] == symbols[:-1]).sum())
        raise ArgumentError(
            f"expected frames in which these {len(symbols)} symbols can be said, which takes {needed} frames and more "
            f"than zero probability of each; got {len(array)} frames"
        )
    of_symbols = 2 * np.arange(len(symbols)) + 1
    starts, ends = np.searchsorted(states, of_symbols), np.searchsorted(states, of_symbols + 1)
    times = tuple(zip(starts.tolist(), ends.tolist(), strict=True))
    return Hypothesis(symbols=tuple(symbols.tolist()), score=log_prob, log_prob=log_prob, times=times)


def _as_symbols(targets: Any, count: int, blank: int) -> npt.NDArray[np.int64]:
    """The targets, checked."""
    symbols = np.asarray(targets.detach() if isinstance(targets, Tensor) else targets)
    if symbols.ndim != 1:
        raise ShapeError(f"expected targets (S), the symbols of one sequence, got an array of shape {symbols.shape}")
    if symbols.size and symbols.dtype.kind not in "iu":
        raise DtypeError(f"expected targets as whole numbers, got {symbols.dtype}")
    wrong = (symbols < 0) | (symbols >= count) | (symbols == blank)
    if wrong.any():
        raise ArgumentError(
            f"expected targets from 0 to {count - 1} without the blank, {blank}; got {symbols[wrong][0]} at place "
            f"{int(np.argmax(wrong))}"
        )
    return symbols.astype(np.int64)


def _best_path(log_probs: Doubles, symbols: npt.NDArray[np.int64], blank: int) -> tuple[npt.NDArray[np.int64], float]:
    """The state of every frame on the best path, and its log probability."""
    frames, count = len(log_probs), 2 * len(symbols) + 1
    symbol_of = np.full(count, blank)
    symbol_of[1::2] = symbols
    no_skip = np.ones(count, bool)
    no_skip[3::2] = symbols[1:] == symbols[:-1]
    best = np.full(count, -np.inf)
    best[0] = 0.0
    steps = np.empty((frames, count), np.int8)
    ways = np.full((3, count), -np.inf)  # to every state, by the steps that they take
    for t, scores in enumerate(log_probs[:, symbol_of]):
        ways[0], ways[1, 1:], ways[2, 2:] = best, best[:-1], best[:-2]
        ways[2, no_skip] = -np.inf
        steps[t] = ways.argmax(axis=0)
        best = ways.max(axis=0) + scores
    states = np.empty(frames, np.int64)
    state = end = count - 1 if count == 1 or best[-1] >= best[-2] else count - 2
    for t in reversed(range(frames)):
        states[t] = state
        state -= int(steps[t, state])
    return states, float(best[end])
