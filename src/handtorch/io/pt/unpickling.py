"""The part of Python's pickle format that describes data, run by a machine that cannot do anything else.

A pickle is a program for a machine with a stack and a memo: each instruction is a byte, perhaps with an argument, and
pushes a value or joins those on top of the stack. Python's own machine imports and calls whatever a pickle names, so
that a pickle from a stranger is a program from a stranger. This one calls only what :class:`Builder` wraps, and the
table of those is given to it from outside (:mod:`handtorch.io.pt.allowed`). It does not recurse, takes no more memory
than the pickle has bytes times a constant, and every mistake in the pickle is an :class:`UnpicklingError`.

Instructions: the standard library's ``pickletools`` describes each of them; those here are of protocols 2 to 5.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DeviceError, DtypeError, FormatError, HandtorchError
from handtorch.tensor import Tensor

_DEEPEST_KEY = 8  # tuples inside each other as the key of a dict
_WIDEST_KEY = 1000  # values in such tuples
_GENEROSITY = 8  # how many times the size of the file all calls together may copy


class UnpicklingError(FormatError, pickle.UnpicklingError):
    """A pickle that is damaged, or that would need more than data to be loaded."""


class Builder:
    """Something that a pickle may call: a name that it is known by, and what it does with its arguments."""

    __slots__ = ("name", "build")

    def __init__(self, name: str, build: Callable[..., Any]) -> None:
        self.name = name
        self.build = build


class Unpickler:
    """Runs one pickle, or several that follow each other.

    Args:
        data: the bytes.
        find_global: what stands for the global of a module and name: a value, or a :class:`Builder`.
        find_persistent: what stands for a persistent id, which is how a pickle names what is kept outside it.
        set_state: what to do with the state that comes after an object: ``set_state(object, state)``.
        size: bytes of the whole file, to which the memory that is taken is in proportion.
        position: where to begin; afterwards, where the pickle has ended.
    """

    def __init__(
        self,
        data: bytes,
        find_global: Callable[[str, str], Any],
        find_persistent: Callable[[Any], Any],
        set_state: Callable[[Any, Any], None],
        size: int,
        position: int = 0,
    ) -> None:
        self.data = data
        self.position = position
        self._find_global = find_global
        self._find_persistent = find_persistent
        self._set_state = set_state
        self._allowance = _GENEROSITY * size

    def load(self) -> Any:
        """The object that the next pickle describes.

        Raises:
            UnpicklingError: it is damaged, or it names something that is not on the list.
        """
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        start = self.position
        if self.data[start : start + 1] != b"\x80":
            raise UnpicklingError(f"expected a pickle of protocol 2 or later, got {self.data[start : start + 16]!r}")
        try:
            while (code := self._take(1)[0]) != _STOP:
                instruction = _INSTRUCTIONS.get(code)
                if instruction is None:
                    raise UnpicklingError(
                        f"expected an instruction that describes data, got {bytes([code])!r} at byte "
                        f"{self.position - 1} of the pickle; the file is damaged, or was not written by torch.save"
                    )
                instruction(self)
            result = self._pop()
        except (FormatError, DtypeError, DeviceError):
            raise
        except (TypeError, ValueError, IndexError, KeyError, ArithmeticError, AttributeError, HandtorchError) as error:
            raise UnpicklingError(
                f"expected a sound pickle, got an error before byte {self.position}: {error}"
            ) from error
        _check_is_data(result)
        return result

    # -- the stack ----------------------------------------------------------------------------------------------

    def _take(self, count: int) -> bytes:
        part = self.data[self.position : self.position + count]
        if len(part) != count:
            raise UnpicklingError(f"expected {count} more bytes in the pickle, got {len(part)}; the file is cut short")
        self.position += count
        return part

    def _take_line(self) -> str:
        end = self.data.find(b"\n", self.position)
        if end < 0:
            raise UnpicklingError("expected the end of a line in the pickle, got the end of the file")
        line = self.data[self.position : end]
        self.position = end + 1
        return line.decode()

    def _pop(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise UnpicklingError(f"expected a value on the stack at byte {self.position} of the pickle, got none")
        return self._stack.pop()

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _top(self, *kinds: type) -> Any:
        self._push(value := self._pop())
        if kinds and type(value) not in kinds:
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise UnpicklingError(f"expected a {wanted} to add to, got {type(value).__name__}")
        return value

    def _pop_to_mark(self) -> list[Any]:
        if not self._marks:
            raise UnpicklingError(f"expected a mark on the stack at byte {self.position} of the pickle, got none")
        mark = self._marks.pop()
        items = self._stack[mark:]
        del self._stack[mark:]
        return items

    # -- instructions -------------------------------------------------------------------------------------------

    def _mark(self) -> None:
        self._marks.append(len(self._stack))

    def _set_items(self, items: list[Any]) -> None:
        target = self._top(*_DICTS)
        if len(items) % 2:
            raise UnpicklingError("expected keys and values in pairs, got a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[checked_key(key)] = value

    def _append(self) -> None:
        item = self._pop()
        self._top(list).append(item)

    def _extend(self) -> None:
        items = self._pop_to_mark()
        self._top(list).extend(items)

    def _set_one(self) -> None:
        value, key = self._pop(), self._pop()
        self._set_items([key, value])

    def _set_many(self) -> None:
        self._set_items(self._pop_to_mark())

    def _add_to_set(self) -> None:
        items = self._pop_to_mark()
        self._top(set).update(map(checked_key, items))

    def _tuple_of(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._push(tuple(reversed(items)))

    def _remember(self, place: int) -> None:
        self._memo[place] = self._top()

    def _recall(self, place: int) -> None:
        if place not in self._memo:
            raise UnpicklingError(f"expected something in place {place} of the pickle's memo, got nothing")
        self._push(self._memo[place])

    def _global(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise UnpicklingError("expected the names of a module and of something in it, got other things")
        self._push(self._find_global(module, name))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._global(module, name)

    def _call(self) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, Builder):
            raise UnpicklingError(f"expected something that may be called, got {type(function).__name__}")
        if type(arguments) is not tuple:
            raise UnpicklingError(f"expected a tuple of arguments for {function.name}, got {type(arguments).__name__}")
        self._charge(*map(_length, arguments))
        result = function.build(*arguments)
        if isinstance(result, Tensor) and result.array.flags.owndata:
            self._charge(result.array.nbytes)
        self._push(result)

    def _build(self) -> None:
        state = self._pop()
        self._charge(_length(state))
        self._set_state(self._top(), state)

    def _charge(self, *costs: int) -> None:
        """Count what is copied: one long value in call after call would fill the memory."""
        self._allowance -= sum(costs)
        if self._allowance < 0:
            raise UnpicklingError("expected values in proportion to the size of the file, got it to copy far more")

    def _persistent(self) -> None:
        self._push(self._find_persistent(self._pop()))


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes, bytearray, list, tuple, dict, set, frozenset)) else 0


def checked_key(key: Any) -> Any:
    """A key that has a hash and is no pit: a tuple of tuples of tuples ... would overflow Python's own stack."""
    parts = [key]
    for _ in range(_DEEPEST_KEY):
        if not all(isinstance(part, _KEYS) for part in parts):
            break
        nested = [part for part in parts if isinstance(part, (tuple, frozenset))]
        if not nested:
            return key
        if sum(map(len, nested)) > _WIDEST_KEY:
            break
        parts = [item for part in nested for item in part]
    raise UnpicklingError(f"expected numbers, text, None or tuples of them as keys, got {type(key).__name__}")


