"""What a decoder carries from token to token: a memory to look at, and what it has made of the tokens so far."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from handtorch.factories import as_tensor
from handtorch.nn.sequences import frame_mask
from handtorch.tensor import Tensor


@dataclasses.dataclass(frozen=True)
class Memory:
    """What the attentions of a decoder look at, the same for all tokens of a text.

    Attributes:
        keys: for each attention (N, h, T, E).
        values: the same.
        there: (N, 1, 1, T) bool, False after the end of a sequence; None if all are of one length.
        owners: (N) which sequence of the first batch each row is.
    """

    keys: tuple[Any, ...]
    values: tuple[Any, ...]
    there: Any
    owners: npt.NDArray[np.int64]

    def select(self, rows: Any) -> Memory:
        """The memory of these sequences; nothing is copied where all rows stay with their sequence, as most do."""
        chosen = as_tensor(rows).array
        owners = self.owners[chosen]
        if np.array_equal(owners, self.owners):
            return self
        index = Tensor.of(chosen)
        keys = tuple(each[index] for each in self.keys)
        values = tuple(each[index] for each in self.values)
        return Memory(keys, values, None if self.there is None else self.there[index], owners)

    def detach(self) -> Memory:
        """The same without the graph that made it."""
        return Memory(
            tuple(each.detach() for each in self.keys),
            tuple(each.detach() for each in self.values),
            self.there,
            self.owners,
        )


def prepared(attentions: Any, encoded: Any, lengths: Any) -> Memory:
    """Keys and values of an encoder's memory (N, T, D), 0 after the ``lengths`` (N), for each of some attentions."""
    keys, values = zip(*(attention.prepare(encoded) for attention in attentions), strict=True)
    number, steps, _ = encoded.shape
    full = bool((as_tensor(lengths).array == steps).all())
    there = None if full else frame_mask(lengths, steps)[:, None, None]
    return Memory(keys, values, there, np.arange(number))


@dataclasses.dataclass(frozen=True)
class State:
    """Base of decoders' states: tensors with the batch as first axis, tuples of them, states of their parts, or None.

    A state is a value: no method changes it, so a search can go on from the same one in several ways.
    """

    memory: Memory
    watched: Any = None
    """(N, heads of all attentions, U, T) where each token so far has looked; None if nobody wants to know."""

    def __len__(self) -> int:
        """N, how many sequences."""
        return len(self.memory.owners)

    def select(self, rows: Any) -> Self:
        """The states of these sequences, rows (M) whole numbers, which may repeat or leave out some."""
        index = rows if isinstance(rows, Tensor) else Tensor.of(np.asarray(rows))
        return self._each(lambda tensor: tensor[index], lambda state: state.select(index))

    def detach(self) -> Self:
        """The same numbers without the graph that made them."""
        return self._each(lambda tensor: tensor.detach(), lambda state: state.detach())

    def _each(self, change: Any, ask: Any) -> Self:
        def changed(value: Any) -> Any:
            if isinstance(value, Tensor):
                return change(value)
            if isinstance(value, tuple):
                return tuple(changed(item) for item in value)
            return None if value is None else ask(value)

        fields = (field.name for field in dataclasses.fields(self))
        return dataclasses.replace(self, **{name: changed(getattr(self, name)) for name in fields})
