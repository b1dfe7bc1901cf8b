"""``torch.FloatTensor`` and its like: the classes that tensors and storages had before there were element types."""

from __future__ import annotations

from typing import Any

from handtorch import dtypes
from handtorch.errors import ArgumentError
from handtorch.from_data import of_former_kind
from handtorch.ops.conversion import FORMER_CLASSES, of_former_class
from handtorch.storage import TypedStorage
from handtorch.tensor import Tensor, only_cpu

__all__ = ["set_default_tensor_type"]


class _Former(type):
    """A class to which everything of one element type belongs, and which makes such things when it is called."""

    dtype: dtypes.dtype
    made_of: type

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.made_of) and getattr(instance, "dtype", None) is cls.dtype


class _FormerTensor(_Former):
    made_of = Tensor

    def __call__(cls, *args: Any, device: Any = None) -> Any:
        """A tensor of given lengths, whose elements are not set; or of the numbers of a sequence."""
        only_cpu(device)
        return Tensor.of(of_former_kind(args, cls.dtype))


class _FormerStorage(_Former):
    made_of = TypedStorage

    def __call__(cls, source: Any = 0) -> Any:
        """A storage of so many elements, which are not set; or of the numbers of a sequence."""
        return TypedStorage(source, cls.dtype)


class _OnGpu(type):
    """A class of tensors on a GPU: there are none."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return False

    def __call__(cls, *args: Any, **options: Any) -> Any:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. Handtorch computes on the CPU.")


ON_GPU: dict[str, type] = {}
for _dtype, _name in FORMER_CLASSES.items():
    _storage = _name.replace("Tensor", "Storage")
    globals()[_name] = _FormerTensor(_name, (), {"__module__": "torch", "dtype": _dtype})
    globals()[_storage] = _FormerStorage(_storage, (), {"__module__": "torch", "dtype": _dtype})
    ON_GPU[_name] = _OnGpu(_name, (), {"__module__": "torch.cuda"})
    __all__ += [_name, _storage]


def set_default_tensor_type(t: Any) -> None:
    """Choose the type that Python floats become by the former class of its tensors, or by that class's name.

    Raises:
        TypeError: it is no class of floating point tensors on the CPU.
    """
    try:
        if "cuda" in str(t):
            raise ArgumentError(f"type {t} not available. Handtorch computes on the CPU.")
        dtypes.set_default_dtype(of_former_class(t))
    except ArgumentError as error:
        raise TypeError(str(error)) from None
