"""Activation and dropout layers: what they promise beyond their formulas, which are tested with the ops."""

import math

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F
from handtorch import nn
from handtorch.errors import ArgumentError, DtypeError, GradientError, RangeError, ShapeError


def numbers(*shape, seed=0):
    return handtorch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


IN_PLACE = [
    nn.CELU(inplace=True),
    nn.ELU(inplace=True),
    nn.Hardsigmoid(inplace=True),
    nn.Hardswish(inplace=True),
    nn.Hardtanh(inplace=True),
    nn.LeakyReLU(inplace=True),
    nn.Mish(inplace=True),
    nn.RReLU(inplace=True).eval(),
    nn.ReLU(inplace=True),
    nn.ReLU6(inplace=True),
    nn.SELU(inplace=True),
    nn.SiLU(inplace=True),
    nn.Threshold(0.1, 2.0, inplace=True),
]


@pytest.mark.parametrize("layer", IN_PLACE, ids=str)
def test_in_place_a_layer_writes_over_its_input_and_differentiates_as_ever(layer):
    leaf, other = (numbers(3, 4).requires_grad_() for _ in range(2))
    x = leaf * 2
    assert layer(x) is x
    x.sum().backward()
    layer.inplace = False
    plain = layer(other * 2)
    plain.sum().backward()
    np.testing.assert_array_equal(x.detach().numpy(), plain.detach().numpy())
    np.testing.assert_array_equal(leaf.grad.numpy(), other.grad.numpy())
    layer.inplace = True
    with pytest.raises(GradientError, match="leaf"):
        layer(numbers(3).requires_grad_())


@pytest.mark.parametrize("function", [F.celu, F.gelu, F.hardswish, F.logsigmoid, F.silu, F.softplus, F.glu, F.mish])
def test_whole_numbers_are_refused_where_the_result_would_have_to_be_a_fraction(function):
    with pytest.raises(DtypeError, match=r"int64; expected floating point, try input.float\(\)"):
        function(handtorch.arange(4))


def test_relu6_and_threshold_of_whole_numbers_stay_whole():
    x = handtorch.tensor([-3, 2, 9])
    assert F.relu6(x).tolist() == [0, 2, 6]
    assert F.relu6(x).dtype == handtorch.int64
    assert F.threshold(x, 2.9, 7.9).tolist() == [7, 7, 9]


def test_prelu_learns_one_slope_a_channel():
    layer, x = nn.PReLU(3, init=0.5).double(), numbers(4, 3, 5)
    y = layer(x)
    np.testing.assert_array_equal(y.detach().numpy(), np.where(x.numpy() > 0, x.numpy(), 0.5 * x.numpy()))
    y.sum().backward()
    np.testing.assert_allclose(layer.weight.grad.numpy(), np.minimum(x.numpy(), 0).sum((0, 2)))
    with pytest.raises(ShapeError, match="parameter numbers = 3 and channel size = 2"):
        layer(numbers(4, 2))


def test_rrelu_draws_slopes_from_its_interval_in_training_and_takes_their_mean_in_evaluation():
    layer, x = nn.RReLU(0.2, 0.6), -handtorch.ones(10_000)
    slopes = -layer(x).numpy()
    assert 0.2 <= slopes.min() < 0.201
    assert 0.599 < slopes.max() <= 0.6
    np.testing.assert_allclose(layer.eval()(x).numpy(), -0.4, rtol=1e-6)
    np.testing.assert_array_equal(nn.RReLU()(handtorch.ones(5)).numpy(), 1)


def test_selu_and_alpha_dropout_keep_mean_0_and_variance_1():
    x = numbers(400_000)
    for layer in (nn.SELU(), nn.AlphaDropout(0.3)):
        y = layer(x).numpy()
        assert abs(y.mean()) < 0.01
        assert abs(y.var() - 1) < 0.02


def test_hard_gumbel_softmax_is_one_hot_with_the_right_frequencies_and_the_soft_gradient():
    logits = handtorch.tensor([0.1, 0.6, 0.3], dtype=handtorch.float64).log().expand(20_000, 3).clone().requires_grad_()
    handtorch.manual_seed(0)
    hard = F.gumbel_softmax(logits, tau=0.5, hard=True)
    assert set(np.unique(hard.detach().numpy())) <= {0.0, 1.0}
    np.testing.assert_allclose(hard.detach().numpy().mean(0), [0.1, 0.6, 0.3], atol=0.01)
    (hard * hard.detach()).sum().backward()
    gradient = logits.grad
    logits.grad = None
    handtorch.manual_seed(0)
    (F.gumbel_softmax(logits, tau=0.5) * hard.detach()).sum().backward()
    np.testing.assert_array_equal(gradient.numpy(), logits.grad.numpy())


