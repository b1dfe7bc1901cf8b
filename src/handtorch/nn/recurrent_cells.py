"""Recurrent cells: one step of a recurrent layer, for programs that walk through the sequence themselves."""

from __future__ import annotations

import math
from typing import Any

from handtorch.errors import BatchError, RangeError
from handtorch.factories import empty, zeros
from handtorch.nn import init
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter
from handtorch.ops.recurrent_layers import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell


class RNNCellBase(Module):
    """One step: what :class:`RNNCell`, :class:`GRUCell` and :class:`LSTMCell` share.

    The input is (B, I), or (I) for one sequence; a state (B, H), or (H); zeros where none is given.

    Args:
        input_size: I.
        hidden_size: H.
        bias: whether biases are added.
        num_chunks: G, the number of gates.

    Attributes:
        weight_ih, weight_hh: (G H, I) and (G H, H), uniform in ±1/√H at first.
        bias_ih, bias_hh: (G H), uniform in ±1/√H at first, or None.
    """

    bias_ih: Any
    bias_hh: Any

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(rows, input_size, dtype=dtype))
        self.weight_hh = Parameter(empty(rows, hidden_size, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _step(self, step: Any, input: Any, hx: Any) -> Any:
        """The state after a step with a single state, from an input with or without a batch."""
        self._check_axes("input", input)
        batched = input.dim() == 2
        input = input if batched else input.unsqueeze(0)
        if hx is None:
            hx = zeros(len(input), self.hidden_size, dtype=input.dtype)
        else:
            self._check_axes("hidden", hx)
            hx = hx if batched else hx.unsqueeze(0)
        after = step(input, hx, *self._weights())
        return after if batched else after.squeeze(0)

    def _check_axes(self, name: str, tensor: Any) -> None:
        if tensor.dim() not in (1, 2):
            raise BatchError(f"Expected {name} to be 1D or 2D, got {tensor.dim()}D instead")

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias is True else f", bias={self.bias}")


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or ReLU in the place of tanh: one step of :class:`handtorch.nn.RNN`.

    See :class:`RNNCellBase` for shapes, weights and the other arguments.

    Args:
        nonlinearity: "tanh" or "relu".
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """x (B, I) and h (B, H) to h' (B, H).

        Raises:
            RangeError: the nonlinearity is unknown.
            ShapeError: input or state has another size.
        """
        steps = {"tanh": rnn_tanh_cell, "relu": rnn_relu_cell}
        if self.nonlinearity not in steps:
            raise RangeError(f"Unknown nonlinearity: {self.nonlinearity}; choose tanh or relu")
        return self._step(steps[self.nonlinearity], input, hx)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        other = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}"
        return super().extra_repr() + other


class GRUCell(RNNCellBase):
    """One step of :class:`handtorch.nn.GRU`, where the formula is; weights hold the gates in the order r z n.

    See :class:`RNNCellBase` for shapes, weights and arguments.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """x (B, I) and h (B, H) to h' (B, H).

        Raises:
            ShapeError: input or state has another size.
        """
        return self._step(gru_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of :class:`handtorch.nn.LSTM`, where the formula is; weights hold the gates in the order i f g o.

    See :class:`RNNCellBase` for shapes, weights and arguments.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """x (B, I) and (h, c) (B, H) each to (h', c').

        Raises:
            ShapeError: input or states have another size.
        """
        self._check_axes("input", input)
        for i, state in enumerate(hx or ()):
            self._check_axes(f"hx[{i}]", state)
        batched = input.dim() == 2
        input = input if batched else input.unsqueeze(0)
        if hx is None:
            nothing = zeros(len(input), self.hidden_size, dtype=input.dtype)
            hx = (nothing, nothing)
        elif not batched:
            hx = tuple(state.unsqueeze(0) for state in hx)
        h, c = lstm_cell(input, hx, *self._weights())
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))
