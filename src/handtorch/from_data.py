"""Tensors from data that is there already: numbers, sequences, arrays, buffers, other libraries' tensors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError, DtypeError
from handtorch.ops.attach import method
from handtorch.tensor import Size, Tensor, only_cpu

__all__ = [
    "as_tensor",
    "asarray",
    "from_dlpack",
    "from_numpy",
    "frombuffer",
    "scalar_tensor",
    "tensor",
    "to_dlpack",
]


def finished(array: np.ndarray, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Any:
    """A Tensor on an array, with the keywords that all factories take.

    Raises:
        DeviceError: another device than the CPU, or memory pinned for one.
    """
    only_cpu(device)
    if pin_memory:
        from handtorch.errors import DeviceError

        raise DeviceError("pin_memory=True requires an accelerator; Handtorch computes on the CPU")
    made = Tensor.of(array)
    return made.requires_grad_() if requires_grad else made


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Any:
    """A new tensor that holds a copy of ``data``: a number, nested sequences, or an array.

    Python floats become the default type (float32), integers int64, booleans bool; arrays keep their type.

    Raises:
        ArgumentError: sequences of unequal length, or a whole number of more than 64 bits.
        DtypeError: a number that the type cannot hold, or no number at all.
    """
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than tensor(sourceTensor).",
            stacklevel=2,
        )
    return finished(array_of(data, dtype), device, requires_grad, pin_memory)


def array_of(data: Any, dtype: Any = None) -> np.ndarray:
    """What :func:`tensor` makes of its data, as an array."""
    if isinstance(data, Tensor):
        data = data.array
    if isinstance(data, (np.ndarray, np.generic)):
        return np.array(data, dtype=held(data.dtype) if dtype is None else numpys(dtype), order="C")
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    kinds: set[Any] = set()
    plain = _plain(data, kinds)
    try:
        array = np.array(plain)
    except ValueError as error:
        raise ArgumentError(f"expected sequences of equal length at every depth: {error}") from None
    if array.dtype.kind not in "biufc" or (array.dtype == np.uint64 and np.uint64 not in kinds):
        raise _not_numbers(data, array)
    target = _meeting(kinds) if dtype is None else numpys(dtype)
    if target.kind in "iu" and array.size and array.dtype != target:
        _check_range(array, target)
    return array.astype(target, copy=False)


def of_former_kind(args: tuple[Any, ...], dtype: dtypes.dtype, *, data_of_any_type: bool = False) -> np.ndarray:
    """What PyTorch's former constructors (``Tensor``, ``FloatTensor`` ...) make of their arguments.

    Args:
        args: lengths, or one of: a shape, a tensor, a sequence of numbers.
        dtype: the element type.
        data_of_any_type: whether a tensor of another type is taken as it is.

    Raises:
        TypeError: none of these, or a tensor of another type.
    """
    if not args or all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in args):
        return np.empty(args or 0, dtype.numpy)
    if len(args) > 1:
        wrong = next(n for n in args if not isinstance(n, (int, np.integer)))
        raise TypeError(f"new(): expected lengths as whole numbers, got {type(wrong).__name__}")
    (data,) = args
    if isinstance(data, Size):
        return np.empty(data, dtype.numpy)
    if isinstance(data, Tensor):
        if data.dtype is not dtype and not data_of_any_type:
            raise TypeError(f"new(): expected a tensor of type {dtype}, got {data.dtype}; convert it with .to()")
        return data.array
    if isinstance(data, (str, bytes)) or not isinstance(data, (Sequence, np.ndarray)):
        raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    return np.array(array_of(data), dtype.numpy)


def _plain(data: Any, kinds: set[Any]) -> Any:
    """Nested sequences with arrays instead of Tensors; ``kinds`` gathers the types of all numbers in them."""
    if isinstance(data, Tensor):
        data = data.array
    if isinstance(data, (np.ndarray, np.generic)):
        kinds.add(held(data.dtype).type)
        return data
    if not isinstance(data, (list, tuple)):
        if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
            return _plain(list(data), kinds)
        kinds.add(type(data))
        return data
    here = set(map(type, data))
    if here <= _NUMBERS:
        kinds |= here
        return data
    return [_plain(x, kinds) for x in data]


_NUMBERS = {bool, int, float, complex}


def _meeting(kinds: set[Any]) -> np.dtype:
    """The type in which numbers of these types meet."""
    target: Any = None
    for kind in kinds:
        if issubclass(kind, np.generic):
            own = dtypes.from_numpy(np.dtype(kind))
        elif kind in _NUMBERS:
            own = dtypes.of_scalar(kind())
        else:
            continue
        target = own if target is None else dtypes.promote_types(target, own)
    return (dtypes.get_default_dtype() if target is None else target).numpy


def _not_numbers(data: Any, array: np.ndarray) -> Exception:
    """Why data cannot be an array of numbers."""
    if array.dtype.kind in "US":
        return ArgumentError("too many dimensions 'str'")
    first = data
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    if isinstance(first, int) or array.dtype == np.uint64:
        return ArgumentError("Overflow when unpacking long long: a whole number has more than 64 bits")
    return DtypeError(f"Could not infer dtype of {type(first).__name__}; expected numbers or booleans")


def _check_range(array: np.ndarray, target: np.dtype) -> None:
    """Raise for numbers that a type of whole numbers cannot hold; negative ones count back from 0, as in C."""
    limits = np.iinfo(target)
    low = limits.min if target.kind == "i" else -limits.max
    if array.dtype.kind in "iuf" and not (array.min() >= low and array.max() <= limits.max):
        raise DtypeError(f"value cannot be converted to type {target} without overflow")


def held(dtype: np.dtype) -> np.dtype:
    """NumPy's type in the byte order of this machine.

    Raises:
        TypeError: no tensor has that type.
    """
    native = dtype.newbyteorder("=")
    try:
        return dtypes.from_numpy(native).numpy
    except DtypeError:
        raise TypeError(
            f"can't convert np.ndarray of type {dtype.type.__module__}.{dtype.type.__name__}. The only supported types "
            f"are: {', '.join(d.name for d in dtypes.ALL)}."
        ) from None


def numpys(dtype: Any) -> np.dtype:
    """NumPy's type for an element type; also for Python's own ``float``, ``int``, ``bool`` and ``complex``."""
    return dtypes.named(dtype).numpy


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Any:
    """A tensor of one number, without axes; of the default type if not told otherwise."""
    kind = dtype or (dtypes.get_default_dtype() if not isinstance(s, (bool, complex)) else dtypes.of_scalar(s))
    return finished(array_of(s, kind), device, requires_grad)


def from_numpy(ndarray: np.ndarray) -> Any:
    """A tensor on the memory of an array: a write to one is seen in the other.

    Raises:
        ArgumentError: the array runs backwards through its memory, or its bytes are in another machine's order.
        TypeError: it is no array, or one of other things than numbers.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if ndarray.dtype not in dtypes._of_numpy and held(ndarray.dtype) != ndarray.dtype:
        raise ArgumentError(
            "given numpy array has byte order different from the native byte order; use array.astype first"
        )
    for step in ndarray.strides:
        if step < 0 and ndarray.size > 1:
            raise ArgumentError(
                "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
                "supported. (You can probably work around this by making a copy of your array with array.copy().)"
            )
    return Tensor.of(ndarray)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """``data`` as a tensor, sharing its memory where possible."""
    if isinstance(data, np.ndarray):
        data = from_numpy(data)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Any:
    """``obj`` as a tensor: a tensor, an array, an object with DLPack or a buffer shares its memory; others are copied.

    Args:
        copy: True always copies; False raises where it would have to.
    """
    if isinstance(obj, np.ndarray):
        shared = from_numpy(obj)
    elif isinstance(obj, Tensor):
        shared = obj if obj.needs_grad and requires_grad else obj.detach()
    elif hasattr(obj, "__dlpack__"):
        shared = from_dlpack(obj)
    elif isinstance(obj, (bytes, bytearray, memoryview)):
        shared = frombuffer(obj, dtype=dtype or dtypes.get_default_dtype())
    elif copy is False:
        raise ArgumentError("can't alias arbitrary sequence into a tensor.")
    else:
        return tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)
    if copy is False and dtype is not None and dtype is not shared.dtype:
        raise ArgumentError(f"can't alias tensor with dtype {shared.dtype} into dtype {dtype}.")
    result = shared.to(dtype or shared.dtype)
    if copy and result.array is shared.array:
        result = result.clone()
    return result.requires_grad_() if requires_grad and result.op is None else result


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Any:
    """A vector on the memory of a buffer (bytes, bytearray, mmap ...), beginning ``offset`` bytes in.

    Raises:
        ArgumentError: the buffer is empty, too short, or no whole number of elements.
    """
    try:
        array = np.frombuffer(buffer, dtype.numpy, count, offset)
    except ValueError as error:
        raise ArgumentError(str(error)) from None
    if not array.size:
        raise ArgumentError(f"both buffer length ({memoryview(buffer).nbytes}) and count ({count}) must not be 0")
    return finished(array, requires_grad=requires_grad)


# -- exchange with other libraries ----------------------------------------------------------------------------------


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Any:
    """A tensor on the memory of another library's, through DLPack: a write to one is seen in the other.

    Source: DLPack, https://dmlc.github.io/dlpack/latest/python_spec.html.
    """
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.clone().detach() if copy else ext_tensor.detach()
    return from_numpy(np.from_dlpack(ext_tensor, copy=copy))


@method("__dlpack__")
def to_dlpack(
    input: Any, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
) -> Any:
    """The memory as a DLPack capsule, for another library to take over.

    Raises:
        BufferError: the tensor requires gradients.
    """
    if input.needs_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return input.array.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)


@method("__dlpack_device__")
def dlpack_device(input: Any) -> Any:
    """DLPack's name for the CPU."""
    return input.array.__dlpack_device__()
