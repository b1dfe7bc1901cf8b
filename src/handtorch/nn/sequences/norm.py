"""Batch normalisation of sequences: statistics over the frames that are there."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import ShapeError
from handtorch.factories import zeros
from handtorch.nn.batchnorm import BatchNorm1d
from handtorch.nn.sequences.padding import as_lengths, zero_padding
from handtorch.tensor import Tensor


class SequenceNorm(BatchNorm1d):
    """Batch normalisation of each channel over all frames of all sequences, padding left out (Ioffe & Szegedy 2015).

    ``nn.BatchNorm1d`` on a padded batch counts its padding: the more of it, the smaller the variance, and a sequence is
    treated differently in other company. Here mean, variance and running statistics are those of the frames behind one
    another. In evaluation both do the same, but here padding becomes 0.

    A packed batch has no padding, so there ``nn.BatchNorm1d`` on ``packed.data`` does the same. Arguments and state are
    those of ``nn.BatchNorm1d``.

    Args:
        num_features: C, the number of channels.
        eps: added to the variance.
        momentum: how much of each batch enters the running statistics; None for their plain average.
        affine: whether scale and shift are learned.
        track_running_stats: whether there are running statistics; else every batch uses its own.
    """

    def forward(self, x: Any, lengths: Any) -> Any:  # type: ignore[override]
        """x (N, C, T) or (N, C, T, F) with lengths (N) to the same shape, 0 after the ends."""
        if len(x.shape) not in (3, 4):
            raise ShapeError(f"expected x (N, C, T) or (N, C, T, F), got {tuple(x.shape)}")
        steps = x.shape[2]
        ends = as_lengths(lengths, x.shape[0], steps)
        of_the_batch = self.training or self.running_mean is None
        if not of_the_batch or ends.min() == steps:
            return zero_padding(super().forward(x.flatten(2)).reshape(x.shape), ends, time_axis=2)
        frames = x.transpose(1, 2)
        there = Tensor.of(np.arange(steps) < ends[:, None])
        padded = zeros(*frames.shape, dtype=x.dtype)
        padded[there] = super().forward(frames[there])
        return padded.transpose(1, 2).contiguous()
