"""CTCNetwork: from the features of an utterance to what may have been said in every few frames of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.sequences import ConvFrontEnd, LockedDropout
from handtorch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class CTCNetwork(nn.Module):
    r"""Convolutions over time, bidirectional LSTM layers, and the log probabilities of C symbols in each step.

    ``h_0 = ConvFrontEnd(x)`` with ReLU, ``h_j = dropout(BiLSTM_j(h_{j-1}))``, ``log_probs = log_softmax(W h + b)``

    The convolutions see 90 ms and learn what a sound is like; the LSTM layers see the utterance and learn what it is
    among its neighbours. The last convolution takes a stride, so that everything behind it has fewer steps to go; CTC
    needs a step for each symbol, and one more between two equal ones (Graves et al. 2006).

    Args:
        in_features: F, values in a frame.
        out_features: C, symbols and the blank, which is class 0.
        channels: widths of the convolutions.
        kernel_size: frames that each of them sees, odd.
        stride: frames in a step of the result.
        hidden_size: width of an LSTM layer in each direction.
        num_layers: how many of them.
        dropout: probability that a channel is dropped in training, in all steps of an utterance alike.

    Attributes:
        settings: the arguments as a dict that JSON can hold; ``CTCNetwork(**network.settings)`` has the same shape.

    Raises:
        ArgumentError: a width below 1, no convolution, or an even kernel.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        channels: Sequence[int] = (192, 192),
        kernel_size: int = 5,
        stride: int = 2,
        hidden_size: int = 192,
        num_layers: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ArgumentError(f"expected num_layers of at least 1, got {num_layers}")
        self.settings: dict[str, Any] = {
            "in_features": int(in_features),
            "out_features": int(out_features),
            "channels": [int(width) for width in channels],
            "kernel_size": int(kernel_size),
            "stride": int(stride),
            "hidden_size": int(hidden_size),
            "num_layers": int(num_layers),
            "dropout": float(dropout),
        }
        strides = [1] * (len(channels) - 1) + [stride]
        self.front = ConvFrontEnd(in_features, channels, kernel_size, strides, activation=nn.ReLU, dropout=dropout)
        widths = [self.front.output_size] + [2 * hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(nn.LSTM(width, hidden_size, bidirectional=True) for width in widths)
        self.dropout = LockedDropout(dropout)
        self.output = nn.Linear(2 * hidden_size, out_features)

    @property
    def stride(self) -> int:
        """Frames in a step of the result."""
        return self.front.time_stride

    def forward(self, features: Any, lengths: Any) -> tuple[Any, Any]:
        """features (N, T, F) of lengths (N) frames to log_probs (N, T', C) and their lengths (N).

        Step t' is at frame ``t' * stride``. What stands after the end of an utterance means nothing.
        """
        x, lengths = self.front(features, lengths)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        for layer in self.layers:
            packed = self.dropout(layer(packed)[0])
        log_probs = packed._replace(data=F.log_softmax(self.output(packed.data), -1))
        return pad_packed_sequence(log_probs, batch_first=True)
