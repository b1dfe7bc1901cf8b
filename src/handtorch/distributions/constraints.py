"""Constraints: the sets in which parameters and samples may lie (``torch.distributions.constraints``).

``constraints.positive.check(x)`` says for each element, or for each event of the last axes, whether it lies inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import handtorch
from handtorch.errors import ArgumentError


class Constraint:
    """A set of values."""

    is_discrete: Any = False
    event_dim: Any = 0  # how many of the last axes make one value together

    def check(self, value: Any) -> Any:
        """Booleans, of the shape of ``value`` without its event axes: which values lie in the set."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in vars(self).items())})"


# -- sets that depend on other parameters ---------------------------------------------------------------------------


class Dependent(Constraint):
    """Stands for a set that is only known beside the values of other parameters.

    Args:
        is_discrete, event_dim: what can be said of it even so.
    """

    def __init__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> None:
        self._is_discrete, self._event_dim = is_discrete, event_dim

    @property
    def is_discrete(self) -> Any:  # type: ignore[override]
        """Whether the values lie apart."""
        return self._known("is_discrete")

    @property
    def event_dim(self) -> Any:  # type: ignore[override]
        """How many of the last axes make one value together."""
        return self._known("event_dim")

    def _known(self, name: str) -> Any:
        value = getattr(self, f"_{name}")
        if value is NotImplemented:
            raise NotImplementedError(f"{name} depends on the parameters; ask an object for it, not its class")
        return value

    def __call__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> Dependent:
        return Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, value: Any) -> Any:
        """Raises: it cannot be known."""
        raise ArgumentError("Cannot determine validity of dependent constraint")


class dependent_property(property, Dependent):
    """A property that computes a set from an object's parameters, and is a :class:`Dependent` on the class.

    Used as ``@dependent_property`` or as ``@dependent_property(is_discrete=False, event_dim=0)``.
    """

    def __init__(
        self,
        fn: Callable[[Any], Any] | None = None,
        *,
        is_discrete: Any = NotImplemented,
        event_dim: Any = NotImplemented,
    ) -> None:
        property.__init__(self, fn)
        Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn: Any) -> dependent_property:  # type: ignore[override]
        return dependent_property(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


def is_dependent(constraint: Any) -> bool:
    """Whether a constraint depends on other parameters."""
    return isinstance(constraint, Dependent)


# -- numbers --------------------------------------------------------------------------------------------------------


class Boolean(Constraint):
    """0 and 1."""

    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value == 0) | (value == 1)


class _Bounded(Constraint):
    """What has a lower or an upper bound, or both: numbers or tensors."""

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound


class _FromBelow(Constraint):
    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound


class IntegerInterval(_Bounded):
    """Whole numbers of [lower_bound, upper_bound]."""

    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value % 1 == 0) & (value >= self.lower_bound) & (value <= self.upper_bound)


class IntegerGreaterThan(_FromBelow):
    """Whole numbers from ``lower_bound`` on."""

    is_discrete = True

    def check(self, value: Any) -> Any:
        return (value % 1 == 0) & (value >= self.lower_bound)


class Real(Constraint):
    """All numbers, infinite ones too, but not NaN."""

    def check(self, value: Any) -> Any:
        return value == value  # NaN is not equal to itself


class GreaterThan(_FromBelow):
    """Numbers above ``lower_bound``."""

    def check(self, value: Any) -> Any:
        return value > self.lower_bound


class GreaterThanEq(_FromBelow):
    """Numbers from ``lower_bound`` on."""

    def check(self, value: Any) -> Any:
        return value >= self.lower_bound


class LessThan(Constraint):
    """Numbers below ``upper_bound``."""

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Any:
        return value < self.upper_bound


class Interval(_Bounded):
    """Numbers of [lower_bound, upper_bound]."""

    def check(self, value: Any) -> Any:
        return (value >= self.lower_bound) & (value <= self.upper_bound)


class HalfOpenInterval(_Bounded):
    """Numbers of [lower_bound, upper_bound)."""

    def check(self, value: Any) -> Any:
        return (value >= self.lower_bound) & (value < self.upper_bound)


# -- vectors --------------------------------------------------------------------------------------------------------


class OneHot(Constraint):
    """Vectors of one 1 and else 0."""

    is_discrete = True
    event_dim = 1

    def check(self, value: Any) -> Any:
        return boolean.check(value).all(-1) & (value.sum(-1) == 1)


class Simplex(Constraint):
    """Vectors of numbers from 0 on that sum to 1, up to 1e-6."""

    event_dim = 1

    def check(self, value: Any) -> Any:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < 1e-6)


