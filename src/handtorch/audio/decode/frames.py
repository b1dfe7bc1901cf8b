"""What every decoder asks of the frames that it is given, and the sentence it says when it got something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.tensor import Tensor

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Half precision rounds a log probability of -8 by up to 0.004, so that a row may sum to this without being wrong.
_LARGEST_SUM = 1.01


def as_log_probs(log_probs: Any, blank: int) -> Doubles:
    """Return ``log_probs`` as float64 of shape (T, C) or (N, T, C).

    Frames may sum to less than one, as they do when some symbols are ruled out, and -inf is the logarithm of 0.

    Raises:
        ShapeError: another number of axes, or no symbols.
        DtypeError: no real floating-point numbers.
        ArgumentError: NaN or probabilities that sum to more than 1 in a frame, or no such symbol as ``blank``.
    """
    array = _as_doubles(log_probs, blank)
    _check_frames(array)
    return array


def as_sequences(
    log_probs: Any, blank: int, lengths: Sequence[int] | npt.ArrayLike | None = None
) -> tuple[list[Doubles], bool]:
    """Return the frames of each sequence (T_n, C) that count, and whether a batch was given.

    What stands after the end of a sequence is not looked at.

    Raises:
        ShapeError, DtypeError, ArgumentError: as :func:`as_log_probs` does, or lengths that do not fit.
    """
    array = _as_doubles(log_probs, blank)
    batch = array if array.ndim == 3 else array[None]
    sequences = [one[:length] for one, length in zip(batch, _as_lengths(lengths, batch), strict=True)]
    for number, one in enumerate(sequences):
        _check_frames(one, f" of sequence {number}" if array.ndim == 3 else "")
    return sequences, array.ndim == 3


def _as_doubles(log_probs: Any, blank: int) -> Doubles:
    array = np.asarray(log_probs.detach() if isinstance(log_probs, Tensor) else log_probs)
    if array.ndim not in (2, 3) or array.shape[-1] == 0:
        raise ShapeError(
            "expected log_probs (T, C), T frames of C symbols, or a batch of them (N, T, C); "
            f"got an array of shape {array.shape}"
        )
    if array.dtype.kind != "f":
        raise DtypeError(f"expected log_probs as floating-point numbers, got {array.dtype}; are they labels?")
    if not 0 <= blank < array.shape[-1]:
        raise ArgumentError(f"expected blank to be one of the {array.shape[-1]} symbols, got {blank}")
    return np.ascontiguousarray(array, dtype=np.float64)


def _check_frames(array: Doubles, whose: str = "") -> None:
    with np.errstate(over="ignore"):
        sums = np.exp(array).sum(axis=-1)
    wrong = ~(sums <= _LARGEST_SUM)  # NaN is not below anything
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        frame = f"frame {place[-1]}{whose}"
        if np.isnan(array[place]).any():
            raise ArgumentError(f"expected log probabilities, got NaN in {frame}")
        raise ArgumentError(
            f"expected log probabilities, got {frame} whose probabilities sum to {sums[place]:.4g}; "
            "apply log_softmax over the symbols first"
        )


def _as_lengths(lengths: Sequence[int] | npt.ArrayLike | None, log_probs: Doubles) -> list[int]:
    """How many of the frames of each sequence count: all of them without ``lengths``."""
    N, T, _ = log_probs.shape
    if lengths is None:
        return [T] * N
    result = np.asarray(lengths)
    if result.shape != (N,):
        raise ShapeError(f"expected one length for each of {N} sequences, got lengths of shape {result.shape}")
    if result.dtype.kind not in "iu":
        raise DtypeError(f"expected lengths as whole numbers of frames, got {result.dtype}")
    if N and not (result.min() >= 0 and result.max() <= T):
        raise ArgumentError(f"expected lengths from 0 to {T} frames, got {result.min()} to {result.max()}")
    return [int(length) for length in result]
