"""Conversion: giving every parameter and buffer of a module another element type, or other memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from handtorch import dtypes
from handtorch.autograd.mode import no_grad
from handtorch.errors import DtypeError
from handtorch.nn.parameter import Parameter, is_lazy
from handtorch.nn.registry import Registry
from handtorch.tensor import Tensor, only_cpu

if TYPE_CHECKING:
    from handtorch.nn.module import Module


class Convertible:
    """The part of a module that replaces the arrays of its tensors; the Parameters stay the same objects."""

    _parameters: Registry
    _buffers: Registry

    if TYPE_CHECKING:

        def children(self) -> Iterator[Module]: ...
        def parameters(self) -> Iterator[Parameter]: ...
        def buffers(self) -> Iterator[Tensor]: ...

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        """Replace every tensor ``t`` by ``fn(t)``: parameters, their gradients and buffers."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is None:
                continue
            with no_grad():
                parameter.data = fn(parameter.data)
                if parameter.grad is not None:
                    parameter.grad.data = fn(parameter.grad)
        for name, buffer in self._buffers.items():
            if is_lazy(buffer):
                buffer.data = fn(buffer.data)
            elif buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def type(self, dst_type: Any) -> Self:
        """Give all parameters and buffers this element type, a dtype or a name such as ``"torch.DoubleTensor"``.

        Raises:
            DtypeError: there is no type of that name.
        """
        dtype = dst_type if isinstance(dst_type, dtypes.dtype) else _named(dst_type)
        return self._apply(lambda t: t.to(dtype))

    def float(self) -> Self:
        """Give the floating point parameters and buffers the type float32."""
        return self._to_floating_point(dtypes.float32)

    def double(self) -> Self:
        """Give the floating point parameters and buffers the type float64."""
        return self._to_floating_point(dtypes.float64)

    def bfloat16(self) -> Self:
        """Raises.

        Raises:
            DtypeError: NumPy has no bfloat16.
        """
        raise DtypeError("expected float16, float32 or float64, got bfloat16, which NumPy does not have; try half()")

    def half(self) -> Self:
        """Give the floating point parameters and buffers the type float16."""
        return self._to_floating_point(dtypes.float16)

    def _to_floating_point(self, dtype: dtypes.dtype) -> Self:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def cpu(self) -> Self:
        """Return the module: it is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raises.

        Raises:
            DeviceError: Handtorch computes on the CPU.
        """
        only_cpu("cuda")
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Give the floating point and complex parameters and buffers another element type.

        ``to(dtype)``, ``to(device)``, ``to(device, dtype)`` and ``to(tensor)``, each with ``non_blocking`` and
        ``memory_format`` accepted and without effect; the device can only be the CPU.

        Raises:
            TypeError: the type is neither floating point nor complex.
            DeviceError: the device is not the CPU.
        """
        dtype = _asked_dtype(*args, **kwargs)
        if dtype is None:
            return self
        if not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        if dtype.is_complex:
            warnings.warn("Complex modules are new; some layers may not work with complex parameters.", stacklevel=2)
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() or t.is_complex() else t)

    def to_empty(self, *, device: Any = None, recurse: bool = True) -> Self:
        """Give all parameters and buffers new memory, with elements that are not set."""
        only_cpu(device)
        return self._apply(lambda t: Tensor.of(np.empty_like(t.array)), recurse=recurse)

    def share_memory(self) -> Self:
        """Move all parameters and buffers to memory that processes forked from this one share with it."""
        for tensor in (*self.parameters(), *self.buffers()):
            if is_lazy(tensor):
                tensor.share_memory_()  # says what to do first
        return self._apply(lambda t: t.share_memory_())


_TENSOR_NAMES = {
    "HalfTensor": dtypes.float16,
    "FloatTensor": dtypes.float32,
    "DoubleTensor": dtypes.float64,
    "ComplexFloatTensor": dtypes.complex64,
    "ComplexDoubleTensor": dtypes.complex128,
    "ByteTensor": dtypes.uint8,
    "CharTensor": dtypes.int8,
    "ShortTensor": dtypes.int16,
    "IntTensor": dtypes.int32,
    "LongTensor": dtypes.int64,
    "BoolTensor": dtypes.bool,
}


def _named(name: Any) -> dtypes.dtype:
    """The element type of tensors that PyTorch calls ``torch.FloatTensor`` and the like."""
    found = _TENSOR_NAMES.get(str(name).rpartition(".")[2])
    if found is None:
        raise DtypeError(f"expected a dtype or one of {', '.join(_TENSOR_NAMES)}, got {name!r}")
    return found


def tensor_name(tensor: Tensor) -> str:
    """What PyTorch calls tensors of this element type: ``torch.FloatTensor`` and the like."""
    package = repr(tensor.dtype).partition(".")[0]
    return next(f"{package}.{name}" for name, dtype in _TENSOR_NAMES.items() if dtype is tensor.dtype)


def _asked_dtype(
    *args: Any,
    device: Any = None,
    dtype: Any = None,
    other: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> dtypes.dtype | None:
    """The element type that ``to(...)`` was asked for; checks the device."""
    for given in (*args, device, dtype, other):
        if isinstance(given, Tensor):
            dtype = given.dtype
        elif isinstance(given, dtypes.dtype):
            dtype = given
        elif given is not None and not isinstance(given, bool):
            only_cpu(given)
    return dtype
