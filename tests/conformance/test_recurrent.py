"""Recurrent layers and cells against PyTorch's: the same first weights, values, gradients, draws and refusals."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest

import handtorch

from .programs import assert_alike, numbers, programs, raises

torch = pytest.importorskip("torch")

program, test_both_libraries_do_the_same = programs()

KINDS: dict[str, dict[str, Any]] = {
    "RNN": {},
    "RNN with ReLU": {"nonlinearity": "relu"},
    "GRU": {},
    "LSTM": {},
    "LSTM with projection": {"proj_size": 2},
}
LENGTHS = [3, 6, 1, 3, 5]


def states_of(lib: Any, net: Any, batch: int, dtype: Any) -> list[Any]:
    """Leaves to begin with: h_0, and c_0 for an LSTM."""
    directions = net.num_layers * (2 if net.bidirectional else 1)
    sizes = [net.proj_size or net.hidden_size] + [net.hidden_size] * (net.mode == "LSTM")
    return [
        numbers(lib, directions, batch, size, seed=i).to(dtype).requires_grad_()
        for i, size in enumerate(sizes, start=1)
    ]


def weighted(tensors: list[Any]) -> Any:
    """A sum in which every element has a weight of its own, so that no gradient hides another."""
    total = 0
    for y in tensors:
        lib = torch if isinstance(y, torch.Tensor) else handtorch
        total = total + (y * lib.arange(1, y.numel() + 1).reshape(y.shape).to(y.dtype)).sum() / y.numel()
    return total


def run(lib: Any, kind: str, packed: bool, given: bool, layers: int, both: bool, bias: bool, dtype: str) -> Any:
    """Results of one network, and the gradients of the input, the states and all weights."""
    lib.manual_seed(3)
    options = dict(num_layers=layers, bidirectional=both, bias=bias, dtype=getattr(lib, dtype), **KINDS[kind])
    net = getattr(lib.nn, kind.split()[0])(4, 3, **options)
    x = numbers(lib, 6, len(LENGTHS), 4).to(net.weight_ih_l0.dtype).requires_grad_()
    states = states_of(lib, net, len(LENGTHS), x.dtype) if given else []
    hx = (states[0] if len(states) == 1 else tuple(states)) if given else None
    rnn = lib.nn.utils.rnn
    y, ends = net(rnn.pack_padded_sequence(x, LENGTHS, enforce_sorted=False) if packed else x, hx)
    if packed:
        y, _ = rnn.pad_packed_sequence(y)
    results = [y, *(ends if isinstance(ends, tuple) else [ends])]
    weighted(results).backward()
    return results, [leaf.grad for leaf in (x, *states, *net.parameters())]


SETTINGS = [
    (packed, given, layers, both, bias)
    for packed, given, (layers, both, bias) in itertools.product(
        (False, True), (False, True), ((1, False, True), (3, True, True), (2, True, False))
    )
]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_all_gradients_agree_for_every_combination_of_settings(kind: str, dtype: str) -> None:
    for settings in SETTINGS:
        got, expected = run(handtorch, kind, *settings, dtype), run(torch, kind, *settings, dtype)
        assert_alike(got, expected)
        if dtype == "float64":
            for one, other in zip([*got[0], *got[1]], [*expected[0], *expected[1]], strict=True):
                np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-11)


def test_gradient_of_one_result_alone_agrees() -> None:
    """The others have none: neither y nor the last states may be taken for granted."""
    for kind, packed in itertools.product(("RNN", "GRU", "LSTM"), (False, True)):
        for which in range(3 if kind == "LSTM" else 2):
            seen = []
            for lib in (handtorch, torch):
                lib.manual_seed(0)
                net = getattr(lib.nn, kind)(4, 3, bidirectional=True)
                x = numbers(lib, 6, len(LENGTHS), 4).requires_grad_()
                packs = lib.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, enforce_sorted=False) if packed else x
                y, ends = net(packs)
                results = [y.data if packed else y, *(ends if kind == "LSTM" else [ends])]
                (results[which] ** 2).sum().backward()
                seen.append([x.grad, *(weight.grad for weight in net.parameters())])
            assert_alike(*seen)


@program
def layers_have_the_same_first_weights_names_and_text(lib: Any) -> Any:
    lib.manual_seed(1)
    nets = [
        lib.nn.RNN(3, 4, 2, "relu"),
        lib.nn.RNN(3, 4, 1, "tanh", False, True),
        lib.nn.GRU(3, 4, bidirectional=True, num_layers=2, dropout=0.25),
        lib.nn.LSTM(3, 4, 2, False, True, 0.5, True, 2),
        lib.nn.RNNCell(3, 4, nonlinearity="relu"),
        lib.nn.GRUCell(3, 4, False),
        lib.nn.LSTMCell(3, 4),
    ]
    nested = [[[tuple(w.shape) for w in layer] for layer in net.all_weights] for net in nets[:4]]
    return [(repr(net), dict(net.state_dict())) for net in nets], nested


@program
def dropout_between_layers_draws_the_same_numbers(lib: Any) -> Any:
    lib.manual_seed(2)
    net = lib.nn.GRU(3, 4, 3, dropout=0.5, batch_first=True)
    x = numbers(lib, 2, 5, 3)
    packed = lib.nn.utils.rnn.pack_padded_sequence(x, [5, 2], batch_first=True)
    inside = net(x), net(packed)[0].data, net(x[0])
    return inside, net.eval()(x)


@program
def one_sequence_a_batch_and_batch_first_go_together(lib: Any) -> Any:
    lib.manual_seed(5)
    seen = []
    for batch_first in (False, True):
        for kind in ("RNN", "GRU", "LSTM"):
            net = getattr(lib.nn, kind)(3, 4, bidirectional=True, batch_first=batch_first)
            h = numbers(lib, 2, 4)
            seen += [net(numbers(lib, 5, 3)), net(numbers(lib, 5, 3), (h, h) if kind == "LSTM" else h)]
            seen += [net(numbers(lib, 5, 2, 3)), net(lib.zeros(2, 0, 3) if not batch_first else lib.zeros(0, 2, 3))]
    return seen


@program
def packed_sequences_keep_their_order(lib: Any) -> Any:
    lib.manual_seed(5)
    rows = [numbers(lib, n, 3, seed=n) for n in (2, 4, 3)]
    packed = lib.nn.utils.rnn.pack_sequence(rows, enforce_sorted=False)
    h = numbers(lib, 1, 3, 4)
    y, ends = lib.nn.GRU(3, 4)(packed, h)
    alone = [lib.nn.utils.rnn.unpack_sequence(y)]
    return list(y), ends, alone


@program
def cells_step_and_give_gradients(lib: Any) -> Any:
    lib.manual_seed(4)
    seen: list[Any] = []
    for kind, options in (("RNNCell", {"nonlinearity": "relu"}), ("RNNCell", {}), ("GRUCell", {}), ("LSTMCell", {})):
        for bias, shape in itertools.product((False, True), ((2, 3), (3,), (0, 3))):
            cell = getattr(lib.nn, kind)(3, 4, bias=bias, **options)
            x = numbers(lib, *shape).requires_grad_()
            h = numbers(lib, *shape[:-1], 4)
            after = cell(x, (h, h) if kind == "LSTMCell" else h), cell(x)
            flat = [y for part in after for y in (part if isinstance(part, tuple) else [part])]
            sum((y * y).sum() for y in flat).backward()
            seen += [flat, x.grad, [weight.grad for weight in cell.parameters()]]
    return seen


@program
def functions_of_weights_take_what_pytorch_s_take(lib: Any) -> Any:
    w = {g: [numbers(lib, g * 4, n) for n in (3, 4)] + [numbers(lib, g * 4, seed=n) for n in (1, 2)] for g in (1, 3, 4)}
    x, h = numbers(lib, 5, 2, 3), numbers(lib, 1, 2, 4)
    sizes, data = lib.tensor([2, 2, 1]), numbers(lib, 5, 3)
    seen = []
    for name, gates, hx in (("rnn_tanh", 1, h), ("rnn_relu", 1, h), ("gru", 3, h), ("lstm", 4, (h, h))):
        function, cell = getattr(lib, name), getattr(lib, f"{name}_cell")
        last = (h[0], h[0]) if name == "lstm" else h[0]
        seen += [
            function(x, hx, w[gates], True, 1, 0.0, False, False, False),
            function(
                x,
                hx,
                w[gates][:2],
                has_biases=False,
                num_layers=1,
                dropout=0.0,
                train=False,
                bidirectional=False,
                batch_first=False,
            ),
            function(data, sizes, hx, w[gates], True, 1, 0.0, False, False),
            cell(x[0], last, *w[gates]),
            cell(x[0], last, *w[gates][:2]),
            cell(x[0], last, *w[gates][:3]),
            cell(x[0], last, *w[gates][:2], b_hh=w[gates][3]),
        ]
    return seen


@program
def copies_and_replaced_weights_count(lib: Any) -> Any:
    lib.manual_seed(6)
    net, x = lib.nn.LSTM(3, 4), numbers(lib, 5, 2, 3)
    other = copy.deepcopy(net)
    other.weight_hh_l0 = lib.nn.Parameter(lib.zeros(16, 4))
    swapped = lib.func.functional_call(net, {"bias_ih_l0": lib.ones(16)}, (x,))
    net.flatten_parameters()
    return net(x), other(x), swapped, net.double()(x.double())


@program
def gradients_of_gradients_agree(lib: Any) -> Any:
    lib.manual_seed(7)
    seen = []
    for kind in ("RNN", "GRU", "LSTM"):
        net = getattr(lib.nn, kind)(3, 2, bidirectional=True).double()
        x = numbers(lib, 4, 3, 3).double().requires_grad_()
        packed = lib.nn.utils.rnn.pack_padded_sequence(x, [4, 2, 1])
        y, _ = net(packed)
        (first,) = lib.autograd.grad((y.data**3).sum(), x, create_graph=True)
        seen.append(lib.autograd.grad((first**2).sum(), [x, *net.parameters()]))
    return seen


@program
def half_precision_is_taken(lib: Any) -> Any:
    lib.manual_seed(8)
    return [getattr(lib.nn, kind)(3, 4).half()(numbers(lib, 5, 2, 3).half()) for kind in ("RNN", "GRU", "LSTM")]


@program
def wrong_settings_are_refused(lib: Any) -> Any:
    nn = lib.nn
    return [
        raises(ValueError, lambda: nn.RNN(3, 4, nonlinearity="sin")),
        raises(ValueError, lambda: nn.RNN(3, 4, proj_size=2)),
        raises(ValueError, lambda: nn.GRU(3, 4, proj_size=2)),
        raises(TypeError, lambda: nn.GRU(3, 4, gates=2)),
        raises(ValueError, lambda: nn.LSTM(3, 4, proj_size=4)),
        raises(ValueError, lambda: nn.LSTM(3, 4, proj_size=-1)),
        raises(ValueError, lambda: nn.LSTM(0, 4)),
        raises(ValueError, lambda: nn.LSTM(3, 0)),
        raises(ValueError, lambda: nn.LSTM(3, 4, 0)),
        raises(TypeError, lambda: nn.LSTM(3.0, 4)),
        raises(TypeError, lambda: nn.LSTM(3, 4.0)),
        raises(TypeError, lambda: nn.LSTM(3, 4, bias=1)),
        raises(TypeError, lambda: nn.LSTM(3, 4, batch_first=1)),
        raises(ValueError, lambda: nn.LSTM(3, 4, dropout=1.5)),
        raises(ValueError, lambda: nn.LSTM(3, 4, dropout=True)),
    ]


@program
def wrong_inputs_are_refused(lib: Any) -> Any:
    x, seen = numbers(lib, 5, 2, 3), []
    for kind in ("RNN", "GRU"):
        net = getattr(lib.nn, kind)(3, 4)
        seen += [
            raises(RuntimeError, lambda net=net: net(lib.zeros(0, 2, 3))),
            raises(ValueError, lambda net=net: net(x.double())),
            raises(RuntimeError, lambda net=net: net(numbers(lib, 5, 2, 4))),
            raises(ValueError, lambda net=net: net(numbers(lib, 3))),
            raises(RuntimeError, lambda net=net: net(x, lib.zeros(1, 2, 4).double())),
            raises(RuntimeError, lambda net=net: net(x, lib.zeros(1, 3, 4))),
            raises(RuntimeError, lambda net=net: net(x, lib.zeros(2, 4))),
            raises(RuntimeError, lambda net=net: net(x[:, 0], lib.zeros(1, 1, 4))),
        ]
    net, h = lib.nn.LSTM(3, 4), lib.zeros(1, 2, 4)
    seen += [
        raises(RuntimeError, lambda: net(x, (h.double(), h))),
        raises(RuntimeError, lambda: net(x, (h, lib.zeros(1, 3, 4)))),
        raises(RuntimeError, lambda: net(x, (h[0], h[0]))),
        raises(RuntimeError, lambda: net(x[:, 0], (h, h))),
    ]
    for kind in ("RNNCell", "GRUCell"):
        cell = getattr(lib.nn, kind)(3, 4)
        seen += [
            raises(RuntimeError, lambda cell=cell: cell(numbers(lib, 2, 5))),
            raises(ValueError, lambda cell=cell: cell(numbers(lib, 2, 2, 3))),
            raises(ValueError, lambda cell=cell: cell(x[0], lib.zeros(1, 2, 4))),
            raises(RuntimeError, lambda cell=cell: cell(x[0], lib.zeros(3, 4))),
            raises(RuntimeError, lambda cell=cell: cell(x[0], lib.zeros(2, 5))),
            raises(RuntimeError, lambda cell=cell: cell(x[0].double())),
        ]
    return seen
