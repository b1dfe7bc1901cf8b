"""How often a recognizer errs: phoneme, word and character error rate, with what they are made of.

    rate = (S + I + D) / N

with S substitutions, I insertions and D deletions, the fewest that turn all references into their hypotheses, and N
symbols in the references. It may exceed 1, for insertions have no bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from handtorch.audio.edit_distance import Symbols, as_symbols, count_edits, edits
from handtorch.errors import BatchError


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Counts of errors; those of two sets add up: ``rate_of_a + rate_of_b``."""

    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0
    symbols: int = 0
    """N, in the references."""
    sequences: int = 0
    wrong_sequences: int = 0
    """Those with any error."""

    @property
    def errors(self) -> int:
        """S + I + D."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def rate(self) -> float:
        """(S + I + D) / N; where all references are empty, 0 without errors and infinite with some."""
        if self.symbols == 0:
            return float("inf") if self.errors else 0.0
        return self.errors / self.symbols

    @property
    def mean_distance(self) -> float:
        """Edits a sequence, the number by which 11-785 ranks its competition; 0 without sequences."""
        return self.errors / self.sequences if self.sequences else 0.0

    @property
    def sequence_rate(self) -> float:
        """The share of sequences with any error; 0 without sequences."""
        return self.wrong_sequences / self.sequences if self.sequences else 0.0

    def __float__(self) -> float:
        return self.rate

    def __add__(self, other: ErrorRate) -> ErrorRate:
        return ErrorRate(
            self.substitutions + other.substitutions,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.symbols + other.symbols,
            self.sequences + other.sequences,
            self.wrong_sequences + other.wrong_sequences,
        )

    def __str__(self) -> str:
        return (
            f"{self.rate:.2%} ({self.substitutions} substituted, {self.insertions} inserted, {self.deletions} deleted "
            f"of {self.symbols}; {self.wrong_sequences} of {self.sequences} sequences wrong)"
        )


def error_rate(references: Iterable[Symbols], hypotheses: Iterable[Symbols]) -> ErrorRate:
    """Count the errors of hypotheses, each against its reference.

    Args:
        references: sequences of symbols that can be hashed; a string counts by its characters.
        hypotheses: as many sequences.

    Raises:
        BatchError: there are more of one than of the other.
        MissingExtraError: the package rapidfuzz is not installed.
    """
    total = ErrorRate()
    for reference, hypothesis in _pairs(references, hypotheses):
        counts = count_edits(reference, hypothesis)
        total += ErrorRate(*counts, symbols=len(reference), sequences=1, wrong_sequences=int(any(counts)))
    return total


def per(
    references: Iterable[Symbols], hypotheses: Iterable[Symbols], *, ignore: Collection[Hashable] = ()
) -> ErrorRate:
    """Phoneme error rate.

    Args:
        references: sequences of phones, by name or by class index, or strings with spaces between the names.
        hypotheses: as many sequences.
        ignore: phones taken out of both first, such as ``["[SIL]"]``.

    Raises:
        BatchError, MissingExtraError: as :func:`error_rate` does.
    """
    left_out = frozenset(ignore)

    def heard(sequence: Symbols) -> list[Hashable]:
        symbols = sequence.split() if isinstance(sequence, str) else as_symbols(sequence)
        return [symbol for symbol in symbols if symbol not in left_out]

    return error_rate(map(heard, _several(references)), map(heard, _several(hypotheses)))


def wer(references: str | Iterable[str], hypotheses: str | Iterable[str]) -> ErrorRate:
    """Word error rate: of words parted by white space, as they are written (case and punctuation count).

    Args:
        references: texts, or one text.
        hypotheses: as many texts.

    Raises:
        BatchError, MissingExtraError: as :func:`error_rate` does.
    """
    return error_rate(map(str.split, _several(references)), map(str.split, _several(hypotheses)))


def cer(references: str | Iterable[str], hypotheses: str | Iterable[str]) -> ErrorRate:
    """Character error rate; white space between words counts as one character, around the text as none.

    Args:
        references: texts, or one text.
        hypotheses: as many texts.

    Raises:
        BatchError, MissingExtraError: as :func:`error_rate` does.
    """

    def characters(text: str) -> str:
        return " ".join(text.split())

    return error_rate(map(characters, _several(references)), map(characters, _several(hypotheses)))


def confusions(
    references: Iterable[Symbols], hypotheses: Iterable[Symbols]
) -> Counter[tuple[Hashable | None, Hashable | None]]:
    """Count what was taken for what: ``confusions(...).most_common(10)`` are the errors to look at first.

    Args:
        references: sequences of symbols.
        hypotheses: as many sequences.

    Returns:
        how often each (said, heard) occurs that differ; ``said`` is None for an insertion, ``heard`` for a deletion.

    Raises:
        BatchError, MissingExtraError: as :func:`error_rate` does.
    """
    counts: Counter[tuple[Hashable | None, Hashable | None]] = Counter()
    for reference, hypothesis in _pairs(references, hypotheses):
        counts.update(
            (None if i is None else reference[i], None if j is None else hypothesis[j])
            for kind, i, j in edits(reference, hypothesis)
            if kind != "equal"
        )
    return counts


def _several(texts: Any) -> Any:
    """One text is a list of one."""
    return [texts] if isinstance(texts, str) else texts


def _pairs(
    references: Iterable[Symbols], hypotheses: Iterable[Symbols]
) -> Iterable[tuple[Sequence[Any], Sequence[Any]]]:
    all_references, all_hypotheses = list(references), list(hypotheses)
    if len(all_references) != len(all_hypotheses):
        raise BatchError(
            f"expected a hypothesis for each reference, got {len(all_references)} references and "
            f"{len(all_hypotheses)} hypotheses; give an empty one where nothing was heard"
        )
    return (
        (as_symbols(reference), as_symbols(hypothesis))
        for reference, hypothesis in zip(all_references, all_hypotheses, strict=True)
    )
