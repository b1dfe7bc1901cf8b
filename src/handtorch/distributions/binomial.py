"""The binomial distribution."""

from __future__ import annotations

from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.odds import Odds
from handtorch.distributions.utils import broadcast_all
from handtorch.ops.activation import softplus

__all__ = ["Binomial"]


class Binomial(Odds):
    """P(k) = n! / (k! (n - k)!) p^k (1 - p)^(n-k): successes in n trials.

    Args:
        total_count: n; number or tensor.
        probs: p in [0, 1]; number or tensor.
        logits: log p / (1 - p) instead; number or tensor.
        validate_args: whether to check parameters and samples.

    Raises:
        ArgumentError: both or neither of ``probs`` and ``logits`` are given.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"total_count": constraints.nonnegative_integer, **Odds.arg_constraints}
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._choose(probs, logits)
        total_count, param = broadcast_all(total_count, self._param)
        setattr(self, "logits" if probs is None else "probs", param)
        self.total_count = total_count.type_as(param)
        super().__init__(param.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:  # type: ignore[override]
        """0 to n."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Any:
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        return ((self.total_count + 1) * self.probs).floor().minimum(self.total_count)

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        with handtorch.no_grad():
            return handtorch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        return ways + value * self.logits - n * softplus(self.logits, threshold=float("inf"))

    def entropy(self) -> Any:
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Any:
        n = int(self.total_count.max())
        if n != self.total_count.min():
            raise NotImplementedError("Inhomogeneous total count not supported: the supports are of different length")
        values = handtorch.arange(n + 1, dtype=self._param.dtype).reshape(-1, *[1] * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values
