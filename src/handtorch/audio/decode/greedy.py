"""The quickest decoder: the likeliest symbol of every frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.audio.decode.frames import Doubles, as_sequences
from handtorch.audio.decode.hypothesis import Hypothesis
from handtorch.tensor import Tensor


def greedy(
    log_probs: npt.ArrayLike | Tensor, lengths: Sequence[int] | npt.ArrayLike | None = None, *, blank: int = 0
) -> Any:
    """What the likeliest path says: ``path[t] = argmax_c log_probs[t, c]``, runs merged, blanks dropped.

    Many paths may say the same, so another sequence of symbols can be likelier; :class:`BeamSearch` sums them.

    Args:
        log_probs: (T, C), or a batch of them (N, T, C).
        lengths: (N,) how many frames of each sequence of a batch count; default: all. The rest is not looked at.
        blank: the index of the blank.

    Returns:
        A :class:`Hypothesis`, for a batch a list of N; its ``log_prob`` is that of the path.

    Raises:
        ShapeError, DtypeError, ArgumentError: no log probabilities, or lengths that do not fit.
    """
    sequences, is_batch = as_sequences(log_probs, blank, lengths)
    found = [_greedy(one, blank) for one in sequences]
    return found if is_batch else found[0]


def _greedy(log_probs: Doubles, blank: int) -> Hypothesis:
    path = log_probs.argmax(axis=1)
    # A run begins where the symbol is another one than in the frame before.
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    ends = np.append(starts[1:], len(path))
    said = path[starts] != blank
    score = float(np.take_along_axis(log_probs, path[:, None], axis=1).sum())
    return Hypothesis(
        symbols=tuple(path[starts[said]].tolist()),
        score=score,
        log_prob=score,
        times=tuple(zip(starts[said].tolist(), ends[said].tolist(), strict=True)),
    )
