"""Where the sequences of a padded batch end, and zeros after their ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ShapeError
from handtorch.factories import as_tensor
from handtorch.ops.masking import masked_fill
from handtorch.tensor import Tensor


def as_lengths(lengths: Any, batch: int, steps: int) -> npt.NDArray[np.int64]:
    """Lengths (N) as an array.

    Args:
        batch: N, how many there should be.
        steps: T, how long a sequence can be.

    Raises:
        ShapeError: there is not one from 0 to T for each sequence.
    """
    array = as_tensor(lengths).array
    if array.shape != (batch,) or array.dtype.kind not in "iu":
        raise ShapeError(f"expected lengths ({batch}), a whole number for each sequence, got {array!r}")
    if batch and not 0 <= array.min() <= array.max() <= steps:
        raise ShapeError(f"expected lengths from 0 to the {steps} steps of the batch, got {array.tolist()}")
    return array.astype(np.int64)


def frame_mask(lengths: Any, steps: int) -> Any:
    """(N, T) bool, True where sequence n has a step t.

    Args:
        lengths: (N).
        steps: T.
    """
    ends = as_tensor(lengths).array
    return Tensor.of(np.arange(steps) < ends[:, None])


def zero_padding(x: Any, lengths: Any, time_axis: int = 1) -> Any:
    """x with 0 wherever its sequence has ended, whatever stood there.

    Args:
        x: (N, T, *), or (N, *, T, *) with T at ``time_axis``.
        lengths: (N).
    """
    steps = x.shape[time_axis]
    ends = as_lengths(lengths, x.shape[0], steps)
    if ends.size == 0 or ends.min() == steps:
        return x
    shape = [1] * len(x.shape)
    shape[0], shape[time_axis] = len(ends), steps
    ended = np.arange(steps) >= ends[:, None]
    return masked_fill(x, Tensor.of(ended.reshape(shape)), 0)
