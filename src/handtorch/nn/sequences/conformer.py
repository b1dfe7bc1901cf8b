"""The Conformer: attention for what is far, a convolution for what is near."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.activation import SiLU
from handtorch.nn.containers import Sequential
from handtorch.nn.conv import Conv1d
from handtorch.nn.dropout import Dropout
from handtorch.nn.linear import Linear
from handtorch.nn.module import Module
from handtorch.nn.normalization import LayerNorm
from handtorch.nn.positions import RelativeScores
from handtorch.nn.sequences.norm import SequenceNorm
from handtorch.nn.sequences.padding import frame_mask, zero_padding
from handtorch.ops.masking import masked_fill


class ConformerBlock(Module):
    r"""Half a step of two maps, attention, a convolution, half a step of two maps (Gulati et al. 2020).

    ``x + ½ feed(x)``, ``x + attend(x)``, ``x + convolve(x)``, ``norm(x + ½ feed'(x))``

    Each part normalises what it reads. Attention knows distances, not positions (Dai et al. 2019), so that it does the
    same at any time of an utterance. The convolution sees one channel at a time. A map with a gate comes before it;
    batch normalisation over the frames that are there, and a second map, come after it.

    Args:
        width: D, features of a step.
        heads: of the attention.
        d_ff: width between the two maps; 4 D by default.
        kernel_size: steps that the convolution sees, odd.
        dropout: of a feature of what is added, in training.

    Raises:
        ArgumentError: heads that do not divide the width, or an even kernel.
    """

    def __init__(
        self, width: int, heads: int = 4, d_ff: int | None = None, kernel_size: int = 15, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.feed_before = feed_forward(width, 4 * width if d_ff is None else d_ff, dropout)
        self.attention = RelativeAttention(width, heads, dropout)
        self.convolution = ConvolutionModule(width, kernel_size, dropout)
        self.feed_after = feed_forward(width, 4 * width if d_ff is None else d_ff, dropout)
        self.norm = LayerNorm(width)

    def forward(self, x: Any, lengths: Any) -> Any:
        """x (N, T, D) and lengths (N) to y (N, T, D), 0 after the ends."""
        x = zero_padding(x, lengths)
        x = x + 0.5 * self.feed_before(x)
        x = x + self.attention(x, lengths)
        x = x + self.convolution(x, lengths)
        return zero_padding(self.norm(x + 0.5 * self.feed_after(x)), lengths)


class RelativeAttention(Module):
    """Attention of a sequence to itself by content and by distance: the middle of a :class:`ConformerBlock`.

    Args:
        width: D.
        heads: H.
        dropout: of a feature of the result, in training.

    Raises:
        ArgumentError: heads that do not divide the width.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = LayerNorm(width)
        self.relative = RelativeScores(width, heads)
        self.into, self.out = Linear(width, 3 * width), Linear(width, width)
        self.dropout = Dropout(dropout)
        self.heads = heads

    def forward(self, x: Any, lengths: Any) -> Any:
        """x (N, T, D), finite after the ends, and lengths (N), to y (N, T, D)."""
        joint = self.into(self.norm(x)).unflatten(2, (3 * self.heads, -1)).transpose(1, 2)
        q, k, v = joint.split(self.heads, 1)
        steps = x.shape[1]
        q, bias = self.relative(q, steps)
        there = frame_mask(lengths, steps)
        if not there.all():
            bias = masked_fill(bias, ~there[:, None, None], float("-inf"))
        y = F.scaled_dot_product_attention(q, k, v, bias)
        return self.dropout(self.out(y.transpose(1, 2).flatten(2)))


class ConvolutionModule(Module):
    """``W' swish(norm(conv(glu(W norm(x)))))``: what a step has to do with its neighbours, a channel at a time.

    Args:
        width: D.
        kernel_size: steps that the convolution sees, odd.
        dropout: of a feature of the result, in training.

    Raises:
        ArgumentError: an even kernel.
    """

    def __init__(self, width: int, kernel_size: int = 15, dropout: float = 0.0) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ArgumentError(f"expected an odd kernel_size, which has a middle, got {kernel_size}")
        self.norm = LayerNorm(width)
        self.gated = Linear(width, 2 * width)
        # Its bias would be lost in the batch normalisation.
        self.depthwise = Conv1d(width, width, kernel_size, padding=kernel_size // 2, groups=width, bias=False)
        self.batch_norm = SequenceNorm(width)
        self.out = Linear(width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Any, lengths: Any) -> Any:
        """x (N, T, D), finite after the ends, and lengths (N), to y (N, T, D)."""
        gated = zero_padding(F.glu(self.gated(self.norm(x)), -1), lengths)
        mixed = F.silu(self.batch_norm(self.depthwise(gated.transpose(1, 2)), lengths))
        return self.dropout(self.out(mixed.transpose(1, 2)))


def feed_forward(width: int, d_ff: int, dropout: float) -> Module:
    """Normalise, expand, swish, contract."""
    return Sequential(
        LayerNorm(width), Linear(width, d_ff), SiLU(), Dropout(dropout), Linear(d_ff, width), Dropout(dropout)
    )
