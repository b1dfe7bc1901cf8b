"""Distributions of transformed values."""

from __future__ import annotations

from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.independent import Independent
from handtorch.distributions.transforms import ComposeTransform, Transform
from handtorch.distributions.utils import sum_rightmost
from handtorch.errors import ArgumentError
from handtorch.tensor import Size

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """y = t(x) for x from another distribution: log p(y) = log p(x) - log |dy/dx|.

    Args:
        base_distribution: of x.
        transforms: t, a transform or several that are applied in turn.
        validate_args: whether to check samples.

    Raises:
        ArgumentError: the transforms are none, or want events of more axes than the base has.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {}

    def __init__(self, base_distribution: Any, transforms: Any, validate_args: bool | None = None) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise ArgumentError(f"transforms must be a Transform or a list of Transforms, but was {transforms}")
        whole = ComposeTransform(self.transforms)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        needed = whole.domain.event_dim
        if len(shape) < needed:
            raise ArgumentError(
                f"base_distribution needs to have shape with size at least {needed}, but got {tuple(shape)}."
            )
        own = len(base_distribution.event_shape)
        result = whole.forward_shape(shape)
        before = whole.inverse_shape(result)
        if before != shape:  # a transform has parameters of a larger batch
            base_distribution = base_distribution.expand(before[: len(before) - own])
        if needed > own:
            base_distribution = Independent(base_distribution, needed - own)
        self.base_dist = base_distribution
        event_dim = max(whole.codomain.event_dim, own + whole.codomain.event_dim - needed)
        cut = len(result) - event_dim
        super().__init__(result[:cut], result[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        shape = Size((*batch_shape, *self._event_shape))
        for t in reversed(self.transforms):
            shape = t.inverse_shape(shape)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        new.transforms = self.transforms
        return new

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:  # type: ignore[override]
        """Where the last transform leads."""
        if not self.transforms:
            return self.base_dist.support
        end = self.transforms[-1].codomain
        more = len(self._event_shape) - end.event_dim
        return constraints.independent(end, more) if more > 0 else end

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """As the base."""
        return self.base_dist.has_rsample  # type: ignore[no-any-return]

    def sample(self, sample_shape: Any = ()) -> Any:
        with handtorch.no_grad():
            return self._transformed(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._transformed(self.base_dist.rsample(sample_shape))

    def _transformed(self, x: Any) -> Any:
        for t in self.transforms:
            x = t(x)
        return x

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        event_dim, log_slope, y = len(self._event_shape), 0.0, value
        for t in reversed(self.transforms):
            x = t.inv(y)
            event_dim += t.domain.event_dim - t.codomain.event_dim
            log_slope = log_slope + sum_rightmost(t.log_abs_det_jacobian(x, y), event_dim - t.domain.event_dim)
            y = x
        return sum_rightmost(self.base_dist.log_prob(y), event_dim - len(self.base_dist.event_shape)) - log_slope

    def cdf(self, value: Any) -> Any:
        for t in reversed(self.transforms):
            value = t.inv(value)
        return self._from_the_right_end(self.base_dist.cdf(value))

    def icdf(self, value: Any) -> Any:
        return self._transformed(self.base_dist.icdf(self._from_the_right_end(value)))

    def _from_the_right_end(self, probability: Any) -> Any:
        """A probability as it is where the transforms rise, one minus it where they fall."""
        sign: Any = 1
        for t in self.transforms:
            sign = sign * t.sign
        return probability if isinstance(sign, int) and sign == 1 else sign * (probability - 0.5) + 0.5
