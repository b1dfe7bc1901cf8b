"""The half that listens, or reads: features of frames, or tokens, to a memory that a decoder attends to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.nn.positions import SinusoidalPositions
from handtorch.nn.sequences import (
    ConformerBlock,
    ConvFrontEnd,
    LockedDropout,
    PyramidalLSTM,
    frame_mask,
    zero_padding,
)
from handtorch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

_BLOCKS = ("transformer", "conformer")


class Listener(nn.Module):
    r"""Convolutions over time, then bidirectional LSTM layers, then blocks of attention.

    Each part may be left out. Convolutions see what is near and shorten the sequence by their strides; the levels of a
    pyramid halve it (Chan et al. 2016); LSTM layers see the whole of it in order; blocks see all of it at once. Blocks
    alone after convolutions are the encoders of Vaswani et al. 2017 and, with "conformer", of Gulati et al. 2020.

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
        blocks: how many blocks of attention.
        block: "transformer" or "conformer".
        width: of the blocks; that of what is before them by default.
        heads: of each attention.
        d_ff: width inside of a block; 4 times its own by default.
        block_kernel_size: steps that the convolution of a Conformer block sees, odd.
        dropout: probability that a channel is dropped in training, in all steps of a sequence alike.

    Attributes:
        settings: the arguments as a dict that JSON can hold.
        output_size: D, width of a step of the memory.
        time_stride: input frames in a step of the memory.

    Raises:
        ArgumentError: a width below 1, strides that do not fit, heads that do not divide the width, another kind of
            block, or nothing to compute.
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
        blocks: int = 0,
        block: str = "transformer",
        width: int | None = None,
        heads: int = 4,
        d_ff: int | None = None,
        block_kernel_size: int = 15,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if not channels and not levels and not num_layers and not blocks:
            raise ArgumentError("expected convolutions, levels, layers or blocks, got none of them")
        if block not in _BLOCKS:
            raise ArgumentError(f"expected block one of {' or '.join(_BLOCKS)}, got {block!r}")
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
            "blocks": int(blocks),
            "block": block,
            "width": None if width is None else int(width),
            "heads": int(heads),
            "d_ff": None if d_ff is None else int(d_ff),
            "block_kernel_size": int(block_kernel_size),
            "dropout": float(dropout),
        }
        self.embedding = nn.Embedding(in_features, embedding_dim) if tokens_in else None
        size, self.time_stride = embedding_dim if tokens_in else in_features, 1
        self.front: Any = None
        if channels:
            self.front = ConvFrontEnd(size, channels, kernel_size, strides, activation=nn.ReLU, dropout=dropout)
            size, self.time_stride = self.front.output_size, self.front.time_stride
        self.pyramid: Any = None
        if levels:
            self.pyramid = PyramidalLSTM(size, hidden_size, levels, dropout)
            size, self.time_stride = self.pyramid.output_size, self.time_stride * self.pyramid.time_stride
        sizes = [size] + [2 * hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(nn.LSTM(each, hidden_size, bidirectional=True) for each in sizes[:num_layers])
        size = 2 * hidden_size if num_layers else size
        self.attend: Any = None
        if blocks:
            before = size
            size = size if width is None else width
            inner = 4 * size if d_ff is None else d_ff
            self.attend = Attending(before, size, blocks, block, heads, inner, block_kernel_size, dropout)
        self.output_size = size
        self.dropout = LockedDropout(dropout)

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
        if self.attend is not None:
            x = self.attend(x, lengths)
        return x, lengths


class Attending(nn.Module):
    """Transformer or Conformer blocks: each step of a sequence looks at all others.

    A Conformer's attention knows distances; a Transformer's knows nothing of order, so waves that tell positions are
    added to what it reads. Its blocks normalise what they read, so the sum that goes through all of them is normalised
    at the end (Xiong et al. 2020).

    Args:
        input_size: features of a step that comes in.
        width: D, of the blocks.
        blocks: how many.
        block: "transformer" or "conformer".
        heads: of each attention.
        d_ff: width between the two maps of a block.
        kernel_size: steps that the convolution of a Conformer block sees.
        dropout: of a feature of the input, and of what a block adds.
    """

    def __init__(
        self,
        input_size: int,
        width: int,
        blocks: int,
        block: str,
        heads: int,
        d_ff: int,
        kernel_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.output_size = width
        self.project = nn.Linear(input_size, width)
        self.dropout = nn.Dropout(dropout)
        self.positions = SinusoidalPositions(width) if block == "transformer" else None
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, d_ff, dropout, "gelu", batch_first=True, norm_first=True)
            if block == "transformer"
            else ConformerBlock(width, heads, d_ff, kernel_size, dropout)
            for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(width) if block == "transformer" else None

    def forward(self, x: Any, lengths: Any) -> Any:
        """x (N, T, input_size) and lengths (N) to y (N, T, D), 0 after the ends."""
        x = self.project(zero_padding(x, lengths))
        if self.positions is None or self.norm is None:
            x = self.dropout(x)
            for block in self.blocks:
                x = block(x, lengths)
            return x
        x = self.dropout(self.positions(x))
        there = frame_mask(lengths, x.shape[1])
        ended = None if there.all() else ~there
        for block in self.blocks:
            x = block(x, src_key_padding_mask=ended)
        return zero_padding(self.norm(x), lengths)
