"""LibriSpeech: flac recordings by speaker and chapter, and a file of sentences beside each chapter's recordings.

::

    <root>/<speaker>/<chapter>/<speaker>-<chapter>-<number>.flac
    <root>/<speaker>/<chapter>/<speaker>-<chapter>.trans.txt     lines "<id> SENTENCE IN CAPITALS"
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from handtorch.audio.datasets.utterance import Utterance, Utterances
from handtorch.audio.files import read
from handtorch.errors import FormatError
from handtorch.io.folders import require_folder, wrong_layout

_LAYOUT = "the LibriSpeech layout <speaker>/<chapter>/<id>.flac with <speaker>-<chapter>.trans.txt"


class _Entry(NamedTuple):
    path: Path
    text: str


class LibriSpeech(Utterances):
    """The recordings of one split of LibriSpeech (Panayotov et al. 2015, OpenSLR 12), sorted by id.

    Args:
        root: the folder of a split, such as ``LibriSpeech/dev-clean``, or the one above it.
        split: the split's folder below ``root``, such as ``"dev-clean"``.
        sample_rate: Hz that waveforms are changed to; the default keeps the 16,000 Hz of the files.
        limit: take only so many utterances, the first ones.

    ``dataset[i]`` reads a recording: ``waveform`` (S,), ``sample_rate``, ``text``, ``labels`` (the characters of the
    text), ``speaker``.

    Raises:
        MissingFileError: the folder is not there.
        FormatError: it is laid out otherwise, or a recording is missing or has no sentence.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str | None = None,
        *,
        sample_rate: int | None = None,
        limit: int | None = None,
    ) -> None:
        folder = require_folder(Path(root) / split if split else Path(root), _LAYOUT)
        entries = [entry for path in sorted(folder.glob("*/*/*.trans.txt")) for entry in _read_chapter(path)]
        if not entries:
            raise wrong_layout(folder, _LAYOUT)
        entries.sort(key=lambda entry: entry.path.stem)
        self._entries = entries[:limit]
        self.ids = [entry.path.stem for entry in self._entries]
        """Names of the recordings: ``<speaker>-<chapter>-<number>``."""
        self.sample_rate = sample_rate

    def _read(self, number: int) -> Utterance:
        entry = self._entries[number]
        waveform, rate = read(entry.path, sample_rate=self.sample_rate)
        return Utterance(
            id=entry.path.stem,
            waveform=waveform,
            sample_rate=rate,
            labels=tuple(entry.text),
            text=entry.text,
            speaker=entry.path.stem.split("-")[0],
        )


def _read_chapter(transcript: Path) -> list[_Entry]:
    entries = []
    for number, line in enumerate(transcript.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        name, _, text = line.strip().partition(" ")
        path = transcript.with_name(f"{name}.flac")
        if not text or not path.is_file():
            lack = "has no sentence" if not text else f"names {path.name}, which is not beside it"
            raise FormatError(f"expected '<id> <sentence>' for a recording in {transcript}, line {number} {lack}")
        entries.append(_Entry(path, text))
    return entries
