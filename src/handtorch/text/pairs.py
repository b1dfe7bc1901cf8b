"""Pairs of texts as an encoder-decoder takes them: a word and its sounds, a sentence and its translation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from handtorch.errors import ArgumentError
from handtorch.from_data import from_numpy
from handtorch.text.datasets.texts import item_at
from handtorch.text.tokenizers import Tokenizer
from handtorch.text.tokenizers.tokenizer import Ids
from handtorch.utils.data import Dataset


class Pair(NamedTuple):
    """Ids of what is read and of what shall be written."""

    source: Ids
    """(S,) int32."""
    target: Ids
    """(U,) int32, without tokens for start and end."""


class PairBatch(NamedTuple):
    """N pairs padded at their ends: what ``EncoderDecoder.loss`` takes."""

    sources: Any
    """(N, S) int64, 0 after the end of a source."""
    lengths: Any
    """(N) int64."""
    targets: Any
    """(N, U) int64, 0 after the end of a target."""
    target_lengths: Any
    """(N) int64."""


class EncodedPairs(Dataset[Pair]):
    """Pairs of texts, cut into tokens.

    Args:
        pairs: (source, target, ...) each; what comes after the two is left out.
        source: the tokenizer of what is read.
        target: the tokenizer of what shall be written; by default the same.
        max_tokens: pairs with more on either side are left out, and those with none on one.

    ::

        verses = EncodedPairs(Verses(max_length=120), english, spanish)
        sampler = BucketBatchSampler(verses.lengths, max_frames=4000)
        for batch in DataLoader(verses, batch_sampler=sampler, collate_fn=pad_pairs):
            losses = model.loss(*batch)
    """

    def __init__(
        self,
        pairs: Iterable[Sequence[Any]],
        source: Tokenizer,
        target: Tokenizer | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self.source, self.target = source, target or source
        encoded = (
            Pair(self.source.encode_array(read), self.target.encode_array(written)) for read, written, *_ in pairs
        )
        self.pairs = [pair for pair in encoded if len(pair.source) and len(pair.target) and _fits(pair, max_tokens)]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: Any) -> Pair:
        return item_at(self.pairs, index)

    def __repr__(self) -> str:
        return f"<EncodedPairs: {len(self)} of {self.source!r} and {self.target!r}>"

    @property
    def lengths(self) -> list[int]:
        """Tokens of the longer side of each pair, for batches of pairs that are about equally long."""
        return [max(map(len, pair)) for pair in self.pairs]


def pad_pairs(pairs: Sequence[Pair]) -> PairBatch:
    """Put pairs into one batch; the ``collate_fn`` of a data loader.

    Raises:
        ArgumentError: there are none.
    """
    if not pairs:
        raise ArgumentError("expected at least one pair for a batch, got none")
    return PairBatch(*_padded([pair.source for pair in pairs]), *_padded([pair.target for pair in pairs]))


def _padded(rows: list[Ids]) -> tuple[Any, Any]:
    lengths = np.array([len(row) for row in rows], np.int64)
    padded = np.zeros((len(rows), int(lengths.max())), np.int64)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = ids
    return from_numpy(padded), from_numpy(lengths)


def _fits(pair: Pair, max_tokens: int | None) -> bool:
    return max_tokens is None or max(map(len, pair)) <= max_tokens
