"""Pooling held to SciPy's filters, to NumPy over one window after the other, and to what its words mean."""

import numpy as np
import pytest
import scipy.ndimage

import handtorch
from handtorch import from_numpy, nn
from handtorch.autograd import gradcheck
from handtorch.errors import ArgumentError, DtypeError, RangeError, ShapeError
from handtorch.nn import functional as F
from handtorch.utils.checkpoint import checkpoint


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_largest_and_mean_agree_with_scipys_filters():
    x = numbers(2, 3, 7, 9)
    size = (1, 1, 3, 5)
    largest = F.max_pool2d(from_numpy(x), (3, 5), 1, (1, 2)).array
    np.testing.assert_array_equal(largest, scipy.ndimage.maximum_filter(x, size, mode="constant", cval=-np.inf))
    mean = F.avg_pool2d(from_numpy(x), (3, 5), 1, (1, 2)).array
    np.testing.assert_allclose(mean, scipy.ndimage.uniform_filter(x, size, mode="constant"), rtol=1e-12, atol=1e-12)


def test_strides_dilation_and_ceil_mode_pick_the_windows_that_they_name():
    x = np.arange(10.0).reshape(1, 10)
    assert F.max_pool1d(from_numpy(x), 3, 2).array.tolist() == [[2, 4, 6, 8]]
    assert F.max_pool1d(from_numpy(x), 3, 2, ceil_mode=True).array.tolist() == [[2, 4, 6, 8, 9]]
    assert F.max_pool1d(from_numpy(-x), 2, 3, dilation=4).array.tolist() == [[0, -3]]
    assert F.avg_pool1d(from_numpy(x), 4, 4, ceil_mode=True).array.tolist() == [[1.5, 5.5, 8.5]]


def test_padding_counts_in_a_mean_unless_told_otherwise():
    x = handtorch.ones(1, 1, 4, 4)
    corner = F.avg_pool2d(x, 3, 1, 1)[0, 0, 0, 0]
    assert corner.item() == pytest.approx(4 / 9)
    assert F.avg_pool2d(x, 3, 1, 1, count_include_pad=False).array == pytest.approx(np.ones((1, 1, 4, 4)))
    assert F.avg_pool2d(x, 2, divisor_override=-8).array == pytest.approx(np.full((1, 1, 2, 2), -0.5))


def test_means_of_whole_numbers_are_cut_towards_zero():
    x = from_numpy(np.array([[-3, 0, 3, 4]]))
    assert F.avg_pool1d(x, 2).array.tolist() == [[-1, 3]]


@pytest.mark.parametrize("shape", [(2, 3, 11), (2, 3, 6, 7), (3, 4, 5, 6)])
def test_places_lead_back_to_the_largest_elements(shape):
    x = from_numpy(numbers(*shape))
    axes = len(shape) - 2 if len(shape) == 3 or shape[0] == 2 else 3
    pool, unpool = getattr(F, f"max_pool{axes}d"), getattr(F, f"max_unpool{axes}d")
    y, places = pool(x, 2, return_indices=True)
    back = unpool(y, places, 2, output_size=shape[-axes:]).array
    assert np.count_nonzero(back) == y.array.size
    np.testing.assert_array_equal(back[back != 0], x.array[back != 0])


def test_the_first_of_equals_is_chosen_and_nan_above_all():
    y, places = F.max_pool2d(handtorch.zeros(1, 3, 3), 2, 1, return_indices=True)
    assert places.array.tolist() == [[[0, 1], [3, 4]]]
    x = from_numpy(np.array([[1.0, np.nan, 5.0, 2.0]]))
    y, places = F.max_pool1d(x, 2, return_indices=True)
    assert places.array.tolist() == [[1, 2]]
    assert np.isnan(y.array[0, 0])


