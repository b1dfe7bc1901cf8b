"""Causal masks that are known by their corner, and never held as a matrix."""

from __future__ import annotations

import enum
import warnings
from typing import Any

from handtorch.factories import ones
from handtorch.tensor import Tensor

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(enum.IntEnum):
    """The corner of the matrix of scores (L, S) in which the diagonal ends that queries may see up to.

    UPPER_LEFT: query i sees the keys 0 ... i.
    LOWER_RIGHT: query i sees the keys 0 ... i + S - L, so that the last one sees all.
    """

    UPPER_LEFT = enum.auto()
    LOWER_RIGHT = enum.auto()


class CausalBias(Tensor):
    """A mask for :func:`~handtorch.nn.functional.scaled_dot_product_attention`, which takes no memory.

    Args:
        variant: the corner.
        seq_len_q: L, queries.
        seq_len_kv: S, keys.
    """

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> Any:
        """A tensor without elements: the mask is known without."""
        return super().__new__(cls)

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        self.variant = variant
        self.seq_len_q = seq_len_q
        self.seq_len_kv = seq_len_kv
        if seq_len_q > seq_len_kv and variant == CausalVariant.LOWER_RIGHT:
            warnings.warn(
                "Lower right causal bias: the first queries see no key when seq_len_q > seq_len_kv", stacklevel=2
            )

    @property
    def offset(self) -> int:
        """How many keys the first query sees besides the first key."""
        return 0 if self.variant == CausalVariant.UPPER_LEFT else self.seq_len_kv - self.seq_len_q

    def _materialize(self, device: Any = None) -> Any:
        """The mask as booleans (L, S), true where a query may see a key."""
        return ones(self.seq_len_q, self.seq_len_kv, dtype=bool).tril(self.offset)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return repr(self._materialize())


def causal_upper_left(*size: int) -> CausalBias:
    """The mask (L, S) with which query i sees the keys 0 ... i."""
    return CausalBias(CausalVariant.UPPER_LEFT, *_two(size))


def causal_lower_right(*size: int) -> CausalBias:
    """The mask (L, S) with which query i sees the keys 0 ... i + S - L: for queries that follow keys seen before."""
    return CausalBias(CausalVariant.LOWER_RIGHT, *_two(size))


def _two(size: tuple[int, ...]) -> tuple[int, int]:
    if len(size) != 2:
        raise AssertionError(f"a causal bias has two lengths, of queries and of keys; got {len(size)}")
    return size
