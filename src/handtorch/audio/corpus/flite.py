"""Sentences spoken by flite, a second engine, with the times of its phones."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from handtorch.audio.corpus.errors import MissingDataError
from handtorch.audio.corpus.labels import phones_until
from handtorch.audio.corpus.programs import run
from handtorch.audio.corpus.store import SAMPLE_RATE, Recording
from handtorch.audio.files import read

VOICES = ("kal16", "awb", "rms", "slt")
"""An American made of diphones; a Scot, an American and an American woman made by statistics."""

_SEGMENT = re.compile(r"(\S+):(\d+\.\d+)")


def version() -> str:
    """Name and version of the program, part of the key under which its speech is cached.

    Raises:
        MissingDataError: it is not installed.
    """
    if shutil.which("flite") is None:
        raise MissingDataError.for_debian_packages("the speech engine flite", "flite")
    found = re.search(r"version:\s*(\S+)", run("flite", "--version", accepted=(0, 1)))
    return found[1] if found else "flite"


def recordings(sentences: Sequence[str]) -> Iterator[Recording]:
    """Let the voices say the sentences in turn.

    Args:
        sentences: one sentence each, as flite times every sentence from its own start.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        for number, sentence in enumerate(sentences):
            voice = VOICES[number % len(VOICES)]
            printed = run("flite", "-voice", voice, "-psdur", "-t", sentence, "-o", str(path))
            waveform, _ = read(path, sample_rate=SAMPLE_RATE)
            ends = [(name, float(end)) for name, end in _SEGMENT.findall(printed)]
            phones = phones_until(ends, len(waveform), SAMPLE_RATE)
            yield Recording(f"flite-{number:04d}", f"flite-{voice}", sentence, waveform, phones)
