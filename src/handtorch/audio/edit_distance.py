"""How a hypothesis differs from its reference: the fewest edits, and where they are.

An edit substitutes, inserts or deletes one symbol of the reference. With r_i and h_j the symbols, and D(i, j) the
fewest edits that turn the first i symbols of the reference into the first j of the hypothesis,

    D(i, j) = min(D(i-1, j-1) + [r_i ≠ h_j], D(i-1, j) + 1, D(i, j-1) + 1)        D(i, 0) = i,  D(0, j) = j

(Levenshtein 1966; Wagner and Fischer 1974). The package rapidfuzz finds it by operations on bits, many cells at a time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from handtorch.errors import require

Kind = Literal["equal", "substitute", "insert", "delete"]

Symbols = Iterable[Hashable]
"""A string, a list of names, an array or a tensor of class indices."""

_KINDS: dict[str, Kind] = {"equal": "equal", "replace": "substitute", "insert": "insert", "delete": "delete"}


class Edit(NamedTuple):
    """One column of an alignment."""

    kind: Kind
    i: int | None
    """Which symbol of the reference; None for an insertion."""
    j: int | None
    """Which symbol of the hypothesis; None for a deletion."""


def levenshtein(reference: Symbols, hypothesis: Symbols) -> int:
    """The number of substitutions, insertions and deletions that turn the reference into the hypothesis, at the least.

    Args:
        reference: (N) symbols that can be hashed; of a string, its characters.
        hypothesis: (M) symbols.

    Returns:
        a number between |N - M| and max(N, M).

    Raises:
        MissingExtraError: the package rapidfuzz is not installed.
    """
    return int(_engine().distance(*_numbered(reference, hypothesis)))


def edits(reference: Symbols, hypothesis: Symbols) -> list[Edit]:
    """Align the reference with the hypothesis, symbol by symbol, with the fewest edits.

    Every symbol of both stands in just one :class:`Edit`, in order. Where several alignments need equally few edits,
    one of them is returned: their number of edits is the same, their share of substitutions may differ.

    Args:
        reference: (N) symbols, as in :func:`levenshtein`.
        hypothesis: (M) symbols.

    Raises:
        MissingExtraError: the package rapidfuzz is not installed.
    """
    aligned: list[Edit] = []
    for tag, i, i_end, j, j_end in _engine().opcodes(*_numbered(reference, hypothesis)):
        kind = _KINDS[tag]
        if kind == "insert":
            aligned += [Edit(kind, None, place) for place in range(j, j_end)]
        elif kind == "delete":
            aligned += [Edit(kind, place, None) for place in range(i, i_end)]
        else:
            aligned += [Edit(kind, *places) for places in zip(range(i, i_end), range(j, j_end), strict=True)]
    return aligned


class EditCounts(NamedTuple):
    """How many edits there are of each kind."""

    substitutions: int
    insertions: int
    deletions: int


def count_edits(reference: Symbols, hypothesis: Symbols) -> EditCounts:
    """Count the edits of :func:`edits` without listing what is equal."""
    tags = [operation.tag for operation in _engine().editops(*_numbered(reference, hypothesis))]
    return EditCounts(tags.count("replace"), tags.count("insert"), tags.count("delete"))


def as_symbols(symbols: Symbols) -> Sequence[Any]:
    """A string as it is, an array or a tensor as a list of Python's numbers, anything else as a list."""
    if isinstance(symbols, str):
        return symbols
    if hasattr(symbols, "tolist"):
        return symbols.tolist()
    return list(symbols)


def _numbered(reference: Symbols, hypothesis: Symbols) -> tuple[Sequence[Any], Sequence[Any]]:
    """Both as sequences in which rapidfuzz tells apart what Python does: it compares hashes, and -1 and -2 have one."""
    reference, hypothesis = as_symbols(reference), as_symbols(hypothesis)
    if isinstance(reference, str) and isinstance(hypothesis, str):
        return reference, hypothesis
    numbers: dict[Hashable, int] = {}
    return (
        [numbers.setdefault(symbol, len(numbers)) for symbol in reference],
        [numbers.setdefault(symbol, len(numbers)) for symbol in hypothesis],
    )


def _engine() -> Any:
    return require("rapidfuzz.distance.Levenshtein", extra="speech")
