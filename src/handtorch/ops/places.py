"""Where a tensor is, as older programs ask for it: on the CPU, in memory of this process."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from handtorch.errors import DeviceError
from handtorch.layout import strided
from handtorch.ops.attach import method
from handtorch.ops.memory import bytes_behind, storage
from handtorch.tensor import Tensor, only_cpu

__all__: list[str] = []


@method()
def cuda(input: Any, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Any:
    """Raises.

    Raises:
        DeviceError: Handtorch computes on the CPU.
    """
    only_cpu("cuda")


@method()
def get_device(input: Any) -> int:
    """-1: the CPU has no number."""
    return -1


@method()
def pin_memory(input: Any, device: Any = None) -> Any:
    """Raises.

    Raises:
        DeviceError: there is no accelerator that memory would be pinned for.
    """
    raise DeviceError("expected an accelerator to pin memory for, and there is none; Handtorch computes on the CPU")


@method()
def is_pinned(input: Any, device: Any = None) -> bool:
    """False: there is no accelerator that memory would be pinned for."""
    return False


@method()
def untyped_storage(input: Any) -> Any:
    """The bytes that this tensor and its views look at."""
    from handtorch.storage import UntypedStorage

    return UntypedStorage.of(bytes_behind(input.array))


@method("storage")
def typed_storage(input: Any) -> Any:
    """The elements that this tensor and its views look at."""
    from handtorch.storage import TypedStorage

    return TypedStorage.of(bytes_behind(input.array).view(input.array.dtype))


@method()
def share_memory_(input: Any) -> Any:
    """Move the elements to memory that processes forked from this one share with it."""
    if not is_shared(input):
        input.array = shared(input.array)
    return input


@method()
def is_shared(input: Any) -> bool:
    """Whether processes forked from this one share its memory with it."""
    whole = storage(input.array)
    return not isinstance(whole, np.memmap) and isinstance(getattr(whole.base, "obj", whole.base), mmap.mmap)


def shared(array: np.ndarray) -> np.ndarray:
    """A copy of an array in an anonymous shared mapping."""
    memory = mmap.mmap(-1, max(array.nbytes, 1))
    copy = np.frombuffer(memory, array.dtype, array.size).reshape(array.shape)
    copy[...] = array
    return copy


def _always(name: str, value: Any, doc: str) -> None:
    setattr(Tensor, name, property(lambda input: value, doc=doc))


_always("is_cpu", True, "True.")
_always("layout", strided, "Strided: the only layout.")
for _name in "cuda ipu maia meta mkldnn mps mtia nested quantized sparse sparse_csr vulkan xla xpu".split():
    _always(f"is_{_name}", False, "False.")
