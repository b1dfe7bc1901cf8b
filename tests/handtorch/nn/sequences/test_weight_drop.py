"""Weights of a recurrent network are dropped once a pass; the raw ones stay what is trained and saved."""

import numpy as np
import pytest

import handtorch
from handtorch import nn, optim
from handtorch.errors import ArgumentError
from handtorch.nn.sequences import remove_weight_drop, weight_drop
from handtorch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

X = np.random.default_rng(0).standard_normal((6, 3, 4)).astype(np.float32)


def lstm(**options):
    handtorch.manual_seed(0)
    return nn.LSTM(4, 8, num_layers=2, bidirectional=True, **options)


def output(module, x=X, seed=None):
    if seed is not None:
        handtorch.manual_seed(seed)
    return module(handtorch.tensor(x))[0].detach().numpy()


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_weights_are_dropped_with_probability_p_and_their_mean_stays(p):
    module = weight_drop(nn.LSTM(2, 100), p)
    raw = module.parametrizations.weight_hh_l0.original.detach().numpy()
    dropped = module.weight_hh_l0.detach().numpy()
    kept = dropped != 0
    np.testing.assert_allclose(dropped[kept], raw[kept] / (1 - p), rtol=1e-6)
    assert abs((~kept).mean() - p) < 5 * np.sqrt(p * (1 - p) / raw.size)


def test_a_pass_is_that_of_a_network_with_the_dropped_weights():
    dropped, plain = weight_drop(lstm(), 0.5), lstm()
    handtorch.manual_seed(7)
    weights = [getattr(dropped, name).detach().numpy().copy() for name in dropped._flat_weights_names]
    with handtorch.no_grad():
        for name, weight in zip(plain._flat_weights_names, weights, strict=True):
            getattr(plain, name).copy_(handtorch.tensor(weight))
    # One draw holds for all steps of the pass: with a draw for each step no single set of weights would do.
    np.testing.assert_array_equal(output(dropped, seed=7), output(plain))


def test_draws_follow_the_seed_and_differ_from_pass_to_pass():
    module = weight_drop(lstm(), 0.5)
    first = output(module, seed=1)
    np.testing.assert_array_equal(first, output(module, seed=1))
    assert not np.array_equal(first, output(module))
    assert not np.array_equal(first, output(module, seed=2))


def test_packed_and_padded_get_the_same_draw():
    module = weight_drop(lstm(), 0.5)
    padded = output(module, seed=3)
    handtorch.manual_seed(3)
    packed, _ = module(pack_padded_sequence(handtorch.tensor(X), [6, 6, 6]))
    np.testing.assert_allclose(pad_packed_sequence(packed)[0].detach().numpy(), padded, rtol=1e-5, atol=1e-6)


def test_evaluation_is_the_network_without_weight_drop():
    np.testing.assert_array_equal(output(weight_drop(lstm(), 0.5).eval()), output(lstm().eval()))


def test_the_raw_weight_is_trained_and_is_the_object_that_it_was():
    module = lstm()
    raw = module.weight_hh_l0
    before = raw.detach().numpy().copy()
    optimizer = optim.SGD(module.parameters(), lr=1.0)
    weight_drop(module, 0.5)
    assert module.parametrizations.weight_hh_l0.original is raw
    assert len(list(module.parameters())) == len(list(lstm().parameters()))
    handtorch.manual_seed(0)
    kept = module.weight_hh_l0.detach().numpy() != 0
    handtorch.manual_seed(0)
    module(handtorch.tensor(X))[0].sum().backward()
    np.testing.assert_array_equal(raw.grad.numpy() != 0, kept)
    optimizer.step()
    np.testing.assert_array_equal(raw.detach().numpy() != before, kept)
    assert not np.array_equal(output(module.eval()), output(lstm().eval()))


def test_state_holds_each_weight_once_and_is_loaded_again(tmp_path):
    module = weight_drop(lstm(), 0.5)
    state = module.state_dict()
    expected = {
        f"parametrizations.{name}.original" if name.startswith("weight_hh") else name for name in lstm().state_dict()
    }
    assert set(state) == expected
    handtorch.save(state, tmp_path / "lstm.pt")
    handtorch.manual_seed(9)
    other = weight_drop(nn.LSTM(4, 8, num_layers=2, bidirectional=True), 0.5)
    other.load_state_dict(handtorch.load(tmp_path / "lstm.pt"))
    np.testing.assert_array_equal(output(other.eval()), output(module.eval()))


def test_it_can_be_removed_in_training_without_loss_of_weights():
    module = remove_weight_drop(weight_drop(lstm(), 0.5))
    assert type(module) is nn.LSTM
    plain = lstm()
    assert set(module.state_dict()) == set(plain.state_dict())
    plain.load_state_dict(module.state_dict())
    np.testing.assert_array_equal(output(module), output(lstm()))
    with pytest.raises(ArgumentError, match="module with weight_drop, got LSTM without"):
        remove_weight_drop(module)


def test_other_weights_can_be_named():
    module = weight_drop(nn.Linear(30, 30), 0.5, ["weight"])
    assert 0 < (module.weight == 0).sum() < 900
    assert list(module.state_dict()) == ["bias", "parametrizations.weight.original"]
    with pytest.raises(ArgumentError, match=r"parameters weight_hh\*, got Linear"):
        weight_drop(nn.Linear(3, 3))
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        weight_drop(nn.LSTM(3, 3), 1.1)
