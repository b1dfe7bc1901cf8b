"""Attention in several heads, with the projections that it learns."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError
from handtorch.factories import empty
from handtorch.nn import init
from handtorch.nn.functional.multi_head import AttentionError, attend
from handtorch.nn.linear import NonDynamicallyQuantizableLinear
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter


class MultiheadAttention(Module):
    """y = [head_1 ... head_H] W_oᵀ + b_o, head_i = softmax(q_i k_iᵀ / √(E / H)) v_i, with projected q, k and v.

    Vaswani et al. 2017, 3.2.2.

    Args:
        embed_dim: E, of queries and results.
        num_heads: H, a divisor of E.
        dropout: the probability with which a weight is set to 0 in training.
        bias: whether biases are added to the projections.
        add_bias_kv: whether a learned key and value are added to all sequences.
        add_zero_attn: whether a key and a value of zeros are added.
        kdim: K, of the keys; E by default.
        vdim: V, of the values; E by default.
        batch_first: whether batches are (N, L, E) rather than (L, N, E).

    Attributes:
        in_proj_weight: (3 E, E), W_q, W_k and W_v, Glorot uniform at first; None if K or V is not E.
        q_proj_weight, k_proj_weight, v_proj_weight: (E, E), (E, K) and (E, V), if K or V is not E, else None.
        in_proj_bias: (3 E), 0 at first, or None.
        out_proj: a linear layer, W_o (E, E) and b_o (E).
        bias_k, bias_v: (1, 1, E), or None.

    Raises:
        ArgumentError: E or H is not positive.
        ShapeError: H does not divide E.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ArgumentError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} "
                f"instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AttentionError(f"embed_dim must be divisible by num_heads, got {embed_dim} and {num_heads}")
        columns = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
        for name, size in columns.items():
            separate = None if self._qkv_same_embed_dim else Parameter(empty(embed_dim, size, dtype=dtype))
            self.register_parameter(f"{name}_proj_weight", separate)
        packed = Parameter(empty(3 * embed_dim, embed_dim, dtype=dtype)) if self._qkv_same_embed_dim else None
        self.register_parameter("in_proj_weight", packed)
        self.register_parameter("in_proj_bias", Parameter(empty(3 * embed_dim, dtype=dtype)) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        for name in ("bias_k", "bias_v"):
            setattr(self, name, Parameter(empty(1, 1, embed_dim, dtype=dtype)) if add_bias_kv else None)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """For each query the values of the keys that it matches.

        Args:
            query: (L, N, E), (N, L, E) with ``batch_first``, or (L, E) without a batch.
            key: (S, N, K), (N, S, K) or (S, K).
            value: (S, N, V), (N, S, V) or (S, V).
            key_padding_mask: (N, S) or (S): true for keys that are padding, or numbers that are added to the scores.
            need_weights: whether the weights are returned. Without them, memory grows with L, not with L · S.
            attn_mask: (L, S) or (N · H, L, S): true where a query must not see a key, or numbers that are added.
            average_attn_weights: whether the weights are averaged over heads.
            is_causal: a promise that ``attn_mask`` hides the keys after each query and no others.

        Returns:
            y of the shape of ``query``; and the weights (N, L, S), or (N, H, L, S) of each head, without N if there is
            no batch; or None.

        Raises:
            ShapeError: shapes do not go together.
        """
        separate = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        return attend(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            in_proj=self.in_proj_weight if self._qkv_same_embed_dim else separate,
            in_proj_bias=self.in_proj_bias,
            added=None if self.bias_k is None and self.bias_v is None else (self.bias_k, self.bias_v),
            add_zero_attn=self.add_zero_attn,
            dropout_p=self.dropout if self.training else 0.0,
            out_proj=(self.out_proj.weight, self.out_proj.bias),
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
            batch_first=self.batch_first,
        )
