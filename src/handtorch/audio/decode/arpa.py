r"""N-gram models as text, in the format that ARPA's speech projects left behind and every toolkit reads.

::

    \data\
    ngram 1=4                        how many n-grams of each length follow
    ngram 2=2

    \1-grams:
    -1.0    <unk>                    log10 P, the words, and log10 of the back-off where it is not 0
    -99     <s>     -0.30
    -0.5    </s>
    -0.4    a       -0.25

    \2-grams:
    -0.2    <s> a
    -0.6    a </s>

    \end\
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from handtorch.audio.decode.frames import Doubles, Integers
from handtorch.audio.decode.ngram import END, START, NGram
from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.io.atomic import atomic_write

_COUNT = re.compile(rb"ngram\s+(\d+)\s*=\s*(\d+)$")
_LN_10 = np.log(10.0)

# A sum of probabilities that other programs rounded may come out above 1 by so much.
_ROUNDED = 1e-4


def read_arpa(path: str | os.PathLike[str]) -> NGram:
    """See :meth:`NGram.from_arpa`."""
    if not Path(path).is_file():
        raise MissingFileError(f"expected a language model at {os.fspath(path)}, found no file; check the path")
    opened: Any = gzip.open if Path(path).suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            return _Reader(os.fspath(path), file).read()
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"cannot read {os.fspath(path)} ({error}); fetch it again") from None


class _Reader:
    """Reads one file line by line and knows which line it is at."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name, self.number = name, 0
        self._lines = self._counted(file)

    def read(self) -> NGram:
        for line in self._lines:
            if line == b"\\data\\":
                break
        else:
            self.fail("expected a line \\data\\, found none; is this a language model in ARPA format, as text?")
        counts, line = self._counts()
        tree = _Tree(self)
        for length, count in enumerate(counts, 1):
            if line != b"\\%d-grams:" % length:
                self.fail(f"expected \\{length}-grams:, got {_quoted(line)}")
            tree.add(*self._ngrams(length, count, tree.index))
            line = self.line()
        if line != b"\\end\\":
            self.fail(f"expected \\end\\, got {_quoted(line)}")
        return tree.model()

    def line(self) -> bytes:
        """The next line that is not empty."""
        for line in self._lines:
            return line
        self.fail("the file ends before \\end\\: it is cut short; fetch it again")

    def fail(self, message: str) -> NoReturn:
        raise FormatError(f"{self.name}, line {self.number}: {message}")

    def _counted(self, file: IO[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(file, 1):
            self.number = number
            stripped = line.strip()
            if stripped:
                yield stripped

    def _counts(self) -> tuple[list[int], bytes]:
        """How many n-grams of each length are announced, and the line after."""
        counts: list[int] = []
        while match := _COUNT.match(line := self.line()):
            if int(match[1]) != len(counts) + 1:
                self.fail(f"expected the number of {len(counts) + 1}-grams, got {_quoted(line)}")
            counts.append(int(match[2]))
        if not counts:
            self.fail(f"expected a line such as 'ngram 1=1000', got {_quoted(line)}")
        return counts, line

    def _ngrams(self, length: int, count: int, index: dict[bytes, int]) -> tuple[Integers, Doubles, Doubles]:
        """The words of each n-gram (count, length), and its two logarithms."""
        rows, numbers = array("q"), array("d")
        for _ in range(count):
            line = self.line()
            fields = line.split()
            if not length < len(fields) <= length + 2:
                self.fail(
                    f"expected a number, {length} words and perhaps a number, as one of {count} {length}-grams; "
                    f"got {_quoted(line)}"
                )
            if length == 1:
                if fields[1] in index:
                    self.fail(f"the word {_quoted(fields[1])} stands here a second time")
                index[fields[1]] = len(index)
            try:
                rows.extend([index[word] for word in fields[1 : length + 1]])
            except KeyError as error:
                self.fail(f"the word {_quoted(error.args[0])} is none of the 1-grams")
            log_prob, backoff = self._number(fields[0]), self._number(fields[-1]) if len(fields) > length + 1 else 0.0
            if log_prob > _ROUNDED:
                self.fail(f"expected the logarithm of a probability, at most 0, got {log_prob}")
            numbers.extend((log_prob, backoff))
        logs = np.array(numbers, np.float64).reshape(count, 2) * _LN_10
        return np.array(rows, np.int64).reshape(count, length), logs[:, 0], logs[:, 1]

    def _number(self, field: bytes) -> float:
        try:
            number = float(field)
        except ValueError:
            self.fail(f"expected a number, got {_quoted(field)}")
        if np.isnan(number) or number == np.inf:
            self.fail(f"expected a number below infinity, got {_quoted(field)}")
        return number


class _Tree:
    """The n-grams read so far, as :class:`NGram` keeps them."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader
        self.index: dict[bytes, int] = {}
        self.starts = [0, 1]
        self.keys = np.zeros(0, np.int64)
        self.log_probs = self.backoffs = np.zeros(1)
        self.suffixes = np.zeros(1, np.int64)

    def add(self, rows: Integers, log_probs: Doubles, backoffs: Doubles) -> None:
        """Add all n-grams of the next length; their order in the file does not matter."""
        length = rows.shape[1]
        parents = self.find(rows[:, :-1])
        if (parents < 0).any():
            self._fail(rows[parents < 0], "whose beginning, all but its last word, is no n-gram of this file")
        keys = parents * len(self.index) + rows[:, -1]
        order = np.argsort(keys, kind="stable")
        keys, rows = keys[order], rows[order]
        if (keys[1:] == keys[:-1]).any():
            self._fail(rows[1:][keys[1:] == keys[:-1]], "which stands there twice")
        suffixes = np.zeros(len(rows), np.int64)
        for begin in range(length - 1, 0, -1):
            found = self.find(rows[:, begin:])
            suffixes = np.where(found >= 0, found, suffixes)
        self.keys = np.concatenate([self.keys, keys])
        self.log_probs = np.concatenate([self.log_probs, log_probs[order]])
        self.backoffs = np.concatenate([self.backoffs, backoffs[order]])
        self.suffixes = np.concatenate([self.suffixes, suffixes])
        self.starts.append(1 + len(self.keys))

    def find(self, rows: Integers) -> Integers:
        """The nodes of n-grams; -1 of those that are not known."""
        nodes = np.zeros(len(rows), np.int64)
        for column in rows.T:
            keys = np.where(nodes < 0, -1, nodes * len(self.index) + column)
            place = np.searchsorted(self.keys, keys)
            known = np.append(self.keys, -2)[place] == keys
            nodes = np.where(known, place + 1, -1)
        return nodes

    def model(self) -> NGram:
        try:
            words = [word.decode() for word in self.index]
        except UnicodeDecodeError as error:
            raise FormatError(f"{self.reader.name}: expected UTF-8, got {error.object!r}; convert it") from None
        lacking = [mark for mark in (START, END) if mark not in words]
        if lacking:
            raise FormatError(f"{self.reader.name}: expected {START} and {END} among the 1-grams, lacking {lacking[0]}")
        return NGram(
            words,
            len(self.starts) - 2,
            self.keys,
            self.log_probs,
            self.backoffs,
            self.suffixes,
            self.starts[-2],
        )

    def _fail(self, rows: Integers, what: str) -> NoReturn:
        words = list(self.index)
        ngram = b" ".join(words[number] for number in rows[0])
        raise FormatError(f"{self.reader.name}: the {len(rows[0])}-gram {_quoted(ngram)}, {what}")


def write_arpa(model: NGram, path: str | os.PathLike[str]) -> None:
    """See :meth:`NGram.to_arpa`."""
    for word in model.words:
        if word.split() != [word]:
            raise ArgumentError(f"expected words without white space to write them as ARPA, got {word!r}; rename it")
    levels = list(_levels(model))
    with atomic_write(path, "w", newline="\n") as file:
        file.write("\\data\\\n")
        file.writelines(f"ngram {length}={len(nodes)}\n" for length, (nodes, _) in enumerate(levels, 1))
        for length, (nodes, ngrams) in enumerate(levels, 1):
            file.write(f"\n\\{length}-grams:\n")
            logs = np.maximum(model.log_prob_of[nodes] / _LN_10, -99.0).tolist()
            backoffs = (model.backoff_of[nodes] / _LN_10).tolist()
            for log_prob, ngram, backoff in zip(logs, ngrams, backoffs, strict=True):
                price = f"\t{backoff:.7g}" if length < model.order else ""
                file.write(f"{log_prob:.7g}\t{ngram}{price}\n")
        file.write("\n\\end\\\n")


def _levels(model: NGram) -> Iterator[tuple[range, list[str]]]:
    """The nodes of each length, and the n-grams that they are."""
    V = len(model.words)
    names, first = [""], 0  # of the level above, which begins at that node
    for _ in range(model.order):
        start = first + len(names)
        stop = int(np.searchsorted(model.keys, start * V)) + 1
        below = model.keys[start - 1 : stop - 1]
        parents, words = (below // V - first).tolist(), (below % V).tolist()
        names = [f"{names[p]} {model.words[w]}".lstrip() for p, w in zip(parents, words, strict=True)]
        first = start
        yield range(start, stop), names


def _quoted(text: bytes) -> str:
    return f"'{text[:80].decode(errors='replace')}'"
