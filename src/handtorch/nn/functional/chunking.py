"""How many rows of logits exist at a time in ``linear_cross_entropy``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handtorch import dtypes
from handtorch.errors import ArgumentError, DtypeError

_POLICIES = ("auto", "accurate", "balanced", "compact")


@dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """Let ``linear_cross_entropy`` work on a few rows at a time, so that the logits (N, C) never exist as a whole.

    It pays where there are many more classes C than features I, and at least as many rows N as features.

    Args:
        allow_retain_graph: accepted; here ``backward(retain_graph=True)`` works either way.
        batch_chunk_size: rows at a time.
        chunking_method: how to choose them instead. ``"aspect_ratio:k"`` takes as many rows as make a piece of logits
            about as large as the input (N, I) divided by k: the power of 2 not below N / ⌈C/I⌉, divided by k.
            ``"auto"`` is ``"aspect_ratio:2"``, or ``batch_chunk_size`` where that is given.
        acc_policy: accepted; here all accumulation is in ``acc_dtype``.
        acc_dtype: the element type of the logits and sums: that of the input by default, float32 for float16.

    Raises:
        ArgumentError: an option that is none of these.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in _POLICIES:
            raise ArgumentError(f"invalid acc_policy: {self.acc_policy!r}; expected one of {_POLICIES}")
        if self.chunking_method not in (None, "auto") and not self._divisor():
            raise ArgumentError(
                f"invalid chunking_method: {self.chunking_method!r}; expected 'auto', None, 'aspect_ratio' or "
                f"'aspect_ratio:k' with a whole number k >= 1"
            )
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ArgumentError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype not in (None, dtypes.float16, dtypes.float32, dtypes.float64):
            raise ArgumentError(f"acc_dtype must be floating point or None, got {self.acc_dtype!r}")

    def _divisor(self) -> int:
        """k of ``"aspect_ratio:k"``, 0 where the method is no such thing."""
        name, colon, divisor = str(self.chunking_method).partition(":")
        if name != "aspect_ratio" or not (divisor.isdigit() if colon else not divisor):
            return 0
        return int(divisor or 1)

    def rows(self, batch: int, features: int, classes: int) -> int:
        """How many rows at a time, for input (batch, features).

        Raises:
            ArgumentError: the size given is not what the method given comes to.
        """
        given, method = self.batch_chunk_size, self.chunking_method
        if method is None or (method == "auto" and given is not None):
            return max(1, min(given or batch, batch))
        share = -(-batch // -(-classes // max(features, 1)))
        power = 1 << max(share - 1, 0).bit_length()
        chosen = max(1, min(power // (2 if method == "auto" else self._divisor()), batch))
        if given is not None and given != chosen:
            raise ArgumentError(
                f"batch_chunk_size={given} and chunking_method={method!r}, which comes to {chosen}, disagree; give one"
            )
        return chosen

    def accumulation_dtype(self, dtype: Any) -> Any:
        """The element type to compute in, for an input of another.

        Raises:
            DtypeError: PyTorch does not combine them.
        """
        if self.acc_dtype is None:
            return dtypes.float32 if dtype is dtypes.float16 else dtype
        if self.acc_dtype is not dtype and not (dtype is dtypes.float16 and self.acc_dtype is dtypes.float32):
            raise DtypeError(
                f"linear_cross_entropy: expected acc_dtype {dtype} (or float32 for float16), got {self.acc_dtype}"
            )
        return self.acc_dtype