@pytest.mark.parametrize(("n", "count"), [(7, 3), (5, 5), (3, 7), (12, 1)])
def test_adaptive_windows_share_an_axis_out(n, count):
    x = numbers(2, n)
    bounds = [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
    means = np.stack([x[:, a:b].mean(1) for a, b in bounds], 1)
    np.testing.assert_allclose(F.adaptive_avg_pool1d(from_numpy(x), count).array, means, rtol=1e-12)
    largest, places = F.adaptive_max_pool1d(from_numpy(x), count, return_indices=True)
    np.testing.assert_array_equal(largest.array, np.stack([x[:, a:b].max(1) for a, b in bounds], 1))
    np.testing.assert_array_equal(np.take_along_axis(x, places.array, 1), largest.array)


def test_none_keeps_the_length_of_an_axis():
    assert F.adaptive_avg_pool2d(handtorch.ones(2, 5, 7), (None, 3)).shape == (2, 5, 3)


def test_norm_of_windows_is_the_root_of_the_sum_of_powers():
    x = np.abs(numbers(2, 4, 6))
    blocks = x.reshape(2, 2, 2, 3, 2)
    y = F.lp_pool2d(from_numpy(x), 3, 2).array
    np.testing.assert_allclose(y, (blocks**3).sum((2, 4)) ** (1 / 3), rtol=1e-12)
    np.testing.assert_array_equal(F.lp_pool2d(from_numpy(-x), np.inf, 2).array, blocks.max((2, 4)))


def test_fractional_windows_lie_in_order_and_end_at_the_end():
    x = np.broadcast_to(np.arange(13.0)[:, None] * 100 + np.arange(11), (2, 3, 13, 11))
    handtorch.manual_seed(0)
    y, places = F.fractional_max_pool2d(from_numpy(x.copy()), 2, output_size=(5, 4), return_indices=True)
    rows, columns = np.divmod(places.array, 11)
    assert (np.diff(rows, axis=2) > 0).all() and (np.diff(columns, axis=3) > 0).all()
    assert (y.array[..., -1, -1] == 1210).all()
    assert len({tuple(plane.reshape(-1)) for plane in rows.reshape(6, -1)}) > 1, "each plane has windows of its own"


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
        lambda x: F.avg_pool2d(x, 3, 2, 1, True, False),
        lambda x: F.adaptive_max_pool2d(x, (2, 3)),
        lambda x: F.adaptive_avg_pool2d(x, (2, 3)),
        lambda x: F.lp_pool2d(x, 3.0, 2),
        lambda x: F.fractional_max_pool2d(x, 2, 3, _random_samples=handtorch.full((2, 2, 2), 0.4)),
    ],
)
def test_gradients_agree_with_difference_quotients(pool):
    x = from_numpy(np.random.default_rng(0).permutation(120).reshape(2, 2, 5, 6) / 10 + 0.1).requires_grad_()
    assert gradcheck(pool, [x])


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 200, 8, 8)], ids=["plain", "twin"])
def test_a_checkpoint_computes_places_again(shape):
    x = from_numpy(numbers(*shape)).requires_grad_()
    pooled = checkpoint(lambda x: F.max_pool2d(x, 2, return_indices=True)[0], x, use_reentrant=False)
    pooled.sum().backward()
    blocks = x.detach().array.reshape(*shape[:2], 4, 2, 4, 2)
    is_largest = (blocks == blocks.max((3, 5), keepdims=True)).reshape(shape)
    np.testing.assert_array_equal(x.grad.array, is_largest)


def test_errors_name_the_argument_and_the_axis():
    x = handtorch.ones(2, 3, 5, 6)
    with pytest.raises(
        ShapeError, match=r"kernel_size must either be a single int, or a tuple of 2 ints, got \(1, 2, 3"
    ):
        F.max_pool2d(x, (1, 2, 3))
    with pytest.raises(ShapeError, match=r"stride must be greater than zero, got \(1, 0\)"):
        F.avg_pool2d(x, 2, (1, 0))
    with pytest.raises(ShapeError, match=r"padding 2 for kernel_size 3 along axis -1"):
        F.max_pool2d(x, 3, padding=(0, 2))
    with pytest.raises(ShapeError, match=r"Output size is too small.* axis -2, of length 5"):
        F.max_pool2d(x, (7, 2))
    with pytest.raises(ShapeError, match=r"dimension 1 is empty"):
        F.max_pool1d(handtorch.ones(2, 0, 4), 2)
    with pytest.raises(RangeError, match=r"dim 1 must be between 4 and 8"):
        F.max_unpool2d(x[..., :3, :3], handtorch.zeros(2, 3, 3, 3, dtype=handtorch.int64), 2, output_size=(6, 9))
    with pytest.raises(ShapeError, match=r"invalid max index: 99"):
        F.max_unpool1d(x[0], handtorch.full((3, 5, 6), 99), 2)
    with pytest.raises(RangeError, match="requires specifying either an output_size or an output_ratio"):
        F.fractional_max_pool2d(x, 2)
    with pytest.raises(ShapeError, match=r"5 windows of length 2 for dimension -2"):
        F.fractional_max_pool2d(x, 2, (5, 3))
    with pytest.raises(DtypeError, match=r"max_pool2d\(\) is not defined for handtorch.bool"):
        F.max_pool2d(x > 0, 2)
    with pytest.raises(ArgumentError, match="not both"):
        nn.FractionalMaxPool2d(2, output_size=3, output_ratio=0.5)


def test_layers_print_their_settings():
    assert repr(nn.MaxPool2d(3, 2)) == "MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)"
    assert repr(nn.AdaptiveAvgPool2d((None, 1))) == "AdaptiveAvgPool2d(output_size=(None, 1))"
    assert repr(nn.MaxUnpool1d(2)) == "MaxUnpool1d(kernel_size=(2,), stride=(2,), padding=(0,))"
    assert repr(nn.LPPool2d(2, 3)) == "LPPool2d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)"
