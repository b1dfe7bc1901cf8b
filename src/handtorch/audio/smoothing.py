"""From scores of single frames to a sequence of phones: the likeliest path when every change of phone costs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats
from handtorch.errors import ArgumentError

Integers = npt.NDArray[np.int64]


class SmoothPath:
    """The labels ``s`` that maximise ``sum_t log_probs[t, s[t]] - penalty * #{t : s[t] != s[t-1]}`` (Viterbi 1967).

    A classifier of single frames flickers where it is unsure; a phone that lasts a frame or two has to be surer than
    the penalty to stand. Frames may come in blocks; what is kept of a frame is C bits and two bytes.

    Args:
        penalty: nats that a change costs; 0 takes the likeliest label of every frame by itself.
    """

    def __init__(self, penalty: float) -> None:
        if penalty < 0:
            raise ArgumentError(f"expected penalty >= 0 nats, got {penalty}")
        self.penalty = penalty
        self._scores: npt.NDArray[np.float64] | None = None
        self._stays: list[npt.NDArray[np.uint8]] = []  # (T, C / 8): is it best to come from the same label
        self._sources: list[npt.NDArray[np.int16]] = []  # (T,): and if not, from which

    def add(self, log_probs: Floats) -> None:
        """Take in the next frames.

        Args:
            log_probs: (T, C) natural logarithms of the probabilities.
        """
        stays = np.zeros(log_probs.shape, np.bool_)
        sources = np.zeros(len(log_probs), np.int16)
        scores = np.zeros(log_probs.shape[1]) if self._scores is None else self._scores
        for frame, row in enumerate(log_probs):
            sources[frame] = source = scores.argmax()
            # Scores stay near 0, so that they keep their digits in a recording of hours.
            scores = scores - scores[source]
            stays[frame] = scores >= -self.penalty
            scores = np.maximum(scores, -self.penalty) + row
        self._scores = scores
        self._stays.append(np.packbits(stays, axis=1))
        self._sources.append(sources)

    def labels(self) -> Integers:
        """(T,) class indices of all frames so far."""
        if self._scores is None:
            return np.zeros(0, np.int64)
        path: list[int] = []
        label = int(self._scores.argmax())
        for packed, sources in zip(reversed(self._stays), reversed(self._sources), strict=True):
            stays = np.unpackbits(packed, axis=1)
            for stay, source in zip(stays[::-1], sources[::-1].tolist(), strict=True):
                path.append(label)
                if not stay[label]:
                    label = source
        return np.array(path[::-1], np.int64)


def runs(labels: npt.ArrayLike) -> Iterator[tuple[int, int, int]]:
    """Yield ``(label, first frame, frame after the last)`` for every run of equal labels."""
    array = np.asarray(labels)
    if len(array) == 0:
        return
    changes = np.flatnonzero(np.diff(array)) + 1
    bounds = [0, *changes.tolist(), len(array)]
    for start, end in pairwise(bounds):
        yield int(array[start]), start, end
