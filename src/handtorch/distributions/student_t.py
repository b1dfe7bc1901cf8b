"""Student's t distribution."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.chi2 import Chi2
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.utils import broadcast_all

__all__ = ["StudentT"]


class StudentT(Distribution):
    """Density (1 + z² / ν)^(-(ν+1)/2) / (scale √ν B(1/2, ν/2)), z = (x - loc) / scale, ν = df.

    Args:
        df: degrees of freedom ν > 0; number or tensor.
        loc: median; number or tensor.
        scale: > 0; number or tensor.
        validate_args: whether to check parameters and samples.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """NaN for df <= 1."""
        return self.loc.masked_fill(self.df <= 1, math.nan)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        """Infinite for df <= 2, NaN for df <= 1."""
        finite = self.scale.square() * self.df / (self.df - 2)
        return finite.masked_fill(self.df <= 2, math.inf).masked_fill(self.df <= 1, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Any:
        normal = handtorch.randn(self._extended_shape(sample_shape), dtype=self.df.dtype)
        squares = Chi2(self.df, validate_args=False).rsample(sample_shape)
        return self.loc + self.scale * (normal * (squares / self.df).rsqrt())

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        z, ν = (value - self.loc) / self.scale, self.df
        return -0.5 * (ν + 1) * (z.square() / ν).log1p() - self.scale.log() - 0.5 * ν.log() - self._log_beta()

    def _log_beta(self) -> Any:
        """log B(1/2, ν/2)."""
        return 0.5 * math.log(math.pi) + (0.5 * self.df).lgamma() - (0.5 * (self.df + 1)).lgamma()

    def entropy(self) -> Any:
        ν = self.df
        spread = 0.5 * (ν + 1) * ((0.5 * (ν + 1)).digamma() - (0.5 * ν).digamma())
        return self.scale.log() + spread + 0.5 * ν.log() + self._log_beta()
