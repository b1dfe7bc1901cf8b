"""Connectionist temporal classification: the likelihood of a sequence of labels over all its alignments with frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from handtorch.errors import DimensionError, DtypeError, RangeError, ShapeError
from handtorch.ops.indexing import scatter_add
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, bad, integers, normal, sample
from handtorch.ops.softmax import LogSoftmax
from handtorch.tensor import Tensor

__all__ = ["ctc_loss"]

_NEVER = -1e30  # ln of the probability of what cannot happen: finite, because the difference of two such is no NaN


class CtcLoss(Op):
    """-ln p(labels | frames) for log probabilities ln x (T, N, C) of C - 1 labels and a blank: losses (N).

    **What is added up.** A network says one symbol a frame, a label or the blank. An alignment of the labels l_1 ...
    l_S is a sequence of T symbols that becomes the labels when equal neighbours are merged and then blanks are
    dropped: a, a, blank, a, b says "aab", so there is a blank between every two equal labels. p is the sum, over all
    alignments, of the product of their symbols' probabilities.

    **alpha.** Put a blank before, between and after the labels: states s = 0 ... 2S, of which the even ones are blanks
    and 2i + 1 is label i; k(s) is the symbol of a state. An alignment walks through them: it stays, takes one step, or
    takes two, past a blank between unequal labels. alpha_t(s) is the probability of all beginnings of walks that are
    in state s at time t, with all of alpha_-1 in state 0:

        alpha_t(s) = x_t,k(s) (alpha_t-1(s) + alpha_t-1(s-1) + [k(s) is a label, unlike k(s-2)] alpha_t-1(s-2))

    A walk ends in the last label or in the blank after it: p = alpha_T-1(2S) + alpha_T-1(2S-1).

    **beta** is the same from the end, the probability of all that may follow a state (its own frame left out).
    beta_T-1 is 1 in the two last states; beta_t(s) is the sum of x_t+1,k(s') beta_t+1(s') over the states s' to which
    s leads.

    **The posterior.** alpha_t(s) beta_t(s) is the probability of all walks that are in s at time t. Over s they add up
    to p, whatever t, so alpha beta / p is how likely a walk was in s at t, now that the labels are known. Summed over
    the states of a symbol c, that is its posterior q_t,c.

    **The gradient.** p is linear in each x_t,c, which gives d(-ln p)/d(ln x_t,c) = -q_t,c. The x come from logits u,
    ln x = u - ln Σ e^u, and so d(-ln p)/du_t,c = x_t,c Σ_c q_t,c - q_t,c = x_t,c - q_t,c: softmax minus posterior, as
    in cross entropy, with the posterior in the place of the target. As PyTorch does, ``backward`` gives x - q for ln x
    already: it sums to 0 over c, so log_softmax passes it on as it is. But it is a derivative only for log
    probabilities that are normalised.

    All this in logarithms, because products of thousands of probabilities are too small for floating point, and in
    float64, because the logarithms reach -10⁴, where float32 has three digits left behind the point.

    Labels that do not fit into the frames have loss Inf and gradient NaN, or both 0 if so asked. (Graves et al. 2006,
    sections 3 and 4)

    Args:
        targets: labels (N, S), padded with any symbol.
        input_lengths, target_lengths: (N), frames and labels that count.
        blank: its place among the C symbols.
        zero_infinity: whether an infinite loss, and its gradient, are 0 instead.
    """

    quiet = True
    twin_from = 1_024

    def __init__(
        self, targets: Any, input_lengths: Any, target_lengths: Any, blank: int = 0, zero_infinity: bool = False
    ) -> None:
        self.targets, self.input_lengths, self.target_lengths = targets, input_lengths, target_lengths
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(self, x: Any) -> Any:
        if x.ndim != 3 or x.shape[1] != len(self.targets):
            raise ValueError
        symbols, skips, n = self.states()
        scores = self.scores(x, symbols)
        alpha = np.where(np.arange(symbols.shape[1]) == 0, 0.0, np.full(symbols.shape, _NEVER))
        alphas = []
        for t in range(x.shape[0]):
            alpha = np.where((t < self.input_lengths)[:, None], _ways_in(alpha, skips) + scores[t], alpha)
            alphas.append(alpha)
        self.save(x, np.stack(alphas))
        end = 2 * self.target_lengths
        in_last_label = np.where(end > 0, alpha[n, end - 1], _NEVER)
        log_p = np.logaddexp(alpha[n, end], in_last_label)
        self.impossible = log_p < _NEVER / 2
        return np.astype(np.where(self.impossible, 0.0 if self.zero_infinity else np.inf, -log_p), x.dtype)

    def backward(self, g: Any) -> Any:
        x, alphas = self.saved
        symbols, skips, n = self.states()
        scores = self.scores(x, symbols)
        states, end = np.arange(symbols.shape[1]), 2 * self.target_lengths[:, None]
        at_end = np.where((states == end) | (states == end - 1), 0.0, _NEVER)
        beta = at_end
        betas = []
        for t in reversed(range(x.shape[0])):
            if t + 1 < x.shape[0]:
                beta = _ways_out(beta + scores[t + 1], skips)
            beta = np.where((t + 1 < self.input_lengths)[:, None], beta, at_end)
            betas.append(beta)
        walks = alphas + np.stack(betas[::-1])
        walks = np.exp(walks - np.max(walks, axis=2, keepdims=True))
        walks = walks / np.sum(walks, axis=2, keepdims=True)
        posterior = scatter_add(walks, (slice(None), n[:, None], symbols), x.shape)
        slope = np.exp(x) - posterior
        slope = np.where(self.impossible[:, None], 0.0 if self.zero_infinity else np.nan, slope)
        inside = np.arange(x.shape[0])[:, None] < self.input_lengths
        return np.where(inside[:, :, None], g[:, None] * slope, 0.0)

    def states(self) -> tuple[Any, Any, Any]:
        """Of each sequence the symbol of every state (N, 2S+1), whether a walk may skip to it, and the indices (N)."""
        count, length = self.targets.shape
        symbols = np.full((count, 2 * length + 1), self.blank)
        symbols[:, 1::2] = self.targets
        skips = np.zeros(symbols.shape, bool)
        skips[:, 3::2] = self.targets[:, 1:] != self.targets[:, :-1]
        return symbols, skips, np.arange(count)

    def scores(self, x: Any, symbols: Any) -> Any:
        """The log probability (T, N, 2S+1) of every state's symbol in every frame."""
        return np.maximum(np.astype(x[:, np.arange(len(symbols))[:, None], symbols], np.float64), _NEVER)

    def explain(self, *arrays: Any) -> str:
        return (
            f"expected log_probs (T, N, C) and targets (N, S), got {tuple(arrays[0].shape)} and {self.targets.shape}; "
            f"axis 0 is time, axis 1 the sequence, axis 2 the symbol"
        )

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        labels = np.array([[1, 2, 2], [2, 1, 0]])
        yield sample(of_logits(partial(cls, labels, np.array([6, 4]), np.array([3, 2]))), 2 * normal(6, 2, 3))
        blank_last = partial(cls, np.array([[0], [1]]), np.array([4, 3]), np.array([1, 0]), 2)
        yield sample(of_logits(blank_last), 4 * normal(4, 2, 3))
        too_short = partial(cls, np.array([[1, 1], [1, 2]]), np.array([2, 3]), np.array([2, 2]), 0, True)
        yield sample(of_logits(too_short), normal(3, 2, 3))
        many = partial(cls, integers(1, 20, 5, 9), np.array([30, 25, 28, 1, 0]), np.array([9, 4, 7, 0, 0]))
        yield sample(of_logits(many), normal(30, 5, 20))
        yield bad(many, normal(30, 4, 20))


