"""The categorical distribution over vectors of one 1 and else 0."""

from __future__ import annotations

from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.categorical import Categorical
from handtorch.distributions.distribution import Distribution
from handtorch.tensor import Size

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(Distribution):
    """P(e_k) = p_k, e_k the vector of length K with a 1 in place k.

    Args:
        probs: (..., K) weights, not negative and with one above 0; they are divided by their sum.
        logits: (..., K) log p_k up to a constant, instead.
        validate_args: whether to check parameters and samples.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args=validate_args)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._categorical = self._categorical.expand(batch_shape)
        return new

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
        return self.probs

    @property
    def mode(self) -> Any:
        return self._vectors(self.probs.argmax(-1))

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def _vectors(self, places: Any) -> Any:
        return (places.unsqueeze(-1) == handtorch.arange(self._event_shape[0])).to(self.probs.dtype)

    def sample(self, sample_shape: Any = ()) -> Any:
        return self._vectors(self._categorical.sample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Any:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Any:
        (k,) = self._event_shape
        values = handtorch.eye(k, dtype=self.probs.dtype).reshape(k, *[1] * len(self._batch_shape), k)
        return values.expand(k, *self._batch_shape, k) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """One-hot samples with the gradient of the probabilities, as if rounding had no effect. (Bengio et al. 2013)"""

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
