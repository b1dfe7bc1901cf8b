"""The format of ``torch.save`` before PyTorch 1.6: five pickles after each other, then the bytes of the storages.

The pickles are a magic number, the version of the format, notes on the machine, the object itself, and the keys of the
storages in the order in which their bytes follow, each after its number of elements (8 bytes).
"""

from __future__ import annotations

from typing import IO, Any

import numpy as np

from handtorch.errors import FormatError
from handtorch.io.pt.allowed import find_global, set_state
from handtorch.io.pt.reading import Place, storage_id
from handtorch.io.pt.storages import StorageKind, empty_storage, make_storage
from handtorch.io.pt.unpickling import Unpickler
from handtorch.storage import TypedStorage

MAGIC = 0x1950A86A20F9469CFC6C
HEAD = b"\x80\x02\x8a\n" + MAGIC.to_bytes(10, "little")
_VERSION = 1001


def read(file: IO[Any], place: Place) -> Any:
    """Read an open file from where it stands to its end.

    Raises:
        FormatError: it is damaged, or holds more than data; nothing is loaded then.
    """
    data = file.read()
    storages = _Storages(data, place)
    machine = Unpickler(data, find_global, storages.find, set_state, len(data))
    magic, version, notes = machine.load(), machine.load(), machine.load()
    if magic != MAGIC or version != _VERSION or not isinstance(notes, dict):
        raise FormatError(f"expected version {_VERSION} of PyTorch's older format, got another one")
    # The bytes come last: go through the object once to learn of its storages, and again when they have elements.
    start = machine.position
    machine.load()
    keys = machine.load()
    storages.fill(keys, machine.position, "little" if notes.get("little_endian", True) else "big")
    machine.position = start
    return machine.load()


class _Storages:
    """The storages of a file, which are there before their elements are known."""

    def __init__(self, data: bytes, place: Place) -> None:
        self._data, self._place = data, place
        self._found: dict[str, tuple[StorageKind, int, TypedStorage]] = {}
        self._claimed = 0

    def find(self, id: Any) -> TypedStorage:
        """The storage that a pickle means by ``("storage", kind, key, device, number of elements, part of it)``."""
        kind, key, location, count, part = storage_id(id, 6)
        if key not in self._found:
            self._claimed += count * kind.itemsize
            if self._claimed > len(self._data):
                raise FormatError(f"expected storages within {len(self._data)} bytes, got more; the file lies")
            self._found[key] = kind, count, self._place(empty_storage(kind, count), location)
        known, length, storage = self._found[key]
        if known.name != kind.name or length != count:
            raise FormatError(f"expected one description of the storage {key!r}, got two that differ")
        if part is None:
            return storage
        if not isinstance(part, tuple) or len(part) != 3 or not all(type(n) is int and n >= 0 for n in part[1:]):
            raise FormatError(
                f"expected a key, an offset and a length as part of the storage {key!r}, got something else"
            )
        _, start, size = part
        if start + size > count:
            raise FormatError(f"expected a part of the {count} elements of the storage {key!r}, got one beyond them")
        return TypedStorage.of(storage.array[start : start + size])

    def fill(self, keys: Any, position: int, order: str) -> None:
        """Give the storages their elements, which begin at ``position`` of the file."""
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or set(keys) != set(self._found):
            raise FormatError("expected the bytes of each storage that the object names, got those of others")
        for key in keys:
            kind, count, storage = self._found[key]
            start, stop = position + 8, position + 8 + count * kind.itemsize
            length = self._data[position:start]
            if int.from_bytes(length, order) != count or stop > len(self._data):  # type: ignore[arg-type]
                raise FormatError(
                    f"expected {count} elements of the storage {key!r}, got others; the file is cut short"
                )
            stored = np.frombuffer(self._data, np.uint8, stop - start, start).copy()
            storage.array[...] = make_storage(kind, stored, order).array
            position = stop
