"""The normal distribution of vectors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.distribution import Distribution
from handtorch.distributions.utils import lazy_property
from handtorch.errors import ArgumentError

__all__ = ["MultivariateNormal"]


class MultivariateNormal(Distribution):
    """Density (2π)^(-n/2) |L|⁻¹ exp(-|L⁻¹ (x - μ)|² / 2) over vectors x (n); Σ = L Lᵀ is the covariance.

    Exactly one of the three matrices is given; L is computed from the others.

    Args:
        loc: μ (*, n).
        covariance_matrix: Σ (*, n, n), positive definite.
        precision_matrix: Σ⁻¹ (*, n, n), positive definite.
        scale_tril: L (*, n, n), lower triangular with a positive diagonal.
        validate_args: whether to check parameters and samples.

    Raises:
        ArgumentError: not exactly one matrix, μ is no vector, or a parameter lies outside its set.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {
            name: matrix
            for name, matrix in (
                ("covariance_matrix", covariance_matrix),
                ("precision_matrix", precision_matrix),
                ("scale_tril", scale_tril),
            )
            if matrix is not None
        }
        if len(given) != 1:
            raise ArgumentError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified, "
                f"got {', '.join(given) or 'none'}"
            )
        if loc.dim() < 1:
            raise ArgumentError("loc must be at least one-dimensional.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ArgumentError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch_shape = handtorch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand((*batch_shape, -1, -1)))
        self.loc = loc.expand((*batch_shape, -1))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)

    @lazy_property
    def scale_tril(self) -> Any:
        """L (*, n, n)."""
        if "covariance_matrix" in self.__dict__:
            return handtorch.linalg.cholesky(self.covariance_matrix)
        # With R the reversal of rows and columns, R Σ⁻¹ R = F Fᵀ gives Σ = L Lᵀ for L = (R F R)⁻ᵀ.
        upper = handtorch.linalg.cholesky(self.precision_matrix.flip((-2, -1))).flip((-2, -1))
        one = handtorch.eye(self.loc.shape[-1], dtype=self.loc.dtype)
        return handtorch.linalg.solve_triangular(upper.mT, one, upper=False)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """Σ (*, n, n)."""
        return self.scale_tril @ self.scale_tril.mT

    @lazy_property
    def precision_matrix(self) -> Any:
        """Σ⁻¹ (*, n, n)."""
        return handtorch.cholesky_inverse(self.scale_tril)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return self.scale_tril.square().sum(-1)

    def rsample(self, sample_shape: Any = ()) -> Any:
        z = handtorch.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + (self.scale_tril @ z.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        away = (value - self.loc).unsqueeze(-1)
        L = self.scale_tril.expand((*away.shape[:-2], -1, -1))
        z = handtorch.linalg.solve_triangular(L, away, upper=False).squeeze(-1)
        return -0.5 * (z.square().sum(-1) + self.loc.shape[-1] * math.log(2 * math.pi)) - self._log_volume()

    def entropy(self) -> Any:
        return 0.5 * self.loc.shape[-1] * (1 + math.log(2 * math.pi)) + self._log_volume()

    def _log_volume(self) -> Any:
        """ln |L|."""
        return self.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