def of_logits(make: Callable[[], Any]) -> Callable[[], Any]:
    """What makes an op on log probabilities, made to take logits: only of those is its gradient the derivative."""
    return lambda: partial(_through_log_softmax, make())


def _through_log_softmax(op: Any, logits: Any) -> Any:
    return op(LogSoftmax(-1)(logits))


def _ways_in(alpha: Any, skips: Any) -> Any:
    """ln of what arrives in every state: from itself, from the one before, and from the one before that."""
    one, two = _moved(alpha, 1), np.where(skips, _moved(alpha, 2), _NEVER)
    return np.logaddexp(np.logaddexp(alpha, one), two)


def _ways_out(beta: Any, skips: Any) -> Any:
    """ln of what may follow every state: itself, the one after, and the one after that."""
    one, two = _moved(beta, -1), _moved(np.where(skips, beta, _NEVER), -2)
    return np.logaddexp(np.logaddexp(beta, one), two)


def _moved(a: Any, steps: int) -> Any:
    """Values of states (N, 2S+1), so many states on; into the gap comes what cannot happen."""
    gap = np.full((a.shape[0], abs(steps)), _NEVER)
    return (
        np.concatenate([gap, a], axis=1)[:, : a.shape[1]] if steps > 0 else np.concatenate([a, gap], axis=1)[:, -steps:]
    )


