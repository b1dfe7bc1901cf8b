"""Linear layers."""

from __future__ import annotations

import math
from typing import Any

from handtorch.errors import ArgumentError
from handtorch.factories import empty
from handtorch.nn import init
from handtorch.nn.functional import bilinear
from handtorch.nn.lazy import LazyModuleMixin
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter, UninitializedParameter
from handtorch.ops import linalg


class Identity(Module):
    """Returns its input; takes any arguments and ignores them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """The input."""
        return input


class Linear(Module):
    """y = x Wᵀ + b.

    Args:
        in_features: I, length of the last axis of the input (*, I).
        out_features: O, of the output (*, O).
        bias: whether b is added.

    Attributes:
        weight: W (O, I), uniform in ±1/√I at first.
        bias: b (O), uniform in ±1/√I at first, or None.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in_features, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        """x (*, I) to y (*, O)."""
        bias = self.bias
        return linalg.Linear()(input, self.weight) if bias is None else linalg.Linear()(input, self.weight, bias)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """:class:`Linear`, under the name that PyTorch gives it as the last projection of attention."""


class Bilinear(Module):
    """y_o = Σ_ij x_i W_oij z_j + b_o.

    Args:
        in1_features: I, length of the last axis of the first input x (*, I).
        in2_features: J, of the second input z (*, J).
        out_features: O, of the output (*, O).
        bias: whether b is added.

    Attributes:
        weight: W (O, I, J), uniform in ±1/√I at first.
        bias: b (O), uniform in ±1/√I at first, or None.

    Raises:
        ArgumentError: I is not positive.
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ArgumentError(f"in1_features must be > 0, but got (in1_features={in1_features})")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in1_features, in2_features, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Any, input2: Any) -> Any:
        """x (*, I) and z (*, J) to y (*, O)."""
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """:class:`Linear` that learns ``in_features`` from the last axis of the first input.

    Args:
        out_features, bias: as for :class:`Linear`.
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, if their shapes are known."""
        if not self.has_uninitialized_params() and self.in_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Any) -> None:  # type: ignore[override]
        """Take the number of features from the last axis."""
        self.in_features = input.shape[-1]
        if self.has_uninitialized_params():
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
