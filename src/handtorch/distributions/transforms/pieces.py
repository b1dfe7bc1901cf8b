"""Different transforms for different parts of an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import handtorch
from handtorch.distributions import constraints
from handtorch.distributions.transforms.transform import Transform
from handtorch.distributions.utils import sum_rightmost
from handtorch.errors import ArgumentError

__all__ = ["CatTransform", "StackTransform"]


class CatTransform(Transform):
    """A transform for each part along an axis.

    Args:
        tseq: the transforms.
        dim: the axis.
        lengths: of the parts; 1 by default.
        cache_size: of the transforms.
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        self.dim = dim
        if len(self.lengths) != len(self.transforms):
            raise ArgumentError(f"lengths ({len(self.lengths)}) must be as many as transforms ({len(self.transforms)})")

    @property
    def event_dim(self) -> int:
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """Of all parts together."""
        return sum(self.lengths)

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(t.bijective for t in self.transforms)

    @constraints.dependent_property
    def domain(self) -> Any:  # type: ignore[override]
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:  # type: ignore[override]
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _parts(self, x: Any) -> Any:
        if x.shape[self.dim] != self.length:
            raise ArgumentError(f"expected length {self.length} along axis {self.dim}, got {x.shape[self.dim]}")
        return x.split(self.lengths, self.dim)

    def _call(self, x: Any) -> Any:
        return handtorch.cat([t(part) for t, part in zip(self.transforms, self._parts(x), strict=True)], self.dim)

    def _inverse(self, y: Any) -> Any:
        return handtorch.cat([t.inv(part) for t, part in zip(self.transforms, self._parts(y), strict=True)], self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Beside each other like the parts; their sum, where the axis is one of the event's."""
        terms = [
            sum_rightmost(t.log_abs_det_jacobian(a, b), self.event_dim - t.event_dim)
            for t, a, b in zip(self.transforms, self._parts(x), self._parts(y), strict=True)
        ]
        dim = (self.dim - x.dim() if self.dim >= 0 else self.dim) + self.event_dim
        return handtorch.cat(terms, dim) if dim < 0 else sum(terms)


class StackTransform(Transform):
    """A transform for each slice along an axis.

    Args:
        tseq: the transforms.
        dim: the axis.
        cache_size: of the transforms.
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.dim = dim

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(t.bijective for t in self.transforms)

    @constraints.dependent_property
    def domain(self) -> Any:  # type: ignore[override]
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:  # type: ignore[override]
        return constraints.stack([t.codomain for t in self.transforms], self.dim)

    def with_cache(self, cache_size: int = 1) -> Any:
        return self if self._cache_size == cache_size else StackTransform(self.transforms, self.dim, cache_size)

    def _slices(self, x: Any) -> Any:
        if x.shape[self.dim] != len(self.transforms):
            raise ArgumentError(
                f"expected length {len(self.transforms)} along axis {self.dim}, got {x.shape[self.dim]}"
            )
        return x.unbind(self.dim)

    def _call(self, x: Any) -> Any:
        return handtorch.stack([t(s) for t, s in zip(self.transforms, self._slices(x), strict=True)], self.dim)

    def _inverse(self, y: Any) -> Any:
        return handtorch.stack([t.inv(s) for t, s in zip(self.transforms, self._slices(y), strict=True)], self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        pairs = zip(self.transforms, self._slices(x), self._slices(y), strict=True)
        return handtorch.stack([t.log_abs_det_jacobian(a, b) for t, a, b in pairs], self.dim)
