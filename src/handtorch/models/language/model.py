"""LanguageModel: what every language model can do, whatever it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError, ShapeError
from handtorch.nn import functional as F

_MOST_LOGITS = 1 << 24  # beyond so many logits at once (64 MiB) their loss is computed a few rows at a time


class LanguageModel(nn.Module):
    r"""p(x_1 ... x_T) = Π_t p(x_t | x_1 ... x_t-1), by a network that reads tokens and guesses the next one.

    A subclass writes :meth:`read`, what it makes of the tokens, and has ``output``, which turns that into logits: a
    ``nn.Linear``, or a ``nn.AdaptiveLogSoftmaxWithLoss`` for very many tokens of which few are frequent.

    Attributes:
        settings: the arguments as a dict that JSON can hold; ``type(model)(**model.settings)`` has the same shape.
        vocabulary: V, how many tokens there are.
    """

    settings: dict[str, Any]
    output: Any

    @property
    def vocabulary(self) -> int:
        """V, how many tokens there are."""
        return int(self.settings["vocabulary"])

    def read(self, tokens: Any, state: Any = None) -> tuple[Any, Any]:
        """tokens (N, T) that follow what ``state`` remembers, to features (N, T, D) and the state after them."""
        raise NotImplementedError(f"{type(self).__name__} has no read")

    def forward(self, tokens: Any, state: Any = None) -> tuple[Any, Any]:
        """tokens (N, T) that come next to logits (N, T, V) of the token after each of them, and the state after all.

        Args:
            tokens: whole numbers below V.
            state: that of an earlier call, None for nothing read so far.

        Raises:
            ShapeError: tokens of another shape, or of another batch than the state.
        """
        self._check(tokens)
        features, state = self.read(tokens, state)
        if isinstance(self.output, nn.AdaptiveLogSoftmaxWithLoss):
            rows = features.reshape(-1, features.shape[-1])
            return self.output.log_prob(rows).reshape(*tokens.shape, self.vocabulary), state
        return self.output(features), state

    def log_probs(self, tokens: Any, state: Any = None) -> tuple[Any, Any]:
        """As the call, but ln p of the token after each (N, T, V)."""
        logits, state = self(tokens, state)
        return F.log_softmax(logits, -1), state

    def nll(self, tokens: Any, targets: Any, state: Any = None) -> tuple[Any, Any]:
        """-ln p(targets[n, t] | all before), in nats: what training makes small; the logits need not all exist for it.

        Args:
            tokens: (N, T).
            targets: (N, T), the token after each; -100 for none, which costs 0.
            state: that of an earlier call, None for nothing read so far.

        Returns:
            the costs (N, T), and the state after all tokens.

        Raises:
            ShapeError: tokens of another shape, or of another batch than the state, or targets of another shape.
        """
        self._check(tokens)
        if targets.shape != tokens.shape:
            raise ShapeError(f"expected targets {tuple(tokens.shape)} like the tokens, got {tuple(targets.shape)}")
        features, state = self.read(tokens, state)
        rows, wanted = features.reshape(-1, features.shape[-1]), targets.reshape(-1)
        if isinstance(self.output, nn.AdaptiveLogSoftmaxWithLoss):
            there = wanted != -100
            cost = -self.output(rows, wanted * there).output * there
        else:
            many = wanted.numel() * self.vocabulary > _MOST_LOGITS
            cost = F.linear_cross_entropy(
                rows,
                self.output.weight,
                wanted,
                linear_bias=self.output.bias,
                reduction="none",
                options=nn.LinearCrossEntropyOptions() if many else None,
            )
        return cost.reshape(targets.shape), state

    def _check(self, tokens: Any) -> None:
        if tokens.ndim != 2:
            raise ShapeError(f"expected tokens (N, T), two axes, got {tuple(tokens.shape)}")


def output_layer(
    features: int, vocabulary: int, embedding: Any = None, cutoffs: Sequence[int] | None = None, bias: bool = True
) -> Any:
    """The last layer of a language model.

    Args:
        features: D.
        vocabulary: V.
        embedding: whose table (V, D) is the weight as well (Press & Wolf 2017; Inan et al. 2017); None for an own one.
        cutoffs: of an adaptive softmax over tokens that are numbered from the most frequent down; None for logits of
            all tokens.
        bias: whether the logits have one.

    Raises:
        ArgumentError: an adaptive softmax, whose weights have other shapes, is to share the table, or the table has
            another width than the features.
    """
    if cutoffs is not None:
        if embedding is not None:
            raise ArgumentError("expected tied=False with cutoffs: an adaptive softmax has no table to share")
        return nn.AdaptiveLogSoftmaxWithLoss(features, vocabulary, cutoffs, head_bias=bias)
    output = nn.Linear(features, vocabulary, bias)
    if embedding is not None:
        output.weight = embedding.weight
    return output
