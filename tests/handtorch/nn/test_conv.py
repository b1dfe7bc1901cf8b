"""Convolution layers: settings, shapes, borders, initial numbers and what they say about wrong input."""

import numpy as np
import pytest
from scipy.ndimage import correlate
from scipy.signal import convolve

import handtorch
import handtorch.nn.functional as F
from handtorch import nn
from handtorch.errors import ArgumentError, DtypeError, RangeError, ShapeError

SCIPYS = {"zeros": "constant", "reflect": "mirror", "replicate": "nearest", "circular": "wrap"}


def numbers(*shape, seed=0):
    return handtorch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


@pytest.mark.parametrize("mode", SCIPYS)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_same_padding_is_scipys_correlation_in_every_padding_mode(mode, axes):
    x = numbers(1, 1, *(7, 6, 5)[:axes])
    layer = getattr(nn, f"Conv{axes}d")(1, 1, 3, padding="same", padding_mode=mode, dtype=handtorch.float64)
    want = correlate(x.numpy()[0, 0], layer.weight.detach().numpy()[0, 0], mode=SCIPYS[mode]) + layer.bias.item()
    np.testing.assert_allclose(layer(x).detach().numpy()[0, 0], want, rtol=1e-12)


def test_an_even_kernel_with_same_padding_has_the_longer_border_behind():
    x, w = numbers(1, 1, 6), numbers(1, 1, 4)
    want = F.conv1d(F.pad(x, (1, 2)), w)
    np.testing.assert_allclose(F.conv1d(x, w, padding="same").numpy(), want.numpy(), rtol=1e-12)
    layer = nn.Conv1d(1, 1, 4, padding="same", padding_mode="circular", bias=False, dtype=handtorch.float64)
    want = F.conv1d(F.pad(x, (1, 2), "circular"), layer.weight)
    np.testing.assert_allclose(layer(x).detach().numpy(), want.detach().numpy(), rtol=1e-12)


def test_groups_see_only_their_own_channels():
    x, w = numbers(2, 4, 9), numbers(6, 2, 3)
    want = handtorch.cat([F.conv1d(x[:, :2], w[:3]), F.conv1d(x[:, 2:], w[3:])], 1)
    np.testing.assert_allclose(F.conv1d(x, w, groups=2).numpy(), want.numpy(), rtol=1e-12)


def test_a_transposed_convolution_is_scipys_full_convolution():
    x, w = numbers(1, 1, 5, 6), numbers(1, 1, 3, 2)
    want = convolve(x.numpy()[0, 0], w.numpy()[0, 0], method="direct")
    np.testing.assert_allclose(F.conv_transpose2d(x, w).numpy()[0, 0], want, rtol=1e-12)


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_one_input_alone_is_a_batch_of_one(kind):
    layer = getattr(nn, f"{kind}2d")(3, 4, 3, stride=2)
    x = numbers(3, 8, 9).float()
    assert (layer(x) == layer(x.unsqueeze(0))[0]).all()


def test_output_size_chooses_among_the_inputs_that_a_stride_makes_equally_long():
    layer = nn.ConvTranspose1d(1, 1, 3, stride=2)
    x = numbers(1, 1, 4).float()
    assert layer(x).shape == (1, 1, 9)
    assert layer(x, [10]).shape == layer(x, (1, 1, 10)).shape == (1, 1, 10)
    with pytest.raises(ArgumentError, match=r"requested an output size of \[11\], but valid sizes range from \[9\] to"):
        layer(x, [11])
    with pytest.raises(ArgumentError, match=r"must have 1 or 3 elements \(got 2\)"):
        layer(x, [1, 9])


@pytest.mark.parametrize("transposed", [False, True])
def test_weights_begin_within_one_over_the_root_of_the_inputs_of_an_output(transposed):
    layer = (nn.ConvTranspose2d if transposed else nn.Conv2d)(20, 20, 5)
    assert layer.weight.shape == (20, 20, 5, 5)
    assert 0.044 < layer.weight.abs().amax().item() <= 1 / np.sqrt(500)
    assert layer.bias.abs().amax().item() <= 1 / np.sqrt(500)