class Multinomial(Constraint):
    """Vectors of counts whose sum is at most ``upper_bound``."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Any:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)


# -- matrices -------------------------------------------------------------------------------------------------------


class LowerTriangular(Constraint):
    """Matrices with zeros above the diagonal."""

    event_dim = 2

    def check(self, value: Any) -> Any:
        return (value.tril() == value).flatten(-2).all(-1)


class LowerCholesky(LowerTriangular):
    """Lower triangular matrices with a positive diagonal."""

    def check(self, value: Any) -> Any:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class CorrCholesky(LowerCholesky):
    """Lower triangular matrices with a positive diagonal whose rows have length 1."""

    def check(self, value: Any) -> Any:
        tolerance = float(np.finfo(value.array.dtype).eps) * value.shape[-1] * 10
        lengths = value.detach().square().sum(-1).sqrt()
        return super().check(value) & ((lengths - 1).abs() <= tolerance).all(-1)


class Square(Constraint):
    """Square matrices."""

    event_dim = 2

    def check(self, value: Any) -> Any:
        return handtorch.full(value.shape[:-2], value.shape[-2] == value.shape[-1])


class Symmetric(Square):
    """Symmetric matrices."""

    def check(self, value: Any) -> Any:
        square = super().check(value)
        return handtorch.isclose(value, value.mT, atol=1e-6).flatten(-2).all(-1) if square.all() else square


class PositiveSemidefinite(Symmetric):
    """Symmetric matrices without negative eigenvalues."""

    def check(self, value: Any) -> Any:
        symmetric = super().check(value)
        return (handtorch.linalg.eigvalsh(value) >= 0).all(-1) if symmetric.all() else symmetric


class PositiveDefinite(Symmetric):
    """Symmetric matrices with positive eigenvalues only: those that have a Cholesky factor."""

    def check(self, value: Any) -> Any:
        symmetric = super().check(value)
        return handtorch.linalg.cholesky_ex(value).info == 0 if symmetric.all() else symmetric


# -- out of others --------------------------------------------------------------------------------------------------


class IndependentConstraint(Constraint):
    """Arrays, each element of which lies in a set of its own.

    Args:
        base_constraint: the set.
        reinterpreted_batch_ndims: how many more of the last axes make one value together.
    """

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        """As the set."""
        return self.base_constraint.is_discrete  # type: ignore[no-any-return]

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        """Those of the set, and the reinterpreted ones."""
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims  # type: ignore[no-any-return]

    def check(self, value: Any) -> Any:
        inside = self.base_constraint.check(value)
        if inside.dim() < self.reinterpreted_batch_ndims:
            raise ArgumentError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return inside.flatten(-self.reinterpreted_batch_ndims).all(-1) if self.reinterpreted_batch_ndims else inside

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """The values that each component of a mixture may take: ``check`` puts the components' axis back.

    Args:
        base_constraint: the set of the components.
    """

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_constraint

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        """As the components."""
        return self.base_constraint.is_discrete  # type: ignore[no-any-return]

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        """As the components."""
        return self.base_constraint.event_dim  # type: ignore[no-any-return]

    def check(self, value: Any) -> Any:
        return self.base_constraint.check(value.unsqueeze(-1 - self.event_dim)).all(-1)


class Cat(Constraint):
    """Arrays whose parts along an axis lie in different sets.

    Args:
        cseq: the sets.
        dim: the axis.
        lengths: of the parts; 1 by default.
    """

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None) -> None:
        self.cseq, self.dim = list(cseq), dim
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise ArgumentError(f"cat: expected a length for each of {len(self.cseq)} sets, got {len(self.lengths)}")

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        """Whether one of the sets is."""
        return any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        """The most of any set."""
        return max(c.event_dim for c in self.cseq)

    def check(self, value: Any) -> Any:
        parts = value.split(self.lengths, self.dim)
        return handtorch.cat([c.check(part) for c, part in zip(self.cseq, parts, strict=True)], self.dim)


class Stack(Cat):
    """Arrays whose slices along an axis lie in different sets."""

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        """The most of any set; one more, if the axis lies among those."""
        most = max(c.event_dim for c in self.cseq)
        return most + 1 if self.dim + most < 0 else most

    def check(self, value: Any) -> Any:
        return handtorch.stack(
            [c.check(slice) for c, slice in zip(self.cseq, value.unbind(self.dim), strict=True)], self.dim
        )


# -- by their names -------------------------------------------------------------------------------------------------

dependent = Dependent()
independent = IndependentConstraint
boolean = Boolean()
one_hot = OneHot()
nonnegative_integer = IntegerGreaterThan(0)
positive_integer = IntegerGreaterThan(1)
integer_interval = IntegerInterval
real = Real()
real_vector = independent(real, 1)
positive = GreaterThan(0.0)
nonnegative = GreaterThanEq(0.0)
greater_than = GreaterThan
greater_than_eq = GreaterThanEq
less_than = LessThan
multinomial = Multinomial
unit_interval = Interval(0.0, 1.0)
interval = Interval
half_open_interval = HalfOpenInterval
simplex = Simplex()
lower_triangular = LowerTriangular()
lower_cholesky = LowerCholesky()
corr_cholesky = CorrCholesky()
square = Square()
symmetric = Symmetric()
positive_semidefinite = PositiveSemidefinite()
positive_definite = PositiveDefinite()
cat = Cat
stack = Stack

__all__ = [
    "Constraint",
    "MixtureSameFamilyConstraint",
    "boolean",
    "cat",
    "corr_cholesky",
    "dependent",
    "dependent_property",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "square",
    "stack",
    "symmetric",
    "unit_interval",
]
