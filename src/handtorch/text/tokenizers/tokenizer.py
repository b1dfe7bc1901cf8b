"""What every tokenizer does: text to whole numbers, and back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.io.atomic import atomic_write

Ids = npt.NDArray[np.int32]


class Tokenizer:
    """Cuts text into tokens of a fixed vocabulary and gives each its number, its *id*.

    Args:
        vocabulary: the tokens as they are written, in the order of their ids.
        special: those of them that stand for no text, such as ``"<eos>"``. They are never found in a text unless
            :meth:`encode` is told to look for them, so that nobody can slip one in.

    A kind of tokenizer defines :meth:`cut`, :meth:`joined` and :attr:`settings`.

    Raises:
        ArgumentError: a token occurs twice, or a special token is not in the vocabulary.
    """

    kinds: ClassVar[dict[str, type[Tokenizer]]] = {}
    """Name in :attr:`settings` -> class; filled as the classes are defined."""

    kind: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        Tokenizer.kinds[cls.kind] = cls

    def __init__(self, vocabulary: Iterable[str], special: Iterable[str] = ()) -> None:
        self.vocabulary = tuple(vocabulary)
        self.special = tuple(special)
        self.index = {token: number for number, token in enumerate(self.vocabulary)}
        """Token -> its id."""
        if len(self.index) != len(self.vocabulary):
            twice = next(token for number, token in enumerate(self.vocabulary) if self.index[token] != number)
            raise ArgumentError(f"expected tokens that occur once, got {twice!r} twice")
        absent = next((token for token in self.special if token not in self.index), None)
        if absent is not None:
            raise ArgumentError(f"expected special tokens out of the vocabulary, got {absent!r}")
        self._special_ids = frozenset(self.index[token] for token in self.special)

    def __len__(self) -> int:
        """Number of tokens: the width of a language model's last layer."""
        return len(self.vocabulary)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.settings == other.settings

    def __hash__(self) -> int:
        return hash((self.kind, self.vocabulary))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} tokens>"

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """The ids of a text.

        Args:
            text: any text.
            special: whether special tokens that are written in it, such as ``<eos>``, become those tokens. Leave it
                False for text of strangers.

        Raises:
            ArgumentError: the vocabulary cannot write something in it.
        """
        if not (special and self.special):
            return self.cut(text)
        ids: list[int] = []
        for piece in self._special_pattern.split(text):
            if piece in self.special:
                ids.append(self.index[piece])
            elif piece:
                ids.extend(self.cut(piece))
        return ids

    def encode_array(self, text: str, *, special: bool = False) -> Ids:
        """The ids of a text as an array (T,) int32: what the windows of :mod:`handtorch.text.windows` are cut from."""
        return np.array(self.encode(text, special=special), np.int32)

    def decode(self, ids: Iterable[Any], *, special: bool = True) -> str:
        """The text of ids.

        Args:
            ids: whole numbers, an array or a tensor of one axis.
            special: whether special tokens are written; without, they are left out.

        Raises:
            ArgumentError: an id that no token has.
        """
        numbers = self._checked(ids)
        if special:
            return self.joined(numbers)
        return self.joined([number for number in numbers if number not in self._special_ids])

    def decoder(self) -> StreamDecoder:
        """Takes ids one after the other and says what each adds to the text, for text that is shown as it grows."""
        return StreamDecoder(self)

    def decode_stream(self, ids: Iterable[Any]) -> Iterator[str]:
        """The text of ids piece by piece as they come; the pieces put together are :meth:`decode` of all of them."""
        decoder = self.decoder()
        yield from (piece for number in ids if (piece := decoder.add(int(number))))
        if rest := decoder.end():
            yield rest

    def cut(self, text: str) -> list[int]:
        """The ids of a text in which no special token is looked for."""
        raise NotImplementedError(f"{type(self).__name__} defines no cut")

    def joined(self, ids: list[int]) -> str:
        """The text of valid ids, special tokens as they are written."""
        raise NotImplementedError(f"{type(self).__name__} defines no joined")

    @property
    def settings(self) -> dict[str, Any]:
        """All there is to know, ready for JSON; :meth:`from_settings` makes an equal tokenizer of it."""
        raise NotImplementedError(f"{type(self).__name__} defines no settings")

    @staticmethod
    def from_settings(settings: Mapping[str, Any]) -> Tokenizer:
        """The tokenizer that had these :attr:`settings`, of whatever kind.

        Raises:
            FormatError: they are no tokenizer's.
        """
        kind = Tokenizer.kinds.get(str(settings.get("kind")))
        if kind is None:
            raise FormatError(
                f"expected a tokenizer of kind {' or '.join(map(repr, sorted(Tokenizer.kinds)))}, "
                f"got {settings.get('kind')!r}"
            )
        try:
            return kind(**{name: value for name, value in settings.items() if name != "kind"})
        except TypeError as error:
            raise FormatError(f"these are not the settings of a {kind.__name__}: {error}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write :attr:`settings` into a JSON file."""
        with atomic_write(path, "w") as file:
            json.dump(self.settings, file, ensure_ascii=False)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Tokenizer:
        """The tokenizer that :meth:`save` wrote, of whatever kind.

        Raises:
            MissingFileError: there is no such file.
            FormatError: it holds no tokenizer.
        """
        return Tokenizer.from_settings(read_json(Path(path), "a tokenizer"))

    def _checked(self, ids: Iterable[Any]) -> list[int]:
        numbers = [int(number) for number in (ids.tolist() if hasattr(ids, "tolist") else ids)]
        if numbers and not 0 <= min(numbers) <= max(numbers) < len(self):
            wrong = next(number for number in numbers if not 0 <= number < len(self))
            raise ArgumentError(f"expected ids from 0 to {len(self) - 1}, got {wrong}")
        return numbers

    @cached_property
    def _special_pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.special, key=len, reverse=True)
        return re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")


class StreamDecoder:
    """The text of ids that come one after the other; see :meth:`Tokenizer.decoder`.

    How a token is written depends on the one before it at most: whether a blank stands between them.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._last: list[int] = []

    def add(self, number: int) -> str:
        """What the next token adds to the text; empty where it ends within a character."""
        before = self._tokenizer.decode(self._last)
        both = self._tokenizer.decode([*self._last, number])
        self._last = [number]
        return both[len(before) :]

    def end(self) -> str:
        """What is still to be written after the last token."""
        return ""


def read_json(path: Path, what: str) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        path: the file.
        what: what should be in it, for the messages.

    Raises:
        MissingFileError, FormatError: it is not there, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFileError(f"expected {what}, but there is no file {path}") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FormatError(f"expected {what} as JSON in {path}: {error}") from None
    if not isinstance(content, dict):
        raise FormatError(f"expected {what} as a JSON object in {path}, got {type(content).__name__}")
    return content
