"""Recurrent layers: networks that read a sequence step by step and carry a state along.

What happens in one step, and how gradients go back through time, is in :mod:`handtorch.ops.recurrent`.
"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from handtorch.errors import ArgumentError, RangeError, ShapeError
from handtorch.factories import empty, zeros
from handtorch.nn import init
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter
from handtorch.nn.utils.rnn import PackedSequence
from handtorch.ops.recurrent import Gru, Lstm, Recurrence, Rnn
from handtorch.ops.recurrent_layers import grouped, run

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}
_OPS: dict[str, Callable[..., Recurrence]] = {
    "RNN_TANH": Rnn,
    "RNN_RELU": partial(Rnn, relu=True),
    "GRU": Gru,
    "LSTM": Lstm,
}


class RNNBase(Module):
    """L recurrent layers in D directions: what :class:`RNN`, :class:`GRU` and :class:`LSTM` share.

    The input is (T, B, I), or (B, T, I) if ``batch_first``, (T, I) for one sequence, or a packed batch of sequences of
    different lengths (:func:`handtorch.nn.utils.rnn.pack_padded_sequence`). The output is like it, with D H in the
    place of I: the states of the last layer after each step, both directions beside each other. The states ``hx`` at
    the beginning, zeros if not given, and those returned from the end are (L D, B, H), or (L D, H) for one sequence:
    layer by layer, in each direction by direction. In a packed batch a sequence ends at its own last step.

    Args:
        mode: "RNN_TANH", "RNN_RELU", "GRU" or "LSTM".
        input_size: I.
        hidden_size: H.
        num_layers: L; each layer after the first reads the states of the one before.
        bias: whether biases are added.
        batch_first: whether the batch is the first axis of input and output.
        dropout: between the layers, in training, each element is zeroed with this probability.
        bidirectional: D = 2: a second network reads each sequence from its end.
        proj_size: P, length of the state h after a projection (LSTM only; 0: none).

    Attributes:
        weight_ih_l[k], weight_hh_l[k]: of layer k (G H, I or D H) and (G H, H), with G gates; ``_reverse`` follows in
            the names of the second direction.
        bias_ih_l[k], bias_hh_l[k]: (G H).
        weight_hr_l[k]: (P, H), with a projection; then weight_hh is (G H, P), and layers read D P.

        All are uniform in ±1/√H at first.

    Raises:
        ArgumentError: a size is not positive, or a probability is none.
        TypeError: an argument of another type.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_settings(dropout)
        self._all_weights = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[: self._directions]:
                shapes = self._shapes(layer)
                for name, shape in shapes.items():
                    setattr(self, f"{name}_l{layer}{suffix}", Parameter(empty(shape, dtype=dtype)))
                self._all_weights.append([f"{name}_l{layer}{suffix}" for name in shapes])
        self.reset_parameters()

    def _check_settings(self, dropout: Any) -> None:
        if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= self.dropout <= 1:
            raise ArgumentError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed, "
                f"got {dropout}"
            )
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name, kind in {"bias": bool, "batch_first": bool, "input_size": int, "hidden_size": int}.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ArgumentError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ArgumentError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ArgumentError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ArgumentError(f"Unrecognized RNN mode: {self.mode}")

    def _shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """The shapes of the weights of a layer, in one direction, in PyTorch's order."""
        rows = _GATES[self.mode] * self.hidden_size
        state = self.proj_size or self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, self._directions * state if layer else self.input_size),
            "weight_hh": (rows, state),
        }
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return shapes

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Any]]:
        """The weights of each layer in each direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Does nothing: it is for GPUs, which want all weights in one block of memory."""

    def reset_parameters(self) -> None:
        """Draw the parameters anew, uniform in ±1/√H."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The states of the last layer after each step, and the states of all layers at the end.

        Args:
            input: (T, B, I), (B, T, I), (T, I) or packed.
            hx: the states at the beginning.

        Raises:
            ShapeError: the input has another size, or the states.
            RangeError: the input has another number of axes, or another type than the weights.
        """
        if isinstance(input, PackedSequence):
            data, sizes, order, back = input
            hx = self._zeros(data, sizes) if hx is None else self.permute_hidden(hx, order)
            y, hx = self._walk(data, hx, sizes)
            return PackedSequence(y, sizes, order, back), self.permute_hidden(hx, back)
        if input.dim() not in (2, 3):
            raise RangeError(f"Expected input to be 2D or 3D, got {input.dim()}D instead")
        self._check_axes(input, hx)
        if input.dim() == 3:
            return self._walk(input, self._zeros(input) if hx is None else hx)
        batch_axis = 0 if self.batch_first else 1
        input = input.unsqueeze(batch_axis)
        hx = self._zeros(input) if hx is None else self._each(lambda h: h.unsqueeze(1), hx)
        y, hx = self._walk(input, hx)
        return y.squeeze(batch_axis), self._each(lambda h: h.squeeze(1), hx)

    def _walk(self, input: Any, hx: Any, batch_sizes: Any = None) -> tuple[Any, Any]:
        self.check_forward_args(input, hx, batch_sizes)
        weights = grouped(self._flat_weights, self.bias, self.num_layers, self._directions)
        options = (self.dropout, self.training, self.batch_first)
        y, *ends = run(_OPS[self.mode], input, batch_sizes, self._listed(hx), weights, *options)
        return y, tuple(ends) if len(ends) > 1 else ends[0]

    # -- states -----------------------------------------------------------------------------------------------------

    def _listed(self, hx: Any) -> tuple[Any, ...]:
        """The states as a tuple, also where there is only one."""
        return (hx,)

    def _each(self, function: Callable[[Any], Any], hx: Any) -> Any:
        """``function`` of each state."""
        return function(hx)

    def _zeros(self, input: Any, batch_sizes: Any = None) -> Any:
        """The states to begin with where none are given."""
        return zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype)

    def permute_hidden(self, hx: Any, permutation: Any) -> Any:
        """States with their sequences in another order (B); None leaves them as they are."""
        return hx if permutation is None else self._each(lambda h: h.index_select(1, permutation), hx)

    def get_expected_hidden_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """The shape (L D, B, H) of h for this input, (L D, B, P) with a projection."""
        return (*self._layers_and_batch(input, batch_sizes), self.proj_size or self.hidden_size)

    def _layers_and_batch(self, input: Any, batch_sizes: Any) -> tuple[int, int]:
        batch = input.shape[0 if self.batch_first else 1] if batch_sizes is None else int(batch_sizes[0])
        return self.num_layers * self._directions, batch

    # -- checks -----------------------------------------------------------------------------------------------------

    def check_forward_args(self, input: Any, hidden: Any, batch_sizes: Any) -> None:
        """Raise where input and states do not fit the layers, or each other."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def check_input(self, input: Any, batch_sizes: Any) -> None:
        """Raise where the input does not fit the layers."""
        kind = getattr(self, self._all_weights[0][0]).dtype
        if input.dtype != kind:
            raise RangeError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({kind}). "
                f"Convert input: input.to({kind}), or convert model: model.to({input.dtype})"
            )
        axes = 3 if batch_sizes is None else 2
        if input.dim() != axes:
            raise ShapeError(f"input must have {axes} dimensions, got {input.dim()}")
        if input.shape[-1] != self.input_size:
            raise ShapeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )

    def check_hidden_size(
        self, hx: Any, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Raise where a state has another shape."""
        if tuple(hx.shape) != expected_hidden_size:
            raise ShapeError(msg.format(expected_hidden_size, list(hx.shape)))

    def _check_axes(self, input: Any, hx: Any) -> None:
        """Raise where the states of a batch come with an input that is none, or the other way round."""
        if hx is not None and hx.dim() != input.dim():
            batched = "batched 3-D" if input.dim() == 3 else "unbatched 2-D"
            raise ShapeError(f"For {batched} input, hx should also be {input.dim()}-D but got {hx.dim()}-D tensor")

    def extra_repr(self) -> str:
        """The settings, as printed."""
        usual = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        unusual = [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *unusual])


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_t-1 + b_hh), or ReLU in the place of tanh (Elman 1990).

    See :class:`RNNBase` for shapes, weights and the other arguments.

    Args:
        nonlinearity: "tanh" or "relu".
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **unknown: Any,
    ) -> None:
        _refuse(unknown)
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        mode = f"RNN_{nonlinearity.upper()}"
        sizes = (input_size, hidden_size, num_layers)
        super().__init__(mode, *sizes, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        self.nonlinearity = nonlinearity


class GRU(RNNBase):
    """Gated recurrent units: the state moves towards a new one as far as the gate z lets it (Cho et al. 2014)::

        r = σ(W_ir x_t + b_ir + W_hr h_t-1 + b_hr)
        z = σ(W_iz x_t + b_iz + W_hz h_t-1 + b_hz)
        n = tanh(W_in x_t + b_in + r (W_hn h_t-1 + b_hn))
        h_t = (1 - z) n + z h_t-1

    σ is the sigmoid; what is not a matrix is multiplied by element. Weights hold the gates in the order r z n. How
    gradients go back is in :class:`handtorch.ops.recurrent.Gru`; see :class:`RNNBase` for shapes, weights and
    arguments.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **unknown: Any,
    ) -> None:
        _refuse(unknown)
        sizes = (input_size, hidden_size, num_layers)
        super().__init__("GRU", *sizes, bias, batch_first, dropout, bidirectional, 0, device, dtype)


class LSTM(RNNBase):
    """Long short-term memory: a memory c that gates write, forget and show (Hochreiter and Schmidhuber 1997)::

        i = σ(W_ii x_t + b_ii + W_hi h_t-1 + b_hi)
        f = σ(W_if x_t + b_if + W_hf h_t-1 + b_hf)
        g = tanh(W_ig x_t + b_ig + W_hg h_t-1 + b_hg)
        o = σ(W_io x_t + b_io + W_ho h_t-1 + b_ho)
        c_t = f c_t-1 + i g
        h_t = o tanh c_t             with proj_size, W_hr (o tanh c_t) (Sak et al. 2014)

    σ is the sigmoid; what is not a matrix is multiplied by element. Weights hold the gates in the order i f g o. How
    gradients go back is in :class:`handtorch.ops.recurrent.Lstm`; see :class:`RNNBase` for shapes, weights and
    arguments. ``hx`` and the states returned are pairs (h, c).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        sizes = (input_size, hidden_size, num_layers)
        super().__init__("LSTM", *sizes, bias, batch_first, dropout, bidirectional, proj_size, device, dtype)

    def get_expected_cell_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """The shape (L D, B, H) of c for this input."""
        return (*self._layers_and_batch(input, batch_sizes), self.hidden_size)

    def check_forward_args(self, input: Any, hidden: Any, batch_sizes: Any) -> None:
        """Raise where input and states do not fit the layers, or each other."""
        self.check_input(input, batch_sizes)
        expected = self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)
        for i, (state, shape) in enumerate(zip(self._listed(hidden), expected, strict=True)):
            self.check_hidden_size(state, shape, f"Expected hidden[{i}] size {{}}, got {{}}")

    def _check_axes(self, input: Any, hx: Any) -> None:
        if hx is None:
            return
        h, c = self._listed(hx)
        if {h.dim(), c.dim()} != {input.dim()}:
            batched = "batched 3-D" if input.dim() == 3 else "unbatched 2-D"
            raise ShapeError(
                f"For {batched} input, hx and cx should also be {input.dim()}-D "
                f"but got ({h.dim()}-D, {c.dim()}-D) tensors"
            )

    def _listed(self, hx: Any) -> tuple[Any, ...]:
        if not isinstance(hx, (tuple, list)) or len(hx) != 2:
            raise RangeError(f"expected hx to be two states (h_0, c_0), got a {type(hx).__name__} of {len(hx)}")
        return tuple(hx)

    def _each(self, function: Callable[[Any], Any], hx: Any) -> Any:
        h, c = self._listed(hx)
        return function(h), function(c)

    def _zeros(self, input: Any, batch_sizes: Any = None) -> Any:
        h = super()._zeros(input, batch_sizes)
        return h, zeros(self.get_expected_cell_size(input, batch_sizes), dtype=input.dtype)


def _refuse(options: dict[str, Any]) -> None:
    """Raise for arguments that a layer does not have."""
    if "proj_size" in options:
        raise ArgumentError("proj_size argument is only supported for LSTM, not RNN or GRU")
    for name in options:
        raise TypeError(f"got an unexpected keyword argument '{name}'")
