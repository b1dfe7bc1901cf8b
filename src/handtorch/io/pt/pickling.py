"""Writing an object as a pickle of protocol 2 that ``torch.load(weights_only=True)`` takes.

The counterpart of :mod:`handtorch.io.pt.unpickling`: it writes data and the few calls that rebuild tensors, and nothing
else, so that what was saved can be loaded by everybody who is careful.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError
from handtorch.tensor import Size, Tensor, device

_DEEPEST = 100  # containers inside each other; deeper ones most likely contain themselves
_BATCH = 1000  # items that are put into a container at once, as Python does


class Pickler:
    """Writes one object. Tensors are described when all of them are known, since some may share memory."""

    def __init__(self) -> None:
        self.tensors: dict[int, Tensor] = {}  # by id
        self._parts: list[bytes | Tensor] = [b"\x80\x02"]
        self._memo: dict[int, int] = {}  # id → place
        self._kept: list[Any] = []  # keeps what was made on the way, so that nothing else gets its id

    def write(self, obj: Any) -> None:
        """Add the object to the pickle.

        Raises:
            TypeError: it holds something that is no data; the message says where.
        """
        self._write(obj, ())
        self._parts.append(pickle.STOP)

    def finish(self, describe: Callable[[Tensor], bytes]) -> bytes:
        """The pickle, with each tensor as ``describe`` has it."""
        return b"".join(part if isinstance(part, bytes) else describe(part) for part in self._parts)

    def _write(self, value: Any, path: tuple[Any, ...]) -> None:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, (bool, int, float, str, complex, bytes, dtypes.dtype, device)):
            self._parts.append(plain(value))
        elif id(value) in self._memo:
            self._parts.append(_at(self._memo[id(value)], pickle.BINGET, pickle.LONG_BINGET))
        elif len(path) > _DEEPEST:
            raise ArgumentError(f"expected at most {_DEEPEST} containers inside each other; does one contain itself?")
        elif isinstance(value, Tensor):
            self.tensors[id(value)] = value
            self._parts.append(value)
            self._remember(value)
        elif isinstance(value, np.ndarray):
            self._array(value, path)
        elif isinstance(value, dict):
            self._dict(value, path)
        elif isinstance(value, list):
            self._parts.append(pickle.EMPTY_LIST)
            self._remember(value)
            self._add([[(item, (*path, place))] for place, item in enumerate(value)], pickle.APPENDS)
        elif isinstance(value, (set, frozenset)):
            self._call("__builtin__", type(value).__name__, (list(value),), path)
            self._remember(value)
        elif isinstance(value, Size):
            self._call("torch", "Size", (tuple(value),), path)
            self._remember(value)
        elif isinstance(value, tuple) and not hasattr(value, "_fields"):
            self._parts.append(pickle.MARK)
            for place, item in enumerate(value):
                self._write(item, (*path, place))
            self._parts.append(pickle.TUPLE)
            self._remember(value)
        else:
            raise TypeError(_refusal(value, path))

    def _remember(self, value: Any) -> None:
        self._memo[id(value)] = place = len(self._memo)
        self._kept.append(value)
        self._parts.append(_at(place, pickle.BINPUT, pickle.LONG_BINPUT))

    def _dict(self, value: dict[Any, Any], path: tuple[Any, ...]) -> None:
        if isinstance(value, Counter):
            self._call("collections", "Counter", (dict(value),), path)
            self._remember(value)
            return
        ordered = isinstance(value, OrderedDict)
        self._parts.append(_global("collections", "OrderedDict") + b")R" if ordered else pickle.EMPTY_DICT)
        self._remember(value)
        self._add([[(key, path), (item, (*path, key))] for key, item in value.items()], pickle.SETITEMS)
        if ordered and vars(value):  # a state_dict carries the versions of its modules as an attribute
            self._write(dict(vars(value)), path)
            self._parts.append(pickle.BUILD)

    def _add(self, groups: list[list[tuple[Any, tuple[Any, ...]]]], instruction: bytes) -> None:
        for start in range(0, len(groups), _BATCH):
            self._parts.append(pickle.MARK)
            for group in groups[start : start + _BATCH]:
                for value, path in group:
                    self._write(value, path)
            self._parts.append(instruction)

    def _call(self, module: str, name: str, arguments: tuple[Any, ...], path: tuple[Any, ...]) -> None:
        self._kept.append(arguments)
        self._parts.append(_global(module, name))
        self._write(arguments, path)
        self._parts.append(pickle.REDUCE)

    def _array(self, array: np.ndarray, path: tuple[Any, ...]) -> None:
        """As NumPy itself pickles an array; PyTorch loads it with ``weights_only=False`` only."""
        if array.dtype.kind not in "biufcSU":
            raise TypeError(_refusal(array, path))
        little = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        order = "|" if array.dtype.byteorder == "|" else "<"
        dtype = call("numpy", "dtype", little.dtype.str[1:], False, True)
        state = b"(" + plain(3) + plain(order) + b"NNN" + plain(-1) + plain(-1) + plain(0) + b"tb"
        if array.dtype.kind in "SU":
            sizes = plain(array.dtype.itemsize) + plain(array.dtype.alignment) + plain(8 if order == "<" else 0)
            state = b"(" + plain(3) + plain(order) + b"NNN" + sizes + b"tb"
        kind = _global("numpy", "ndarray") + plain((0,)) + plain(b"b") + b"\x87R"
        content = plain(1) + plain(array.shape) + dtype + state + plain(False) + plain(little.tobytes())
        self._parts.append(_global("numpy._core.multiarray", "_reconstruct") + kind + b"(" + content + b"tb")
        self._remember(array)


def plain(value: Any) -> bytes:
    """The pickle of a number, text, bytes, None, element type, device, or a tuple of these."""
    if value is None:
        return pickle.NONE
    if isinstance(value, bool):
        return pickle.NEWTRUE if value else pickle.NEWFALSE
    if isinstance(value, int):
        return _whole(int(value))
    if isinstance(value, float):
        return pickle.BINFLOAT + struct.pack(">d", value)
    if isinstance(value, complex):
        return call("__builtin__", "complex", value.real, value.imag)
    if isinstance(value, str):
        encoded = value.encode("utf-8", "surrogatepass")
        return pickle.BINUNICODE + struct.pack("<I", len(encoded)) + encoded
    if isinstance(value, bytes):
        return call("_codecs", "encode", value.decode("latin1"), "latin1")
    if isinstance(value, dtypes.dtype):
        return _global("torch", value.name)
    if isinstance(value, device):
        return call("torch", "device", *([value.type] if value.index is None else [value.type, value.index]))
    return pickle.MARK + b"".join(map(plain, value)) + pickle.TUPLE


def call(module: str, name: str, *arguments: Any) -> bytes:
    """The pickle of what a function returns for plain arguments, or for those that are pickles in a bytearray."""
    parts = [bytes(a) if isinstance(a, bytearray) else plain(a) for a in arguments]
    return _global(module, name) + pickle.MARK + b"".join(parts) + pickle.TUPLE + pickle.REDUCE


def _global(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def _whole(value: int) -> bytes:
    if 0 <= value < 1 << 8:
        return pickle.BININT1 + bytes([value])
    if -(1 << 31) <= value < 1 << 31:
        return pickle.BININT + struct.pack("<i", value)
    encoded = pickle.encode_long(value)
    if len(encoded) > 255:
        raise ArgumentError(f"expected whole numbers of at most 2039 bits, got one of {value.bit_length()}")
    return pickle.LONG1 + bytes([len(encoded)]) + encoded


def _at(place: int, short: bytes, long: bytes) -> bytes:
    return short + bytes([place]) if place < 256 else long + struct.pack("<I", place)


def _refusal(value: Any, path: tuple[Any, ...]) -> str:
    where = f" at obj{''.join(f'[{step!r}]' for step in path)}" if path else ""
    kind = type(value).__name__
    hint = "convert it, for instance with vars() or dict()"
    if hasattr(value, "state_dict"):
        hint = f"save its state_dict() instead, and load it with {kind}(...).load_state_dict(torch.load(path))"
    return f"expected tensors, numbers, text, None and containers of them, got {kind}{where}; {hint}"
