"""What distributions share that are moved by a location and stretched by a scale."""

from __future__ import annotations

from typing import Any, ClassVar

from handtorch.distributions import constraints
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.utils import broadcast_all

__all__ = ["LocationScale"]


class LocationScale(Distribution):
    """x = loc + scale z, with z from a fixed distribution on all numbers.

    Args:
        loc: where it lies; number or tensor.
        scale: how wide it is, > 0; number or tensor, broadcast to ``loc``.
        validate_args: whether to check parameters and samples.

    Raises:
        ArgumentError: a ``scale`` that is not above 0, or NaN.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mode(self) -> Any:
        return self.loc

    def _standardized(self, value: Any) -> Any:
        """z = (value - loc) / scale."""
        if self._validate_args:
            self._validate_sample(value)
        return (value - self.loc) / self.scale
