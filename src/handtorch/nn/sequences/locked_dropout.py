"""Dropout that leaves out the same features at every step of a sequence."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import ones
from handtorch.nn import functional as F
from handtorch.nn.module import Module
from handtorch.nn.sequences.packing import sequence_of_each_row
from handtorch.nn.utils.rnn import PackedSequence


class LockedDropout(Module):
    """In training, zero each feature of a sequence with probability p, at all steps or none, and scale the others.

    y[n, t, f] = x[n, t, f] m[n, f] / (1 - p), with m[n, f] = 0 with probability p, else 1

    Dropout that draws anew at each step is averaged out over time by a recurrent network, or disturbs its memory. One
    mask for all steps does neither (Gal & Ghahramani 2016). As the draw does not depend on T, a sequence gets the same
    mask whatever padding follows it.

    Takes a padded batch (N, T, F), (T, N, F) if not ``batch_first``, or a ``PackedSequence``, and gives the same; under
    the same seed a packed batch gets the masks of the padded one::

        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        packed, _ = lstm(locked(packed))

    Args:
        p: the probability.
        batch_first: whether padded batches are (N, T, F).

    Raises:
        ArgumentError: p is no probability.
    """

    def __init__(self, p: float = 0.5, batch_first: bool = True) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.batch_first = p, batch_first

    def forward(self, x: Any) -> Any:
        """(N, T, F), (T, N, F) or packed, to the same."""
        if not self.training or self.p == 0:
            return x
        if isinstance(x, PackedSequence):
            mask = self._mask(int(x.batch_sizes[0]), x.data)
            return x._replace(data=x.data * mask[sequence_of_each_row(x)])
        if len(x.shape) != 3:
            raise ShapeError(f"expected x (N, T, F), three axes, got {tuple(x.shape)}")
        batch_axis, time_axis = (0, 1) if self.batch_first else (1, 0)
        return x * self._mask(x.shape[batch_axis], x).unsqueeze(time_axis)

    def _mask(self, batch: int, like: Any) -> Any:
        """(N, F), 0 or 1 / (1 - p)."""
        return F.dropout(ones(batch, like.shape[-1], dtype=like.dtype), self.p)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"p={self.p}, batch_first={self.batch_first}"
