"""A token for each word that occurs often enough."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from handtorch.errors import ArgumentError
from handtorch.text.tokenizers.tokenizer import Tokenizer

# What a text is cut into: the pattern that finds words, and the one that finds blanks not to be written.
_CUTS = {
    "blanks": r"[^\s]+",
    "punctuation": r"\w+(?:['’]\w+)*|[^\w\s]",
}
_CLINGS_TO_LEFT = re.compile(r" (?=[.,;:!?)\]}])")
_CLINGS_TO_RIGHT = re.compile(r"(?<=[(\[{]) ")


class WordTokenizer(Tokenizer):
    """Words are tokens; those that are not in the vocabulary become ``<unk>``.

    Args:
        vocabulary: every token, the special ones among them, in the order of their ids.
        unknown: the token for other words; None if there shall be none.
        end_of_line: the token for the end of a line, such as WikiText's ``"<eos>"``; None for line ends that are
            blanks like others.
        cut: ``"blanks"`` for text that is cut already, as in WikiText, or ``"punctuation"``, which takes signs off the
            words.
        lower: whether all is written in small letters.
        special: further tokens that stand for no text, such as those that begin and end a sentence.

    :meth:`decode` puts one blank between words, but none before what closes and after what opens where signs were taken
    off; other than with characters or byte pairs, the text may come back with other blanks.

    Raises:
        ArgumentError: a special token is not in the vocabulary, or there is no such ``cut``.
    """

    kind = "words"

    def __init__(
        self,
        vocabulary: Iterable[str],
        unknown: str | None = "<unk>",
        end_of_line: str | None = None,
        *,
        cut: str = "blanks",
        lower: bool = False,
        special: Iterable[str] = (),
    ) -> None:
        if cut not in _CUTS:
            raise ArgumentError(f"expected cut to be one of {', '.join(map(repr, _CUTS))}, got {cut!r}")
        self._further = list(special)
        super().__init__(vocabulary, _special(unknown, end_of_line, self._further))
        if end_of_line is not None:
            self._special_ids -= {self.index[end_of_line]}  # it is written, as the end of a line
        self.unknown, self.end_of_line = unknown, end_of_line
        self.cut_at, self.lower = cut, lower
        self._pattern = _pattern(cut, end_of_line)

    @classmethod
    def train(
        cls,
        texts: Iterable[str] | str,
        max_size: int | None = None,
        *,
        min_count: int = 1,
        unknown: str | None = "<unk>",
        end_of_line: str | None = None,
        cut: str = "blanks",
        lower: bool = False,
        special: Iterable[str] = (),
    ) -> WordTokenizer:
        """The words that occur at least ``min_count`` times, the most frequent ones, ``max_size`` tokens at most.

        The special tokens come first, then words by their frequency; of equally frequent ones those that sort first.
        """
        further = list(special)
        tokens = _special(unknown, end_of_line, further)
        plain = cls(tokens, unknown, end_of_line, cut=cut, lower=lower, special=further)
        counts: Counter[str] = Counter()
        for text in [texts] if isinstance(texts, str) else texts:
            counts.update(plain.words(text))
        ranked = sorted((-count, word) for word, count in counts.items() if count >= min_count and word not in tokens)
        room = None if max_size is None else max(max_size - len(tokens), 0)
        tokens += [word for _, word in ranked[:room]]
        return cls(tokens, unknown, end_of_line, cut=cut, lower=lower, special=further)

    def words(self, text: str) -> list[str]:
        """The words of a text, known or not, and ``end_of_line`` for the ends of lines."""
        found = self._pattern.findall(text.lower() if self.lower else text)
        if self.end_of_line is None:
            return found
        return [self.end_of_line if word == "\n" else word for word in found]

    def cut(self, text: str) -> list[int]:
        words = self.words(text)
        if self.unknown is not None:
            other = self.index[self.unknown]
            return [self.index.get(word, other) for word in words]
        try:
            return [self.index[word] for word in words]
        except KeyError as error:
            raise ArgumentError(f"expected words of the vocabulary, got {error}; there is no unknown token") from None

    def joined(self, ids: list[int]) -> str:
        lines: list[list[str]] = [[]]
        for number in ids:
            word = self.vocabulary[number]
            if word == self.end_of_line:
                lines.append([])
            else:
                lines[-1].append(word)
        text = "\n".join(map(" ".join, lines))
        if self.cut_at == "punctuation":
            text = _CLINGS_TO_RIGHT.sub("", _CLINGS_TO_LEFT.sub("", text))
        return text

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "vocabulary": list(self.vocabulary),
            "unknown": self.unknown,
            "end_of_line": self.end_of_line,
            "cut": self.cut_at,
            "lower": self.lower,
            "special": self._further,
        }


def _special(unknown: str | None, end_of_line: str | None, further: list[str]) -> list[str]:
    return [token for token in (unknown, end_of_line, *further) if token is not None]


def _pattern(cut: str, end_of_line: str | None) -> re.Pattern[str]:
    return re.compile(_CUTS[cut] if end_of_line is None else rf"\n|{_CUTS[cut]}")
