"""Telephone prompts spoken by a woman, real recordings of Debian's Asterisk packages, with phones found by alignment.

The prompts come with their words, not with the times of their phones. Those are found by PocketSphinx, which fits the
words' pronunciations to the sound with an acoustic model of its own; where it is wrong, so are our labels, and a score
on this set has a ceiling below 1. Prompts with words that its dictionary lacks, and prompts that cannot be fitted, are
left out.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats
from handtorch.audio.corpus.errors import MissingDataError
from handtorch.audio.corpus.labels import phones_until
from handtorch.audio.corpus.store import SAMPLE_RATE, Recording
from handtorch.errors import require

RECORDINGS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TRANSCRIPTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")

# Frame k of PocketSphinx covers 25.6 ms from k * 10 ms on. A phone whose first frame it is begins halfway between the
# middle of that frame and of the one before.
_FRAME_SECONDS = 0.01
_OFFSET_SECONDS = 0.0256 / 2 - _FRAME_SECONDS / 2

_SHORTEST_SECONDS = 1.0


def version() -> str:
    """Names and versions of what recordings and alignment come from, part of the key under which both are cached.

    Raises:
        MissingDataError: the recordings are not installed.
        MissingExtraError: the package that decodes or the one that aligns them is not installed.
    """
    if not TRANSCRIPTS.is_file() or not any(RECORDINGS.glob("*.g722")):
        raise MissingDataError.for_debian_packages("the recorded prompts of Asterisk", "asterisk-core-sounds-en-g722")
    require("G722", extra="speech")
    require("pocketsphinx", extra="speech")
    return f"asterisk-G722-{metadata.version('G722')}-pocketsphinx-{metadata.version('pocketsphinx')}"


def recordings(limit: int) -> Iterator[Recording]:
    """Prompts of at least a second whose words could be fitted to the sound, mixed, as neighbours in name are alike.

    Args:
        limit: stop after this many.
    """
    aligner = _Aligner()
    found = 0
    for name, text in sorted(transcripts().items(), key=_mixed):
        path = RECORDINGS / f"{name}.g722"
        if found == limit or not path.is_file():
            continue
        waveform = _decode(path)
        if len(waveform) < _SHORTEST_SECONDS * SAMPLE_RATE:
            continue
        ends = aligner.phone_ends(waveform, text)
        if ends:
            found += 1
            phones = phones_until(ends, len(waveform), SAMPLE_RATE)
            yield Recording(f"asterisk-{name}", "asterisk-allison", text, waveform, phones)


def transcripts() -> dict[str, str]:
    """What each prompt says, by name; those of tones and noises, which stand in brackets, left out."""
    with gzip.open(TRANSCRIPTS, "rt", encoding="utf-8", errors="replace") as file:
        lines = [line.partition(": ") for line in file if not line.startswith(";")]
    return {name.strip(): text.strip() for name, _, text in lines if text.strip() and "[" not in text}


def _mixed(item: tuple[str, str]) -> str:
    return hashlib.sha256(item[0].encode()).hexdigest()


def _decode(path: Path) -> Floats:
    """A recording in ITU-T G.722 at 64 kbit/s."""
    decoder = require("G722", extra="speech").G722(SAMPLE_RATE, 64000)
    samples: npt.NDArray[np.int16] = np.asarray(decoder.decode(path.read_bytes()), np.int16)
    return samples.astype(np.float32) / np.float32(32768)


class _Aligner:
    """PocketSphinx, asked only when the phones of known words begin."""

    def __init__(self) -> None:
        self._decoder: Any = require("pocketsphinx", extra="speech").Decoder(lm=None, loglevel="FATAL")

    def phone_ends(self, waveform: Floats, text: str) -> list[tuple[str, float]]:
        """Names and end times in seconds of the phones of ``text``, or nothing when it cannot be fitted."""
        words = re.findall(r"[a-z']+|[^\sa-z',.?!;:\-]+", text.lower())
        if not words or any(self._decoder.lookup_word(word) is None for word in words):
            return []
        samples = np.round(waveform * 32768).astype(np.int16).tobytes()
        self._decoder.set_align_text(" ".join(words))
        try:
            self._hear(samples)
            self._decoder.set_alignment()
            self._hear(samples)
        except RuntimeError:  # what PocketSphinx raises when the words do not fit
            return []
        phones = [phone for word in self._decoder.get_alignment() for phone in word]
        return [(phone.name, (phone.start + phone.duration) * _FRAME_SECONDS + _OFFSET_SECONDS) for phone in phones]

    def _hear(self, samples: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(samples, full_utt=True)
        self._decoder.end_utt()
