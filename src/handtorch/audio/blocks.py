"""A recording of any length, read and worked on a piece at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from handtorch.audio.checks import Floats, check_positive
from handtorch.audio.files import read
from handtorch.audio.resampling import resample
from handtorch.audio.truncation import missing_bytes
from handtorch.errors import ArgumentError, require

# How much is changed in sample rate at once, and how much around it is looked at: far more than the filter's reach.
_SECONDS, _SECONDS_AROUND = 20, 1


class Block(NamedTuple):
    """A stretch of samples together with some of those around it."""

    samples: Floats
    """(before + L + after,)"""
    before: int
    """Samples in front that belong to earlier blocks."""
    after: int
    """Samples behind that belong to later blocks."""

    @property
    def length(self) -> int:
        """L, the samples that belong to this block."""
        return len(self.samples) - self.before - self.after


def overlapping(pieces: Iterable[Floats], length: int, around: int = 0) -> Iterator[Block]:
    """Cut a stream of samples into blocks of one length, each with what lies around it.

    Args:
        pieces: the stream, (S_n,) each, of any lengths.
        length: samples that belong to each block; the last one may have fewer.
        around: samples shown before and after; fewer at the ends of the stream.

    Yields:
        the blocks, which together own every sample once; no more than one block and one piece is held.
    """
    check_positive(length=length)
    if around < 0:
        raise ArgumentError(f"expected around >= 0 samples, got {around}")
    held, before = np.zeros(0, np.float32), 0
    for piece in pieces:
        held = np.concatenate([held, piece])
        while len(held) >= before + length + around:
            yield Block(held[: before + length + around], before, around)
            gone = max(0, before + length - around)
            held, before = held[gone:], before + length - gone
    while len(held) > before:
        after = max(0, len(held) - before - length)
        yield Block(held[: before + length + around], before, min(after, around))
        gone = max(0, before + length - around)
        held, before = held[gone:], before + length - gone


def read_blocks(path: str | os.PathLike[str], sample_rate: int | None = None) -> Iterator[Floats]:
    """Read a recording of any length as a stream: :func:`~handtorch.audio.files.read` in bounded memory.

    Args:
        path: a wav, flac, ogg or NIST SPHERE file.
        sample_rate: Hz to change to; the default keeps that of the file.

    Yields:
        (S_n,) float32, the channels averaged; put behind one another they are what ``read`` gives.

    Raises:
        MissingFileError, FormatError, MissingExtraError: as ``read`` does.
    """
    with _opened(path) as file:
        rate, seen = int(file.samplerate), 0

        def pieces() -> Iterator[Floats]:
            nonlocal seen
            for piece in file.blocks(_SECONDS * rate, dtype="float32", always_2d=True):
                seen += len(piece)
                yield piece.mean(axis=1)

        if sample_rate is None or sample_rate == rate:
            yield from pieces()
        else:
            yield from _resampled(pieces(), rate, sample_rate)
        if seen == 0 or seen < file.frames:
            read(path)  # raises what is wrong with it


class Length(NamedTuple):
    """How long a recording is."""

    samples: int
    sample_rate: int
    """Hz."""

    @property
    def seconds(self) -> float:
        """Its duration."""
        return self.samples / self.sample_rate


def length_of(path: str | os.PathLike[str]) -> Length:
    """What the header of a recording says of its length; raises what :func:`read_blocks` raises."""
    with _opened(path) as file:
        return Length(int(file.frames), int(file.samplerate))


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """A soundfile.SoundFile; what cannot be read is left to ``read``, which knows to say why."""
    soundfile = require("soundfile", extra="speech")
    try:
        if missing_bytes(path):
            read(path)
        file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, OSError, TypeError):
        read(path)
        raise
    with file:
        try:
            yield file
        except soundfile.SoundFileError:
            read(path)
            raise


def _resampled(pieces: Iterable[Floats], rate: int, new_rate: int) -> Iterator[Floats]:
    # Blocks begin at whole seconds, where an old and a new sample coincide.
    for block in overlapping(pieces, _SECONDS * rate, _SECONDS_AROUND * rate):
        changed = resample(block.samples, rate, new_rate)
        start = block.before // rate * new_rate
        yield changed[start : start + -(-block.length * new_rate // rate)]
