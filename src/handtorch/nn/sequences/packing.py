"""Between packed and padded: whose rows a packed batch holds, and recurrent networks on a padded batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.nn.sequences.padding import as_lengths
from handtorch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from handtorch.tensor import Tensor


def run_packed(rnn: Any, x: Any, lengths: Any) -> Any:
    """The outputs of a recurrent network on a padded batch, computed without the padding.

    In the other direction of a bidirectional network a sequence begins with its own last step.

    Args:
        rnn: an ``nn.RNN``, ``nn.GRU`` or ``nn.LSTM``; its ``batch_first`` does not matter.
        x: (N, T, F).
        lengths: (N), each from 1 to T.

    Returns:
        (N, T, D H), 0 after the ends.

    Raises:
        ShapeError: lengths that do not fit.
    """
    ends = as_lengths(lengths, *x.shape[:2])
    packed = pack_padded_sequence(x, ends, batch_first=True, enforce_sorted=False)
    y, _ = rnn(packed)
    return pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0]


def sequence_of_each_row(packed: PackedSequence) -> Any:
    """(Σ lengths) the number, in the order before packing, of the sequence to which each row of ``data`` belongs."""
    rows = np.concatenate([np.arange(size) for size in packed.batch_sizes.array])
    return Tensor.of(rows if packed.sorted_indices is None else packed.sorted_indices.array[rows])
