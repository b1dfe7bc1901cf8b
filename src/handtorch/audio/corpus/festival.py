"""Sentences spoken by festival, a third engine, with the times of its phones."""

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

VOICES = {
    "kal_diphone": "festvox-kallpc16k",
    "ked_diphone": "festvox-kdlpc16k",
    "cmu_us_slt_arctic_hts": "festvox-us-slt-hts",
}
"""Name of each voice, and the Debian package that brings it: two Americans and an American woman."""


def version() -> str:
    """Name and version of the program and its voices, part of the key under which their speech is cached.

    Raises:
        MissingDataError: the program or one of the voices is not installed.
    """
    if shutil.which("festival") is None:
        raise MissingDataError.for_debian_packages("the speech engine festival", "festival", *VOICES.values())
    known = run("festival", "-b", "(print (voice.list))")
    lacking = [package for voice, package in VOICES.items() if voice not in known]
    if lacking:
        raise MissingDataError.for_debian_packages("festival with all its American voices", *lacking)
    found = re.search(r"System:\s*([\w.]+)", run("festival", "--version"))
    return f"festival-{found[1]}" if found else "festival"


def recordings(sentences: Sequence[str]) -> Iterator[Recording]:
    """Let the voices say the sentences in turn.

    Args:
        sentences: one sentence each.
    """
    voices = list(VOICES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for turn, voice in enumerate(voices):
            numbered = list(enumerate(sentences))[turn :: len(voices)]
            script = folder / f"{voice}.scm"
            script.write_text(_script(voice, numbered, folder), "utf-8")
            run("festival", "-b", str(script))
            for number, sentence in numbered:
                waveform, _ = read(folder / f"{number}.wav", sample_rate=SAMPLE_RATE)
                ends = _segment_ends((folder / f"{number}.seg").read_text("utf-8"))
                phones = phones_until(ends, len(waveform), SAMPLE_RATE)
                yield Recording(f"festival-{number:04d}", f"festival-{voice}", sentence, waveform, phones)


def _script(voice: str, numbered: Sequence[tuple[int, str]], folder: Path) -> str:
    lines = [f"(voice_{voice})"]
    for number, sentence in numbered:
        lines += [
            f"(set! said (utt.synth (Utterance Text {_quoted(sentence)})))",
            f"(utt.save.segs said {_quoted(str(folder / str(number)) + '.seg')})",
            f"(utt.save.wave said {_quoted(str(folder / str(number)) + '.wav')} 'riff)",
        ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _segment_ends(text: str) -> list[tuple[str, float]]:
    """Names and end times from an Xwaves label file: after a line ``#``, seconds, a colour and the phone."""
    _, _, body = text.partition("#\n")
    return [(fields[2], float(fields[0])) for fields in map(str.split, body.splitlines()) if len(fields) == 3]
