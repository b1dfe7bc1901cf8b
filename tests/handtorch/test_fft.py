"""handtorch.fft agrees with SciPy in all its arguments, and refuses what does not fit."""

import numpy as np
import pytest
import scipy.fft

import handtorch
from handtorch import fft
from handtorch.errors import DimensionError, DtypeError, ShapeError

RNG = np.random.default_rng(0)
REAL = RNG.standard_normal((3, 5, 4))
COMPLEX = REAL + 1j * RNG.standard_normal((3, 5, 4))
NORMS = [None, "forward", "ortho"]


def given_to(name):
    return REAL if name.startswith(("rfft", "ihfft")) else COMPLEX


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("n", "dim"), [(None, -1), (7, 1), (3, 0), (1, 2)])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_transforms_along_one_axis_agree_with_scipy(name, n, dim, norm):
    x = given_to(name)
    got = getattr(fft, name)(handtorch.from_numpy(x), n, dim, norm)
    want = getattr(scipy.fft, name)(x, n, dim, norm)
    assert got.array.dtype == want.dtype
    np.testing.assert_allclose(got.array, want, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("s", "dim"), [(None, None), ((4, 6), None), (None, (2, 0)), ((-1, 3), (1, 2)), (5, 1)])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_transforms_along_several_axes_agree_with_scipy(name, s, dim, norm):
    x = given_to(name)
    got = getattr(fft, f"{name}n")(handtorch.from_numpy(x), s, dim, norm)
    if s == (-1, 3):
        s = (5, 3)
    want = getattr(scipy.fft, f"{name}n")(x, s, dim, norm)
    np.testing.assert_allclose(got.array, want, atol=1e-12)


@pytest.mark.parametrize("name", ["fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2"])
def test_two_axes_are_the_last_two(name):
    x = given_to(name)
    got = getattr(fft, name)(handtorch.from_numpy(x))
    np.testing.assert_allclose(got.array, getattr(scipy.fft, name)(x), atol=1e-12)


def test_single_precision_stays_single_and_whole_numbers_become_it():
    for x in (handtorch.ones(4), handtorch.arange(4), handtorch.ones(4, dtype=handtorch.bool)):
        assert fft.fft(x).dtype == fft.rfft(x).dtype == handtorch.complex64
        assert fft.irfft(x).dtype == handtorch.float32


def test_a_real_signal_gets_a_real_gradient():
    x = handtorch.from_numpy(REAL.copy()).requires_grad_()
    fft.fft(x).abs().square().sum().backward()
    assert x.grad.dtype == handtorch.float64
    np.testing.assert_allclose(x.grad.array, 2 * REAL.shape[-1] * REAL, atol=1e-12)  # Parseval


def test_spectrum_is_shifted_and_back():
    for x in (np.arange(5.0), np.arange(12.0).reshape(3, 4)):
        t = handtorch.from_numpy(x)
        np.testing.assert_array_equal(fft.fftshift(t).array, scipy.fft.fftshift(x))
        np.testing.assert_array_equal(fft.ifftshift(t, 0).array, scipy.fft.ifftshift(x, 0))
        np.testing.assert_array_equal(fft.ifftshift(fft.fftshift(t)).array, x)


@pytest.mark.parametrize("n", [1, 4, 5])
def test_frequencies_agree_with_scipy(n):
    got = fft.fftfreq(n, 0.1, dtype=handtorch.float64), fft.rfftfreq(n, d=0.1, dtype=handtorch.float64)
    np.testing.assert_allclose(got[0].array, scipy.fft.fftfreq(n, 0.1), rtol=1e-15)
    np.testing.assert_allclose(got[1].array, scipy.fft.rfftfreq(n, 0.1), rtol=1e-15)
    assert fft.fftfreq(n).dtype == handtorch.float32


def test_result_is_put_into_out():
    out = handtorch.empty(3, dtype=handtorch.complex64)
    assert fft.rfft(handtorch.ones(4), out=out) is out
    np.testing.assert_allclose(out.array, [4, 0, 0])


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: fft.fft(x, n=0), ShapeError),
        (lambda x: fft.fft(x, n=-1), ShapeError),
        (lambda x: fft.hfft(x[:1]), ShapeError),
        (lambda x: fft.fft(x, norm="whole"), ShapeError),
        (lambda x: fft.fft(x, dim=1), DimensionError),
        (lambda x: fft.fft(x[0]), DimensionError),
        (lambda x: fft.fft2(x), DimensionError),
        (lambda x: fft.fftn(x, dim=(0, 0)), ShapeError),
        (lambda x: fft.fftn(x, s=(2, 2)), ShapeError),
        (lambda x: fft.fftn(x, s=(2, 2), dim=0), ShapeError),
        (lambda x: fft.rfftn(x[0]), ShapeError),
        (lambda x: fft.rfft(x * 1j), DtypeError),
        (lambda x: fft.fft(x.half()), DtypeError),
        (lambda x: fft.fftfreq(-1), ShapeError),
        (lambda x: fft.fftfreq(4, dtype=handtorch.int64), DtypeError),
    ],
)
def test_what_does_not_fit_is_refused(call, error):
    with pytest.raises(error):
        call(handtorch.ones(4))
