"""Spoken names of the pictures of Tux Paint, in a dozen languages: real recordings with text, one Debian package away.

::

    /usr/share/tuxpaint/stamps/animals/birds/hen.txt            first line "A hen.", then lines "es.utf8=Una gallina."
    /usr/share/tuxpaint/stamps/animals/birds/hen_desc_es.ogg    the same, spoken; English: hen_desc.ogg

Spanish has 890 recordings, 25 minutes in all, French 928, Catalan 918 (package ``tuxpaint-stamps-default``, GPL-2).
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from itertools import compress
from pathlib import Path

from handtorch.audio.characters import spoken
from handtorch.audio.checks import check_choice
from handtorch.audio.corpus.errors import MissingDataError
from handtorch.audio.datasets.utterance import Utterance, Utterances
from handtorch.audio.files import read
from handtorch.errors import FormatError
from handtorch.io.folders import require_folder, wrong_layout

STAMPS = Path("/usr/share/tuxpaint/stamps")
"""Where Debian puts them."""

# Of ten texts eight are for training, one to choose settings on, one to report on.
_SPLITS = {"train": range(8), "dev": range(8, 9), "test": range(9, 10), "all": range(10)}


class TuxPaint(Utterances):
    """The recordings of one language whose text says how they are read, sorted by the name of the picture.

    Pictures share texts and recordings, such as the white and the black knight of chess. A text is in one split only;
    which one is settled by the text itself.

    Args:
        language: as in the files' names, such as ``"es"``, ``"fr"`` or ``"ca"``; ``"en"`` for English.
        split: ``"train"`` (eight texts of ten), ``"dev"``, ``"test"`` (one each) or ``"all"``.
        root: the folder of stamps; the default is where Debian's package puts it.
        sample_rate: Hz that waveforms are changed to; None keeps that of the files.
        limit: take only so many recordings, the first ones.

    ``dataset[i]`` reads a recording: ``waveform`` (S,), ``sample_rate``, ``text`` as it is written, ``labels``, the
    characters of :func:`~handtorch.audio.characters.spoken`. Left out are recordings without a text, and texts with
    figures or signs of currencies, which do not say how they are read.

    Raises:
        MissingDataError: the package is not installed.
        MissingFileError: ``root`` is not there.
        FormatError: it is laid out otherwise, or has no recordings in this language.
    """

    def __init__(
        self,
        language: str = "es",
        split: str = "all",
        *,
        root: str | os.PathLike[str] | None = None,
        sample_rate: int | None = 16_000,
        limit: int | None = None,
    ) -> None:
        check_choice("split", split, _SPLITS)
        if root is None and not STAMPS.is_dir():
            raise MissingDataError.for_debian_packages("the spoken stamps of Tux Paint", "tuxpaint-stamps-default")
        folder = require_folder(Path(root or STAMPS), "the stamps of Tux Paint")
        ending = "_desc.ogg" if language == "en" else f"_desc_{language}.ogg"
        recordings = sorted(folder.rglob(f"*{ending}"))
        if not recordings:
            raise wrong_layout(folder, f"recordings named *{ending} in it or below")
        names = [path.name.removesuffix(ending) for path in recordings]
        texts = [
            _text_of(path.with_name(f"{name}.txt"), language) for path, name in zip(recordings, names, strict=True)
        ]
        chosen = [_is_plain(text) and _tenth(text) in _SPLITS[split] for text in texts]
        self._recordings = list(compress(zip(recordings, texts, strict=True), chosen))[:limit]
        self.ids = [str(path.relative_to(folder)).removesuffix(ending) for path, _ in self._recordings]
        """Names of the pictures with their folders, such as ``animals/birds/hen``."""
        self.sample_rate = sample_rate

    def _read(self, number: int) -> Utterance:
        path, text = self._recordings[number]
        waveform, rate = read(path, sample_rate=self.sample_rate)
        return Utterance(
            id=self.ids[number], waveform=waveform, sample_rate=rate, labels=tuple(spoken(text)), text=text
        )


def _is_plain(text: str) -> bool:
    """Whether there is anything to hear, and no figure or sign that is read as a word."""
    return bool(spoken(text)) and not any(unicodedata.category(letter)[0] in "NS" for letter in text)


def _tenth(text: str) -> int:
    return int.from_bytes(hashlib.sha256(spoken(text).encode()).digest()) % 10


def _text_of(path: Path, language: str) -> str:
    """The line of a language in a stamp's file; English is the first line. Empty where there is none."""
    if not path.is_file():
        return ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"expected UTF-8 in {path}, the text of a recording: {error}") from None
    if language == "en":
        return lines[0].strip() if lines else ""
    start = f"{language}.utf8="
    return next((line.removeprefix(start).strip() for line in lines if line.startswith(start)), "")
