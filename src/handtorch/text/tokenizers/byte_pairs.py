"""Tokens between characters and words: byte-pair encoding (Sennrich et al. 2016), of bytes as in GPT-2 or not."""

from __future__ import annotations

import codecs
import heapq
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from handtorch.errors import ArgumentError, FormatError
from handtorch.io.progress import progress
from handtorch.text.tokenizers.byte_pair_files import Parts, read_tokenizer_json, read_vocabulary_and_merges
from handtorch.text.tokenizers.byte_pair_training import learn_merges
from handtorch.text.tokenizers.bytes import as_byte_characters, byte_characters, bytes_of, words_of
from handtorch.text.tokenizers.tokenizer import StreamDecoder, Tokenizer

_MOST_WORDS_KEPT = 1 << 16  # the tokens of so many words are remembered
_LONGEST_WORD_KEPT = 64  # characters
_LONG_TRAINING = 500_000  # characters of distinct words that take seconds to learn from


class BytePairTokenizer(Tokenizer):
    """Words cut into pieces by a list of merges: the first that applies to a word's pieces is made, again and again.

    Args:
        vocabulary: tokens in the order of their ids.
        merges: pairs of tokens whose concatenation is a token, in the order in which they were learned.
        special: tokens that stand for no text.
        end_of_word: None: the text's UTF-8 bytes are cut, its blanks among them, so that every text can be written and
            comes back as it was; a token is written with one character for each byte (``"Ġthe"`` is ``" the"``). Or a
            mark such as ``"</w>"``: characters are cut, the last of each word carries the mark, and all that is known
            of blanks is that there is one between words.
        unknown: with ``end_of_word``, the special token for characters that are not in the vocabulary.
        prefix_space: whether a blank is put before a text that begins without one.

    ::

        tokenizer = BytePairTokenizer.train(Shakespeare(), 2000)
        gpt2 = BytePairTokenizer.from_files("vocab.json", "merges.txt")

    Raises:
        ArgumentError: a merge of tokens, or into one, that is not in the vocabulary.
    """

    kind = "byte pairs"

    def __init__(
        self,
        vocabulary: Iterable[str],
        merges: Iterable[Sequence[str]],
        special: Iterable[str] = (),
        *,
        end_of_word: str | None = None,
        unknown: str | None = None,
        prefix_space: bool = False,
    ) -> None:
        super().__init__(vocabulary, special)
        self.merges = [(left, right) for left, right in merges]
        self.end_of_word, self.unknown, self.prefix_space = end_of_word, unknown, prefix_space
        if unknown is not None and unknown not in self.special:
            raise ArgumentError(f"expected the unknown token {unknown!r} to be one of the special tokens")
        self._ranks = self._ranks_of(self.merges)
        self._kept: dict[str, tuple[int, ...]] = {}

    @classmethod
    def train(
        cls,
        texts: Iterable[str] | str,
        size: int,
        special: Iterable[str] = (),
        *,
        min_count: int = 2,
        end_of_word: str | None = None,
        unknown: str | None = None,
    ) -> BytePairTokenizer:
        """Learn the merges of texts.

        Args:
            texts: what to learn from.
            size: tokens in all: special ones first, then the 256 bytes (or the characters that occur, sorted, with
                and without the mark), then one for each merge.
            special, end_of_word, unknown: as of the class.
            min_count: pairs that occur less often are not joined.

        Raises:
            ArgumentError: ``size`` leaves no room for a merge.
        """
        names = list(special)
        if unknown is not None and unknown not in names:
            names.insert(0, unknown)
        plain = cls(names, [], names, end_of_word=end_of_word, unknown=unknown)
        counts: Counter[str] = Counter()
        for text in [texts] if isinstance(texts, str) else texts:
            counts.update(plain.words(text))
        pieces = {word: plain.symbols(word) for word in counts}
        occurring = {symbol for symbols in pieces.values() for symbol in symbols}
        vocabulary = names + sorted(byte_characters() if end_of_word is None else occurring, key=_by_length)
        if size <= len(vocabulary):
            raise ArgumentError(f"expected a size above {len(vocabulary)}, the tokens before any merge, got {size}")
        index = {token: number for number, token in enumerate(vocabulary)}
        words = {tuple(index[symbol] for symbol in pieces[word]): count for word, count in counts.items()}
        merges = []
        for left, right in _learned(words, len(vocabulary), size - len(vocabulary), min_count):
            merges.append((vocabulary[left], vocabulary[right]))
            vocabulary.append(vocabulary[left] + vocabulary[right])
        return cls(vocabulary, merges, names, end_of_word=end_of_word, unknown=unknown)

    @classmethod
    def from_files(
        cls, vocabulary: str | os.PathLike[str], merges: str | os.PathLike[str], special: Iterable[str] | None = None
    ) -> BytePairTokenizer:
        """GPT-2's two files: ``vocab.json``, token -> id, and ``merges.txt``, a pair in each line.

        Args:
            vocabulary, merges: the files.
            special: by default ``<|endoftext|>``, where the vocabulary has it.

        Raises:
            MissingFileError, FormatError: a file is not there, or holds something else.
        """
        return cls._of(read_vocabulary_and_merges(Path(vocabulary), Path(merges), special), str(vocabulary))

    @classmethod
    def from_tokenizer_json(cls, path: str | os.PathLike[str]) -> BytePairTokenizer:
        """The file ``tokenizer.json`` of the package ``tokenizers``, where it describes byte pairs as we cut them.

        Raises:
            MissingFileError, FormatError: it is not there, or asks for something that this class does not do.
        """
        return cls._of(read_tokenizer_json(Path(path)), str(path))

    @classmethod
    def _of(cls, parts: Parts, source: str) -> BytePairTokenizer:
        try:
            return cls(**parts._asdict())
        except ArgumentError as error:
            raise FormatError(f"{source}: {error}") from None

    def words(self, text: str) -> list[str]:
        """What a text is cut into first: no token goes over the end of a word."""
        if self.prefix_space and text and text[0] != " ":
            text = " " + text
        return words_of(text) if self.end_of_word is None else text.split()

    def symbols(self, word: str) -> list[str]:
        """What a word is before any merge."""
        if self.end_of_word is None:
            return list(as_byte_characters(word))
        return [*word[:-1], word[-1] + self.end_of_word]

    def cut(self, text: str) -> list[int]:
        kept = self._kept
        ids: list[int] = []
        for word in self.words(text):
            pieces = kept.get(word)
            ids.extend(self._cut_word(word) if pieces is None else pieces)
        return ids

    def joined(self, ids: list[int]) -> str:
        if self.end_of_word is None:
            return b"".join(map(self._bytes.__getitem__, ids)).decode("utf-8", "replace")
        return "".join(map(self.vocabulary.__getitem__, ids)).replace(self.end_of_word, " ").removesuffix(" ")

    def decoder(self) -> StreamDecoder:
        return super().decoder() if self.end_of_word is not None else _ByteDecoder(self)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "vocabulary": list(self.vocabulary),
            "merges": [list(pair) for pair in self.merges],
            "special": list(self.special),
            "end_of_word": self.end_of_word,
            "unknown": self.unknown,
            "prefix_space": self.prefix_space,
        }

    def _ranks_of(self, merges: list[tuple[str, str]]) -> dict[tuple[int, int], tuple[int, int]]:
        """Ids of a pair -> its place among the merges, and the id of what it becomes."""
        ranks = {}
        for rank, (left, right) in enumerate(merges):
            try:
                ranks[self.index[left], self.index[right]] = rank, self.index[left + right]
            except KeyError as error:
                raise ArgumentError(f"expected merges of tokens, but {error} of {left!r} {right!r} is none") from None
        return ranks

    def _cut_word(self, word: str) -> tuple[int, ...]:
        pieces = tuple(self._merged([self._id_of(symbol) for symbol in self.symbols(word)]))
        if len(word) <= _LONGEST_WORD_KEPT:
            if len(self._kept) >= _MOST_WORDS_KEPT:
                self._kept.clear()
            self._kept[word] = pieces
        return pieces

    def _id_of(self, symbol: str) -> int:
        number = self.index.get(symbol)
        if number is not None:
            return number
        if self.unknown is None:
            raise ArgumentError(
                f"expected characters of the vocabulary, got {symbol!r}; give the tokenizer an unknown token"
            )
        return self.index[self.unknown]

    def _merged(self, ids: list[int]) -> list[int]:
        """Make the first merge that applies, of several places the leftmost, until none applies.

        Pieces are a list with links to both sides, and a heap holds what could be merged: O(n log n) for n symbols,
        so that a word of a million letters is no way to keep a server busy.
        """
        ranks, count = self._ranks, len(ids)
        after, before = list(range(1, count + 1)), list(range(-1, count - 1))
        heap = [(*ranks[pair], place, pair) for place, pair in enumerate(pairwise(ids)) if pair in ranks]
        heapq.heapify(heap)
        while heap:
            _, new, place, pair = heapq.heappop(heap)
            other = after[place]
            if other >= count or (ids[place], ids[other]) != pair:
                continue  # one of the two has become part of another piece
            ids[place], ids[other] = new, -1
            after[place] = after[other]
            if after[other] < count:
                before[after[other]] = place
            for start in (before[place], place):
                if start >= 0 and after[start] < count:
                    pair = ids[start], ids[after[start]]
                    if pair in ranks:
                        heapq.heappush(heap, (*ranks[pair], start, pair))
        return [number for number in ids if number >= 0]

    @cached_property
    def _bytes(self) -> list[bytes]:
        return [
            token.encode() if number in self._special_ids else bytes_of(token)
            for number, token in enumerate(self.vocabulary)
        ]


class _ByteDecoder(StreamDecoder):
    """Holds the bytes of a character back until it is whole."""

    def __init__(self, tokenizer: BytePairTokenizer) -> None:
        self._bytes = tokenizer._bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, number: int) -> str:
        return self._decoder.decode(self._bytes[number])

    def end(self) -> str:
        return self._decoder.decode(b"", final=True)


def _by_length(symbol: str) -> tuple[bool, str]:
    """Characters first, then those with the mark."""
    return len(symbol) > 1, symbol


def _learned(
    words: Mapping[tuple[int, ...], int], first_new: int, merges: int, min_count: int
) -> list[tuple[int, int]]:
    """The merges of words, with a bar where there are so many that it takes seconds."""
    if sum(map(len, words)) < _LONG_TRAINING:
        return learn_merges(words, first_new, merges, min_count)
    with progress(f"learning {merges} byte pairs", merges) as done:
        return learn_merges(words, first_new, merges, min_count, done)
