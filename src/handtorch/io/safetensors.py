"""Tensors in the safetensors format: a JSON header that says where each tensor's bytes lie, then the bytes.

Layout (https://github.com/huggingface/safetensors): 8 bytes, little-endian, with the length of the header; the header,
``{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"key": "text"}}``; and the
data, which the tensors have to cover exactly. Nothing in it can run as code.

The reader believes nothing: what a header claims is checked against the size of the file before memory is taken for it.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from handtorch.errors import ArgumentError, DtypeError, FormatError
from handtorch.io.atomic import atomic_write
from handtorch.io.excerpt import excerpt
from handtorch.tensor import Tensor

_HEADER_LIMIT = 100_000_000  # bytes, as in the reference implementation
_METADATA = "__metadata__"
_BFLOAT16 = "BF16"

_TYPES = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "I16": np.dtype("<i2"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"),
    _BFLOAT16: np.dtype("<u2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "C64": np.dtype("<c8"),
}
_FOREIGN = ("U16", "U32", "U64", "F4", "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E5M2", "F8_E8M0")
_NAMES = {dtype: name for name, dtype in _TYPES.items() if name != _BFLOAT16}


def save_file(
    tensors: Mapping[str, Any], path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors to a file, which appears whole or not at all.

    Args:
        tensors: names and Tensors (or NumPy arrays); those that share memory are written once each.
        path: where the file shall be.
        metadata: text to keep with them.

    Raises:
        DtypeError: a tensor has a type that the format has not, such as ``complex128``.
        ArgumentError: a name or metadata that the format cannot hold.
    """
    header, arrays = _layout(tensors, metadata)
    with atomic_write(path) as file:
        _write(file, header, arrays)


