"""Converters of recurrent layers: ONNX's operators begin with the input, and include its product with the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.onnx.converters.registry import converts
from handtorch.onnx.graph import Site, Unsupported
from handtorch.ops import linalg, recurrent, shape


@converts(recurrent.Rnn)
def rnn(site: Site, gates: Any, h_0: Any, w_hh: Any) -> list[str]:
    """φ(W x + b + W_hh h)."""
    activations = ["Relu" if site.op.relu else "Tanh"] * w_hh.lengths[0]
    return _layer(site, "RNN", (0,), gates, [h_0], w_hh, activations=activations)


@converts(recurrent.Gru)
def gru(site: Site, gates: Any, h_0: Any, w_hh: Any, b_hh: Any = None) -> list[str]:
    """Gates r z n; ONNX's are z r h, and its bias lies within r as ours if it says so."""
    return _layer(site, "GRU", (1, 0, 2), gates, [h_0], w_hh, b_hh, linear_before_reset=1)


@converts(recurrent.Lstm)
def lstm(site: Site, gates: Any, h_0: Any, c_0: Any, w_hh: Any, w_hr: Any = None) -> list[str]:
    """Gates i f g o; ONNX's are i o f c."""
    if w_hr is not None:
        raise Unsupported("a projection, or sequences of several lengths")
    return _layer(site, "LSTM", (0, 3, 1, 2), gates, [h_0, c_0], w_hh)


def _layer(
    site: Site,
    kind: str,
    order: tuple[int, ...],
    gates: Any,
    states: list[Any],
    w_hh: Any,
    b_hh: Any = None,
    **attributes: Any,
) -> list[str]:
    """y (S, D H) and the last states of a layer with its gates in another order."""
    if len(set(site.op.batch_sizes)) > 1:
        raise Unsupported("a projection, or sequences of several lengths")
    directions, rows, hidden = w_hh.lengths
    units = np.arange(rows).reshape(len(order), hidden)[list(order)].ravel()

    def in_order(weight: str) -> str:
        return site.node("Gather", weight, site.constant(units, np.int64), axis=1)

    x, w, b = _product(site, gates)
    w = in_order(site.node("Reshape", w, site.integers(directions, rows, -1)))
    biases = ""
    if b is not None or b_hh is not None:
        none = site.constant(np.zeros((directions, rows)))
        first = none if b is None else in_order(site.node("Reshape", b, site.integers(directions, rows)))
        biases = site.node("Concat", first, none if b_hh is None else in_order(b_hh), axis=1)
    inputs = [x, w, in_order(w_hh), biases, "", *(_state(h) for h in states)]
    direction = "bidirectional" if directions == 2 else "forward"
    count = 1 + len(states)
    y, *ends = site.nodes(kind, count, *inputs, hidden_size=hidden, direction=direction, **attributes)
    size = directions * hidden
    y = site.node(
        "Reshape", site.node("Transpose", y, perm=[0, 2, 1, 3]), site.integers(0, 0, size)
    )  # from (T, D, B, H)
    joined = site.node("Reshape", y, site.integers(-1, size))
    site.graph.apart[joined] = (len(site.op.batch_sizes), site.op.batch_sizes[0], size), y
    return [joined, *ends]


def _product(site: Site, gates: Any) -> tuple[Any, Any, Any]:
    """The input (T, B, I) of which the gates are a linear function, its weight (D G H, I) and its bias or None."""
    maker = site.graph.maker(site.call.inputs[0])
    if maker is not None and maker.op.definition is shape.Reshape:
        maker = site.graph.maker(maker.inputs[0])
    steps = len(site.op.batch_sizes)
    if maker is None or maker.op.definition is not linalg.Linear:
        size = gates.lengths[1] * gates.lengths[2]
        return site.node("Reshape", gates, site.integers(steps, -1, size)), site.constant(np.eye(size)), None
    x, w, *b = (None if value is None else site.graph.symbol(value) for value in maker.inputs)
    assert x is not None
    y = x if len(x.shape) == 3 else site.node("Reshape", x, site.integers(steps, -1, x.lengths[-1]))
    return y, w, b[0] if b else None


def _state(state: Any) -> str:
    """The first state; zeros are left out, because ONNX takes them for a batch of any length."""
    return "" if state.numbers is not None and not state.numbers.any() else state
