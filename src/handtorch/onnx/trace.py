"""Tracing: run a network once and write down every op that its inputs pass through."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handtorch.autograd import changes
from handtorch.autograd.mode import no_grad
from handtorch.autograd.notes import every_call
from handtorch.errors import ArgumentError
from handtorch.ops.op import Op, meet
from handtorch.tensor import Tensor


@dataclass(eq=False)
class Value:
    """What an array held when it was seen.

    Attributes:
        shape, dtype: of the array.
        numbers: of a constant its elements; None where they depend on the inputs of the network.
        key: of a parameter or buffer its name in the state dict.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    numbers: np.ndarray | None = None
    key: str = ""


@dataclass(eq=False)
class Call:
    """An op that ran on something that depends on the inputs of the network.

    Attributes:
        op: the op.
        inputs: for each input a :class:`Value`, a Python number, or None.
        types: for each input the element type in which the op took it; None where it is no array.
        results: what came out.
        path: of the module that ran it.
    """

    op: Any
    inputs: list[Any]
    types: list[Any]
    results: list[Value]
    path: str

    def __str__(self) -> str:
        return f"{self.op.definition.__name__} in {self.path or 'a function outside of modules'}"


class Trace:
    """What a network did with some inputs.

    Args:
        model: the network.
        args, kwargs: what it is called with; the Tensors in ``args`` are its inputs.

    Attributes:
        calls: the ops that depend on the inputs, in order.
        inputs, outputs: of the network.

    Raises:
        ArgumentError: it uses memory that was written to in place in a way that no op tells, or returns no Tensors.
    """

    def __init__(self, model: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        self.calls: list[Call] = []
        self._values: dict[int, Value | None] = {}  # by the array's identity; None: nobody can tell what it holds
        self._arrays: list[np.ndarray] = []  # kept alive, so that an identity stays that of one array
        self._last: tuple[np.ndarray, Value, bool] | None = None  # the last result, and whether an input holds it
        for key, tensor in (*model.named_parameters(), *model.named_buffers()):
            if id(tensor.array) not in self._values:
                self._see(tensor.array, Value(tensor.array.shape, tensor.array.dtype, tensor.array, key))
        self.inputs = [self._see(x.array, Value(x.array.shape, x.array.dtype)) for x in args if isinstance(x, Tensor)]
        with no_grad(), every_call(model, self._note_call), _every_write(self._note_write):
            outputs = model(*args, **kwargs)
        self.outputs = [self._value_of(y.array, type(model).__name__) for y in tensors_in(outputs)]

    def setting(self, array: Any) -> Value | None:
        """What an array that is a setting of an op held, if it depends on the inputs of the network."""
        value = self._values.get(id(array))
        return value if value is not None and value.numbers is None else None

    def known(self, array: np.ndarray) -> Value:
        """What an array held that may be a parameter or a buffer; a constant otherwise."""
        return self._value_of(array, "")

    def _see(self, array: np.ndarray, value: Value) -> Value:
        self._arrays.append(array)
        self._values[id(array)] = value
        return value

    def _value_of(self, array: np.ndarray, path: str) -> Value:
        """What an array holds; one that no op made is a constant."""
        if id(array) not in self._values:
            return self._see(array, Value(array.shape, array.dtype, array.copy()))
        value = self._values[id(array)]
        if value is None:
            raise ArgumentError(
                f"cannot export {path or 'the model'}: it uses a tensor of shape {list(array.shape)} after a part of "
                f"its memory was written to in place; make a new tensor instead, with cat, where or masked_fill"
            )
        return value

    def _note_call(self, op: Op, inputs: Any, outputs: Any, path: str, seconds: float) -> None:
        arrays = [x.array if isinstance(x, Tensor) else x for x in inputs]
        values = [self._value_of(x.array, path) if isinstance(x, Tensor) else x for x in inputs]
        results = [y.array for y in (outputs if isinstance(outputs, tuple) else (outputs,))]
        depends = any(isinstance(value, Value) and value.numbers is None for value in values)
        if depends or any(self.setting(array) for array in _arrays_in(op)):
            seen = [self._see(array, Value(array.shape, array.dtype)) for array in results]
            types = [getattr(array, "dtype", None) for array in (meet(arrays) if op.promotes else arrays)]
            self.calls.append(Call(op, values, types, seen, path))
        else:
            seen = [self._see(array, Value(array.shape, array.dtype, array.copy())) for array in results]
        self._last = results[0], seen[0], getattr(op, "in_place", False)

    def _note_write(self, array: np.ndarray) -> None:
        """Memory was written to. Where the result of the last op stands there now, the array holds that."""
        for seen in self._arrays:
            if np.may_share_memory(seen, array):
                self._values[id(seen)] = None
        if self._last is not None:
            result, value, in_place = self._last
            if result is array:
                holds = in_place
            else:
                holds = result.shape == array.shape and np.array_equal(result, array)
            if holds:
                self._see(array, value)


def tensors_in(outputs: Any) -> list[Any]:
    """The Tensors in what a network returns: one, or those of tuples, lists and dicts, in order."""
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if isinstance(outputs, (tuple, list)):
        return [y for output in outputs for y in tensors_in(output)]
    raise ArgumentError(f"expected a model that returns Tensors, got {type(outputs).__name__}")


def _arrays_in(op: Op) -> Iterator[np.ndarray]:
    """The arrays among the settings of an op, also those in tuples: a mask, the indices of an embedding."""
    for value in vars(op).values():
        for part in value if type(value) is tuple else (value,):
            if isinstance(part, np.ndarray):
                yield part


@contextlib.contextmanager
def _every_write(note: Any) -> Iterator[None]:
    """Inside the block, ``note`` is told of every array that was written to in place."""
    plain = changes.note

    def noted(array: np.ndarray) -> None:
        plain(array)
        note(array)

    changes.note = noted
    try:
        yield
    finally:
        changes.note = plain