def save(tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes that :func:`save_file` would write."""
    file = io.BytesIO()
    write(file, tensors, metadata)
    return file.getvalue()


def load_file(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read all tensors of a file.

    ``BF16`` is widened to ``float32``, which holds every one of its values exactly.

    Returns:
        The tensors by name, in the order of the header.

    Raises:
        FormatError: the file is cut short, lies about itself or is no safetensors file; nothing is loaded then.
        DtypeError: the file is sound and holds a type that Handtorch has not.
    """
    with open(path, "rb") as file:
        return read(file)[0]


def load(data: bytes) -> dict[str, Tensor]:
    """Read all tensors from bytes, like :func:`load_file`."""
    return read(io.BytesIO(data))[0]


def load_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read only the text that was kept with the tensors of a file."""
    with open(path, "rb") as file:
        return _read_header(file)[1]


def write(file: IO[Any], tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors to an open file."""
    _write(file, *_layout(tensors, metadata))


def read(file: IO[Any]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata from an open file that can seek, from where it stands to its end."""
    entries, metadata = _read_header(file)
    arrays = {entry.name: _read_array(file, entry) for entry in sorted(entries, key=_Entry.place)}
    return {entry.name: Tensor.of(arrays[entry.name]) for entry in entries}, metadata


# -- writing ----------------------------------------------------------------------------------------------------------


def _layout(tensors: Mapping[str, Any], metadata: Mapping[str, str] | None) -> tuple[bytes, list[np.ndarray]]:
    """The header, and the arrays in the order of their bytes: wide types first, so that all lie aligned."""
    arrays = {name: _as_array(name, value) for name, value in tensors.items()}
    header: dict[str, Any] = {}
    if metadata:
        header[_METADATA] = dict(metadata)
        for key, text in metadata.items():
            _check_text("metadata", key)
            _check_text(f"metadata {key!r}", text)
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    offset = 0
    for name in order:
        array = arrays[name]
        end = offset + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype.newbyteorder("<")],
            "shape": array.shape,
            "data_offsets": (offset, end),
        }
        offset = end
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    if len(encoded) > _HEADER_LIMIT:
        raise ArgumentError(
            f"expected a header of at most {_HEADER_LIMIT} bytes, got {len(encoded)}; use several files"
        )
    return encoded, [arrays[name] for name in order]


def _as_array(name: Any, value: Any) -> np.ndarray:
    _check_text("tensor name", name)
    if name == _METADATA:
        raise ArgumentError(f"a tensor cannot have the name {_METADATA!r}, under which the format keeps its metadata")
    array = value.array if isinstance(value, Tensor) else value
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected a Tensor or a NumPy array for {name!r}, got {type(value).__name__}")
    if array.dtype.newbyteorder("<") not in _NAMES:
        raise DtypeError(
            f"expected {name!r} to have one of the types {', '.join(t.name for t in _NAMES)}, got {array.dtype}; "
            "convert it, or save the real and imaginary parts on their own"
        )
    return array


def _check_text(what: str, text: Any) -> None:
    if not isinstance(text, str):
        raise ArgumentError(f"expected {what} to be a str, got {text!r}")
    if not _is_unicode(text):
        raise ArgumentError(f"expected {what} to be text that UTF-8 can hold, got {text!r}")


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _write(file: IO[Any], header: bytes, arrays: list[np.ndarray]) -> None:
    file.write(len(header).to_bytes(8, "little"))
    file.write(header)
    for array in arrays:
        file.write(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data)


# -- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    """What the header says about one tensor."""

    name: str
    type: str
    shape: tuple[int, ...]
    start: int
    stop: int

    def place(self) -> tuple[int, int]:
        return self.start, self.stop


def _read_header(file: IO[Any]) -> tuple[list[_Entry], dict[str, str]]:
    """Read and check the header, and leave the file at the first byte of the data."""
    begin = file.tell()
    size = file.seek(0, os.SEEK_END) - begin
    file.seek(begin)
    if size < 8:
        raise FormatError(f"expected a safetensors file, got {size} bytes where its first field alone has 8")
    length = int.from_bytes(_read_bytes(file, 8), "little")
    if length > min(size - 8, _HEADER_LIMIT):
        raise FormatError(
            f"expected a header of at most {min(size - 8, _HEADER_LIMIT)} bytes in a file of {size}, got a length of "
            f"{length}; the file is cut short or not a safetensors file"
        )
    header = _parse_json(_read_bytes(file, length))
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise FormatError(f"expected {_METADATA} to map text to text, got {excerpt(metadata)}")
    entries = [_parse_entry(name, description) for name, description in header.items()]
    _check_coverage(entries, size - 8 - length)
    return entries, metadata


def _read_bytes(file: IO[Any], size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise FormatError(f"expected {size} more bytes, got {len(data)}; the file is cut short")
    return data


def _parse_json(text: bytes) -> dict[str, Any]:
    if not text.startswith(b"{"):
        raise FormatError(f"expected a header that begins with '{{', got {text[:16]!r}; not a safetensors file")
    try:
        return json.loads(
            text.decode(),
            object_pairs_hook=_unique,
            parse_int=_natural,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"expected a header in JSON and UTF-8, got an error: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise FormatError(f"expected each name once in the header, got {excerpt(twice)} twice")
    if not all(_is_unicode(key) for key in result):
        raise FormatError("expected names in valid Unicode, got half of a surrogate pair")
    return result


def _natural(digits: str) -> int:
    if not digits.isdigit() or len(digits) > 20:
        _no_number(digits)
    return int(digits)


def _no_number(text: str) -> Any:
    raise FormatError(f"expected only whole numbers below 2**64 in the header, got {excerpt(text)}")


def _parse_entry(name: str, description: Any) -> _Entry:
    who = excerpt(name)
    if not isinstance(description, dict) or description.keys() != {"dtype", "shape", "data_offsets"}:
        raise FormatError(f"expected dtype, shape and data_offsets for {who}, got {excerpt(description)}")
    kind, shape, offsets = description["dtype"], description["shape"], description["data_offsets"]
    if not isinstance(kind, str) or kind not in _TYPES:
        error = DtypeError if kind in _FOREIGN else FormatError
        raise error(f"expected one of the types {', '.join(_TYPES)} for {who}, got {excerpt(kind)}")
    if not _whole_numbers(shape):
        raise FormatError(f"expected a shape of whole numbers, got {excerpt(shape)}")
    if not _whole_numbers(offsets) or len(offsets) != 2:
        raise FormatError(f"expected two whole numbers as data_offsets, got {excerpt(offsets)}")
    start, stop = offsets
    if stop - start != math.prod(shape) * _TYPES[kind].itemsize:
        raise FormatError(
            f"expected {math.prod(shape) * _TYPES[kind].itemsize} bytes for {who}, {kind} of shape "
            f"{excerpt(shape)}, got {stop - start} between its offsets"
        )
    return _Entry(name, kind, tuple(shape), start, stop)


def _whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int for number in value)


def _check_coverage(entries: list[_Entry], size: int) -> None:
    """Whether the tensors lie one after the other, without gaps or overlaps, up to the end of the data."""
    position = 0
    for entry in sorted(entries, key=_Entry.place):
        if entry.start != position:
            raise FormatError(
                f"expected {excerpt(entry.name)} to begin at byte {position} of the data, right after the tensor "
                f"before it, got {entry.start}; tensors must not overlap or leave gaps"
            )
        position = entry.stop
    if position != size:
        raise FormatError(
            f"expected {position} bytes of data, as the header says, got {size}; "
            f"the file is {'cut short' if size < position else 'followed by something else'}"
        )


def _read_array(file: IO[Any], entry: _Entry) -> np.ndarray:
    try:
        array = np.empty(entry.shape, _TYPES[entry.type])
    except ValueError as error:  # more axes than NumPy has, or one too long for it that has no elements
        raise FormatError(f"expected a shape that an array can have, got {excerpt(entry.shape)}: {error}") from None
    rest = array.reshape(-1).view(np.uint8).data
    while rest:
        count = file.readinto(rest)  # type: ignore[attr-defined]
        if not count:
            raise FormatError(f"expected {len(rest)} more bytes for {excerpt(entry.name)}, got the end of the file")
        rest = rest[count:]
    if entry.type == "BOOL" and array.size and array.view(np.uint8).max() > 1:
        raise FormatError(f"expected only 0 and 1 in {excerpt(entry.name)} of type BOOL, got another byte")
    if entry.type == _BFLOAT16:  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