# -- functions ------------------------------------------------------------------------------------------------------


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Any:
    """:func:`handtorch.nn.functional.ctc_loss` with a number for the reduction: 0 none, 1 mean, 2 sum.

    Raises:
        DtypeError, ShapeError: an argument is of the wrong kind, or does not fit the others.
        RangeError: the blank or a length is outside its range.
        DimensionError: a target is no symbol.
    """
    single = log_probs.array.ndim == 2
    if single:
        log_probs = log_probs.reshape(log_probs.array.shape[0], 1, log_probs.array.shape[1])
    shape = log_probs.array.shape
    if log_probs.array.dtype.char not in "fd":
        raise DtypeError(f"ctc_loss: expected log_probs in float32 or float64, got {log_probs.dtype}")
    if len(shape) != 3 or 0 in shape:
        raise ShapeError(f"ctc_loss: expected log_probs (T, N, C) or (T, C), none of them 0, got {tuple(shape)}")
    if not 0 <= blank < shape[2]:
        raise RangeError(f"ctc_loss: blank must be in label range: from 0 to {shape[2] - 1}, got {blank}")
    frames = _lengths("input_lengths", input_lengths, shape[1], shape[0])
    counts = _lengths("target_lengths", target_lengths, shape[1], None)
    labels = _padded(targets.array, counts, shape[2], blank)
    losses = CtcLoss(labels, frames, counts, blank, zero_infinity)(log_probs)
    if reduction == 1:
        return (losses / Tensor.of(np.maximum(counts, 1).astype(losses.array.dtype))).mean()
    return losses.sum() if reduction == 2 else losses.reshape(()) if single else losses


def _lengths(name: str, lengths: Any, count: int, most: int | None) -> np.ndarray:
    """Lengths (N) from a tensor or a sequence."""
    array = np.asarray(lengths.array if isinstance(lengths, Tensor) else lengths)
    if array.size != count:
        raise ShapeError(f"ctc_loss: {name} must be of size batch_size: expected ({count},), got {array.shape}")
    if array.dtype.kind not in "iu":
        raise DtypeError(f"ctc_loss: {name} must be integral, got {array.dtype}; convert it with .long()")
    array = array.astype(np.int64).reshape(-1)
    if array.min() < 0 or (most is not None and array.max() > most):
        least = "at least 0" if most is None else f"from 0 to {most}, the frames of log_probs"
        raise RangeError(f"ctc_loss: expected {name} {least}, got {array.tolist()}")
    return array


def _padded(targets: np.ndarray, counts: np.ndarray, classes: int, blank: int) -> np.ndarray:
    """Targets (N, S), or one after the other, as (N, longest) with blanks behind the last label of each."""
    inside = np.arange(counts.max()) < counts[:, None]
    labels = np.full(inside.shape, blank)
    if targets.ndim == 1:
        if len(targets) != counts.sum():
            raise ShapeError(
                f"ctc_loss: expected targets ({counts.sum()},), all target_lengths together, got {targets.shape}; "
                f"targets of one length each are (N, S)"
            )
        labels[inside] = targets
    else:
        if targets.ndim != 2 or len(targets) != len(counts) or targets.shape[1] < inside.shape[1]:
            raise ShapeError(
                f"ctc_loss: expected targets (N, S) = ({len(counts)}, {inside.shape[1]} or more), as many as the "
                f"longest of target_lengths, got {targets.shape}"
            )
        labels[inside] = targets[:, : inside.shape[1]][inside]
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        n, i = map(int, np.argwhere((labels < 0) | (labels >= classes))[0])
        raise DimensionError(
            f"ctc_loss: expected targets from 0 to {classes - 1}, the symbols of log_probs, got {labels[n, i]} as "
            f"label {i} of sequence {n}"
        )
    return labels
