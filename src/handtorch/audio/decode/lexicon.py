"""Which words there are and how they are spelled: a sorted list of spellings, which is a tree of their beginnings."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterable, Sequence
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from handtorch.audio.decode.frames import Integers
from handtorch.errors import ArgumentError, FormatError, MissingFileError

_VARIANT = re.compile(r"\(\d+\)$")
_STRESS = "012"


class Node(NamedTuple):
    """The beginning that spellings ``low`` to ``high`` have in common, ``depth`` symbols long, and are longer than."""

    low: int
    high: int
    depth: int


class Branches(NamedTuple):
    """What may follow a node: K times a symbol that ends a word, or that leads to a longer beginning."""

    symbols: Integers
    words: Integers
    """The word that is then complete; -1 where the symbol leads on."""
    lows: Integers
    """The spellings that go on with the symbol, or the one that ends with it, begin here ..."""
    highs: Integers
    """... and end here."""


class Lexicon:
    """Words by their spelling in symbols of the recognizer: phones, or characters.

    Args:
        entries: pairs of a word and its spelling, which is one or more class indices. A word with several
            pronunciations stands there several times; several words may have the same one.

    Attributes:
        words: W different words, in the order in which they first came; a language model over words has this order.
        spellings: (E, L) the different entries in the order of their spellings, filled up with -1.
        word_of: (E,) the word of each entry.

    Raises:
        ArgumentError: there is no word, or one without symbols, or a symbol below 0.
    """

    def __init__(self, entries: Iterable[tuple[str, Sequence[int]]]) -> None:
        number: dict[str, int] = {}
        unique = {(tuple(map(int, spelling)), number.setdefault(word, len(number))) for word, spelling in entries}
        if not unique:
            raise ArgumentError("expected at least one word, got none")
        ordered = sorted(unique)
        self.words = tuple(number)
        for spelling, word in ordered:
            if not spelling or min(spelling) < 0:
                raise ArgumentError(f"expected symbols from 0 on that spell {self.words[word]!r}, got {list(spelling)}")
        lengths = np.array([len(spelling) for spelling, _ in ordered])
        spellings = np.full((len(ordered), lengths.max() + 1), -1, np.int64)
        spellings[np.arange(spellings.shape[1]) < lengths[:, None]] = np.concatenate([s for s, _ in ordered])
        self._take(spellings, np.array([word for _, word in ordered]))

    @classmethod
    def of_characters(cls, words: Iterable[str], symbols: Sequence[str]) -> Lexicon:
        """Words spelled by their characters, which are names of symbols in the order of ``log_probs``.

        Raises:
            ArgumentError: a character is none of the symbols.
        """
        index = {symbol: i for i, symbol in enumerate(symbols)}
        entries = []
        for word in words:
            strange = [character for character in word if character not in index]
            if strange:
                raise ArgumentError(f"expected words of the symbols' characters, got {strange[0]!r} in {word!r}")
            entries.append((word, [index[character] for character in word]))
        return cls(entries)

    @classmethod
    def read(cls, path: str | os.PathLike[str], symbols: Sequence[Hashable]) -> Lexicon:
        """Read a dictionary: on each line a word, white space, and the names of its symbols.

        It takes CMUdict's and Kaldi's form: marks of stress are dropped where the symbols have none, ``tomato(2)`` is
        another pronunciation of ``tomato``, and lines that begin with ``;;;`` and what follows ``#`` are remarks.

        Args:
            path: the file, in UTF-8.
            symbols: names in the order of ``log_probs``.

        Raises:
            MissingFileError: there is no such file.
            FormatError: a name is none of the symbols, or a word has none; the message names the line.
        """
        if not Path(path).is_file():
            raise MissingFileError(f"expected a dictionary at {os.fspath(path)}, found no file; check the path")
        index = {str(symbol): i for i, symbol in enumerate(symbols)}
        entries = []
        with open(path, encoding="utf-8") as file:
            try:
                for number, line in enumerate(file, 1):
                    word, *names = line.split(" #")[0].split() or [";;;"]
                    if word.startswith(";;;"):
                        continue
                    spelling = [index.get(name, index.get(name.rstrip(_STRESS), -1)) for name in names]
                    if not names or -1 in spelling:
                        strange = repr(names[spelling.index(-1)]) if names else "nothing"
                        raise FormatError(
                            f"{os.fspath(path)}, line {number}: expected symbols that spell {word!r}, got {strange}"
                        )
                    entries.append((_VARIANT.sub("", word), spelling))
            except UnicodeDecodeError:
                raise FormatError(f"{os.fspath(path)}: expected UTF-8; convert it") from None
        if not entries:
            raise FormatError(f"{os.fspath(path)}: expected words and their spelling, found none")
        return cls(entries)

    def without_homophones(self) -> Lexicon:
        """The lexicon with one word a spelling, the first; ``words`` stays the same."""
        result = copy(self)
        new = (np.diff(self.spellings, axis=0, prepend=-2) != 0).any(axis=1)
        result._take(self.spellings[new], self.word_of[new])
        return result

    def __len__(self) -> int:
        """How many different words there are."""
        return len(self.words)

    def _take(self, spellings: Integers, word_of: Integers) -> None:
        self.spellings, self.word_of = spellings, word_of
        self.root = Node(0, len(spellings), 0)
        self.branches = lru_cache(maxsize=1 << 18)(self._branches)

    def _branches(self, node: Node) -> Branches:
        """What may follow a beginning: first the words that end there, then the longer beginnings."""
        low, high, depth = node
        column, following = self.spellings[low:high, depth], self.spellings[low:high, depth + 1]
        ended = np.flatnonzero(following < 0)
        # Those that go on lie in one run a symbol, for an ended one is sorted before them.
        going = np.flatnonzero(following >= 0)
        starts = going[np.flatnonzero(np.diff(column[going], prepend=-1))]
        stops = np.searchsorted(column, column[starts], side="right")
        return Branches(
            np.concatenate([column[ended], column[starts]]),
            np.concatenate([self.word_of[low + ended], np.full(len(starts), -1)]),
            low + np.concatenate([ended, starts]),
            low + np.concatenate([ended + 1, stops]),
        )
