"""Recurrent layers: what must hold of any sequence, whatever the weights."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError, DtypeError, RangeError, ShapeError
from handtorch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence, unpack_sequence

KINDS = ["RNN", "GRU", "LSTM"]
LENGTHS = [3, 6, 1]


@pytest.fixture(autouse=True)
def seed():
    handtorch.manual_seed(0)


def network(kind, **options):
    return getattr(nn, kind)(4, 5, dtype=handtorch.float64, **options)


def normal(*shape):
    return handtorch.randn(*shape, dtype=handtorch.float64)


def states(result):
    """The last states, as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def assert_close(one, other):
    np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_in_a_packed_batch_gives_what_it_gives_alone(kind, options):
    net = network(kind, **options)
    rows = [normal(length, 4) for length in LENGTHS]
    y, ends = net(pack_sequence(rows, enforce_sorted=False))
    for i, (row, part) in enumerate(zip(rows, unpack_sequence(y), strict=True)):
        alone, last = net(row)
        assert_close(part, alone)
        for state, state_alone in zip(states(ends), states(last), strict=True):
            assert_close(state[:, i], state_alone)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_gets_no_gradient(kind):
    x = normal(7, len(LENGTHS), 4).requires_grad_()
    y, ends = network(kind, bidirectional=True)(pack_padded_sequence(x, LENGTHS, enforce_sorted=False))
    (y.data.sum() + sum(state.sum() for state in states(ends))).backward()
    for i, length in enumerate(LENGTHS):
        assert np.all(x.grad.numpy()[:length, i] != 0)
        assert not x.grad.numpy()[length:, i].any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_second_direction_is_the_first_on_the_sequence_reversed(kind):
    both, one = network(kind, bidirectional=True), network(kind)
    one.load_state_dict(
        {key.removesuffix("_reverse"): w for key, w in both.state_dict().items() if key.endswith("_reverse")}
    )
    x = normal(6, 2, 4)
    y, ends = both(x)
    alone, last = one(x.flip(0))
    assert_close(y[..., 5:], alone.flip(0))
    for state, state_alone in zip(states(ends), states(last), strict=True):
        assert_close(state[1], state_alone[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_in_two_parts_gives_what_it_gives_in_one(kind):
    net, x = network(kind, num_layers=2), normal(9, 3, 4)
    first, between = net(x[:4])
    second, last = net(x[4:], between)
    whole, end = net(x)
    assert_close(handtorch.cat([first, second]), whole)
    for state, other in zip(states(last), states(end), strict=True):
        assert_close(state, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_walks_as_the_layer_does(kind):
    net, cell = network(kind), getattr(nn, f"{kind}Cell")(4, 5, dtype=handtorch.float64)
    cell.load_state_dict({key.removesuffix("_l0"): w for key, w in net.state_dict().items()})
    x, hx = normal(6, 3, 4), None
    y, ends = net(x)
    for step, expected in zip(x, y, strict=True):
        hx = cell(step, hx)
        assert_close(states(hx)[0], expected)
    for state, last in zip(states(hx), states(ends), strict=True):
        assert_close(state, last[0])


def test_an_update_gate_at_one_keeps_the_state_and_its_gradient_over_a_thousand_steps():
    net = network("GRU")
    with handtorch.no_grad():
        net.bias_ih_l0[5:10] = 50.0  # z = 1 - e^-50
    h = normal(1, 2, 5).requires_grad_()
    _, last = net(normal(1000, 2, 4), h)
    last.sum().backward()
    assert_close(last, h)
    assert_close(h.grad, handtorch.ones_like(h))


def test_a_forget_gate_at_one_keeps_the_memory_and_its_gradient_over_a_thousand_steps():
    net = network("LSTM")
    with handtorch.no_grad():
        net.bias_ih_l0[:5] = -50.0  # i = e^-50
        net.bias_ih_l0[5:10] = 50.0  # f = 1 - e^-50
    h, c = normal(1, 2, 5), normal(1, 2, 5).requires_grad_()
    _, (_, last) = net(normal(1000, 2, 4), (h, c))
    last.sum().backward()
    assert_close(last, c)
    assert_close(c.grad, handtorch.ones_like(c))


def test_batch_first_is_the_same_network_with_other_axes():
    x = normal(6, 3, 4)
    net = network("LSTM", bidirectional=True)
    other = network("LSTM", bidirectional=True, batch_first=True)
    other.load_state_dict(net.state_dict())
    (y, (h, _)), (z, (k, _)) = net(x), other(x.transpose(0, 1))
    assert_close(y, z.transpose(0, 1))
    assert_close(h, k)


def test_weights_of_both_biases_get_the_same_gradient_where_they_are_added():
    net = network("LSTM")
    net(normal(6, 3, 4))[0].sum().backward()
    assert_close(net.bias_ih_l0.grad, net.bias_hh_l0.grad)


def test_padded_output_of_a_packed_batch_is_filled_up():
    x = normal(6, 3, 4)
    y, _ = network("GRU")(pack_padded_sequence(x, LENGTHS, enforce_sorted=False))
    padded, lengths = pad_packed_sequence(y, total_length=8)
    assert lengths.tolist() == LENGTHS
    assert padded.shape == (8, 3, 5)
    assert not padded[LENGTHS[0] :, 0].any()


def test_errors_say_where_and_what():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.LSTM(4, 5)

        def forward(self, x, hx=None):
            return self.encoder(x, hx)

    net = Net()
    with pytest.raises(ShapeError, match=r"encoder: input\.size\(-1\) must be equal to input_size\. Expected 4, got 3"):
        net(handtorch.zeros(6, 2, 3))
    with pytest.raises(RangeError, match=r"encoder: RNN input dtype .*float64.* does not match weight dtype .*float32"):
        net(normal(6, 2, 4))
    with pytest.raises(RangeError, match=r"encoder: expected hx to be two states \(h_0, c_0\), got a Tensor"):
        net(handtorch.zeros(6, 2, 4), handtorch.zeros(1, 2, 5))
    with pytest.raises(ShapeError, match=r"Expected hidden\[1\] size \(1, 2, 5\), got \[1, 3, 5\]"):
        net(handtorch.zeros(6, 2, 4), (handtorch.zeros(1, 2, 5), handtorch.zeros(1, 3, 5)))
    with pytest.raises(DtypeError, match="lstm: expected inputs, states and weights of one dtype"):
        net(handtorch.zeros(6, 2, 4), (normal(1, 2, 5), normal(1, 2, 5)))
    with pytest.raises(ShapeError, match="sequence length to be larger than 0"):
        net(handtorch.zeros(0, 2, 4))


def test_dropout_of_one_layer_warns_and_impossible_settings_are_refused():
    with pytest.warns(UserWarning, match="num_layers greater than 1") as seen:
        nn.GRU(4, 5, dropout=0.5)
    assert seen[0].filename == __file__
    with pytest.raises(ArgumentError, match="proj_size has to be smaller than hidden_size"):
        nn.LSTM(4, 5, proj_size=5)
    with pytest.raises(ArgumentError, match="Unknown nonlinearity 'sin'"):
        nn.RNN(4, 5, nonlinearity="sin")


def test_functions_of_weights_count_what_they_are_given():
    x, h = normal(6, 2, 4), normal(1, 2, 5)
    weights = [w.detach() for w in network("GRU").parameters()]
    with pytest.raises(ShapeError, match="expected 4 for each of 2 layers in 1 directions"):
        handtorch.gru(x, h, weights, True, 2, 0.0, False, False, False)
    with pytest.raises(ShapeError, match=r"gru: expected h_0 \(1, 2, 5\), got \(1, 3, 5\)"):
        handtorch.gru(x, normal(1, 3, 5), weights, True, 1, 0.0, False, False, False)
    with pytest.raises(ShapeError, match="lstm expects two hidden states"):
        handtorch.lstm(x, h, weights, True, 1, 0.0, False, False, False)


def test_old_places_of_the_names_still_hold_them():
    from handtorch.nn.modules import rnn

    assert rnn.LSTM is nn.LSTM
    assert rnn.RNNBase is nn.RNNBase
