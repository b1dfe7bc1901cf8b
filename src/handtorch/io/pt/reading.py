"""Reading a ``.pt`` file: the pickle says what there is, the other records hold the numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any

from handtorch.errors import DeviceError, FormatError
from handtorch.io.excerpt import excerpt
from handtorch.io.pt.allowed import find_global, set_state
from handtorch.io.pt.archive import ArchiveReader
from handtorch.io.pt.storages import StorageKind, make_storage
from handtorch.io.pt.unpickling import Unpickler, UnpicklingError
from handtorch.storage import TypedStorage
from handtorch.tensor import only_cpu

Place = Callable[[TypedStorage, str], TypedStorage]


def read(file: IO[Any], place: Place, path: str | os.PathLike[str] | None = None) -> Any:
    """Read an open file from where it stands.

    Args:
        file: a file that can seek.
        place: puts a storage where it belongs, from what the file says about its device (see :func:`placing`).
        path: where the file lies, if storages shall be mapped into memory.

    Raises:
        FormatError: it is damaged, or holds more than data; nothing is loaded then.
        DtypeError: it is sound, and holds a type of elements that Handtorch has not.
    """
    archive = ArchiveReader(file, path)
    order = archive.read("byteorder").tobytes().decode("latin1") if "byteorder" in archive else "little"
    if order not in ("little", "big"):
        raise FormatError(f"expected 'little' or 'big' as the order of bytes, got {order[:20]!r}")
    if "constants.pkl" in archive:
        raise FormatError("expected tensors, got a TorchScript program; save its state_dict() with torch.save instead")
    storages = _Storages(archive, order, place)
    pickled = archive.read("data.pkl").tobytes()
    return Unpickler(pickled, find_global, storages.find, set_state, archive.size).load()


class _Storages:
    """The storages of an archive, each read once and shared by the tensors that lie in it."""

    def __init__(self, archive: ArchiveReader, order: str, place: Place) -> None:
        self._archive, self._order, self._place = archive, order, place
        self._found: dict[str, tuple[str, TypedStorage]] = {}

    def find(self, id: Any) -> TypedStorage:
        """The storage that a pickle means by ``("storage", kind, key, device, number of elements)``."""
        kind, key, location, count = storage_id(id, 5)
        if key not in self._found:
            data = self._archive.read(f"data/{key}")
            if count * kind.itemsize != data.size:
                raise FormatError(
                    f"expected {count} elements of {kind.itemsize} bytes in the record data/{key}, "
                    f"got {data.size} bytes; the file lies about itself"
                )
            self._found[key] = kind.name, self._place(make_storage(kind, data, self._order), location)
        name, storage = self._found[key]
        if name != kind.name:
            raise FormatError(f"expected one type for the storage {key!r}, got {name} and {kind.name}")
        return storage


def storage_id(id: Any, length: int) -> tuple[Any, ...]:
    """A persistent id in its parts: kind, key, device, number of elements, and what else it has."""
    if not isinstance(id, tuple) or len(id) != length or id[0] != "storage":
        raise UnpicklingError(f"expected the id of a storage, got a {type(id).__name__} of another form")
    kind, key, location, count = id[1:5]
    if not isinstance(kind, StorageKind) or not isinstance(key, str) or not isinstance(location, str):
        raise UnpicklingError("expected the kind, key and device of a storage, got other things")
    if type(count) is not int or count < 0:
        raise UnpicklingError(f"expected a number of elements for the storage {key!r}, got {excerpt(count)}")
    return id[1:]


def placing(map_location: Any) -> Place:
    """What ``map_location`` of ``load`` says about where storages go.

    Raises:
        DeviceError: it names another device than the CPU.
    """

    def default(storage: TypedStorage, location: str) -> TypedStorage:
        if location.partition(":")[0] != "cpu":
            raise DeviceError(
                f"expected storages on the CPU, got one on {location!r}, which is not available; "
                "use torch.load with map_location=torch.device('cpu') to map your storages to the CPU"
            )
        return storage

    def called(storage: TypedStorage, location: str) -> TypedStorage:
        result = map_location(storage, location)
        return default(storage, location) if result is None else result

    if map_location is None:
        return default
    if isinstance(map_location, dict):
        return lambda storage, location: default(storage, str(map_location.get(location, location)))
    if callable(map_location):
        return called
    only_cpu(map_location)
    return lambda storage, location: storage