def test_a_lazy_layer_becomes_an_ordinary_one_at_its_first_input():
    handtorch.manual_seed(0)
    lazy = nn.LazyConv2d(4, 3, 1, 1)
    assert repr(lazy) == "LazyConv2d(0, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))"
    y = lazy(numbers(2, 3, 5, 5).float())
    assert type(lazy) is nn.Conv2d
    assert y.shape == (2, 4, 5, 5)
    assert repr(lazy) == "Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))"
    with pytest.raises(ShapeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to LazyConvTranspose2d"):
        nn.LazyConvTranspose2d(4, 3)(numbers(5))
    with pytest.raises(ArgumentError, match="in_channels must be divisible by groups, got 3 and 2"):
        nn.LazyConv1d(4, 3, groups=2)(numbers(1, 3, 5))


def test_wrong_channels_are_named_with_the_module_the_argument_and_the_axis():
    model = nn.Sequential()
    model.add_module("conv1", nn.Conv2d(64, 8, 3))
    with pytest.raises(
        ShapeError, match=r"^conv1: expected x \(N, 64, H, W\), got \(2, 32, 28, 28\); axis 1 is in_channels"
    ):
        model(numbers(2, 32, 28, 28).float())
    with pytest.raises(ShapeError, match=r"expected x \(3, L\), got \(2, 9\); axis 0 is in_channels"):
        F.conv_transpose1d(numbers(2, 9), numbers(3, 1, 2))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"stride": 0}, RangeError, "non-positive stride"),
        ({"dilation": (1, 0)}, RangeError, "non-positive dilation"),
        ({"padding": -1}, RangeError, "negative padding"),
        ({"padding": "half"}, RangeError, "Invalid padding string"),
        ({"padding": "same", "stride": 2}, RangeError, "not supported for strided"),
        ({"stride": (1, 1, 1)}, RangeError, "list of 2 values"),
        ({"groups": 0}, RangeError, "non-positive groups"),
        ({"dilation": 5}, ShapeError, r"padded input size per channel: \(8 x 8\). Kernel size: \(11 x 11\)"),
        ({"bias": handtorch.zeros(3)}, ShapeError, "expected bias to be 1-dimensional with 4 elements"),
        ({"bias": handtorch.zeros(4, dtype=handtorch.float64)}, DtypeError, "bias type"),
        ({"weight": handtorch.zeros(4, 3, 3)}, ShapeError, "expected weight of 4 axes"),
        ({"weight": handtorch.zeros(4, 3, 3, 3, dtype=handtorch.float64)}, DtypeError, "should be the same"),
        ({"input": handtorch.zeros(8, 8)}, ShapeError, r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv2d"),
        ({"weight": handtorch.zeros(3, 1, 3, 3), "groups": 3, "input": handtorch.zeros(3, 2, 2)}, ShapeError, "Kernel"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options, error, text):
    arguments = {"input": handtorch.zeros(2, 3, 8, 8), "weight": handtorch.zeros(4, 3, 3, 3), **options}
    with pytest.raises(error, match=text):
        F.conv2d(**arguments)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"padding": 5}, ShapeError, "Output size is too small"),
        ({"output_padding": 1}, RangeError, "output padding must be smaller than either stride or dilation"),
        ({"padding": "same"}, TypeError, "must be tuple of ints, not str"),
        ({"groups": 2}, ShapeError, "divisible by groups=2"),
    ],
)
def test_settings_that_do_not_fit_a_transposed_convolution_are_refused(options, error, text):
    with pytest.raises(error, match=text):
        F.conv_transpose2d(handtorch.zeros(2, 3, 4, 4), handtorch.zeros(3, 1, 3, 3), **options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"groups": 2}, "in_channels must be divisible by groups"),
        ({"groups": 3}, "out_channels must be divisible by groups"),
        ({"groups": 0}, "groups must be a positive integer"),
        ({"padding": "half"}, "Invalid padding string"),
        ({"padding": "same", "stride": 2}, "not supported for strided"),
        ({"padding_mode": "mirror"}, "padding_mode must be one of"),
    ],
)
def test_a_layer_refuses_settings_that_do_not_fit(options, text):
    with pytest.raises(ArgumentError, match=text):
        nn.Conv2d(3, 4, 3, **options)
    with pytest.raises(ArgumentError, match='Only "zeros" padding mode is supported for ConvTranspose2d'):
        nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect")


def test_whole_numbers_are_convolved_and_half_precision_is_rounded_once():
    ones = handtorch.ones(1, 1, 5, dtype=handtorch.int64)
    assert F.conv1d(ones, ones[..., :3]).tolist() == [[[3, 3, 3]]]
    x, w = numbers(1, 64, 9).half(), numbers(1, 64, 3).half()
    y = F.conv1d(x, w)
    assert y.dtype == handtorch.float16
    assert (y == F.conv1d(x.float(), w.float()).half()).all()


def test_unfold_times_a_weight_is_a_convolution_and_fold_adds_windows_up():
    x, w = numbers(2, 3, 6, 7), numbers(4, 3, 2, 3)
    columns = nn.Unfold((2, 3), dilation=(2, 1), padding=1, stride=2)(x)
    y = F.conv2d(x, w, dilation=(2, 1), padding=1, stride=2)
    np.testing.assert_allclose((w.reshape(4, -1) @ columns).reshape(y.shape).numpy(), y.numpy(), rtol=1e-10)
    counts = nn.Fold((4, 4), 2)(handtorch.ones(1, 4, 9))
    assert counts[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: F.unfold(x, 9), ShapeError, "components must be at least one"),
        (lambda x: F.unfold(x[0, 0], 2), IndexError, "out of range"),
        (lambda x: F.unfold(x[:, :0], 2), ShapeError, "non-zero dimensions"),
        (lambda x: F.unfold(x, 0), RangeError, "kernel_size should be greater than zero"),
        (lambda x: F.unfold(x, (2, 2, 2)), RangeError, "expected kernel_size equals to 2"),
        (lambda x: F.unfold(x.int(), 2), DtypeError, "unfold is not implemented for"),
        (lambda x: F.fold(x[0, :, :7], (4, 4), 2), ShapeError, "divisible by the product of kernel_size"),
        (lambda x: F.fold(x[0, :, :4], (4, 4), 2), ShapeError, r"sliding blocks 3 \* 3 = 9, but got input.size\(2\)=8"),
        (lambda x: F.fold(x, (4, 4), 2), ShapeError, "Expected 2D or 3D"),
    ],
)
def test_windows_that_do_not_fit_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call(handtorch.zeros(2, 3, 8, 8))
