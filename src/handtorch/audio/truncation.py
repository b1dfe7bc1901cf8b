"""Whether a recording is as long as its own header says: decoders read a file that was cut short without a word."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

# A program that writes into a pipe does not know the length yet and puts a size near the largest one in the header.
_UNKNOWN_SIZE = 0x7FFF0000

# An Ogg page is at most 65,307 bytes long, so the last one begins within this many from the end.
_OGG_TAIL = 1 << 17


def missing_bytes(path: str | os.PathLike[str]) -> int:
    """How many bytes a wav, NIST SPHERE or Ogg file lacks at its end.

    Args:
        path: the file.

    Returns:
        bytes announced but not there; 0 when the file is whole, of another kind or does not say; 1 for an Ogg file
        whose last page is not marked as the last, as it does not tell how much is gone.
    """
    size = Path(path).stat().st_size
    with open(path, "rb") as file:
        magic = file.read(12)
        if magic[:4] == b"RIFF" and magic[8:] == b"WAVE":
            return max(0, _riff_end(file, size) - size)
        if magic[:7] == b"NIST_1A":
            return max(0, _sphere_end(file) - size)
        if magic[:4] == b"OggS":
            return 0 if _ogg_has_last_page(file, size) else 1
    return 0


def _riff_end(file: IO[bytes], size: int) -> int:
    """Where the samples of a wav file end by its header, in bytes from the start."""
    position = 12
    while position + 8 <= size:
        file.seek(position)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"data":
            return position + 8 + length if length < _UNKNOWN_SIZE else size
        position += 8 + length + length % 2
    return position


def _sphere_end(file: IO[bytes]) -> int:
    """Where the samples of a SPHERE file end by its header, in bytes from the start; 0 when it does not say."""
    file.seek(0)
    size = file.read(16)[8:].strip()
    if not size.isdigit():
        return 0
    header_size = int(size)
    file.seek(0)
    fields = {}
    for line in file.read(header_size).decode("ascii", "replace").splitlines():
        parts = line.split(None, 2)
        if len(parts) == 3:
            fields[parts[0]] = parts[2]
    coding = fields.get("sample_coding", "pcm")
    sizes = (fields.get("sample_count"), fields.get("channel_count", "1"), fields.get("sample_n_bytes", "2"))
    if "," in coding or not all(value and value.isdigit() for value in sizes):
        return 0
    count, channels, width = (int(value) for value in sizes if value)
    return header_size + count * channels * width


def _ogg_has_last_page(file: IO[bytes], size: int) -> bool:
    """Whether the last page of an Ogg stream is complete and marked as the end of the stream (RFC 3533, section 6)."""
    file.seek(max(0, size - _OGG_TAIL))
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return False
    segments = tail[page + 26]
    table = tail[page + 27 : page + 27 + segments]
    return bool(tail[page + 5] & 4) and len(tail) >= page + 27 + segments + sum(table)
