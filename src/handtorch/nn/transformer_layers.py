"""Layers of the Transformer: attention, and a network that works on each place by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handtorch.errors import RangeError
from handtorch.nn import functional
from handtorch.nn.dropout import Dropout
from handtorch.nn.linear import Linear
from handtorch.nn.module import Module
from handtorch.nn.multihead_attention import MultiheadAttention
from handtorch.nn.normalization import LayerNorm

Activation = str | Callable[[Any], Any]


def activation_of(activation: Activation) -> Callable[[Any], Any]:
    """The function that is meant.

    Raises:
        RangeError: another name than ``"relu"`` or ``"gelu"``.
    """
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RangeError(f"activation should be relu/gelu, not {activation}")
    return getattr(functional, activation)


class _Layer(Module):
    """What both kinds of layers have: attention to the sequence itself, and the network for each place."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int,
        dropout: float,
        activation: Activation,
        layer_norm_eps: float,
        batch_first: bool,
        norm_first: bool,
        bias: bool,
        dtype: Any,
        attentions: tuple[str, ...],
    ) -> None:
        super().__init__()
        for name in attentions:
            attention = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype)
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype)
        self.norm_first = norm_first
        sublayers = range(1, len(attentions) + 2)
        for i in sublayers:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype))
        for i in sublayers:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = activation_of(activation)

    def _added(self, x: Any, norm: Module, sublayer: Callable[[Any], Any]) -> Any:
        """x and what a sublayer makes of it, normalised before the sublayer or after the sum. (Xiong et al. 2020)"""
        return x + sublayer(norm(x)) if self.norm_first else norm(x + sublayer(x))

    def _feed_forward(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """x + attention(x), then x + W_2 f(W_1 x + b_1) + b_2, each normalised; dropout on f and on what is added.

    Vaswani et al. 2017, 3.1.

    Args:
        d_model: E, the features of a place.
        nhead: H, the heads of attention.
        dim_feedforward: the width of the network for each place.
        dropout: the probability of a zero.
        activation: f, ``"relu"``, ``"gelu"`` or a function.
        layer_norm_eps: of the normalisations.
        batch_first: whether batches are (N, S, E) rather than (S, N, E).
        norm_first: whether sublayers see normalised input, rather than that sums are normalised.
        bias: whether projections and normalisations add a bias.

    Attributes:
        self_attn: attention.
        linear1, linear2: the network for each place.
        norm1, norm2: the normalisations of the two sublayers.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
            dtype,
            attentions=("self_attn",),
        )

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """One layer.

        Args:
            src: (S, N, E), (N, S, E) with ``batch_first``, or (S, E).
            src_mask: (S, S) or (N · H, S, S): true where a place must not see another, or numbers that are added.
            src_key_padding_mask: (N, S) or (S): true for places that are padding, or numbers that are added.
            is_causal: a promise that ``src_mask`` hides what comes after each place and nothing else.

        Returns:
            of the shape of ``src``.
        """

        def attend(x: Any) -> Any:
            y = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]
            return self.dropout1(y)

        x = self._added(src, self.norm1, attend)
        return self._added(x, self.norm2, lambda x: self.dropout2(self._feed_forward(x)))


class TransformerDecoderLayer(_Layer):
    """x + attention(x), x + attention(x to the memory), then x + W_2 f(W_1 x + b_1) + b_2, each normalised.

    Vaswani et al. 2017, 3.1.

    Args:
        d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias: as for
            :class:`TransformerEncoderLayer`.

    Attributes:
        self_attn: attention to the sequence itself.
        multihead_attn: attention to the memory.
        linear1, linear2: the network for each place.
        norm1, norm2, norm3: the normalisations of the three sublayers.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
            dtype,
            attentions=("self_attn", "multihead_attn"),
        )

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """One layer.

        Args:
            tgt: (T, N, E), (N, T, E) with ``batch_first``, or (T, E).
            memory: (S, N, E), (N, S, E) or (S, E): what the encoder makes.
            tgt_mask: (T, T) or (N · H, T, T): true where a place must not see another, or numbers that are added.
            memory_mask: (T, S) or (N · H, T, S): the same for places of the memory.
            tgt_key_padding_mask: (N, T) or (T): true for places that are padding, or numbers that are added.
            memory_key_padding_mask: (N, S) or (S): the same for places of the memory.
            tgt_is_causal, memory_is_causal: a promise that the mask hides what comes after each place and nothing else.

        Returns:
            of the shape of ``tgt``.
        """

        def attend(x: Any) -> Any:
            y = self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]
            return self.dropout1(y)

        def look(x: Any) -> Any:
            masks = (memory_key_padding_mask, False, memory_mask)
            return self.dropout2(self.multihead_attn(x, memory, memory, *masks, is_causal=memory_is_causal)[0])

        x = self._added(tgt, self.norm1, attend)
        x = self._added(x, self.norm2, look)
        return self._added(x, self.norm3, lambda x: self.dropout3(self._feed_forward(x)))
