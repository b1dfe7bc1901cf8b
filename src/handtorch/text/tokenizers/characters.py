"""A token for each character."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError
from handtorch.text.tokenizers.tokenizer import Ids, Tokenizer


class CharacterTokenizer(Tokenizer):
    """Every character is a token.

    Args:
        characters: each once; their ids follow those of the special tokens.
        special: tokens that stand for no text; their ids begin at 0.
        unknown: the special token that stands for characters that are not in the vocabulary.

    ::

        tokenizer = CharacterTokenizer.of(["to be or not to be"])
        tokenizer.encode("to be")  # [6, 5, 0, 1, 2]

    Raises:
        ArgumentError: something of more than one character, or one that occurs twice.
    """

    kind = "characters"

    def __init__(self, characters: Iterable[str], special: Iterable[str] = (), unknown: str | None = None) -> None:
        names = list(special)
        if unknown is not None and unknown not in names:
            names.insert(0, unknown)
        self.characters = "".join(characters)
        super().__init__([*names, *self.characters], names)
        self.unknown = unknown

    @classmethod
    def of(
        cls,
        texts: Iterable[str] | str,
        special: Iterable[str] = (),
        unknown: str | None = None,
        min_count: int = 1,
    ) -> CharacterTokenizer:
        """The characters that occur in texts at least ``min_count`` times, sorted."""
        counts: Counter[str] = Counter()
        for text in [texts] if isinstance(texts, str) else texts:
            counts.update(text)
        return cls(sorted(sign for sign, count in counts.items() if count >= min_count), special, unknown)

    def cut(self, text: str) -> list[int]:
        return self._ids(text).tolist()

    def encode_array(self, text: str, *, special: bool = False) -> Ids:
        return super().encode_array(text, special=True) if special else self._ids(text)

    def joined(self, ids: list[int]) -> str:
        return "".join(map(self.vocabulary.__getitem__, ids))

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "characters": self.characters,
            "special": list(self.special),
            "unknown": self.unknown,
        }

    def _ids(self, text: str) -> Ids:
        table = self._id_of_code_point
        ids = table[np.minimum(_code_points(text), len(table) - 1)]
        if ids.size and ids.min() < 0:
            place = int(np.argmin(ids))
            raise ArgumentError(
                f"expected one of {len(self.characters)} characters, got {text[place]!r} at character {place}; "
                "give the tokenizer an unknown token to let it pass"
            )
        return ids

    @cached_property
    def _id_of_code_point(self) -> Ids:
        """Up to the last code point of the vocabulary; one place more stands for all that come after it."""
        known = _code_points(self.characters)
        table = np.full(
            int(known.max(initial=0)) + 2, -1 if self.unknown is None else self.index[self.unknown], np.int32
        )
        table[known] = np.arange(len(self.special), len(self), dtype=np.int32)
        return table


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
