"""From constraints to transforms that lead into them from all of the real numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handtorch.distributions import constraints, transforms

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """For each kind of set the transform that leads into it.

    ``transform_to(constraints.positive)(x)`` is positive for any x. ``biject_to`` knows only one-to-one transforms.
    """

    def __init__(self) -> None:
        self._factories: dict[type, Callable[[Any], Any]] = {}

    def register(self, constraint: Any, factory: Callable[[Any], Any] | None = None) -> Any:
        """Say what makes a transform for a set of this kind: as a call, or as a decorator.

        Args:
            constraint: a class of constraints, or an object of it.
            factory: function from a constraint to a transform.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = constraint if isinstance(constraint, type) else type(constraint)
        if not issubclass(kind, constraints.Constraint):
            raise TypeError(f"Expected a Constraint subclass or instance, got {constraint}")
        self._factories[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        if type(constraint) not in self._factories:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return self._factories[type(constraint)](constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _to_interval(constraint: Any) -> Any:
    low, high = constraint.lower_bound, constraint.upper_bound
    unit = transforms.SigmoidTransform()
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1):
        return unit
    return transforms.ComposeTransform([unit, transforms.AffineTransform(low, high - low)])


def _from_below(constraint: Any) -> Any:
    bound, away = constraint.lower_bound, transforms.ExpTransform()
    if isinstance(bound, (int, float)) and bound == 0:
        return away
    return transforms.ComposeTransform([away, transforms.AffineTransform(bound, 1)])


def _from_above(constraint: Any) -> Any:
    away = transforms.AffineTransform(constraint.upper_bound, -1)
    return transforms.ComposeTransform([transforms.ExpTransform(), away])


def _register_composite(to: ConstraintRegistry) -> None:
    """For sets made of others: their transforms put together in the same way."""
    to.register(
        constraints.independent,
        lambda c: transforms.IndependentTransform(to(c.base_constraint), c.reinterpreted_batch_ndims),
    )
    to.register(constraints.cat, lambda c: transforms.CatTransform([to(part) for part in c.cseq], c.dim, c.lengths))
    to.register(constraints.stack, lambda c: transforms.StackTransform([to(part) for part in c.cseq], c.dim))


for _registry in (biject_to, transform_to):
    _register_composite(_registry)
    _registry.register(constraints.real, lambda c: transforms.identity_transform)
    _registry.register(constraints.greater_than, _from_below)
    _registry.register(constraints.greater_than_eq, _from_below)
    _registry.register(constraints.less_than, _from_above)
    _registry.register(constraints.interval, _to_interval)
    _registry.register(constraints.half_open_interval, _to_interval)

biject_to.register(constraints.simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform())
