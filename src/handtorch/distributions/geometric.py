"""The geometric distribution."""

from __future__ import annotations

from typing import Any

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.odds import Odds
from handtorch.distributions.utils import broadcast_all, limits_of, log_sigmoid
from handtorch.errors import ArgumentError

__all__ = ["Geometric"]


class Geometric(Odds):
    """P(k) = (1 - p)^k p, k = 0, 1, 2 ...: failures before the first success.

    Args:
        probs: p in (0, 1]; number or tensor.
        logits: log p / (1 - p) instead; number or tensor.
        validate_args: whether to check parameters and samples.

    Raises:
        ArgumentError: both or neither of the two are given, or a p that is not above 0.
    """

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._choose(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ArgumentError(
                f"Expected parameter probs (Tensor of shape {tuple(self.probs.shape)}) of distribution {self!r} "
                f"to be positive but found invalid values:\n{self.probs}"
            )

    @property
    def mean(self) -> Any:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Any:
        return handtorch.zeros_like(self.probs)

    @property
    def variance(self) -> Any:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Any:
        with handtorch.no_grad():
            u = handtorch.empty(self._extended_shape(sample_shape), dtype=self.probs.dtype)
            u.uniform_(float(limits_of(u).tiny), 1)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        return handtorch.special.xlog1py(value, -probs) + probs.log()

    def entropy(self) -> Any:
        return ((1 - self.probs) * self.logits - log_sigmoid(self.logits)) / self.probs
