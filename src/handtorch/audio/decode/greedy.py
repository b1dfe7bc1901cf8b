"""The quickest decoder: the likeliest symbol of every frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.audio.decode.frames import Doubles, as_lengths, as_log_probs
from handtorch.audio.decode.hypothesis import Hypothesis
from handtorch.tensor import Tensor


def greedy(
    log_probs: npt.ArrayLike | Tensor, lengths: Sequence[int] | npt.ArrayLike | None = None, *, blank: int = 0
) -> Any:
    """What the likeliest path says: ``path[t] = argmax_c log_probs[t, c]``, runs merged, blanks dropped.

    Many paths may say the same, so another sequence of symbols can be likelier; :class:`BeamSearch` sums them.

    Args:
        log_probs: (T, C), or a batch of them (N, T, C).
        lengths: (N,) how many frames of each sequence of a batch count; default: all.
        blank: the index of the blank.

    Returns:
        A :class:`Hypothesis`, for a batch a list of N; its ``log_prob`` is that of the path.

    Raises:
        ShapeError, DtypeError, ArgumentError: no log probabilities, or lengths that do not fit.
    """
    array = as_log_probs(log_probs, blank)
    if array.ndim == 2:
        (length,) = as_lengths(lengths, array[None])
        return _greedy(array[:length], blank)
    return [_greedy(one[:length], blank) for one, length in zip(array, as_lengths(lengths, array), strict=True)]


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
