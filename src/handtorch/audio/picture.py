"""A picture of what was said: the spectrogram, and beneath it, on the same time axis, the phones."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from handtorch.audio.blocks import overlapping
from handtorch.audio.checks import Floats
from handtorch.audio.framing import pre_emphasis
from handtorch.audio.phonemes import PhoneSegment
from handtorch.audio.spectrum import power_spectrum, power_to_db
from handtorch.errors import ArgumentError, require
from handtorch.io.atomic import atomic_write

_ENDINGS = (".png", ".pdf", ".svg")

# A row holds so many seconds at most, a page so many rows.
_ROW_SECONDS = 4.0
_PAGE_ROWS = 6
_WIDTH, _ROW_HEIGHT, _MARGIN = 14.0, 2.5, 1.15  # inches

# A window short enough that single pulses of the voice can be seen, and with them where a stop bursts.
_WINDOW_SECONDS, _HOP_SECONDS = 0.010, 0.002
_N_FFT = 512
_DECIBELS_SHOWN = 65.0

KINDS = {
    "vowel": ("#f4a259", "AA AE AH AO EH ER IH IY UH UW"),
    "diphthong": ("#f6d186", "AW AY EY OW OY"),
    "stop": ("#7fb7e6", "B D G K P T"),
    "affricate": ("#9b8fd9", "CH JH"),
    "fricative": ("#8fd0b5", "DH F HH S SH TH V Z ZH"),
    "nasal": ("#e79aa9", "M N NG"),
    "liquid or glide": ("#c3d67c", "L R W Y"),
    "silence": ("#e4e4e4", "[SIL]"),
}
"""Kinds of phones: the colour of each, and which they are."""

_COLOUR_OF = {phone: colour for colour, phones in KINDS.values() for phone in phones.split()}
_OTHER_COLOUR = "#d0d0d0"


def draw_phones(
    pieces: Iterable[Floats],
    sample_rate: int,
    segments: Sequence[PhoneSegment],
    path: str | os.PathLike[str],
    *,
    title: str = "",
    max_hz: float | None = None,
    max_pages: int | None = None,
) -> list[Path]:
    """Draw the spectrogram and the phones of a recording, in rows of a few seconds and pages of a few rows.

    Args:
        pieces: the waveform as a stream, (S_n,) each, in [-1, 1].
        sample_rate: Hz.
        segments: the phones, in order of time.
        path: the picture to write (``.png``, ``.pdf``, ``.svg``); pages after the first get ``-2``, ``-3`` ... before
            the ending.
        title: what stands above each page.
        max_hz: the highest frequency shown, Hz; default half the sample rate.
        max_pages: draw no more pages than this, the first ones; None draws all.

    Returns:
        the files that were written; none for a recording without samples.

    Raises:
        ArgumentError: a name with another ending.
        MissingExtraError: matplotlib is not installed.
    """
    check_picture(path)
    seconds = segments[-1].end if segments else 0.0
    # Rows of the same length, so that none is nearly empty.
    row_samples = max(1, math.ceil(seconds * sample_rate / _count_rows(seconds)))
    written = []
    pages = overlapping(pieces, row_samples * _PAGE_ROWS)
    for number, page in enumerate(itertools.islice(pages, max_pages)):
        rows = [
            _Row(page.samples[at : at + row_samples], number * _PAGE_ROWS + at // row_samples, row_samples, sample_rate)
            for at in range(0, len(page.samples), row_samples)
        ]
        figure = _draw_page(rows, segments, title, max_hz or sample_rate / 2)
        target = _page_path(Path(path), number)
        with atomic_write(target) as file:
            figure.savefig(file, format=target.suffix[1:].lower(), dpi=120)
        written.append(target)
    return written


class _Row(NamedTuple):
    """What stands side by side in a picture."""

    samples: Floats
    """(S,), in the last row of a recording fewer than the others have."""
    number: int
    length: int
    """Samples that a row has room for."""
    sample_rate: int

    @property
    def begin(self) -> float:
        """Seconds."""
        return self.number * self.length / self.sample_rate

    @property
    def end(self) -> float:
        """Seconds."""
        return self.begin + self.length / self.sample_rate

    @property
    def heard_until(self) -> float:
        """Seconds."""
        return self.begin + len(self.samples) / self.sample_rate

    def decibels(self) -> Floats:
        """The spectrogram, (T, frequencies)."""
        window = round(_WINDOW_SECONDS * self.sample_rate)
        hop = max(1, round(_HOP_SECONDS * self.sample_rate))
        # High frequencies are lifted as for the ear, or fricatives would drown in black.
        lifted = pre_emphasis(self.samples)
        return power_to_db(power_spectrum(lifted, n_fft=max(_N_FFT, window), win_length=window, hop_length=hop))


def check_picture(path: str | os.PathLike[str]) -> None:
    """Find out before any work whether a picture can be drawn there.

    Raises:
        ArgumentError: a name with an ending that is not one of a picture.
        MissingExtraError: matplotlib is not installed.
    """
    if Path(path).suffix.lower() not in _ENDINGS:
        raise ArgumentError(f"expected a picture ending in {', '.join(_ENDINGS)}, got {os.fspath(path)!r}")
    require("matplotlib.figure", extra="viz")


def count_pages(seconds: float) -> int:
    """How many pages a recording of so many seconds fills."""
    return math.ceil(_count_rows(seconds) / _PAGE_ROWS)


def _count_rows(seconds: float) -> int:
    return max(1, math.ceil(seconds / _ROW_SECONDS))


def _page_path(path: Path, number: int) -> Path:
    return path if number == 0 else path.with_name(f"{path.stem}-{number + 1}{path.suffix}")


def _draw_page(rows: Sequence[_Row], segments: Sequence[PhoneSegment], title: str, max_hz: float) -> Any:
    height = _ROW_HEIGHT * len(rows) + _MARGIN
    figure = require("matplotlib.figure", extra="viz").Figure(figsize=(_WIDTH, height))
    grid = figure.add_gridspec(
        len(rows), 1, hspace=0.16, left=0.045, right=0.985, top=1 - 0.45 / height, bottom=0.65 / height
    )
    spectra = [row.decibels() for row in rows]
    loudest = max(float(np.percentile(spectrum, 99.9)) for spectrum in spectra)
    for place, row, spectrum in zip(grid, rows, spectra, strict=True):
        pair = place.subgridspec(2, 1, height_ratios=[5, 1], hspace=0.0)
        above, below = figure.add_subplot(pair[0]), figure.add_subplot(pair[1])
        above.imshow(
            spectrum.T, origin="lower", aspect="auto", cmap="magma", interpolation="bilinear",
            extent=(row.begin, row.heard_until, 0.0, row.sample_rate / 2000),
            vmin=loudest - _DECIBELS_SHOWN, vmax=loudest,
        )  # fmt: skip
        above.set_facecolor("black")
        above.set_ylim(0.0, max_hz / 1000)
        _draw_segments(above, below, segments, row.begin, row.end)
    _add_legend(figure, {segment.phone for segment in segments}, height)
    figure.suptitle(title, fontsize=12, fontweight="bold", x=0.045, ha="left", y=1 - 0.12 / height, va="top")
    return figure


def _draw_segments(above: Any, below: Any, segments: Sequence[PhoneSegment], begin: float, end: float) -> None:
    for segment in segments:
        if segment.end <= begin or segment.start >= end:
            continue
        left, right = max(segment.start, begin), min(segment.end, end)
        colour = _COLOUR_OF.get(segment.phone, _OTHER_COLOUR)
        below.axvspan(left, right, facecolor=colour, edgecolor="white", linewidth=0.8)
        above.axvline(left, color="white", linewidth=0.5, alpha=0.35)
        if segment.phone != "[SIL]":
            _write_name(below, segment.phone, (left + right) / 2, (right - left) / (end - begin))
    below.set_ylim(0, 1)
    below.set_yticks([])
    for axis in (above, below):
        axis.set_xlim(begin, end)
        axis.spines[:].set_visible(False)
    above.tick_params(labelbottom=False, bottom=False)
    above.set_ylabel("kHz", fontsize=9)
    above.tick_params(labelsize=8)
    below.tick_params(labelsize=8)
    below.xaxis.set_major_formatter(lambda value, _: f"{value:g} s")


def _write_name(axis: Any, name: str, middle: float, share: float) -> None:
    """As large as the span allows, upright where it is narrow; nothing where it would not fit."""
    points = share * 0.93 * _WIDTH * 72
    size = min(11.0, points / (0.72 * len(name)))
    if size >= 7:
        axis.text(middle, 0.5, name, ha="center", va="center", fontsize=size)
    elif points >= 5.5:
        axis.text(middle, 0.5, name, ha="center", va="center", fontsize=min(8.0, points * 1.1), rotation=90)


def _add_legend(figure: Any, phones: set[str], height: float) -> None:
    patch = require("matplotlib.patches", extra="viz").Patch
    shown = [patch(color=colour, label=kind) for kind, (colour, names) in KINDS.items() if phones & set(names.split())]
    if shown:
        figure.legend(
            handles=shown, loc="lower left", bbox_to_anchor=(0.035, 0.02 / height), ncols=len(shown), frameon=False,
            fontsize=9, handlelength=1.2, handleheight=1.0, columnspacing=1.4,
        )  # fmt: skip
