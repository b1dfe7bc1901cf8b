"""What a loss does with its terms: their mean, their sum, or nothing."""

from __future__ import annotations

from typing import Any

from handtorch.errors import ArgumentError

_REDUCTIONS = ("none", "mean", "sum")


def reduction_of(reduction: str, size_average: Any, reduce: Any) -> str:
    """The reduction's name, also from PyTorch's old pair of flags."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in _REDUCTIONS:
        raise ArgumentError(f"{reduction} is not a valid value for reduction; expected one of {_REDUCTIONS}")
    return reduction
