"""Keys and values of the steps that a Transformer has read, so that the next step needs not compute them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from handtorch.autograd.mode import is_grad_enabled
from handtorch.ops.joining import cat
from handtorch.tensor import Tensor

_FEWEST = 64  # steps for which there is room at least


class Room:
    """Memory for more steps than there are: ``keys`` and ``values`` (N, H, C, E), both in ``array`` (2, N, H, C, E).

    ``taken`` steps belong to some cache. They are never written to again, so that caches of different lengths can look
    at the same memory; only one of them can be continued in it.
    """

    __slots__ = ("array", "keys", "values", "taken")

    def __init__(self, array: np.ndarray, taken: int) -> None:
        self.array, self.taken = array, taken
        self.keys, self.values = Tensor.of(array[0]), Tensor.of(array[1])


class KeyValueCache:
    """Keys and values of S steps, (N, H, S, E) each, for one layer. It never changes; :meth:`followed_by` makes others.

    Without gradients a step that follows is written behind the others into memory that is larger than needed, and is
    doubled when it is full, so that T steps cost the copying of O(T) steps, not of O(T²). A cache that is continued a
    second time is copied first: the memory behind it belongs to the first continuation. With gradients the steps are
    joined, as the graph needs the old ones unchanged.

    Args:
        keys, values: (N, H, S, E).
    """

    __slots__ = ("keys", "values", "_room")

    def __init__(self, keys: Any, values: Any, room: Room | None = None) -> None:
        self.keys, self.values, self._room = keys, values, room

    def __len__(self) -> int:
        """S."""
        return int(self.keys.array.shape[2])

    @property
    def batch(self) -> int:
        """N."""
        return int(self.keys.array.shape[0])

    def followed_by(self, keys: Any, values: Any) -> KeyValueCache:
        """The cache of these steps and T more, keys and values (N, H, T, E)."""
        if is_grad_enabled() and any(x.requires_grad for x in (self.keys, self.values, keys, values)):
            return KeyValueCache(cat([self.keys, keys], 2), cat([self.values, values], 2))
        length = self.keys.array.shape[2]
        end = length + keys.array.shape[2]
        room = self.room_for(end - length)
        room.array[0, :, :, length:end] = keys.array
        room.array[1, :, :, length:end] = values.array
        room.taken = end
        return _within(room, end)

    def room_for(self, count: int) -> Room:
        """Memory with these steps, behind which ``count`` more may be written: its own, or else a copy."""
        room, length = self._room, self.keys.array.shape[2]
        if room is None or room.taken != length or length + count > room.array.shape[3]:
            room = self._room = self._copied(2 * (length + count))
        return room

    def select(self, rows: Any) -> KeyValueCache:
        """The cache of these sequences, rows (M) whole numbers."""
        if is_grad_enabled() and self.keys.requires_grad:
            return KeyValueCache(self.keys[rows], self.values[rows])
        chosen = np.asarray(rows.array if isinstance(rows, Tensor) else rows)
        return _within(self._copied(len(self) + _FEWEST, chosen), len(self))

    def last(self, count: int) -> KeyValueCache:
        """The cache of the last ``count`` steps."""
        first = max(len(self) - count, 0)
        return KeyValueCache(self.keys[:, :, first:], self.values[:, :, first:])

    def detach(self) -> KeyValueCache:
        """The same without its history."""
        return KeyValueCache(self.keys.detach(), self.values.detach(), self._room)

    def _copied(self, capacity: int, rows: np.ndarray | slice = slice(None)) -> Room:
        keys, values = self.keys.array[rows], self.values.array[rows]
        batch, heads, length, features = keys.shape
        array = np.empty((2, batch, heads, max(capacity, _FEWEST), features), keys.dtype)
        array[0, :, :, :length], array[1, :, :, :length] = keys, values
        return Room(array, length)


def _within(room: Room, length: int) -> KeyValueCache:
    return KeyValueCache(Tensor.of(room.array[0, :, :, :length]), Tensor.of(room.array[1, :, :, :length]), room)


@dataclass(frozen=True)
class TransformerState:
    """What a Transformer remembers of N sequences.

    Attributes:
        layers: keys and values of each layer.
        steps: how many steps were read; more than there are keys after :meth:`last`.
    """

    layers: tuple[KeyValueCache, ...]
    steps: int

    def __len__(self) -> int:
        """N."""
        return self.layers[0].batch

    def select(self, rows: Any) -> TransformerState:
        """The state of these sequences, rows (M) whole numbers."""
        return TransformerState(tuple(layer.select(rows) for layer in self.layers), self.steps)

    def detach(self) -> TransformerState:
        """The same without its history."""
        return TransformerState(tuple(layer.detach() for layer in self.layers), self.steps)

    def last(self, count: int) -> TransformerState:
        """What it remembers of the last ``count`` steps: memory of a fixed size for a text without end.

        Positions go on from where they were, so it suits positions without a last one. (Dai et al. 2019)
        """
        return TransformerState(tuple(layer.last(count) for layer in self.layers), self.steps)
