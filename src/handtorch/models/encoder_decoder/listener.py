"""The half that listens, or reads: features of frames, or tokens, to a memory that a decoder attends to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.nn.sequences import ConvFrontEnd, LockedDropout, PyramidalLSTM, zero_padding
from handtorch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Listener(nn.Module):
    r"""Convolutions over time, then bidirectional LSTM layers.

    Each part may be left out. Convolutions see what is near and shorten the sequence by their strides; the levels of a
    pyramid halve it (Chan et al. 2016); LSTM layers see the whole of it in order.

    With ``tokens_in`` the input is tokens (N, T), whole numbers, in the place of features (N, T, F): for reading.

    Args:
        in_features: F, values in a frame, or how many different tokens there are.
        tokens_in: whether the input is tokens.
        embedding_dim: numbers that stand for an input token.
        channels: widths of the convolutions, none for none.
        kernel_size: frames that each of them sees, odd.
        strides: frames in a step of the result, for each convolution.
        levels: of the pyramid.
        num_layers: bidirectional LSTM layers after it.
        hidden_size: width of an LSTM in each direction.
        dropout: probability that a channel is dropped in training, in all steps of a sequence alike.

    Attributes:
        settings: the arguments as a dict that JSON can hold.
        output_size: D, width of a step of the memory.
        time_stride: input frames in a step of the memory.

    Raises:
        ArgumentError: a width below 1, strides that do not fit, or nothing to compute.
    """

    def __init__(
        self,
        in_features: int,
        *,
        tokens_in: bool = False,
        embedding_dim: int = 128,
        channels: Sequence[int] = (192, 192),
        kernel_size: int = 5,
        strides: Sequence[int] = (2, 2),
        levels: int = 0,
        num_layers: int = 2,
        hidden_size: int = 192,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if not channels and not levels and not num_layers:
            raise ArgumentError("expected convolutions, levels or layers, got none of them")
        self.settings: dict[str, Any] = {
            "in_features": int(in_features),
            "tokens_in": bool(tokens_in),
            "embedding_dim": int(embedding_dim),
            "channels": [int(width) for width in channels],
            "kernel_size": int(kernel_size),
            "strides": [int(stride) for stride in strides],
            "levels": int(levels),
            "num_layers": int(num_layers),
            "hidden_size": int(hidden_size),
            "dropout": float(dropout),
        }
        self.embedding = nn.Embedding(in_features, embedding_dim) if tokens_in else None
        width, self.time_stride = embedding_dim if tokens_in else in_features, 1
        self.front: Any = None
        if channels:
            self.front = ConvFrontEnd(width, channels, kernel_size, strides, activation=nn.ReLU, dropout=dropout)
            width, self.time_stride = self.front.output_size, self.front.time_stride
        self.pyramid: Any = None
        if levels:
            self.pyramid = PyramidalLSTM(width, hidden_size, levels, dropout)
            width, self.time_stride = self.pyramid.output_size, self.time_stride * self.pyramid.time_stride
        widths = [width] + [2 * hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(nn.LSTM(each, hidden_size, bidirectional=True) for each in widths[:num_layers])
        self.dropout = LockedDropout(dropout)
        self.output_size = 2 * hidden_size if num_layers else width

    def forward(self, x: Any, lengths: Any) -> tuple[Any, Any]:
        """x (N, T, F), or tokens (N, T), and lengths (N) to memory (N, T', D), 0 after the ends, and its lengths (N).

        Step t' is at frame ``t' * time_stride``. What stands in x after the end of a sequence means nothing.
        """
        if self.embedding is not None:
            x = self.dropout(self.embedding(zero_padding(x, lengths)))
        if self.front is not None:
            x, lengths = self.front(x, lengths)
        if self.pyramid is not None:
            x, lengths = self.pyramid(x, lengths)
        if len(self.layers):
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            for layer in self.layers:
                packed = self.dropout(layer(packed)[0])
            x, lengths = pad_packed_sequence(packed, batch_first=True)
        return x, lengths
