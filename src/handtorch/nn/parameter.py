"""Parameter and Buffer: the tensors that belong to a module, and their lazy forms, whose shape is not known yet."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError, ShapeError
from handtorch.tensor import Tensor, only_cpu


class _MarkedType(type):
    """A type to which a Tensor of any other class belongs as soon as it carries the mark."""

    mark: str

    def __instancecheck__(cls, instance: Any) -> bool:
        if "mark" in cls.__dict__ and isinstance(instance, Tensor) and getattr(instance, cls.mark, False):
            return True
        return super().__instancecheck__(instance)


class Parameter(Tensor, metaclass=_MarkedType):
    """A Tensor that a module counts among its parameters as soon as it is assigned as an attribute.

    Args:
        data: a Tensor, whose memory is shared; empty if None.
        requires_grad: whether training changes it.

    Raises:
        TypeError: ``data`` is not a Tensor.
        DtypeError: gradients are asked for, and ``data`` is neither floating point nor complex.
    """

    mark = "_is_param"

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        array = _array_of(data)
        if data is None or type(data) in (Tensor, Parameter):
            made = cls.of(array)
        else:  # a Tensor class of the user's own stays what it is
            made = type(data).of(array)
            made._is_param = True
        return made.requires_grad_(requires_grad) if requires_grad else made

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A Parameter with the same elements, and without a gradient."""
        if id(self) not in memo:
            memo[id(self)] = copy = type(self).of(self.array.copy())
            copy.needs_grad = self.needs_grad
        return memo[id(self)]

    def __repr__(self, **options: Any) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__(**options)


class Buffer(Tensor, metaclass=_MarkedType):
    """A Tensor that a module counts among its buffers as soon as it is assigned as an attribute.

    Args:
        data: a Tensor, whose memory is shared; empty if None.
        persistent: whether ``state_dict`` contains it.

    Returns:
        a Tensor of the class of ``data``, for which ``isinstance(x, Buffer)`` holds.
    """

    mark = "_is_buffer"
    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        made = (Tensor if data is None or type(data) is Parameter else type(data)).of(_array_of(data))
        made.needs_grad = data is not None and data.needs_grad
        made.persistent = persistent
        made._is_buffer = True
        return made


def _array_of(data: Any) -> np.ndarray:
    if data is None:
        return np.empty(0, dtypes.get_default_dtype().numpy)
    if not isinstance(data, Tensor):
        raise TypeError(f"expected a Tensor, got {type(data).__name__}; try handtorch.tensor(...) around it")
    return data.array


class UninitializedTensorMixin:
    """A tensor whose shape a lazy module learns from its first input: until then it has a type and no elements."""

    cls_to_become: type[Tensor]
    needs_grad: bool

    @classmethod
    def _made(cls, requires_grad: bool, device: Any, dtype: dtypes.dtype | None) -> Any:
        only_cpu(device)
        made: Any = object.__new__(cls)
        made.array = np.empty(0, (dtype or dtypes.get_default_dtype()).numpy)
        made.needs_grad = requires_grad
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            copy = self._made(self.needs_grad, None, self.dtype)
            copy.__dict__.update({k: v for k, v in self.__dict__.items() if k != "array"})
            memo[id(self)] = copy
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.needs_grad, None, self.dtype)

    @property
    def array(self) -> Any:
        """Raises, since there are no elements yet."""
        raise ArgumentError(
            "Attempted to use an uninitialized parameter. This error happens when you are using a `LazyModule` or "
            "explicitly manipulating `nn.parameter.UninitializedParameter` objects. When using LazyModules call "
            "`forward` with a dummy batch to initialize the parameters before computing with them."
        )

    @array.setter
    def array(self, empty: Any) -> None:
        self.__dict__["array"] = empty

    @property
    def shape(self) -> Any:
        """Raises, since the shape is what is missing."""
        raise ShapeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    @property
    def data(self) -> Any:
        """An empty Tensor of this type."""
        return Tensor.of(self.__dict__["array"])

    @data.setter
    def data(self, value: Tensor) -> None:
        self.__dict__["array"] = value.array

    @property
    def dtype(self) -> dtypes.dtype:
        """The element type that it will have."""
        return self.data.dtype

    def is_floating_point(self) -> bool:
        """Whether the type is a floating point one."""
        return self.data.is_floating_point()

    def is_complex(self) -> bool:
        """Whether the type is a complex one."""
        return self.data.is_complex()

    def materialize(self, shape: Any, device: Any = None, dtype: dtypes.dtype | None = None) -> None:
        """Become an ordinary Parameter or buffer of this shape, with elements that are not set yet."""
        only_cpu(device)
        self.data = Tensor.of(np.empty(tuple(shape), (dtype or self.dtype).numpy))
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    def share_memory_(self) -> Any:
        """Raises, since there is no memory to share yet."""
        raise ShapeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self, **options: Any) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A Parameter whose shape is not known yet.

    Args:
        requires_grad: whether training will change it.
        device: the CPU.
        dtype: its element type (default: the default one).
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: dtypes.dtype | None = None) -> Any:
        return cls._made(requires_grad, device, dtype)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer whose shape is not known yet.

    Args:
        requires_grad, device, dtype: as for :class:`UninitializedParameter`.
        persistent: whether ``state_dict`` contains it.
    """

    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: dtypes.dtype | None = None,
        persistent: bool = True,
    ) -> Any:
        made = cls._made(requires_grad, device, dtype)
        made.persistent = persistent
        made._is_buffer = True
        return made


def is_lazy(tensor: Any) -> bool:
    """Whether the shape of this tensor is not known yet."""
    return isinstance(tensor, UninitializedTensorMixin)


__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]