_KEYS = (str, bytes, int, float, complex, type(None), tuple, frozenset, np.generic, dtypes.dtype, Tensor)
_DICTS = (dict, OrderedDict, defaultdict, Counter)


def _check_is_data(result: Any) -> None:
    """Whether nothing that could be called is left among the values."""
    waiting, seen = [result], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Builder):
            raise UnpicklingError(f"expected data, got {value.name} itself; a file of tensors holds no functions")
        if isinstance(value, (list, tuple, dict, set, frozenset)) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value)
            if isinstance(value, dict):
                waiting.extend(value.values())


# -- the table of instructions ----------------------------------------------------------------------------------------


def _number(layout: str) -> Callable[[Unpickler], Any]:
    reader = struct.Struct(layout)
    return lambda machine: reader.unpack(machine._take(reader.size))[0]


def _sized(layout: str, convert: Callable[[bytes], Any]) -> Callable[[Unpickler], Any]:
    """Read a length, then as many bytes."""
    length = _number(layout)

    def read(machine: Unpickler) -> Any:
        count = length(machine)
        if count < 0:
            raise UnpicklingError(f"expected a length, got {count}")
        return convert(machine._take(count))

    return read


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _old_text(data: bytes) -> str | bytes:
    """A ``str`` of Python 2, which was text or bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _whole(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _pushing(read: Callable[[Unpickler], Any]) -> Callable[[Unpickler], None]:
    return lambda machine: machine._push(read(machine))


def _protocol(machine: Unpickler) -> None:
    if (version := machine._take(1)[0]) not in range(2, 6):
        raise UnpicklingError(f"expected a pickle of protocol 2 to 5, got {version}")


_STOP = ord(".")
_INSTRUCTIONS: dict[int, Callable[[Unpickler], Any]] = {
    code[0]: instruction
    for code, instruction in {
        pickle.PROTO: _protocol,
        pickle.FRAME: lambda machine: machine._take(8),
        pickle.MARK: Unpickler._mark,
        pickle.POP: Unpickler._pop,
        pickle.POP_MARK: Unpickler._pop_to_mark,
        # values
        pickle.NONE: _pushing(lambda machine: None),
        pickle.NEWTRUE: _pushing(lambda machine: True),
        pickle.NEWFALSE: _pushing(lambda machine: False),
        pickle.BININT: _pushing(_number("<i")),
        pickle.BININT1: _pushing(_number("<B")),
        pickle.BININT2: _pushing(_number("<H")),
        pickle.LONG1: _pushing(_sized("<B", _whole)),
        pickle.LONG4: _pushing(_sized("<i", _whole)),
        pickle.BINFLOAT: _pushing(_number(">d")),
        pickle.SHORT_BINUNICODE: _pushing(_sized("<B", _text)),
        pickle.BINUNICODE: _pushing(_sized("<I", _text)),
        pickle.BINUNICODE8: _pushing(_sized("<Q", _text)),
        pickle.SHORT_BINSTRING: _pushing(_sized("<B", _old_text)),
        pickle.BINSTRING: _pushing(_sized("<i", _old_text)),
        pickle.SHORT_BINBYTES: _pushing(_sized("<B", bytes)),
        pickle.BINBYTES: _pushing(_sized("<I", bytes)),
        pickle.BINBYTES8: _pushing(_sized("<Q", bytes)),
        pickle.BYTEARRAY8: _pushing(_sized("<Q", bytearray)),
        # containers
        pickle.EMPTY_LIST: _pushing(lambda machine: []),
        pickle.EMPTY_DICT: _pushing(lambda machine: {}),
        pickle.EMPTY_SET: _pushing(lambda machine: set()),
        pickle.EMPTY_TUPLE: _pushing(lambda machine: ()),
        pickle.TUPLE1: lambda machine: machine._tuple_of(1),
        pickle.TUPLE2: lambda machine: machine._tuple_of(2),
        pickle.TUPLE3: lambda machine: machine._tuple_of(3),
        pickle.TUPLE: _pushing(lambda machine: tuple(machine._pop_to_mark())),
        pickle.FROZENSET: _pushing(lambda machine: frozenset(map(checked_key, machine._pop_to_mark()))),
        pickle.APPEND: Unpickler._append,
        pickle.APPENDS: Unpickler._extend,
        pickle.SETITEM: Unpickler._set_one,
        pickle.SETITEMS: Unpickler._set_many,
        pickle.ADDITEMS: Unpickler._add_to_set,
        # the memo
        pickle.BINPUT: lambda machine: machine._remember(machine._take(1)[0]),
        pickle.LONG_BINPUT: lambda machine: machine._remember(_whole(machine._take(4))),
        pickle.MEMOIZE: lambda machine: machine._remember(len(machine._memo)),
        pickle.BINGET: lambda machine: machine._recall(machine._take(1)[0]),
        pickle.LONG_BINGET: lambda machine: machine._recall(_whole(machine._take(4))),
        # what the list allows
        pickle.GLOBAL: lambda machine: machine._global(machine._take_line(), machine._take_line()),
        pickle.STACK_GLOBAL: Unpickler._stack_global,
        pickle.REDUCE: Unpickler._call,
        pickle.NEWOBJ: Unpickler._call,
        pickle.BUILD: Unpickler._build,
        pickle.BINPERSID: Unpickler._persistent,
    }.items()
}
