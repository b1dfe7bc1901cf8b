"""``save`` and ``load``: nested containers of tensors in one file, PyTorch's own or safetensors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple, TypeAlias

from handtorch.errors import ArgumentError, FormatError
from handtorch.io import nested
from handtorch.io.atomic import atomic_write
from handtorch.io.pt import legacy, reading, writing
from handtorch.io.pt.reading import Place, placing
from handtorch.tensor import device

File = str | os.PathLike[str] | IO[Any]

__all__ = ["MAP_LOCATION", "load", "save"]

#: What ``map_location`` may be.
MAP_LOCATION: TypeAlias = Callable[[Any, str], Any] | device | str | dict[str, str] | None


def save(
    obj: Any,
    f: File,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Save tensors, numbers, text, None, and containers of them, in the file format of ``torch.save``.

    PyTorch opens the file with ``torch.load``. A path that ends in ``.safetensors`` becomes a safetensors file instead,
    with what is not a tensor in its metadata. A path is written whole or not at all.

    Tensors that share memory share it again when loaded. A NumPy number is loaded as a Python number, and a subclass of
    dict other than ``OrderedDict`` and ``Counter`` as a dict. (PyTorch itself loads a file with NumPy arrays in it with
    ``weights_only=False`` only.)

    Args:
        obj: what to save, such as ``model.state_dict()`` or ``{"model": ..., "epoch": 3}``.
        f: a path, or a file opened for writing bytes.
        pickle_module, pickle_protocol, _use_new_zipfile_serialization, _disable_byteorder_record: accepted for
            PyTorch's sake; there is one format, of protocol 2.

    Raises:
        TypeError: something that is no data, such as a whole module; the message says where in ``obj`` it is.
        DtypeError: a type that a safetensors file has not, such as ``complex128``.
    """
    if isinstance(f, (str, os.PathLike)):
        write = nested.write if os.fspath(f).endswith(".safetensors") else writing.write
        with atomic_write(f) as file:
            write(file, obj)
    elif hasattr(f, "write"):
        writing.write(f, obj)
    else:
        raise TypeError(f"expected a path or a file opened for writing bytes, got {type(f).__name__}")


def load(
    f: File,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Load what :func:`save` or ``torch.save`` saved, or a safetensors file as a dict of tensors.

    Nothing in a file is ever run. Whatever ``weights_only`` says, only tensors, plain containers, numbers, text and
    NumPy arrays are built; what else PyTorch would load with ``weights_only=False`` is an error that names it.
    Numbers of type bfloat16 become float32, with a warning.

    Args:
        f: a path, or a file opened for reading bytes that can seek.
        map_location: where tensors go that lay on another device: ``"cpu"``, a dict from device to device, or a
            function of a storage and the name of its device. Without it such a tensor is an error, as in PyTorch on a
            machine without a GPU.
        weights_only, pickle_module, pickle_load_args: accepted for PyTorch's sake, see above.
        mmap: leave the numbers on the disk until they are used; ``f`` is a path then.

    Raises:
        FormatError: the file is damaged, holds more than data, or is of another kind; nothing is loaded then.
        DeviceError: ``map_location`` or the file names another device than the CPU.
        DtypeError: the file is sound and holds a type that Handtorch has not.
    """
    place = placing(map_location)
    path = f if isinstance(f, (str, os.PathLike)) else None
    if mmap and path is None:
        raise ArgumentError("f must be a file path in order to use the mmap argument")
    with _opened(f) as file:
        kind = _format_of(file)
        if mmap and not kind.can_map:
            raise ArgumentError("mmap can only be used with files saved with torch.save of PyTorch 1.6 or later")
        return kind.read(file, place, path if mmap else None)


@contextlib.contextmanager
def _opened(f: File) -> Iterator[IO[Any]]:
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            yield file
    elif hasattr(f, "read") and hasattr(f, "seek") and hasattr(f, "tell"):
        yield f
    else:
        raise TypeError(f"expected a path or a file opened for reading bytes that can seek, got {type(f).__name__}")


class _Format(NamedTuple):
    """A kind of file: how its first bytes look, and how it is read."""

    matches: Callable[[bytes], bool]
    read: Callable[[IO[Any], Place, Any], Any]
    can_map: bool = False


_FORMATS = (
    _Format(lambda head: head.startswith(b"PK\x03\x04"), reading.read, can_map=True),
    _Format(lambda head: head[8:9] == b"{", lambda file, place, path: nested.read(file)),
    _Format(lambda head: head.startswith(legacy.HEAD), lambda file, place, path: legacy.read(file, place)),
)

_OTHERS = {
    b"PK": "a zip archive that is damaged",
    b"\x80": "a pickle of something else than torch.save",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
}


def _format_of(file: IO[Any]) -> _Format:
    begin = file.tell()
    head = file.read(16)
    file.seek(begin)
    for candidate in _FORMATS:
        if candidate.matches(head):
            return candidate
    known = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), f"one that begins with {head!r}")
    raise FormatError(
        f"expected a file of torch.save or a safetensors file, got {known if head else 'an empty file'}; "
        "in the program that made it, save the tensors with torch.save or safetensors.torch.save_file"
    )
