"""The categorical distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.odds import Odds
from handtorch.distributions.utils import limits_of
from handtorch.errors import ArgumentError

__all__ = ["Categorical"]


class Categorical(Odds):
    """P(k) = p_k, k = 0 .. K-1.

    Args:
        probs: (..., K) weights, not negative and with one above 0; they are divided by their sum.
        logits: (..., K) log p_k up to a constant, instead; they are normalised, too.
        validate_args: whether to check parameters and samples.

    Raises:
        ArgumentError: both or neither of the two are given, one without axes, or weights that are no distribution.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _binary = False

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._choose(probs, logits)
        if self._param.dim() < 1:
            raise ArgumentError(
                f"`{'logits' if probs is None else 'probs'}` parameter must be at least one-dimensional."
            )
        if probs is None:
            self.logits = self.logits - self.logits.logsumexp(-1, True)
        else:
            self.probs = self.probs / self.probs.sum(-1, True)
        super().__init__(self._param.shape[:-1], validate_args=validate_args)

    @property
    def _num_events(self) -> int:
        return self._param.shape[-1]  # type: ignore[no-any-return]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:  # type: ignore[override]
        """0 to K - 1."""
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Any:
        """NaN: the numbers of the categories mean nothing."""
        return handtorch.full(self._batch_shape, math.nan, dtype=self._param.dtype)

    @property
    def mode(self) -> Any:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Any:
        """NaN: the numbers of the categories mean nothing."""
        return self.mean

    def sample(self, sample_shape: Any = ()) -> Any:
        rows = self.probs.detach().reshape(-1, self._num_events)
        drawn = handtorch.multinomial(rows, math.prod(sample_shape), True)
        return drawn.T.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        places, logits = handtorch.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, places[..., :1]).squeeze(-1)

    def entropy(self) -> Any:
        logits = self.logits.clamp(min=float(limits_of(self.logits).min))  # so that 0 log 0 is 0
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        values = handtorch.arange(self._num_events).reshape(-1, *[1] * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values