def test_softmax_casts_before_it_computes():
    x = handtorch.tensor([20_000, 20_001])
    want = 1 / (1 + math.exp(-1))
    assert handtorch.softmax(x, 0, dtype=handtorch.float64)[1].item() == pytest.approx(want, abs=1e-15)
    assert nn.Softmin(0)(-x.double())[1].item() == pytest.approx(want, abs=1e-15)


def test_softmax2d_is_over_the_channels():
    np.testing.assert_allclose(nn.Softmax2d()(numbers(2, 3, 4, 5)).numpy().sum(1), 1)
    np.testing.assert_allclose(nn.Softmax2d()(numbers(3, 4, 5)).numpy().sum(0), 1)
    with pytest.raises(ArgumentError, match=r"Softmax2d: expected input to be 3D or 4D.*got \(2, 3\)"):
        nn.Softmax2d()(numbers(2, 3))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: F.celu(numbers(2), 0.0), RangeError),
        (lambda: F.glu(numbers(3)), ShapeError),
        (lambda: F.hardtanh(numbers(2), 2.0, 1.0), ArgumentError),
        (lambda: F.rrelu(numbers(2), 0.5, 0.1), RangeError),
        (lambda: F.softshrink(numbers(2), -1.0), RangeError),
        (lambda: F.prelu(numbers(2), numbers(1).float()), DtypeError),
        (lambda: F.relu6(handtorch.tensor([True])), DtypeError),
        (lambda: F.hardtanh(handtorch.tensor([1], dtype=handtorch.uint8)), DtypeError),
        (lambda: nn.Hardtanh(1.0, 1.0), AssertionError),
        (lambda: nn.Dropout2d(1.5), ArgumentError),
        (lambda: F.gumbel_softmax(handtorch.arange(3)), DtypeError),
    ],
)
def test_settings_without_a_meaning_are_refused(call, error):
    with pytest.raises(error):
        call()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Dropout1d(0.4), (50, 40, 3)),
        (nn.Dropout1d(0.4), (2000, 3)),
        (nn.Dropout2d(0.4), (50, 40, 2, 3)),
        (nn.Dropout3d(0.4), (50, 40, 2, 1, 3)),
        (nn.Dropout3d(0.4), (2000, 2, 1, 3)),
    ],
)
def test_channels_are_left_out_as_a_whole(layer, shape):
    handtorch.manual_seed(0)
    y = layer(handtorch.ones(shape)).numpy()
    channels = y.reshape(2000, -1)
    assert (channels == channels[:, :1]).all()
    np.testing.assert_allclose(np.unique(channels), [0, 1 / 0.6], rtol=1e-6)
    assert (channels[:, 0] == 0).mean() == pytest.approx(0.4, abs=0.04)
    np.testing.assert_array_equal(layer.eval()(handtorch.ones(shape)).numpy(), 1)


def test_a_dropout_that_leaves_nothing_out_does_not_write_either():
    leaf = numbers(2, 3).requires_grad_()
    assert nn.Dropout(0.5, inplace=True).eval()(leaf) is leaf
    assert handtorch.dropout_(leaf, 0.5, False) is leaf
    assert leaf._version == 0


def test_feature_alpha_dropout_sets_whole_channels_to_one_value():
    y = nn.FeatureAlphaDropout(0.5)(handtorch.zeros(50, 40, 3)).numpy().reshape(2000, 3)
    assert (y == y[:, :1]).all()
    assert len(np.unique(y)) == 2


def test_channel_dropouts_refuse_inputs_without_channels():
    for function in (F.dropout1d, lambda x: F.feature_alpha_dropout(x, training=True)):
        with pytest.raises(ShapeError):
            function(handtorch.ones(3))
    with pytest.raises(DtypeError, match="int64"):
        F.dropout(handtorch.arange(3))


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Threshold(1, 2.5, inplace=True), "Threshold(threshold=1, value=2.5, inplace=True)"),
        (nn.Hardtanh(), "Hardtanh(min_val=-1.0, max_val=1.0)"),
        (nn.ReLU6(inplace=True), "ReLU6(inplace=True)"),
        (nn.Softshrink(), "Softshrink(0.5)"),
        (nn.RReLU(0.1, 0.2), "RReLU(lower=0.1, upper=0.2)"),
        (nn.GLU(1), "GLU(dim=1)"),
        (nn.ConstantPad2d(1, 0.5), "ConstantPad2d(padding=(1, 1, 1, 1), value=0.5)"),
        (nn.ReflectionPad1d((1, 2)), "ReflectionPad1d((1, 2))"),
        (nn.ZeroPad3d(1), "ZeroPad3d((1, 1, 1, 1, 1, 1))"),
    ],
)
def test_layers_print_their_settings_as_in_pytorch(layer, text):
    assert repr(layer) == text
