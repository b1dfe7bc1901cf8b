"""The multinomial distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.binomial import Binomial
from handtorch.distributions.categorical import Categorical
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.utils import broadcast_all
from handtorch.tensor import Size

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """P(x) = n! / Π_k x_k! Π_k p_k^(x_k): how often each of K categories comes in n draws.

    Args:
        total_count: n.
        probs: (..., K) weights, not negative and with one above 0; they are divided by their sum.
        logits: (..., K) log p_k up to a constant, instead.
        validate_args: whether to check parameters and samples.

    :meth:`log_prob` takes counts of any sum where ``validate_args`` is False.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args=validate_args)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._categorical = self._categorical.expand(batch_shape)
        new.total_count = self.total_count
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:  # type: ignore[override]
        """Counts that sum to at most n."""
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Any:
        """p."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """log p."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of ``probs`` and ``logits``."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Any:
        return self.total_count * self.probs

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = handtorch.zeros(self._extended_shape(sample_shape), dtype=self.probs.dtype)
        return counts.scatter_add_(-1, drawn, handtorch.ones_like(drawn, dtype=counts.dtype))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        powers = (value * logits.masked_fill((value == 0) & (logits == -math.inf), 0)).sum(-1)
        return (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1) + powers

    def entropy(self) -> Any:
        """n H(p) - log n! + Σ_k E log x_k!, where each x_k is binomial."""
        n = self.total_count
        count = Binomial(n, self.probs, validate_args=False)
        values = count.enumerate_support(False)
        logs = (count.log_prob(values).exp() * (values + 1).lgamma()).sum(0).sum(-1)
        return n * self._categorical.entropy() - math.lgamma(n + 1) + logs
