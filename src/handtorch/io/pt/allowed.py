"""What a file of tensors may name, and what is built from it here. What is not in this file is never built, or run.

The list is that of PyTorch's ``weights_only=True`` without sparse, quantized and nested tensors, and with NumPy's
arrays and numbers, which hold data only.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import FormatError
from handtorch.io.excerpt import excerpt
from handtorch.io.pt.storages import BFLOAT16, STORAGES, StorageKind, make_tensor
from handtorch.io.pt.unpickling import Builder, UnpicklingError, checked_key
from handtorch.layout import strided
from handtorch.nn.parameter import Parameter
from handtorch.tensor import Size, Tensor, device

_FOREIGN_STORAGES = ("QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage")
_PLAIN_DTYPE = re.compile(r"[|<=>]?[biufcSU]\d{1,6}")


def find_global(module: str, name: str) -> Any:
    """What stands here for a global of a pickle.

    Raises:
        UnpicklingError: it is not on the list.
    """
    path = f"{_RENAMED.get(module, module)}.{name}"
    if path in _ALLOWED:
        return _ALLOWED[path]
    if module == "torch" and name in (*STORAGES, BFLOAT16, *_FOREIGN_STORAGES):
        return StorageKind(name)
    raise UnpicklingError(
        f"expected tensors, containers, numbers and text, got {module}.{name}, which is never imported or called: "
        "with it a file could run anything. In the program that made the file, save tensors only, such as "
        "model.state_dict(), and vars(args) in the place of args"
    )


def set_state(target: Any, state: Any) -> None:
    """Give an object the attributes, or an array the elements, that follow it in a pickle."""
    if isinstance(target, np.ndarray):
        _fill_array(target, state)
    elif isinstance(target, np.dtype):
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", "|"):
            raise UnpicklingError(f"expected a NumPy type of little-endian numbers, got {target} with {excerpt(state)}")
    elif isinstance(target, (OrderedDict, Tensor)):
        if isinstance(state, tuple) and len(state) == 2:  # attributes of the instance, and those in slots
            state = {**(state[0] or {}), **(state[1] or {})}
        _set_attributes(target, state)
    else:
        raise UnpicklingError(f"expected a dict or a Tensor to give a state to, got {type(target).__name__}")


def _set_attributes(target: Any, state: Any) -> None:
    """Attributes of the user's own, which must not hide anything that the class has."""
    if not isinstance(state, dict):
        raise UnpicklingError(f"expected attributes by name, got {type(state).__name__}")
    for name, value in state.items():
        if not isinstance(name, str) or hasattr(type(target), name) or name in ("array", "__dict__"):
            raise UnpicklingError(
                f"expected names of new attributes for a {type(target).__name__}, got {excerpt(name)}"
            )
        setattr(target, name, value)


# -- tensors ----------------------------------------------------------------------------------------------------------


def _tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, metadata: Any = None
) -> Tensor:
    return _marked(make_tensor(storage, offset, size, stride, requires_grad), metadata)


def _tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, dtype: Any, metadata: Any = None
) -> Tensor:
    """The type is given apart from the storage, whose elements are bytes."""
    if not isinstance(dtype, dtypes.dtype) or not hasattr(storage, "untyped"):
        raise FormatError("expected a storage and an element type for a tensor, got other things")
    typed = type(storage).of(storage.untyped().array.view(dtype.numpy))
    return _marked(make_tensor(typed, offset, size, stride, requires_grad), metadata)


def _marked(tensor: Tensor, metadata: Any) -> Tensor:
    """The tensor with the conjugation or the change of sign that PyTorch had put off."""
    for mark in metadata or ():
        if mark not in ("conj", "neg"):
            raise UnpicklingError(f"expected 'conj' or 'neg' as marks of a tensor, got {excerpt(mark)}")
        if metadata[mark]:
            tensor.array = np.conj(tensor.array) if mark == "conj" else np.negative(tensor.array)
    return tensor


