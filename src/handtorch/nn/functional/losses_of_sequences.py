"""Losses of sequences: labels whose places among the frames nobody has written down."""

from __future__ import annotations

from typing import Any

from handtorch.nn.functional.reductions import reduction_of
from handtorch.ops import ctc

__all__ = ["ctc_loss"]

_NUMBERS = {"none": 0, "mean": 1, "sum": 2}


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """-ln p(targets | log_probs), where p is summed over all alignments of the labels with the frames.

    :class:`handtorch.ops.ctc.CtcLoss` has the maths. Only ``log_probs`` gets a gradient, e^log_probs - posterior, which
    is right for what comes out of ``log_softmax``.

    Args:
        log_probs: log probabilities (T, N, C), or (T, C) for one sequence: T frames, C symbols with the blank.
        targets: labels (N, S), of which the first ``target_lengths`` count; or all that count, one sequence after the
            other, (sum of target_lengths). For one sequence (S).
        input_lengths: (N), how many frames count; a tensor of whole numbers or a tuple.
        target_lengths: (N), how many labels count.
        blank: which symbol says that there is no label.
        reduction: ``"mean"`` (over the batch, of each loss over its target length), ``"sum"`` or ``"none"``.
        zero_infinity: whether a loss is 0, with gradient 0, instead of Inf, with gradient NaN, where the labels do not
            fit into the frames: S labels need S frames, and one more for every label that equals the one before.

    Raises:
        DtypeError, ShapeError: an argument is of the wrong kind, or does not fit the others.
        RangeError: the blank or a length is outside its range.
        DimensionError: a target is no symbol.
    """
    number = _NUMBERS[reduction_of(reduction)]
    return ctc.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, number, zero_infinity)
