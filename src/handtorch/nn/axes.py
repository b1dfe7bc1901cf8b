"""One setting for all axes, or one for each."""

from __future__ import annotations

from typing import Any


def for_each_axis(value: Any, axes: int) -> tuple[Any, ...]:
    """A setting for each axis: those that are given, or one repeated."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