def _parameter(data: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Parameter:
    if not isinstance(data, Tensor) or (requires_grad and data.array.dtype.kind not in "fc"):
        raise FormatError("expected a tensor of floating point numbers for a Parameter, got something else")
    made = Parameter(data, bool(requires_grad))
    if state:
        set_state(made, state)
    return made


def _with_attributes(rebuild: Any, kind: Any, arguments: Any, state: Any) -> Tensor:
    """A tensor that had attributes of its own."""
    if not isinstance(rebuild, Builder) or rebuild.build not in (_tensor_v2, _tensor_v3, _parameter):
        raise UnpicklingError("expected a tensor or Parameter with attributes, got something else")
    made: Tensor = rebuild.build(*arguments)
    if state:
        set_state(made, state)
    return made


# -- containers and numbers -------------------------------------------------------------------------------------------


def _ordered_dict(pairs: Any = ()) -> OrderedDict[Any, Any]:
    return OrderedDict((checked_key(key), value) for key, value in pairs)


def _default_dict(factory: Any = None) -> defaultdict[Any, Any]:
    kinds = {"dict": dict, "list": list, "set": set, "int": int, "float": float}
    if factory is not None and not (isinstance(factory, Builder) and factory.name.removeprefix("builtins.") in kinds):
        raise UnpicklingError("expected a defaultdict of dicts, lists, sets or numbers, got one of another kind")
    return defaultdict(None if factory is None else kinds[factory.name.removeprefix("builtins.")])


def _set(items: Any = ()) -> set[Any]:
    return set(map(checked_key, items))


def _encode(text: str, encoding: str) -> bytes:
    """How protocol 2 writes bytes: as text of which each character is a byte."""
    if encoding != "latin1":
        raise UnpicklingError(f"expected bytes to be written as latin1, got {excerpt(encoding)}")
    return text.encode("latin1")


def _bytearray(data: Any = b"", encoding: Any = None) -> bytearray:
    if not isinstance(data, (bytes, str)):
        raise UnpicklingError(f"expected bytes, got {type(data).__name__}")
    return bytearray(data if isinstance(data, bytes) else _encode(data, str(encoding)))


def _never(*arguments: Any) -> Any:
    raise UnpicklingError("expected the name of a class only, got a call of it")


# -- NumPy ------------------------------------------------------------------------------------------------------------


def _numpy_dtype(name: Any, align: Any = False, copy: Any = False) -> np.dtype:
    if not isinstance(name, str) or not _PLAIN_DTYPE.fullmatch(name) or name.startswith(">"):
        raise UnpicklingError(f"expected a NumPy type of numbers or text, got {excerpt(name)}")
    return np.dtype(name)


def _numpy_number(dtype: Any, data: Any) -> Any:
    if not isinstance(dtype, np.dtype) or not isinstance(data, bytes) or len(data) != dtype.itemsize:
        raise UnpicklingError("expected a NumPy type and the bytes of one number, got something else")
    return np.frombuffer(data, dtype)[0]


def _numpy_array(kind: Any, shape: Any, code: Any) -> np.ndarray:
    """An empty array, whose shape and elements follow as its state."""
    return np.empty(0, np.int8)


def _fill_array(array: np.ndarray, state: Any) -> None:
    version, shape, dtype, by_columns, data = state
    if version != 1 or not isinstance(dtype, np.dtype) or not isinstance(data, bytes) or not isinstance(shape, tuple):
        raise UnpicklingError("expected the shape, type and bytes of a NumPy array, got something else")
    if not all(type(n) is int and n >= 0 for n in shape):
        raise UnpicklingError("expected lengths as the shape of a NumPy array, got something else")
    np.frombuffer(data, dtype).reshape(shape)  # raises unless there are as many bytes as the shape needs
    array.__setstate__((1, shape, dtype, by_columns is True, data))  # type: ignore[arg-type]


# -- the list ---------------------------------------------------------------------------------------------------------

_RENAMED = {
    "__builtin__": "builtins",
    "numpy.core.multiarray": "numpy._core.multiarray",
    "torch.tensor": "torch._tensor",
}

_BUILDERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": make_tensor,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _with_attributes,
    "torch.nn.parameter.Parameter": lambda data, requires_grad=True: _parameter(data, requires_grad, None),
    "torch.Tensor": _never,
    "torch.Size": lambda lengths=(): Size(lengths),
    "torch.device": device,
    "torch.serialization._get_layout": lambda name: strided,
    "collections.OrderedDict": _ordered_dict,
    "collections.Counter": lambda counts=(): Counter(dict(_ordered_dict(dict(counts).items()))),
    "collections.defaultdict": _default_dict,
    "builtins.set": _set,
    "builtins.frozenset": lambda items=(): frozenset(_set(items)),
    "builtins.complex": lambda real=0.0, imag=0.0: complex(float(real), float(imag)),
    "builtins.bytearray": _bytearray,
    "builtins.dict": _never,
    "builtins.list": _never,
    "builtins.int": _never,
    "builtins.float": _never,
    "_codecs.encode": _encode,
    "numpy.dtype": _numpy_dtype,
    "numpy.ndarray": _never,
    "numpy._core.multiarray.scalar": _numpy_number,
    "numpy._core.multiarray._reconstruct": _numpy_array,
}

_ALLOWED: dict[str, Any] = {name: Builder(name, build) for name, build in _BUILDERS.items()}
_ALLOWED |= {f"torch.{dtype.name}": dtype for dtype in dtypes.ALL}
_ALLOWED |= {"torch.storage.UntypedStorage": StorageKind("ByteStorage")}
