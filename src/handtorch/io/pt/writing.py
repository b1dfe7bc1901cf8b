"""Writing a ``.pt`` file: which tensors share memory, and the records of the archive."""

from __future__ import annotations

import sys
from typing import IO, Any, NamedTuple

import numpy as np

from handtorch.io.pt.archive import ArchiveWriter
from handtorch.io.pt.pickling import Pickler, call, plain
from handtorch.io.pt.storages import NAMES
from handtorch.nn.parameter import Parameter
from handtorch.tensor import Tensor

_VERSION = b"3\n"  # of the records and their meaning; PyTorch reads it as text


def write(file: IO[Any], obj: Any) -> None:
    """Write an object to an open file as ``torch.save`` does.

    Tensors that overlap in memory lie in one storage and overlap again when loaded. Of memory that no saved tensor
    looks at, nothing is written.

    Raises:
        TypeError: it holds something else than tensors and data; the message says where.
    """
    pickler = Pickler()
    pickler.write(obj)
    placed = _place(list(pickler.tensors.values()))
    in_order = [placed[id(tensor)].storage for tensor in pickler.tensors.values()]
    storages = list({id(storage): storage for storage in in_order}.values())
    keys = {id(storage): str(number) for number, storage in enumerate(storages)}

    def describe(tensor: Tensor) -> bytes:
        place = placed[id(tensor)]
        return _description(tensor, place, keys[id(place.storage)])

    with ArchiveWriter(file) as archive:
        archive.write("data.pkl", pickler.finish(describe))
        archive.write("byteorder", sys.byteorder.encode())
        for storage in storages:
            archive.write(f"data/{keys[id(storage)]}", storage.view(np.uint8).data)
        archive.write("version", _VERSION)


class _Place(NamedTuple):
    """Where a tensor lies: a storage (n,), an offset and strides in elements."""

    storage: np.ndarray
    offset: int
    stride: tuple[int, ...]


def _place(tensors: list[Tensor]) -> dict[int, _Place]:
    """A place for each tensor, by its id: tensors of one type that overlap are in one storage."""
    placed: dict[int, _Place] = {}
    together: list[tuple[int, int, Tensor]] = []  # first byte, byte after the last, tensor
    for tensor in tensors:
        array = tensor.array
        if not array.size or any(step < 0 or step % array.itemsize for step in array.strides):
            placed[id(tensor)] = _alone(array)
        else:
            first, end = np.lib.array_utils.byte_bounds(array)
            together.append((first, end, tensor))
    together.sort(key=lambda entry: (entry[2].array.dtype.num, entry[0], entry[1]))
    group: list[tuple[int, int, Tensor]] = []
    for entry in together:
        if group and not _belongs(entry, group):
            placed |= _merged(group)
            group = []
        group.append(entry)
    return placed | (_merged(group) if group else {})


def _alone(array: np.ndarray) -> _Place:
    rows = np.asarray(array, order="C")
    steps = tuple(step // rows.itemsize for step in rows.strides)
    return _Place(rows.reshape(-1), 0, steps)


def _belongs(entry: tuple[int, int, Tensor], group: list[tuple[int, int, Tensor]]) -> bool:
    """Whether a tensor overlaps those of a group, which begin before it, and has their type."""
    first, _, tensor = entry
    array, other = tensor.array, group[0][2].array
    overlaps = first < max(end for _, end, _ in group)
    return overlaps and array.dtype == other.dtype and not (first - group[0][0]) % array.itemsize


def _merged(group: list[tuple[int, int, Tensor]]) -> dict[int, _Place]:
    start, end = group[0][0], max(end for _, end, _ in group)
    array = group[0][2].array
    if len(group) == 1 and array.flags.c_contiguous:
        return {id(group[0][2]): _alone(array)}
    storage = np.zeros((end - start) // array.itemsize, array.dtype)
    placed = {}
    for first, _, tensor in group:
        array = tensor.array
        np.ndarray(array.shape, array.dtype, storage, first - start, array.strides)[...] = array
        offset, steps = (first - start) // array.itemsize, tuple(step // array.itemsize for step in array.strides)
        placed[id(tensor)] = _Place(storage, offset, steps)
    return placed


def _description(tensor: Tensor, place: _Place, key: str) -> bytes:
    """The calls that rebuild a tensor on its storage."""
    kind = f"ctorch\n{NAMES[tensor.dtype]}\n".encode()
    id = b"(" + plain("storage") + kind + plain(key) + plain("cpu") + plain(place.storage.size) + b"tQ"
    shape, no_hooks = tuple(tensor.array.shape), bytearray(call("collections", "OrderedDict"))
    is_parameter = isinstance(tensor, Parameter)
    gradient = tensor.requires_grad and not is_parameter
    rebuilt = call(
        "torch._utils", "_rebuild_tensor_v2", bytearray(id), place.offset, shape, place.stride, gradient, no_hooks
    )
    if not is_parameter:
        return rebuilt
    return call("torch._utils", "_rebuild_parameter", bytearray(rebuilt), tensor.requires_grad, no_hooks)
