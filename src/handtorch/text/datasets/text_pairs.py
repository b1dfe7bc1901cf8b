"""Pairs of texts in a file: one in each line, a tab between them, as Tatoeba's translations are handed around."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from handtorch.errors import FormatError, MissingFileError
from handtorch.text.datasets.installed import read_text
from handtorch.text.datasets.splits import check_split, is_in
from handtorch.text.datasets.texts import item_at
from handtorch.utils.data import Dataset


class TextPair(NamedTuple):
    """A text and another that belongs to it."""

    source: str
    target: str


class TextPairs(Dataset[TextPair]):
    """The pairs of a file.

    Args:
        path: text in UTF-8; blank lines are left out.
        split: ``"train"`` (18 sources of 20), ``"dev"``, ``"test"`` (one each) or ``"all"``; all pairs with the same
            source are on one side.
        columns: which columns, from 0, are source and target.
        max_length: leave out pairs with more characters on either side.

    ``dataset[i]`` is a :class:`TextPair`.

    Raises:
        MissingFileError: there is no such file.
        FormatError: it is not UTF-8, or a line has fewer columns.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        split: str = "train",
        *,
        columns: tuple[int, int] = (0, 1),
        max_length: int | None = None,
    ) -> None:
        check_split(split)
        file = Path(path)
        if not file.is_file():
            raise MissingFileError(f"expected pairs of texts with a tab between them, but there is no file {file}")
        self.pairs: list[TextPair] = []
        for number, line in enumerate(read_text(file).split("\n"), start=1):
            if not line.strip():
                continue
            fields = line.split("\t")
            if len(fields) <= max(columns):
                raise FormatError(
                    f"expected {max(columns) + 1} columns between tabs in line {number} of {file}, got {len(fields)}"
                )
            pair = TextPair(*(fields[column].strip() for column in columns))
            if (max_length is None or max(map(len, pair)) <= max_length) and is_in(split, pair.source):
                self.pairs.append(pair)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: Any) -> TextPair:
        return item_at(self.pairs, index)

    def __repr__(self) -> str:
        return f"<TextPairs: {len(self)} pairs>"
