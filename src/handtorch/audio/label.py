"""Hear one recording and say what was heard: as a table, as JSON or CSV, and as a picture."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from handtorch.audio.blocks import Length, length_of, read_blocks
from handtorch.audio.checks import Floats
from handtorch.audio.phonemes import PhoneSegment
from handtorch.audio.picture import check_picture, count_pages, draw_phones
from handtorch.errors import require

# A recording longer than this is worth a progress bar.
_QUICK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was heard in a recording."""

    file: Path
    length: Length
    segments: list[PhoneSegment]
    pictures: list[Path]
    """Pages of the picture; empty when none was asked for."""


def label_recording(
    file: Path,
    hear: Callable[[Iterable[Floats]], list[PhoneSegment]],
    rate: int,
    *,
    picture: Path | None,
    max_pages: int | None = None,
) -> Labelled:
    """Hear a recording, and draw it.

    Args:
        file: any recording.
        hear: what finds the phones of a stream (S_n,), such as :meth:`FrameClassifier.label_stream`.
        rate: Hz, of that stream.
        picture: where to draw, or None.
        max_pages: draw no more pages than this; None draws all.

    Raises:
        MissingFileError, FormatError: as :func:`~handtorch.audio.files.read` does.
        ArgumentError: the picture's name has an ending of no picture.
    """
    if picture is not None:
        check_picture(picture)
    length = length_of(file)

    def stream(what: str) -> Iterable[Floats]:
        return _tracked(read_blocks(file, rate), what, length.seconds, rate)

    segments = hear(stream("listening"))
    pages: list[Path] = []
    if picture is not None and segments:
        title = f"{file.name}, {length.seconds:.2f} s"
        # A recording of telephone quality has nothing above 4 kHz: half of the picture would be black.
        heard = min(rate, length.sample_rate) / 2
        pages = draw_phones(stream("drawing"), rate, segments, picture, title=title, max_hz=heard, max_pages=max_pages)
    return Labelled(file, length, segments, pages)


def _tracked(pieces: Iterator[Floats], what: str, seconds: float, sample_rate: int) -> Iterator[Floats]:
    """Show how far a long recording is, where somebody is looking."""
    if seconds < _QUICK_SECONDS or not sys.stderr.isatty():
        yield from pieces
        return
    console = require("rich.console", extra="speech").Console(stderr=True)
    with require("rich.progress", extra="speech").Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=seconds)
        for piece in pieces:
            yield piece
            bar.advance(task, len(piece) / sample_rate)


def write_json(labelled: Labelled, out: IO[str]) -> None:
    """One object: file, seconds, sample rate of the file, segments, pictures."""
    content: dict[str, Any] = {
        "file": os.fspath(labelled.file),
        "seconds": round(labelled.length.seconds, 4),
        "sample_rate": labelled.length.sample_rate,
        "segments": [_rounded(segment)._asdict() for segment in labelled.segments],
        "pictures": [os.fspath(path) for path in labelled.pictures],
    }
    json.dump(content, out, indent=1)
    out.write("\n")


def write_csv(labelled: Labelled, out: IO[str]) -> None:
    """A line for each segment: start and end in seconds, phone."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["start", "end", "phone"])
    writer.writerows([segment.start, segment.end, segment.phone] for segment in map(_rounded, labelled.segments))


def write_table(labelled: Labelled, out: IO[str]) -> None:
    """What people read: times and phones, then the phones in a row, then where the pictures are."""
    for segment in labelled.segments:
        out.write(f"{segment.start:8.3f} {segment.end:8.3f}  {segment.phone}\n")
    out.write("\n" + " ".join(segment.phone for segment in labelled.segments) + "\n")
    for path in labelled.pictures:
        out.write(f"picture: {path}\n")
    pages = count_pages(labelled.length.seconds)
    if 0 < len(labelled.pictures) < pages:
        out.write(f"drawn: the first {len(labelled.pictures)} of {pages} pages; --max-pages {pages} draws all\n")


def _rounded(segment: PhoneSegment) -> PhoneSegment:
    return PhoneSegment(segment.phone, round(segment.start, 4), round(segment.end, 4))
