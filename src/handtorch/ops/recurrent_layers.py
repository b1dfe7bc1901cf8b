"""Recurrent networks as functions of their weights: stacks of layers, and single steps (cells)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from handtorch.errors import ShapeError
from handtorch.factories import zeros_like
from handtorch.ops.joining import cat, stack
from handtorch.ops.linalg import linear
from handtorch.ops.random import dropout as drop_out
from handtorch.ops.recurrent import Gru, Lstm, Recurrence, Rnn
from handtorch.tensor import Tensor

__all__ = [
    "gru",
    "gru_cell",
    "lstm",
    "lstm_cell",
    "rnn_relu",
    "rnn_relu_cell",
    "rnn_tanh",
    "rnn_tanh_cell",
]


class Weights(NamedTuple):
    """The weights of one layer in one direction; I inputs, H units, G gates, state of length P (H if not projected)."""

    w_ih: Any  # (G H, I)
    w_hh: Any  # (G H, P)
    b_ih: Any = None  # (G H)
    b_hh: Any = None  # (G H)
    w_hr: Any = None  # (P, H)


def layer(make: Callable[..., Recurrence], x: Any, sizes: Sequence[int], states: Any, weights: list[Weights]) -> Any:
    """One layer in D directions over a packed batch.

    Args:
        make: the kind of recurrence.
        x: (S, I), rows in packed order, or (T, B, I).
        sizes: (T), how many sequences have each step; S is their sum, B the first.
        states: (D, B, H) each, h_0 first.
        weights: of each direction.

    Returns:
        y (S, D H) or (T, B, D H), and the last states (D, B, H).
    """
    w_ih, w_hh, b_ih, b_hh, w_hr = zip(*weights, strict=True)
    of_gates: list[Any] = []
    bias = None
    if b_ih[0] is not None:
        if make is Gru:  # whose b_hh lies within the gate r
            bias = _joined(b_ih)
            of_gates = [_beside(b_hh)]
        else:
            bias = _joined([a + b for a, b in zip(b_ih, b_hh, strict=True)])
    if w_hr[0] is not None:
        of_gates = [_beside(w_hr)]
    gates = linear(x, _joined(w_ih), bias).reshape(sum(sizes), len(weights), w_ih[0].array.shape[0])
    y, *ends = make(sizes)(gates, *states, _beside(w_hh), *of_gates)
    return y.reshape(*x.array.shape[:-1], y.array.shape[1]) if x.array.ndim > 2 else y, *ends


def _joined(tensors: Sequence[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else cat(tensors)


def _beside(tensors: Sequence[Any]) -> Any:
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else stack(tensors)


def layers(
    make: Callable[..., Recurrence],
    x: Any,
    sizes: Sequence[int],
    states: Sequence[Any],
    weights: list[list[Weights]],
    dropout: float,
    train: bool,
) -> Any:
    """Layers on top of each other: what one gives is what the next one takes, with dropout between them.

    Args:
        make: the kind of recurrence.
        x: (S, I), rows in packed order, or (T, B, I).
        sizes: (T), how many sequences have each step.
        states: (L D, B, H) each, h_0 first: layer by layer, in each direction by direction.
        weights: of each layer in each direction.
        dropout: the probability with which an element is zeroed between layers, if ``train``.

    Returns:
        y (S, D H) or (T, B, D H) of the last layer, and the last states (L D, B, H).
    """
    directions = len(weights[0])
    ends = []
    for i, own in enumerate(weights):
        if i and dropout:
            x = drop_out(x, dropout, train)
        x, *last = layer(make, x, sizes, [s[i * directions : (i + 1) * directions] for s in states], own)
        ends.append(last)
    return x, *(_joined(of_layers) for of_layers in zip(*ends, strict=True))


def run(
    make: Callable[..., Recurrence],
    input: Any,
    batch_sizes: Any,
    states: Sequence[Any],
    weights: list[list[Weights]],
    dropout: float,
    train: bool,
    batch_first: bool,
) -> Any:
    """:func:`layers` on a packed batch (S, I), or on one (T, B, I), (B, T, I) if ``batch_first``."""
    if batch_sizes is not None:
        return layers(make, input, batch_sizes.array.tolist(), states, weights, dropout, train)
    if batch_first:
        input = input.transpose(0, 1)
    steps, batch, _ = input.array.shape
    if not steps:
        raise ShapeError("Expected sequence length to be larger than 0 in RNN")
    y, *ends = layers(make, input, [batch] * steps, states, weights, dropout, train)
    return y.transpose(0, 1) if batch_first else y, *ends


def grouped(params: Sequence[Any], has_biases: bool, layers: int, directions: int) -> list[list[Weights]]:
    """A flat list of weights by layer and direction.

    Raises:
        ShapeError: there are more or fewer.
    """
    least = 4 if has_biases else 2
    count = len(params) // (layers * directions)
    if count * layers * directions != len(params) or count not in (least, least + 1):
        raise ShapeError(
            f"got an incorrect number of RNN parameters: expected {least} for each of {layers} layers in {directions} "
            f"directions (one more with a projection), got {len(params)}"
        )

    names = (*Weights._fields[:least], "w_hr")[:count]

    def one(first: int) -> Weights:
        return Weights(**dict(zip(names, params[first : first + count], strict=True)))

    return [[one((i * directions + d) * count) for d in range(directions)] for i in range(layers)]


def _pair(hx: Any, name: str) -> tuple[Any, ...]:
    if isinstance(hx, Tensor) or len(hx) != 2:
        raise ShapeError(f"{name} expects two hidden states, (h_0, c_0)")
    return tuple(hx)


# -- stacks of layers ---------------------------------------------------------------------------------------------


def _stack_of(make: Callable[..., Recurrence], name: str, doc: str) -> Callable[..., Any]:
    def padded(
        input: Any,
        hx: Any,
        params: Sequence[Any],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> Any:
        weights = grouped(params, has_biases, num_layers, 1 + bool(bidirectional))
        return run(make, input, None, states_of(hx), weights, dropout, train, batch_first)

    def packed(
        data: Any,
        batch_sizes: Any,
        hx: Any,
        params: Sequence[Any],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
    ) -> Any:
        weights = grouped(params, has_biases, num_layers, 1 + bool(bidirectional))
        return run(make, data, batch_sizes, states_of(hx), weights, dropout, train, False)

    def states_of(hx: Any) -> Sequence[Any]:
        return _pair(hx, name) if make is Lstm else (hx,)

    def either(*args: Any, **options: Any) -> Any:
        second = args[1] if len(args) > 1 else None
        is_packed = "batch_sizes" in options or (isinstance(second, Tensor) and second.array.dtype.kind == "i")
        return (packed if is_packed else padded)(*args, **options)

    either.__name__ = either.__qualname__ = name
    either.__doc__ = doc
    return either


_STACK = """{what} over a batch of sequences.

    {name}(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first), or for a packed batch
    {name}(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional).

    Args:
        input: (T, B, I), or (B, T, I) if ``batch_first``.
        data, batch_sizes: of a :class:`handtorch.nn.utils.rnn.PackedSequence`.
        hx: {states} (L D, B, H), with L layers in D directions.
        params: for each layer, in it for each direction: w_ih (G H, I), w_hh (G H, H), if ``has_biases`` b_ih (G H) and
            b_hh (G H){projection}.
        dropout: the probability with which an element is zeroed between layers, if ``train``.

    Returns:
        y (T, B, D H), and the last states.
    """

rnn_tanh = _stack_of(
    Rnn, "rnn_tanh", _STACK.format(name="rnn_tanh", what="Simple recurrent layers (tanh)", states="h_0", projection="")
)
rnn_relu = _stack_of(
    partial(Rnn, relu=True),
    "rnn_relu",
    _STACK.format(name="rnn_relu", what="Simple recurrent layers (ReLU)", states="h_0", projection=""),
)
gru = _stack_of(Gru, "gru", _STACK.format(name="gru", what="Gated recurrent units", states="h_0", projection=""))
lstm = _stack_of(
    Lstm,
    "lstm",
    _STACK.format(
        name="lstm",
        what="Layers of long short-term memory",
        states="h_0 and c_0,",
        projection=", with a projection w_hr (P, H)",
    ),
)


# -- single steps -------------------------------------------------------------------------------------------------


def _step(make: Callable[..., Recurrence], input: Any, states: Sequence[Any], weights: Weights) -> Any:
    """The states (B, H) after one step on ``input`` (B, I)."""
    _check_step(input, states, weights)
    if (weights.b_ih is None) != (weights.b_hh is None):
        other = zeros_like(weights.b_ih if weights.b_hh is None else weights.b_hh)
        weights = weights._replace(b_hh=other) if weights.b_hh is None else weights._replace(b_ih=other)
    _, *after = layer(make, input, [len(input)], [state.unsqueeze(0) for state in states], [weights])
    return tuple(state[0] for state in after)


def _check_step(input: Any, states: Sequence[Any], weights: Weights) -> None:
    if input.array.ndim != 2:
        raise ShapeError(f"expected input (B, I), got {tuple(input.shape)}")
    size, hidden = weights.w_ih.array.shape[1], weights.w_hh.array.shape[1]
    if input.array.shape[1] != size:
        raise ShapeError(f"input has inconsistent input_size: got {input.array.shape[1]} expected {size}")
    for i, state in enumerate(states):
        if state.array.shape[0] != len(input):
            raise ShapeError(f"Input batch size {len(input)} doesn't match hidden{i} batch size {state.array.shape[0]}")
        if state.array.shape[1:] != (hidden,):
            raise ShapeError(f"hidden{i} has inconsistent hidden_size: got {state.array.shape[1]}, expected {hidden}")


def rnn_tanh_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh): x (B, I), h (B, H), weights (H, I) and (H, H), biases (H)."""
    return _step(Rnn, input, (hx,), Weights(w_ih, w_hh, b_ih, b_hh))[0]


def rnn_relu_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """h' = ReLU(W_ih x + b_ih + W_hh h + b_hh): x (B, I), h (B, H), weights (H, I) and (H, H), biases (H)."""
    return _step(partial(Rnn, relu=True), input, (hx,), Weights(w_ih, w_hh, b_ih, b_hh))[0]


def gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """One step of a gated recurrent unit, see :class:`handtorch.ops.recurrent.Gru`: x (B, I), h (B, H), weights (3H, I)
    and (3H, H), biases (3H), gates in the order r z n.
    """
    return _step(Gru, input, (hx,), Weights(w_ih, w_hh, b_ih, b_hh))[0]


def lstm_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """One step of long short-term memory, see :class:`handtorch.ops.recurrent.Lstm`: x (B, I), (h, c) (B, H) each,
    weights (4H, I) and (4H, H), biases (4H), gates in the order i f g o.

    Returns:
        h', c'.
    """
    return _step(Lstm, input, _pair(hx, "lstm_cell"), Weights(w_ih, w_hh, b_ih, b_hh))
