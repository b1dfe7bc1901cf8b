import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError
from handtorch.models import MLP


def test_forward_is_the_formula_of_its_docstring():
    handtorch.manual_seed(0)
    mlp = MLP(5, [7], 3, activation="relu", dropout=0.5).eval()
    rng = np.random.default_rng(0)
    state = {name: tensor.numpy() for name, tensor in mlp.state_dict().items()}
    state["layers.1.running_mean"][:] = rng.standard_normal(7)
    state["layers.1.running_var"][:] = rng.uniform(0.5, 2, 7)
    x = rng.standard_normal((4, 5)).astype(np.float32)
    z = x @ state["layers.0.weight"].T
    z = (z - state["layers.1.running_mean"]) / np.sqrt(state["layers.1.running_var"] + 1e-5)
    z = np.maximum(z * state["layers.1.weight"] + state["layers.1.bias"], 0)
    expected = z @ state["layers.4.weight"].T + state["layers.4.bias"]
    np.testing.assert_allclose(mlp(handtorch.from_numpy(x)).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_settings_make_a_network_that_takes_the_same_weights():
    mlp = MLP(6, (4, 3), 2, activation="silu", dropout=0.1, batch_norm=False)
    again = MLP(**mlp.settings)
    again.load_state_dict(mlp.state_dict())
    x = handtorch.ones(2, 6)
    np.testing.assert_array_equal(again.eval()(x).detach().numpy(), mlp.eval()(x).detach().numpy())


def test_linear_maps_before_a_batch_norm_have_no_bias_of_their_own():
    names = MLP(6, [4], 2).state_dict()
    assert "layers.0.bias" not in names and "layers.1.bias" in names
    assert "layers.0.bias" in MLP(6, [4], 2, batch_norm=False).state_dict()


def test_without_hidden_layers_it_is_a_linear_map():
    assert [tuple(p.shape) for p in MLP(6, [], 2).parameters()] == [(2, 6), (2,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_features": 0, "hidden": [3], "out_features": 2}, "0 - 3 - 2"),
        ({"in_features": 4, "hidden": [3], "out_features": 2, "activation": "swish"}, "'gelu'.*got 'swish'"),
    ],
)
def test_arguments_without_meaning_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        MLP(**arguments)
