"""What data sets of texts share: titles, texts by index, and all of it as one text."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from handtorch.errors import DimensionError
from handtorch.utils.data import Dataset

T = TypeVar("T")


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
        return item_at(self.texts, index)

    @property
    def text(self) -> str:
        """All texts in one."""
        return self.between.join(self.texts)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} texts, {sum(map(len, self.texts)):,} characters>"


def item_at(items: Sequence[T], index: Any) -> T:
    """``items[index]``.

    Raises:
        DimensionError: there is no such item.
    """
    number = operator.index(index)
    if not -len(items) <= number < len(items):
        raise DimensionError(f"expected an index from {-len(items)} to {len(items) - 1}, got {number}")
    return items[number]
