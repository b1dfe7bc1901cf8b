"""Padding: a tensor with a border around it."""

from __future__ import annotations

from typing import Any

from handtorch.errors import RangeError
from handtorch.ops.padding import constant_pad_nd, padded

__all__ = [
    "pad",
]


def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """Put a border around a tensor; a negative width cuts elements off.

    Args:
        pad: the widths (before, after) of the last axis, then those of the one before it, and so on.
        mode: ``"constant"``, ``"reflect"``, ``"replicate"`` or ``"circular"``. The last three take input (C, *) or
            (N, C, *), and widths for all of its last axes.
        value: of a constant border, 0 by default.

    Raises:
        RangeError: another mode, or a value for a border that is not constant.
        ShapeError: the widths do not fit the input.
    """
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise RangeError(f"Unrecognised padding mode {mode}; expected constant, reflect, replicate or circular")
    if value:
        raise RangeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    return padded(input, pad, mode)
