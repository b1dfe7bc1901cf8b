"""What a decoder carries from token to token, and how rows of it are chosen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from handtorch.factories import as_tensor
from handtorch.tensor import Tensor


@dataclasses.dataclass(frozen=True)
class State:
    """Base of decoders' states: dataclasses whose fields are tensors with the batch as first axis, tuples, or None.

    A state is a value: no method changes it, so a search can go on from the same one in several ways.
    """

    def select(self, rows: Any) -> Self:
        """The states of some sequences of the batch, some of them more than once, in this order.

        Args:
            rows: (M,) whole numbers from 0 to N - 1.
        """
        chosen = as_tensor(rows).array
        first: Any = next(tensor for tensor in _tensors(self) if tensor is not None)
        if len(chosen) == len(first) and np.array_equal(chosen, np.arange(len(chosen))):
            return self
        index = Tensor.of(chosen)
        return self._each(lambda tensor: tensor[index])

    def detach(self) -> Self:
        """The same numbers without the graph that made them."""
        return self._each(lambda tensor: tensor.detach())

    def _each(self, change: Callable[[Any], Any]) -> Self:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return dataclasses.replace(self, **{name: _mapped(value, change) for name, value in fields.items()})


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, tuple):
        return tuple(_mapped(item, change) for item in value)
    return value if value is None else change(value)


def _tensors(state: State) -> list[Any]:
    return [value for field in dataclasses.fields(state) if hasattr(value := getattr(state, field.name), "shape")]
