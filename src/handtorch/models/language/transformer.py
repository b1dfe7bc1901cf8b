"""TransformerLanguageModel: layers of attention to all tokens before, which guess the next one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import handtorch
from handtorch import nn
from handtorch.autograd.mode import is_grad_enabled
from handtorch.errors import ArgumentError, ShapeError
from handtorch.models.language.cache import KeyValueCache, TransformerState
from handtorch.models.language.model import LanguageModel, output_layer
from handtorch.nn import functional as F
from handtorch.nn.attention.bias import causal_lower_right
from handtorch.nn.positions import LearnedPositions, RotaryPositions, SinusoidalPositions
from handtorch.ops.decoding import TransformerStep

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
}


class CausalAttention(nn.Module):
    """Attention of each step to itself and those before it, in H heads of E = D / H features.

    ``y_t = W_o [P_t v]``, ``P_t = softmax over s <= t of q_t · k_s / √E``, with q, k, v = W x in every head

    Args:
        width: D.
        heads: H.
        kv_heads: heads of keys and values, each for H / kv_heads heads of queries: a smaller cache (Ainslie et al.
            2023, "GQA").
        dropout: of a weight in P.
        bias: whether the maps have one.
        rotary: turns queries and keys by their positions; None where positions were added to x.

    Attributes:
        into: W (D + 2 kv_heads E, D), for queries, keys and values.
        out: W_o (D, D).
    """

    def __init__(
        self, width: int, heads: int, kv_heads: int, dropout: float, bias: bool, rotary: RotaryPositions | None
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.dropout = heads, kv_heads, dropout
        self.into = nn.Linear(width, width + 2 * kv_heads * (width // heads), bias)
        self.out = nn.Linear(width, width, bias)
        self.rotary = rotary

    def forward(self, x: Any, before: KeyValueCache | None = None, start: int = 0) -> tuple[Any, KeyValueCache]:
        """x (N, T, D) after the steps in ``before`` to y (N, T, D) and the keys and values of all.

        Args:
            start: the position of the first step.
        """
        q, k, v = self.parts(x, start)
        seen = KeyValueCache(k, v) if before is None else before.followed_by(k, v)
        y = F.scaled_dot_product_attention(
            q,
            seen.keys,
            seen.values,
            None if before is None or q.shape[2] == 1 else causal_lower_right(q.shape[2], len(seen)),
            self.dropout if self.training else 0.0,
            is_causal=before is None,
            enable_gqa=self.kv_heads != self.heads,
        )
        return self.out(y.transpose(1, 2).flatten(2)), seen

    def parts(self, x: Any, start: int) -> tuple[Any, Any, Any]:
        """q (N, H, T, E), k and v (N, kv_heads, T, E) of x (N, T, D)."""
        count = self.heads, self.kv_heads, self.kv_heads
        joint = self.into(x).unflatten(2, (sum(count), -1)).transpose(1, 2)
        q, k, v = joint.split(count, 1)
        if self.rotary is not None:
            q, k = self.rotary(q, start), self.rotary(k, start)
        return q, k, v

    def weights(self, x: Any) -> Any:
        """P (N, H, T, T) for x (N, T, D): where each step looks, a row for each."""
        q, k, _ = self.parts(x, 0)
        scores = q @ k.repeat_interleave(self.heads // self.kv_heads, 1).mT / math.sqrt(q.shape[-1])
        causal = handtorch.ones(*scores.shape[2:], dtype=handtorch.bool).tril()
        return scores.masked_fill(~causal, -math.inf).softmax(-1)


class TransformerLayer(nn.Module):
    """Attention, then two maps on each step alone; both add to what they see.

    Before each of them x is normalised ("pre"): ``x + attend(norm(x))``, ``x + feed(norm(x))``; or what they made is
    ("post", as in Vaswani et al. 2017): ``norm(x + attend(x))``, ``norm(x + feed(x))``.

    ``feed(x) = W_2 activation(W_1 x)``

    Attributes:
        attention, norm_attention, expand (W_1), contract (W_2), norm_feed.
    """

    def __init__(
        self, attention: CausalAttention, width: int, d_ff: int, dropout: float, pre: bool, activation: str, bias: bool
    ) -> None:
        super().__init__()
        self.pre = pre
        self.attention = attention
        self.norm_attention = nn.LayerNorm(width, bias=bias)
        self.expand = nn.Linear(width, d_ff, bias)
        self.activation = activation
        self.contract = nn.Linear(d_ff, width, bias)
        self.norm_feed = nn.LayerNorm(width, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Any, before: KeyValueCache | None = None, start: int = 0) -> tuple[Any, KeyValueCache]:
        """x (N, T, D) after the steps in ``before`` to y (N, T, D) and the keys and values of all."""
        y, seen = self.attention(self.norm_attention(x) if self.pre else x, before, start)
        x = x + self.dropout(y)
        if not self.pre:
            x = self.norm_attention(x)
        y = self.contract(ACTIVATIONS[self.activation](self.expand(self.norm_feed(x) if self.pre else x)))
        x = x + self.dropout(y)
        return x if self.pre else self.norm_feed(x), seen

    def parts(self) -> list[Any]:
        """Everything with weights, in the order in which x meets it."""
        attention = self.attention
        return [self.norm_attention, attention.into, attention.out, self.norm_feed, self.expand, self.contract]

    def is_as_made(self) -> bool:
        """Whether an op that is given the weights does what the parts do: nobody put others or hooks in their place."""
        kinds = nn.LayerNorm, nn.Linear, nn.Linear, nn.LayerNorm, nn.Linear, nn.Linear
        return (
            self.pre
            and not (self._hooked or self.attention._hooked)
            and all([type(part) is kind and not part._hooked for part, kind in zip(self.parts(), kinds, strict=True)])
        )


class TransformerLanguageModel(LanguageModel):
    r"""Embeddings, L layers of causal attention, logits (Vaswani et al. 2017; Radford et al. 2019).

    ``h_0 = dropout(embedding(x) + positions)``, ``h_j = layer_j(h_{j-1})``, ``logits = W norm(h_L)``

    GPT-2 is ``TransformerLanguageModel(50257, 768, 12, 12, max_length=1024, positions="learned",
    activation="gelu_tanh")``; the defaults differ in positions that have no end.

    Args:
        vocabulary: V.
        d_model: D.
        heads: H, which divides D.
        layers: L.
        d_ff: width between the two maps of a layer; 4 D by default.
        max_length: the longest text, for learned positions; the others have no end.
        positions: "rotary" (Su et al. 2021), "learned" or "sinusoidal", where embeddings are scaled by √D, too.
        kv_heads: heads of keys and values, which divides H; H by default.
        tied: whether logits and embeddings share the table (V, D).
        dropout: of a feature of the embeddings, and of what a layer adds.
        dropout_attention: of a weight of the attention.
        norm: "pre" or "post", see :class:`TransformerLayer`; after "pre" layers comes one more.
        activation: "gelu", "gelu_tanh", "relu" or "silu".
        bias: whether maps and norms have one. Logits have none.

    Weights are normal with deviation 0.02 at first, those of the 2 L maps that add to h smaller by √(2 L).

    Raises:
        ArgumentError: a size below 1, heads that do not divide, or a word that is none of these.
    """

    def __init__(
        self,
        vocabulary: int,
        d_model: int = 256,
        heads: int = 4,
        layers: int = 4,
        d_ff: int | None = None,
        max_length: int = 1024,
        *,
        positions: str = "rotary",
        kv_heads: int | None = None,
        tied: bool = True,
        dropout: float = 0.1,
        dropout_attention: float = 0.0,
        norm: str = "pre",
        activation: str = "gelu",
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.settings = {
            "vocabulary": int(vocabulary),
            "d_model": int(d_model),
            "heads": int(heads),
            "layers": int(layers),
            "d_ff": 4 * int(d_model) if d_ff is None else int(d_ff),
            "max_length": int(max_length),
            "positions": positions,
            "kv_heads": int(heads if kv_heads is None else kv_heads),
            "tied": bool(tied),
            "dropout": float(dropout),
            "dropout_attention": float(dropout_attention),
            "norm": norm,
            "activation": activation,
            "bias": bool(bias),
        }
        _check(self.settings)
        self.embedding = nn.Embedding(vocabulary, d_model)
        self.positions = {
            "rotary": lambda: None,
            "learned": lambda: LearnedPositions(max_length, d_model),
            "sinusoidal": lambda: SinusoidalPositions(d_model),
        }[positions]()
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(self._layer() for _ in range(layers))
        self.norm = nn.LayerNorm(d_model, bias=bias) if norm == "pre" else nn.Identity()
        self.output = output_layer(d_model, vocabulary, self.embedding if tied else None, bias=False)
        self._draw_weights()

    def _layer(self) -> TransformerLayer:
        given = self.settings
        rotary = RotaryPositions() if given["positions"] == "rotary" else None
        width, bias = given["d_model"], given["bias"]
        attention = CausalAttention(width, given["heads"], given["kv_heads"], given["dropout_attention"], bias, rotary)
        pre = given["norm"] == "pre"
        return TransformerLayer(attention, width, given["d_ff"], given["dropout"], pre, given["activation"], bias)

    def _draw_weights(self) -> None:
        adding = 0.02 / math.sqrt(2 * len(self.layers))
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=adding if name.endswith(("out.weight", "contract.weight")) else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def read(self, tokens: Any, state: TransformerState | None = None) -> tuple[Any, TransformerState]:
        """tokens (N, T) that follow what ``state`` remembers, to features (N, T, D) and the state after them."""
        if state is not None and len(state) != len(tokens):
            raise ShapeError(f"expected tokens of the state's {len(state)} sequences, got {tuple(tokens.shape)}")
        start = 0 if state is None else state.steps
        x = self._embedded(tokens, start)
        caches = []
        for i, layer in enumerate(self.layers):
            x, cache = layer(x, None if state is None else state.layers[i], start)
            caches.append(cache)
        return self.norm(x), TransformerState(tuple(caches), start + tokens.shape[1])

    def forward(self, tokens: Any, state: TransformerState | None = None) -> tuple[Any, TransformerState]:
        """tokens (N, T) that come next to logits (N, T, V) of the token after each of them, and the state after all.

        Args:
            tokens: whole numbers below V.
            state: that of an earlier call, None for nothing read so far.

        Raises:
            ShapeError: tokens of another shape, or of another batch than the state, or more than learned positions.
        """
        if state is not None and tokens.shape[1:] == (1,) and len(state) == len(tokens) and self._can_step():
            return self._step(tokens, state)
        return super().forward(tokens, state)

    def _can_step(self) -> bool:
        """Whether a single op can do what all parts do for a step: nobody wants a gradient, nothing is left out."""
        return (
            not (self.training or is_grad_enabled())
            and all([layer.is_as_made() for layer in self.layers])
            and type(self.norm) is nn.LayerNorm
            and type(self.output) is nn.Linear
            and not (self.norm._hooked or self.output._hooked)
        )

    def _step(self, tokens: Any, state: TransformerState) -> tuple[Any, TransformerState]:
        """What the call gives for tokens (N, 1)."""
        layer = self.layers[0]
        arrays = [self.output.weight, self.norm.weight, self.norm.bias]
        for own, cache in zip(self.layers, state.layers, strict=True):
            room = cache.room_for(1)
            arrays += [room.keys, room.values]
            for part in own.parts():
                arrays += [part.weight, part.bias]
        base = None if layer.attention.rotary is None else layer.attention.rotary.base
        op = TransformerStep(len(state.layers[0]), layer.activation, self.norm.eps, base, state.steps)
        logits, keys, values = op(self._embedded(tokens, state.steps), *arrays)
        caches = [cache.followed_by(k, v) for cache, k, v in zip(state.layers, keys, values, strict=True)]
        return logits, TransformerState(tuple(caches), state.steps + 1)

    def _embedded(self, tokens: Any, start: int) -> Any:
        x = self.embedding(tokens)
        if self.positions is not None:
            if isinstance(self.positions, SinusoidalPositions):
                x = x * math.sqrt(self.settings["d_model"])
            x = self.positions(x, start)
        return self.dropout(x)

    def attention(self, tokens: Any) -> Any:
        """Where each token of tokens (N, T) looks: weights (L, N, H, T, T), a row for each, of every layer and head."""
        self._check(tokens)
        x, weights = self._embedded(tokens, 0), []
        for layer in self.layers:
            weights.append(layer.attention.weights(layer.norm_attention(x) if layer.pre else x))
            x, _ = layer(x)
        return handtorch.stack(weights)


def _check(given: dict[str, Any]) -> None:
    for name in ("vocabulary", "d_model", "heads", "layers", "d_ff", "max_length", "kv_heads"):
        if given[name] < 1:
            raise ArgumentError(f"expected {name} of at least 1, got {given[name]}")
    for divisor, whole in (("heads", "d_model"), ("kv_heads", "heads")):
        if given[whole] % given[divisor]:
            raise ArgumentError(
                f"expected {divisor} that divides {whole}, got {given[divisor]} for {whole}={given[whole]}"
            )
    words = {"positions": ("rotary", "learned", "sinusoidal"), "norm": ("pre", "post"), "activation": (*ACTIVATIONS,)}
    for name, known in words.items():
        if given[name] not in known:
            raise ArgumentError(f"expected {name} one of {', '.join(known)}, got {given[name]!r}")
