"""A scanning MLP and its convolution give the same numbers, both ways."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError, ShapeError
from handtorch.nn.utils.scan import convolution_of, mlp_of, scan


def numbers(*shape):
    return handtorch.from_numpy(np.random.default_rng(0).standard_normal(shape).astype(np.float32))


def mlp_for(inputs):
    return nn.Sequential(
        nn.Linear(inputs, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 6, bias=False), nn.Tanh(), nn.Linear(6, 5)
    ).eval()


@pytest.mark.parametrize(
    ("window", "stride", "x"),
    [(4, 1, (2, 3, 9)), (4, 3, (2, 3, 11)), ((3, 2), (2, 1), (2, 2, 7, 6)), ((2, 3, 2), 1, (1, 2, 4, 4, 3))],
)
def test_an_mlp_over_windows_and_its_convolution_give_the_same_numbers(window, stride, x):
    mlp, x = mlp_for(x[1] * int(np.prod(window))), numbers(*x)
    cnn = convolution_of(mlp, x.shape[1], window, stride).eval()
    one_by_one = scan(mlp, x, window, stride)
    at_once = cnn(x)
    assert at_once.shape == one_by_one.shape
    np.testing.assert_allclose(at_once.detach().numpy(), one_by_one.detach().numpy(), rtol=1e-4, atol=1e-6)


def test_a_window_is_seen_by_the_mlp_with_its_channel_first():
    x = numbers(1, 2, 5)
    mlp = mlp_for(6)
    want = mlp(x[:, :, 1:4].reshape(1, 6))
    np.testing.assert_allclose(scan(mlp, x, 3)[:, :, 1].detach().numpy(), want.detach().numpy(), rtol=1e-5)


def test_there_and_back_is_the_same_mlp():
    mlp = mlp_for(12)
    back = mlp_of(convolution_of(mlp, 3, 4))
    assert repr(back) == repr(mlp)
    for name, value in mlp.state_dict().items():
        assert (back.state_dict()[name] == value).all()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: convolution_of(mlp_for(12), 3, 5), r"15 numbers \(3 channels of \(5,\)\), got Linear\(in_features=12"),
        (lambda: convolution_of(nn.Sequential(nn.Softmax(-1)), 3, 5), "act on each number alone, got Softmax"),
        (lambda: convolution_of(mlp_for(1), 1, (1, 1, 1, 1)), "one, two or three axes"),
        (lambda: mlp_of(nn.Sequential(nn.Conv1d(2, 3, 3, padding=1))), "without padding"),
        (lambda: mlp_of(nn.Sequential(nn.Conv1d(2, 3, 3), nn.Conv1d(3, 3, 2))), "one place after the first"),
    ],
)
def test_networks_that_are_no_scan_are_refused(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


def test_a_signal_shorter_than_the_window_is_refused():
    with pytest.raises(ShapeError, match=r"expected x \(N, C, \*\) with a window \(4,\)"):
        scan(mlp_for(12), numbers(2, 3, 3), 4)
