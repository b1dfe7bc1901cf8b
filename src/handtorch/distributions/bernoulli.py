"""The Bernoulli distribution."""

from __future__ import annotations

from typing import Any

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.odds import Odds
from handtorch.distributions.utils import broadcast_all, log_sigmoid

__all__ = ["Bernoulli"]


class Bernoulli(Odds):
    """P(1) = p, P(0) = 1 - p.

    Args:
        probs: p in [0, 1]; number or tensor.
        logits: log p / (1 - p) instead; number or tensor.
        validate_args: whether to check parameters and samples.

    Raises:
        ArgumentError: both or neither of the two are given.
    """

    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._choose(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        """The likelier one; NaN where both are as likely."""
        return (self.probs >= 0.5).to(self.probs.dtype).masked_fill(self.probs == 0.5, float("nan"))

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        with handtorch.no_grad():
            return handtorch.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return (value - 1) * logits + log_sigmoid(logits)

    def entropy(self) -> Any:
        return (1 - self.probs) * self.logits - log_sigmoid(self.logits)

    def enumerate_support(self, expand: bool = True) -> Any:
        values = handtorch.arange(2, dtype=self._param.dtype).reshape(-1, *[1] * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values
