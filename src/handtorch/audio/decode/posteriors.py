"""What is being said in every frame, now that the whole utterance was heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from handtorch.audio.decode.frames import Doubles, as_log_probs
from handtorch.audio.decode.hypothesis import Hypothesis
from handtorch.autograd.mode import enable_grad
from handtorch.errors import ArgumentError, ShapeError
from handtorch.nn.functional import ctc_loss
from handtorch.tensor import Tensor


def posteriors(log_probs: npt.ArrayLike | Tensor, hypotheses: Sequence[Hypothesis], *, blank: int = 0) -> Doubles:
    r"""The probability of every symbol in every frame, given that one of the hypotheses was said.

    ``q[t, c] = \sum_h w_h P(path_t = c | the path says h)`` with ``w = softmax(scores)``

    The network's own probabilities know the frames around; these also know the search's answer, the guide's opinion and
    that every path says something as a whole. The more hypotheses, the better they show where the search is unsure; one
    hypothesis alone gives its soft alignment with the frames.

    Args:
        log_probs: (T, C).
        hypotheses: answers of a search through these frames.
        blank: the index of the blank.

    Returns:
        (T, C), every frame summing to 1.

    Raises:
        ShapeError, DtypeError: no (T, C) log probabilities.
        ArgumentError: no hypothesis, or one that no path through these frames says.
    """
    array = as_log_probs(log_probs, blank)
    if array.ndim != 2:
        raise ShapeError(f"expected log_probs (T, C) of one utterance, got shape {array.shape}; go through the batch")
    if not hypotheses:
        raise ArgumentError("expected at least one hypothesis, got none")
    if len(array) == 0:
        return array
    scores = np.array([one.score for one in hypotheses])
    weights = np.exp(scores - scores.max())
    # The gradient of CTC's loss in the log probabilities is exp(log_probs) - q, weighted.
    lengths = [len(one.symbols) for one in hypotheses]
    symbols = np.array([symbol for one in hypotheses for symbol in one.symbols], np.int64)
    with enable_grad():
        frames = Tensor.of(np.repeat(array[:, None], len(hypotheses), axis=1)).requires_grad_()
        loss = ctc_loss(frames, Tensor.of(symbols), [len(array)] * len(hypotheses), lengths, blank, reduction="none")
    impossible = np.flatnonzero(~np.isfinite(loss.array))
    if len(impossible):
        which = int(impossible[0])
        raise ArgumentError(
            f"expected hypotheses of these {len(array)} frames, got one that no path through them says: "
            f"hypothesis {which}, with {lengths[which]} symbols"
        )
    loss.backward(Tensor.of(weights / weights.sum()))
    assert frames.grad is not None
    return np.clip(np.exp(array) - frames.grad.array.sum(axis=1), 0.0, 1.0)
