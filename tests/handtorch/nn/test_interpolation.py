"""Interpolation held to NumPy's, to Pillow's, and to what its words mean."""

import numpy as np
import pytest
from PIL import Image

import handtorch
from handtorch import from_numpy, nn
from handtorch.autograd import gradcheck, gradgradcheck
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.nn import functional as F

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def numbers(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def test_nearest_repeats_elements():
    x = numbers(1, 2, 3, 4)
    np.testing.assert_array_equal(F.interpolate(from_numpy(x), scale_factor=(2, 3)).array, x.repeat(2, 2).repeat(3, 3))
    row = from_numpy(np.arange(5.0).reshape(1, 1, 5))
    assert F.interpolate(row, 3).array.tolist() == [[[0, 1, 3]]]
    assert F.interpolate(row, 3, mode="nearest-exact").array.tolist() == [[[0, 2, 4]]]


def test_linear_is_numpys_interp_between_centres():
    x = numbers(1, 1, 7)
    for m in (3, 7, 20):
        centres = (np.arange(m) + 0.5) * 7 / m - 0.5
        got = F.interpolate(from_numpy(x), m, mode="linear").array[0, 0]
        np.testing.assert_allclose(got, np.interp(centres, np.arange(7), x[0, 0]), rtol=1e-12)
        got = F.interpolate(from_numpy(x), m, mode="linear", align_corners=True).array[0, 0]
        np.testing.assert_allclose(got, np.interp(np.linspace(0, 6, m), np.arange(7), x[0, 0]), rtol=1e-12)


@pytest.mark.parametrize(("mode", "axes"), [("bilinear", 2), ("bicubic", 2), ("trilinear", 3)])
def test_a_slope_stays_a_slope(mode, axes):
    """Away from the ends, where bicubic repeats the outermost elements."""
    ticks = np.meshgrid(*[np.linspace(-1, 1, 9)] * axes, indexing="ij")
    fine = np.meshgrid(*[np.linspace(-1, 1, 17)] * axes, indexing="ij")
    y = F.interpolate(from_numpy(sum(ticks)[None, None]), (17,) * axes, mode=mode, align_corners=True).array[0, 0]
    inside = (slice(2, -2),) * axes
    np.testing.assert_allclose(y[inside], sum(fine)[inside], atol=1e-12)


@pytest.mark.parametrize("mode", FILTERS)
@pytest.mark.parametrize("size", [(5, 6), (30, 9), (11, 31)])
def test_antialiased_pictures_are_pillows(mode, size):
    x = numbers(20, 24).astype(np.float32)
    want = np.asarray(Image.fromarray(x).resize(size[::-1], FILTERS[mode]))
    got = F.interpolate(from_numpy(x[None, None]), size, mode=mode, antialias=True).array[0, 0]
    np.testing.assert_allclose(got, want, atol=2e-5)


@pytest.mark.parametrize("mode", FILTERS)
def test_antialiased_bytes_are_pillows_to_one_step(mode):
    x = np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)
    want = np.asarray(Image.fromarray(x).resize((9, 31), FILTERS[mode])).astype(int)
    got = F.interpolate(from_numpy(x[None, None]), (31, 9), mode=mode, antialias=True).array[0, 0]
    assert got.dtype == np.uint8
    assert np.abs(got - want).max() <= 1


def test_area_is_the_mean_of_blocks():
    x = numbers(1, 1, 6, 8)
    y = F.interpolate(from_numpy(x), scale_factor=0.5, mode="area").array
    np.testing.assert_allclose(y, x.reshape(1, 1, 3, 2, 4, 2).mean((3, 5)), rtol=1e-12)


def test_places_follow_the_factor_unless_it_is_to_be_computed_again():
    x = from_numpy(np.arange(5.0).reshape(1, 1, 5))
    kept = F.interpolate(x, scale_factor=1.5, mode="linear").array[0, 0]  # 7 of 7.5 elements
    again = F.interpolate(x, scale_factor=1.5, mode="linear", recompute_scale_factor=True).array[0, 0]
    np.testing.assert_allclose(kept, np.interp((np.arange(7) + 0.5) / 1.5 - 0.5, np.arange(5), np.arange(5)))
    np.testing.assert_allclose(again, np.interp((np.arange(7) + 0.5) * 5 / 7 - 0.5, np.arange(5), np.arange(5)))


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_gradients_of_both_orders_agree_with_difference_quotients(mode):
    x = from_numpy(numbers(1, 2, 3, 4)).requires_grad_()
    assert gradcheck(lambda x: F.interpolate(x, (5, 2), mode=mode), [x])
    assert gradgradcheck(lambda x: F.interpolate(x, (5, 2), mode=mode), [x])


@pytest.mark.parametrize("kernels", ["fast", "reference"])
def test_infinity_stays_where_it_is(kernels):
    x = np.ones((4, 64, 9, 9), np.float32)
    x[..., 0, 0] = np.inf
    with handtorch.kernels.use(kernels):
        source = from_numpy(x).requires_grad_()
        y = F.interpolate(source, (4, 4))
        y.backward(from_numpy(np.where(y.array > 1, np.inf, 1).astype(np.float32)))
    assert np.isinf(y.array[..., 0, 0]).all() and (np.isfinite(y.array).sum() == 4 * 64 * 15)
    assert np.isinf(source.grad.array).sum() == 4 * 64 and np.isfinite(source.grad.array).sum() == 4 * 64 * 80


def test_wrong_arguments_are_named():
    x = handtorch.ones(1, 1, 4, 4)
    with pytest.raises(ArgumentError, match="either size or scale_factor"):
        F.interpolate(x)
    with pytest.raises(ArgumentError, match="only one of size or scale_factor"):
        F.interpolate(x, 2, 2)
    with pytest.raises(ArgumentError, match=r"spatial dimensions of \[4, 4\] and size of \[2\]"):
        F.interpolate(x, (2,))
    with pytest.raises(ArgumentError, match="align_corners"):
        F.interpolate(x, 2, align_corners=True)
    with pytest.raises(ArgumentError, match="Anti-alias"):
        F.interpolate(x, 2, antialias=True)
    with pytest.raises(ArgumentError, match="Lanczos"):
        F.interpolate(x, 2, mode="lanczos")
    with pytest.raises(NotImplementedError, match="Got 4D input, but linear mode needs 3D input"):
        F.interpolate(x, 2, mode="linear")
    with pytest.raises(ShapeError, match=r"output \[0, 4\]"):
        F.interpolate(x, (0, 4))
    with pytest.raises(DtypeError, match=r"nearest is not defined for handtorch.int64"):
        F.interpolate(x.long(), 2)
    with pytest.raises(TypeError, match="size"):
        F.interpolate(x, 2.5)


def test_layers_print_their_settings():
    assert repr(nn.Upsample(scale_factor=2, mode="bilinear")) == "Upsample(scale_factor=2.0, mode='bilinear')"
    assert repr(nn.UpsamplingNearest2d(size=(3, 4))) == "UpsamplingNearest2d(size=(3, 4), mode='nearest')"
