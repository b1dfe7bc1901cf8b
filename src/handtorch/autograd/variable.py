"""Variable: the name that tensors with gradients had before PyTorch 0.4."""

from __future__ import annotations

from typing import Any

from handtorch.tensor import Tensor

__all__ = ["Variable"]


class _VariableType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableType):
    """``Variable(x, requires_grad)`` is the Tensor ``x`` itself, detached as it was then."""

    def __new__(cls, data: Any, requires_grad: bool = False, volatile: bool = False) -> Any:
        tensor = Tensor.of(data.array)
        return tensor.requires_grad_() if requires_grad else tensor
