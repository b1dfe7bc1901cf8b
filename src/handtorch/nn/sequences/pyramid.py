"""LSTMs that join pairs of steps: at the top one step stands for many at the bottom."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import as_tensor, zeros
from handtorch.nn.containers import ModuleList
from handtorch.nn.module import Module
from handtorch.nn.recurrent import LSTM
from handtorch.nn.sequences.locked_dropout import LockedDropout
from handtorch.nn.sequences.packing import run_packed
from handtorch.nn.sequences.padding import as_lengths, zero_padding
from handtorch.ops.joining import cat
from handtorch.tensor import Tensor


class PyramidalLSTM(Module):
    """Levels of bidirectional LSTMs, each on pairs of steps of the one below (Chan et al. 2016, "Listen, Attend and
    Spell", equation 5).

    h[j, t] = BLSTM_j([h[j-1, 2t], h[j-1, 2t+1]])

    With ``levels`` L a sequence of T steps becomes one of ``ceil(T / 2**L)``: less to compute, and attention finds its
    place among fewer steps. For CTC it must stay longer than the symbols spoken. A last step without a partner is
    paired with zeros.

    Takes and gives padded batches; inside, sequences are packed. For a ``PackedSequence`` wrap it::

        y, lengths = pyramid(*pad_packed_sequence(packed, batch_first=True))

    Args:
        input_size: F, features of a step.
        hidden_size: H of each direction.
        levels: how many times the length is halved.
        dropout: the probability of :class:`~handtorch.nn.sequences.LockedDropout` after each level.

    Attributes:
        output_size: features of a step that comes out, 2 H.
        time_stride: input steps for one output step, 2**levels.

    Raises:
        ArgumentError: no level, or dropout that is no probability.
    """

    def __init__(self, input_size: int, hidden_size: int, levels: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        if levels < 1:
            raise ArgumentError(f"expected at least one level, got {levels}")
        self.input_size, self.output_size = input_size, 2 * hidden_size
        self.time_stride = 2**levels
        widths = [2 * input_size] + [2 * self.output_size] * (levels - 1)
        self.levels = ModuleList(LSTM(width, hidden_size, batch_first=True, bidirectional=True) for width in widths)
        self.dropout = LockedDropout(dropout)

    def output_lengths(self, lengths: Any) -> Any:
        """(N) how many steps come out of sequences of ``lengths`` (N) steps."""
        return Tensor.of(-(-as_tensor(lengths).array // self.time_stride))

    def forward(self, x: Any, lengths: Any) -> tuple[Any, Any]:
        """x (N, T, F) and lengths (N), each from 1 to T, to y (N, T', 2 H), 0 after the ends, and their lengths (N)."""
        if len(x.shape) != 3 or x.shape[2] != self.input_size:
            raise ShapeError(f"expected x (N, T, {self.input_size}), got {tuple(x.shape)}; axis 2 is input_size")
        for level in self.levels:
            x, lengths = join_pairs(x, lengths)
            x = self.dropout(run_packed(level, x, lengths))
        return x, lengths


def join_pairs(x: Any, lengths: Any) -> tuple[Any, Any]:
    """Steps 0 and 1 as one, then 2 and 3, and so on; a last one without a partner is paired with zeros.

    Args:
        x: (N, T, F).
        lengths: (N).

    Returns:
        (N, ceil(T / 2), 2 F) and the lengths (N), ``ceil(lengths / 2)``.
    """
    batch, steps, width = x.shape
    ends = as_lengths(lengths, batch, steps)
    x = zero_padding(x, ends)
    if steps % 2:
        x = cat([x, zeros(batch, 1, width, dtype=x.dtype)], 1)
    return x.reshape(batch, -1, 2 * width), Tensor.of(-(-ends // 2))
