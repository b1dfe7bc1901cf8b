"""Chinese poems of the Tang and the Song dynasty, out of npm's package ``chinese-poetry`` (MIT licence).

::

    node_modules/chinese-poetry/dist/quantangshi/poet.tang.0.json    57,607 poems of Tang, 3.67 million characters
    node_modules/chinese-poetry/dist/quantangshi/poet.song.0.json    254,248 poems of Song, 15.4 million characters

Each file is a list of a thousand objects with ``author``, ``title`` and ``paragraphs``, a couplet each. Reading takes
half a second for Tang and two seconds for Song.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.io.folders import require_folder, wrong_layout
from handtorch.text.datasets.splits import check_split, is_in
from handtorch.text.datasets.texts import Texts

DYNASTIES = ("tang", "song")

_LAYOUT = "files poet.tang.*.json of the package chinese-poetry"
_INSTALL = "npm install chinese-poetry@2.0.1"
_GLOBAL_FOLDERS = ("/usr/local/lib/node_modules", "/usr/lib/node_modules", "~/node_modules")

# Signs of Chinese (those of Unicode's first three planes) and the stops between verses; no gaps, no editors' brackets.
_WHOLE = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff，。？！、；：\n]+")
_STOPS = re.compile("[，。？！、；：\n]+")


class ChinesePoems(Texts):
    """Poems, one text each, a line for each couplet: characters and the stops between verses.

    Args:
        dynasty: ``"tang"``, ``"song"`` or ``"all"``.
        split: ``"train"`` (18 poems of 20), ``"dev"``, ``"test"`` (one each) or ``"all"``; settled by a poem's first
            couplet, so that versions of one poem are on one side.
        form: (characters of a verse, verses), such as (5, 4) and (7, 4), the quatrains, or (5, 8) and (7, 8), the
            regulated poems; None for poems of any form.
        root: the folder ``chinese-poetry``, or the one of its files; by default where ``npm install`` puts it, here or
            in a folder above, or for everybody.
        limit: take only so many poems, the first ones.

    Left out are poems with characters that are lost or that the editors doubt, and all but the first of those with the
    same text. ``titles[i]`` is the title, ``authors[i]`` who wrote it.

    Raises:
        MissingFileError: the package is not there; the message says how to get it.
        FormatError: a folder or file that holds something else.
    """

    between = "\n\n"

    def __init__(
        self,
        dynasty: str = "tang",
        split: str = "train",
        *,
        form: tuple[int, int] | None = None,
        root: str | os.PathLike[str] | None = None,
        limit: int | None = None,
    ) -> None:
        check_split(split)
        if dynasty not in (*DYNASTIES, "all"):
            raise ArgumentError(f"expected dynasty to be 'tang', 'song' or 'all', got {dynasty!r}")
        folder = _installed() if root is None else _folder_of_files(Path(root))
        seen: set[str] = set()
        texts: list[str] = []
        titles: list[str] = []
        authors: list[str] = []
        for poem in _poems(folder, DYNASTIES if dynasty == "all" else (dynasty,)):
            if limit is not None and len(texts) >= limit:
                break
            text = "\n".join(poem["paragraphs"])
            if text in seen or not _WHOLE.fullmatch(text) or not (form is None or _has_form(text, form)):
                continue
            seen.add(text)
            if is_in(split, poem["paragraphs"][0]):
                texts.append(text)
                titles.append(str(poem.get("title", "")))
                authors.append(str(poem.get("author", "")))
        super().__init__(texts, titles)
        self.authors = authors


def _poems(folder: Path, dynasties: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for dynasty in dynasties:
        files = sorted(folder.glob(f"poet.{dynasty}.*.json"), key=_number)
        if not files:
            raise wrong_layout(folder, f"files poet.{dynasty}.*.json")
        for path in files:
            try:
                poems = json.loads(path.read_bytes())
            except ValueError as error:
                raise FormatError(f"expected poems as JSON in {path}: {error}") from None
            if not isinstance(poems, list) or not all(map(_is_poem, poems)):
                raise FormatError(f"expected a list of poems with 'paragraphs' in {path}")
            yield from poems


def _is_poem(poem: Any) -> bool:
    lines = poem.get("paragraphs") if isinstance(poem, dict) else None
    return isinstance(lines, list) and all(isinstance(line, str) for line in lines)


def _has_form(text: str, form: tuple[int, int]) -> bool:
    characters, verses = form
    lengths = [len(verse) for verse in _STOPS.split(text) if verse]
    return lengths == [characters] * verses


def _number(path: Path) -> int:
    digits = path.name.split(".")[2]
    return int(digits) if digits.isdigit() else 0


def _folder_of_files(root: Path) -> Path:
    """The folder of poems in the package's, or ``root`` itself."""
    require_folder(root, _LAYOUT)
    return next((folder for folder in (root / "dist/quantangshi", root / "quantangshi") if folder.is_dir()), root)


def _installed() -> Path:
    here = Path.cwd()
    places = [folder / "node_modules" for folder in (here, *here.parents)]
    places += [Path(folder).expanduser() for folder in _GLOBAL_FOLDERS]
    for place in places:
        if (place / "chinese-poetry").is_dir():
            return _folder_of_files(place / "chinese-poetry")
    raise MissingFileError(
        f"this needs npm's package 'chinese-poetry', which is in none of the folders node_modules here and above; try: "
        f"{_INSTALL} (or give its folder as root)"
    )
