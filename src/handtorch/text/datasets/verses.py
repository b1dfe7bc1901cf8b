"""The Bible in two languages, verse by verse, out of modules of the SWORD project: by default English and Spanish.

Debian's packages ``sword-text-kjv`` (King James Version, 1769) and ``sword-text-sparv`` (Reina-Valera, 1909), both in
the public domain, hold 31,102 verses each, numbered in the same way. The package ``pysword`` reads them.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from handtorch.errors import ArgumentError, FormatError, MissingFileError, require
from handtorch.io.cache import cached
from handtorch.io.progress import progress
from handtorch.text.datasets.splits import check_split, is_in
from handtorch.text.datasets.texts import item_at
from handtorch.utils.data import Dataset

ENGLISH, SPANISH = "engKJV2006eb", "spaRV1909eb"
"""The modules' names."""

_DEBIAN = {ENGLISH: "sword-text-kjv", SPANISH: "sword-text-sparv"}
_FOLDERS = ("/usr/share/sword", "~/.sword")
_MOST_UNEQUAL = 2.2  # times as many characters: such verses are numbered differently in a few chapters
_SIGNS = re.compile(r"[\\¶\[\]]|\s+")  # paragraphs, editors' brackets, blanks

_Place = tuple[str, int, int]


class Verse(NamedTuple):
    """A verse in two languages."""

    source: str
    target: str
    place: str
    """Such as ``"Genesis 1:3"``."""


class Verses(Dataset[Verse]):
    """Verses with their translation.

    Args:
        split: ``"train"`` (18 chapters of 20), ``"dev"``, ``"test"`` (one each) or ``"all"``; a chapter is on one side.
        source, target: modules of SWORD, numbered as the King James Version.
        root: the folder of modules, with ``mods.d`` and ``modules`` in it, or several such folders; by default where
            Debian's packages put them, or ``~/.sword``.
        max_length: leave out verses with more characters, in either language.

    ``dataset[i]`` is a :class:`Verse`. Left out are verses that one side has not, verses whose source stands in an
    earlier one word for word, and those of which one side is more than twice as long as the other: a few chapters of
    the two are divided differently. The first reading takes some seconds; the texts are then kept in the cache.

    Raises:
        MissingExtraError: the package ``pysword`` is not installed.
        MissingFileError: a module is not there; the message says which package to install.
        FormatError: it is damaged, or numbered otherwise.
    """

    def __init__(
        self,
        split: str = "train",
        *,
        source: str = ENGLISH,
        target: str = SPANISH,
        root: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        max_length: int | None = None,
    ) -> None:
        check_split(split)
        if max_length is not None and max_length < 1:
            raise ArgumentError(f"expected max_length of at least 1, got {max_length}")
        folders = _folders(root)
        ours, theirs = (_texts_of(module, folders) for module in (source, target))
        seen: set[str] = set()
        self.verses: list[Verse] = []
        for place, text in ours.items():
            chapter, translation = place.rpartition(":")[0], theirs.get(place, "")
            if not text or not translation or text in seen:
                continue
            seen.add(text)
            shorter, longer = sorted((len(text), len(translation)))
            fits = longer <= _MOST_UNEQUAL * shorter and (max_length is None or longer <= max_length)
            if fits and is_in(split, chapter):
                self.verses.append(Verse(text, translation, place))

    def __len__(self) -> int:
        return len(self.verses)

    def __getitem__(self, index: Any) -> Verse:
        return item_at(self.verses, index)

    def __repr__(self) -> str:
        return f"<Verses: {len(self)} pairs>"


def _folders(root: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None) -> list[Path]:
    if root is None:
        return [Path(folder).expanduser() for folder in _FOLDERS]
    return [Path(folder) for folder in ([root] if isinstance(root, (str, os.PathLike)) else root)]


def _texts_of(module: str, folders: list[Path]) -> dict[str, str]:
    """Text of each verse by its place, out of the cache when it was read before."""
    folder = next((folder for folder in folders if (folder / f"mods.d/{module}.conf").is_file()), None)
    if folder is None:
        package = _DEBIAN.get(module)
        hint = f"apt-get install {package}" if package else "installmgr, the SWORD project's own program"
        raise MissingFileError(
            f"expected the SWORD module {module} in {' or '.join(map(str, folders))}, where it is not; try: {hint}"
        )
    files = sorted(path for path in (folder / "modules").rglob("*") if path.is_file() and module in path.parts)
    key = "-".join(str(path.stat().st_size) for path in files)
    built = cached(f"verses-1-{module}-{key}", functools.partial(_build, module, folder))
    texts: dict[str, str] = json.loads((built / "verses.json").read_text(encoding="utf-8"))
    return texts


def _build(module: str, folder: Path, built: Path) -> None:
    modules = require("pysword.modules", extra="text").SwordModules(str(folder))
    settings = modules.parse_modules()[module]
    if settings.get("versification", "KJV").upper() != "KJV":
        raise FormatError(f"expected {module} numbered as the King James Version, got {settings['versification']}")
    try:
        texts = {f"{book} {chapter}:{verse}": text for (book, chapter, verse), text in _read(modules, module)}
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise FormatError(f"cannot read the SWORD module {module} in {folder}: {error}") from None
    if not any(texts.values()):
        raise FormatError(f"expected texts in the SWORD module {module} in {folder}, got none that could be unpacked")
    (built / "verses.json").write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")


def _read(modules: Any, module: str) -> Iterator[tuple[_Place, str]]:
    bible = modules.get_bible_from_module(module)
    # It unpacks a whole book for each verse; a book that is remembered makes that once for each book.
    bible._decompressed_text = functools.lru_cache(4)(bible._decompressed_text)
    books = [book for testament in bible.get_structure().get_books().values() for book in testament]
    with progress(f"reading {module}", len(books)) as done:
        for book in books:
            for chapter in range(1, book.num_chapters + 1):
                for verse, text in enumerate(bible.get_iter(books=[book.name], chapters=[chapter]), start=1):
                    yield (book.name, chapter, verse), " ".join(_SIGNS.sub(" ", text).split())
            done()
