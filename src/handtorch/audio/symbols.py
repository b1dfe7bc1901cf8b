"""What a recognizer writes: names of phones or characters, and the class index of each, 0 being CTC's blank."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.audio.phonemes import PHONEMES, SILENCE
from handtorch.errors import ArgumentError

BLANK = 0
"""The class of "no symbol here" (Graves et al. 2006)."""


class Symbols:
    """Names in the order of their classes: the first is class 1, as class 0 is the blank.

    Args:
        names: each once.
        characters: one for each name, for texts in which a symbol is a character (course 11-785 hands in its
            predictions so); by default the names themselves, where they are single characters.
        rename: the name of a label that stands in a data set, such as :func:`~handtorch.audio.phonemes.to_arpabet`.
        drop: names that are left out of every sequence, such as silence.

    Raises:
        ArgumentError: a name or a character occurs twice, or there is not one character for each name.
    """

    def __init__(
        self,
        names: Iterable[str],
        *,
        characters: str | None = None,
        rename: Callable[[str], str] | None = None,
        drop: Iterable[str] = (),
    ) -> None:
        self.names = tuple(names)
        """Without the blank: ``names[0]`` is class 1."""
        self.characters = characters
        self._rename = rename
        self._drop = frozenset(drop)
        self._index = {name: index for index, name in enumerate(self.names, start=BLANK + 1)}
        if len(self._index) != len(self.names):
            raise ArgumentError(f"expected names that occur once, got {self.names}")
        if characters is not None and not len(self.names) == len(characters) == len(set(characters)):
            raise ArgumentError(f"expected one character for each of {len(self.names)} names, got {characters!r}")

    def __repr__(self) -> str:
        return f"<Symbols: blank and {len(self.names)} from {self.names[0]} to {self.names[-1]}>"

    def __len__(self) -> int:
        """Number of classes, the blank among them: the width of a network's last layer."""
        return len(self.names) + 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Symbols) and self.state() == other.state()

    def __hash__(self) -> int:
        return hash(self.names)

    def encode(self, labels: Iterable[str]) -> npt.NDArray[np.int64]:
        """Class indices (S) of labels as a data set has them.

        Raises:
            ArgumentError: there is no class for a label.
        """
        names = labels if self._rename is None else map(self._rename, labels)
        kept = [name for name in names if name not in self._drop]
        unknown = next((name for name in kept if name not in self._index), None)
        if unknown is not None:
            raise ArgumentError(f"expected labels out of {', '.join(map(repr, self.names))}, got {unknown!r}")
        return np.array([self._index[name] for name in kept], np.int64)

    def decode(self, classes: Iterable[Any]) -> tuple[str, ...]:
        """Names of class indices; blanks are left out."""
        return tuple(self.names[int(index) - 1] for index in classes if int(index) != BLANK)

    def text(self, classes: Iterable[Any]) -> str:
        """The characters of class indices in one string; blanks are left out.

        Raises:
            ArgumentError: the symbols have names that are no characters, and no characters were given.
        """
        characters = self.characters or self.names
        if any(len(character) != 1 for character in characters):
            raise ArgumentError("expected symbols with one character each; give Symbols its argument characters")
        return "".join(characters[int(index) - 1] for index in classes if int(index) != BLANK)

    def state(self) -> dict[str, Any]:
        """Names and characters, to be kept beside a network's parameters; see :meth:`from_state`."""
        return {"names": list(self.names), "characters": self.characters}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Symbols:
        """The symbols of :meth:`state`, for reading what a network writes (without ``rename`` and ``drop``)."""
        return cls(state["names"], characters=state["characters"])

    @classmethod
    def of_characters(cls, texts: Iterable[str]) -> Symbols:
        """The characters that occur in texts, sorted."""
        return cls(sorted(set().union(*texts)))


_CMU11785 = (
    "[SIL]- NGG Ff Mm AE@ Rr UWu Nn IYi AWW Vv UHU OWo AAa ERR HHh Zz Kk CHC Ww EYe ZHZ Tt EHE Yy AHA Bb Pp THT DHD "
    "AOc Gg Ll JHj OYO SHS Dd AYY Ss IHI"
).split()


def phones(*, silence: bool = True, rename: Callable[[str], str] | None = None) -> Symbols:
    """The 40 of :data:`~handtorch.audio.phonemes.PHONEMES`, in that order.

    Args:
        silence: whether pauses are written; without, there are 39 and silence is left out of every sequence.
        rename: see :class:`Symbols`; :func:`~handtorch.audio.phonemes.to_arpabet` takes the names of TIMIT and others.
    """
    if silence:
        return Symbols(PHONEMES, rename=rename)
    return Symbols([name for name in PHONEMES if name != SILENCE], rename=rename, drop=[SILENCE])


def phones_of_11785() -> Symbols:
    """The 40 phones in the order and with the characters of course 11-785, in which its homework 3 is handed in."""
    return Symbols([item[:-1] for item in _CMU11785], characters="".join(item[-1] for item in _CMU11785))
