"""The zip archive of a ``.pt`` file: its records, read with nothing believed, and written where memory can map them.

The records lie in one folder: ``data.pkl``, a pickle; ``data/0``, ``data/1`` ..., the bytes of the storages, stored as
they are and aligned to 64 bytes; ``byteorder``; ``version``. Zip files: APPNOTE.TXT, PKWARE.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from types import TracebackType
from typing import IO, Any

import numpy as np

from handtorch.errors import FormatError

_ALIGNMENT = 64  # bytes, as PyTorch aligns them
_LOCAL_HEADER = 30  # bytes before the name of a record
_AT_ONCE = 1 << 20  # bytes that are read at once
_FOLDER = "archive"
_PADDING = 0x4246  # "FB", the extra field that PyTorch fills up to the alignment


class ArchiveReader:
    """The records of an archive.

    Args:
        file: an open file that can seek; the archive is all of it from where it stands.
        path: where it lies, if records shall be mapped into memory instead of read.

    Raises:
        FormatError: it is cut short or no such archive, or its records cannot be what they say they are.
    """

    def __init__(self, file: IO[Any], path: str | os.PathLike[str] | None = None) -> None:
        self._begin = file.tell()
        self.size = file.seek(0, os.SEEK_END) - self._begin
        file.seek(self._begin)
        self._file = file
        self._map = None if path is None else np.memmap(path, np.uint8, "c")
        try:
            with zipfile.ZipFile(_Part(file, self._begin, self.size)) as archive:  # type: ignore[arg-type]
                entries = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, EOFError, OSError) as error:
            raise FormatError(f"expected a zip archive, got an error: {error}; the file is cut short") from None
        self._check(entries)
        pickles = [entry.filename for entry in entries if entry.filename.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise FormatError(
                f"expected one data.pkl in the archive, got {len(pickles)}; this is no file of torch.save"
            )
        self.folder = pickles[0].removesuffix("data.pkl")
        self._entries = {entry.filename: entry for entry in entries}

    def _check(self, entries: list[zipfile.ZipInfo]) -> None:
        if len({entry.filename for entry in entries}) != len(entries):
            raise FormatError("expected each record once in the archive, got one twice")
        if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
            raise FormatError(
                "expected records that are stored as they are, as torch.save writes them, got a compressed or "
                "encrypted one; try: unpack the archive, and zip -0 -r its folder"
            )
        if any(entry.header_offset < 0 for entry in entries):
            raise FormatError(
                "expected records within the archive, got one before its beginning; the file is cut short"
            )
        if sum(entry.file_size for entry in entries) > self.size:
            raise FormatError(f"expected records that fit into {self.size} bytes, got larger ones; the file lies")

    def __contains__(self, name: str) -> bool:
        return self.folder + name in self._entries

    def read(self, name: str) -> np.ndarray:
        """The bytes of a record (n,), which may be written to and change no file.

        Raises:
            FormatError: there is no such record, or it is damaged.
        """
        entry = self._entries.get(self.folder + name)
        if entry is None:
            raise FormatError(f"expected a record {name!r} in the archive, got none")
        start = self._start_of(entry)
        if self._map is not None:
            return self._map[start : start + entry.file_size]
        data = np.empty(entry.file_size, np.uint8)
        read_into(self._file, data, name)
        if entry.CRC and zlib.crc32(data.data) != entry.CRC:  # PyTorch writes 0 where it was told not to compute it
            raise FormatError(f"expected the check sum {entry.CRC:08x} for the record {name!r}, got another one")
        return data

    def _start_of(self, entry: zipfile.ZipInfo) -> int:
        """Where the data of a record begins; the file stands there afterwards."""
        self._file.seek(self._begin + entry.header_offset)
        header = self._file.read(_LOCAL_HEADER)
        if len(header) != _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
            raise FormatError(f"expected a header before the record {entry.filename!r}, got something else")
        name_length, extra_length = struct.unpack("<2H", header[26:30])
        if self._file.read(name_length) != entry.orig_filename.encode():
            raise FormatError(f"expected the header of the record {entry.filename!r}, got that of another one")
        start = entry.header_offset + _LOCAL_HEADER + name_length + extra_length
        if start + entry.file_size > self.size:
            raise FormatError(f"expected {entry.file_size} bytes for the record {entry.filename!r}, got the file's end")
        self._file.seek(self._begin + start)
        return start


class _Part:
    """A file from a certain byte on, as ``zipfile`` wants it."""

    def __init__(self, file: IO[Any], begin: int, size: int) -> None:
        self._file, self._begin, self._size = file, begin, size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise ValueError("a place before the archive")
        return self._file.seek(self._begin + origin + offset) - self._begin

    def tell(self) -> int:
        return self._file.tell() - self._begin

    def read(self, count: int = -1) -> bytes:
        rest = self._size - self.tell()
        return self._file.read(rest if count < 0 else min(count, rest))

    def seekable(self) -> bool:
        return True


def read_into(file: IO[Any], data: np.ndarray, name: str) -> None:
    """Fill ``data`` (n,) from a file.

    Raises:
        FormatError: the file ends before.
    """
    rest = data.data
    while rest:
        part = file.read(min(len(rest), _AT_ONCE))
        if not part:
            raise FormatError(f"expected {len(rest)} more bytes for {name!r}, got the end of the file; it is cut short")
        rest[: len(part)] = part
        rest = rest[len(part) :]


class ArchiveWriter:
    """Writes the records of an archive to an open file, one after the other."""

    def __init__(self, file: IO[Any]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._begin = 0

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Add a record."""
        entry = zipfile.ZipInfo(f"{_FOLDER}/{name}")
        entry.file_size = memoryview(data).nbytes
        large = entry.file_size >= zipfile.ZIP64_LIMIT
        ahead = self._zip.fp.tell() + _LOCAL_HEADER + len(entry.filename) + (20 if large else 0) + 4  # type: ignore
        padding = -ahead % _ALIGNMENT
        entry.extra = struct.pack("<2H", _PADDING, padding) + b"Z" * padding
        with self._zip.open(entry, "w", force_zip64=large) as record:
            record.write(data)

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._zip.close()
        else:
            self._zip.fp = None  # what was begun is thrown away; there is nothing to finish
