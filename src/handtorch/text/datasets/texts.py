"""What data sets of texts share: titles, texts by index, and all of it as one text."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from handtorch.errors import ArgumentError, DimensionError
from handtorch.utils.data import Dataset


class Texts(Dataset[str]):
    """Texts in memory: ``dataset[i]`` is a string.

    Args:
        texts: in their order.
        titles: one for each, where they have any.
    """

    between = "\n\n\n"
    """What stands between two texts in :attr:`text`."""

    def __init__(self, texts: Iterable[str], titles: Iterable[str] | None = None) -> None:
        self.texts = list(texts)
        self.titles = [""] * len(self.texts) if titles is None else list(titles)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: Any) -> str:
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise DimensionError(f"expected an index from {-len(self)} to {len(self) - 1}, got {number}")
        return self.texts[number]

    @property
    def text(self) -> str:
        """All texts in one."""
        return self.between.join(self.texts)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} texts, {sum(map(len, self.texts)):,} characters>"


def check_split(split: str, splits: Iterable[str]) -> str:
    """Return ``split`` when it is one of ``splits``.

    Raises:
        ArgumentError: it is not.
    """
    known = list(splits)
    if split not in known:
        raise ArgumentError(f"expected split to be one of {', '.join(map(repr, known))}, got {split!r}")
    return split
