"""Storages: the memory behind tensors, as the bytes or as the elements that lie in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DimensionError
from handtorch.ops import memory
from handtorch.ops.conversion import FORMER_CLASSES
from handtorch.tensor import CPU, device

__all__ = ["TypedStorage", "UntypedStorage", "is_storage"]


class UntypedStorage:
    """The bytes that one or several tensors look at.

    Args:
        source: how many bytes (they are not set), or numbers from 0 to 255.
    """

    array: np.ndarray  # (size,), in this class of type uint8

    def __init__(self, source: Any = 0) -> None:
        self.array = np.empty(source, np.uint8) if isinstance(source, int) else np.array(source, np.uint8)

    @classmethod
    def of(cls, array: np.ndarray) -> Any:
        """A storage on an array (n,) itself."""
        made = cls.__new__(cls)
        made.array = array
        return made

    def nbytes(self) -> int:
        """Its length in bytes."""
        return self.array.nbytes

    def size(self) -> int:
        """How many elements it has."""
        return self.array.size

    __len__ = size

    def data_ptr(self) -> int:
        """The address of its first byte."""
        return memory.address(self.array)

    def tolist(self) -> list[Any]:
        """Its elements as Python numbers."""
        return self.array.tolist()

    def clone(self) -> Any:
        """A copy."""
        return self.of(self.array.copy())

    def fill_(self, value: Any) -> Any:
        """Write one value everywhere."""
        self.array[...] = value
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> Any:
        """Write the elements of another storage of this size."""
        self.array[...] = source.array
        return self

    def cpu(self) -> Any:
        """Itself."""
        return self

    def is_shared(self) -> bool:
        """False: other processes have memory of their own."""
        return False

    def is_pinned(self, device: Any = None) -> bool:
        """False: there is no accelerator that memory would be pinned for."""
        return False

    is_cuda = False

    @property
    def device(self) -> device:
        """The CPU."""
        return CPU

    def untyped(self) -> UntypedStorage:
        """The bytes."""
        return UntypedStorage.of(self.array.view(np.uint8))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.of(self.array[index])
        if not -len(self) <= index < len(self):
            raise DimensionError(f"index {index} out of range for storage of size {len(self)}")
        return self.array[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self.array[index] = value

    def __repr__(self) -> str:
        rows = "".join(f" {number}\n" for number in self.tolist())
        return f"{rows}[torch.storage.{self._described()} of size {len(self)}]"

    def _described(self) -> str:
        return "UntypedStorage(device=cpu)"


class TypedStorage(UntypedStorage):
    """The elements of one type that one or several tensors look at.

    Args:
        source: how many (they are not set), or numbers.
        dtype: their type.
    """

    def __init__(self, source: Any = 0, dtype: dtypes.dtype | None = None) -> None:
        kind = (dtype or dtypes.get_default_dtype()).numpy
        self.array = np.empty(source, kind) if isinstance(source, int) else np.array(source, kind)

    @property
    def dtype(self) -> dtypes.dtype:
        """Their type."""
        return dtypes.from_numpy(self.array.dtype)

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    def type(self) -> str:
        """The name of the former class of such storages: ``"torch.FloatStorage"``."""
        return f"torch.{FORMER_CLASSES[self.dtype].replace('Tensor', 'Storage')}"

    def _described(self) -> str:
        return f"TypedStorage(dtype=torch.{self.dtype.name}, device=cpu)"


def is_storage(obj: Any) -> bool:
    """Whether ``obj`` is a storage."""
    return isinstance(obj, UntypedStorage)
