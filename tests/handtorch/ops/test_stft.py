"""stft agrees with the sum that defines it, and istft takes it back."""

import numpy as np
import pytest

import handtorch
from handtorch import istft, stft
from handtorch.autograd import gradcheck, gradgradcheck
from handtorch.errors import DtypeError, ShapeError

RNG = np.random.default_rng(0)
REAL = RNG.standard_normal((2, 40))
COMPLEX = REAL + 1j * RNG.standard_normal((2, 40))
SPECTRUM = RNG.standard_normal((5, 11)) + 1j * RNG.standard_normal((5, 11))
HANN = handtorch.hann_window(8, dtype=handtorch.float64)


def by_definition(x, n_fft, hop, window):
    """X[k, t], one frame and one frequency at a time."""
    frames = [x[start : start + n_fft] for start in range(0, len(x) - n_fft + 1, hop)]
    waves = np.exp(-2j * np.pi * np.outer(np.arange(n_fft), np.arange(n_fft)) / n_fft)
    return np.array([[np.sum(frame * window * wave) for frame in frames] for wave in waves])


@pytest.mark.parametrize(("mode", "numpys"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")])
@pytest.mark.parametrize(("n_fft", "hop"), [(8, 2), (9, 4), (8, 11)])
def test_stft_is_the_sum_over_windowed_frames_of_the_padded_signal(n_fft, hop, mode, numpys):
    window = RNG.standard_normal(n_fft)
    got = stft(
        handtorch.from_numpy(REAL), n_fft, hop, window=handtorch.from_numpy(window), pad_mode=mode, return_complex=True
    )
    for row, spectrum in zip(REAL, got.array, strict=True):
        want = by_definition(np.pad(row, n_fft // 2, mode=numpys), n_fft, hop, window)
        np.testing.assert_allclose(spectrum, want[: n_fft // 2 + 1], atol=1e-12)


def test_frames_are_not_padded_where_they_are_not_centred():
    got = stft(handtorch.from_numpy(REAL[0]), 8, 3, window=HANN, center=False, return_complex=True)
    np.testing.assert_allclose(got.array, by_definition(REAL[0], 8, 3, HANN.array)[:5], atol=1e-12)


def test_a_shorter_window_sits_in_the_middle_of_the_frame():
    window = np.pad(HANN.array, (2, 3))
    got = stft(handtorch.from_numpy(COMPLEX[0]), 13, 3, 8, HANN, center=False)
    np.testing.assert_allclose(got.array, by_definition(COMPLEX[0], 13, 3, window), atol=1e-12)
    ones = stft(handtorch.from_numpy(COMPLEX[0]), 13, 3, 8, center=False)
    np.testing.assert_allclose(ones.array, by_definition(COMPLEX[0], 13, 3, np.pad(np.ones(8), (2, 3))), atol=1e-12)


def test_the_first_window_begins_at_the_first_sample_where_windows_are_aligned():
    got = stft(handtorch.from_numpy(COMPLEX[0]), 12, 3, 8, HANN, center=False, align_to_window=True)
    window = np.pad(HANN.array, (2, 2))
    np.testing.assert_allclose(got.array, by_definition(np.pad(COMPLEX[0], 2), 12, 3, window), atol=1e-12)


def test_pairs_of_real_numbers_and_division_by_the_root_are_given_when_asked_for():
    x = handtorch.from_numpy(REAL)
    whole = stft(x, 8, window=HANN, return_complex=True)
    pairs = stft(x, 8, window=HANN, normalized=True, return_complex=False)
    np.testing.assert_allclose(pairs.array[..., 0] + 1j * pairs.array[..., 1], whole.array / 8**0.5, atol=1e-12)
    twosided = stft(x, 8, window=HANN, onesided=False, return_complex=True)
    assert twosided.shape == (2, 8, 21)
    np.testing.assert_allclose(twosided.array[:, :5], whole.array, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"normalized": True}, {"onesided": False}, {"center": False}])
@pytest.mark.parametrize(("n_fft", "hop"), [(8, 2), (9, 3), (10, 4)])
def test_istft_takes_stft_back(n_fft, hop, options):
    x = REAL[:, : n_fft + 7 * hop]
    window = handtorch.hamming_window(n_fft, dtype=handtorch.float64)
    spectrum = stft(handtorch.from_numpy(x), n_fft, hop, window=window, return_complex=True, **options)
    back = istft(spectrum, n_fft, hop, window=window, length=x.shape[1], **options)
    covered = (spectrum.shape[-1] - 1) * hop + n_fft // 2 if options != {"center": False} else x.shape[1]
    np.testing.assert_allclose(back.array[:, :covered], x[:, :covered], atol=1e-12)


def test_istft_of_a_complex_signal_is_complex():
    spectrum = stft(handtorch.from_numpy(COMPLEX), 8, 2, window=HANN)
    back = istft(spectrum, 8, 2, window=HANN, return_complex=True)
    np.testing.assert_allclose(back.array, COMPLEX, atol=1e-12)


def test_a_length_beyond_the_frames_is_filled_with_zeros():
    spectrum = stft(handtorch.from_numpy(REAL[0]), 8, 2, return_complex=True)
    back = istft(spectrum, 8, 2, length=60)
    assert back.shape == (60,)
    np.testing.assert_allclose(back.array[:44], np.pad(REAL[0], (0, 4), mode="reflect"), atol=1e-12)
    assert not back.array[48:].any()


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "constant"])
def test_both_are_differentiable_twice(mode):
    x = handtorch.from_numpy(REAL[0, :12].copy()).requires_grad_()
    window = HANN.clone().requires_grad_()

    def forwards(x, window):
        return stft(x, 8, 3, window=window, pad_mode=mode, return_complex=True)

    assert gradcheck(forwards, (x, window))
    assert gradgradcheck(forwards, (x, window))
    spectrum = handtorch.from_numpy(SPECTRUM[:, :4].copy()).requires_grad_()
    window = handtorch.hamming_window(8, dtype=handtorch.float64, requires_grad=True)
    assert gradcheck(lambda s, w: istft(s, 8, 2, window=w), (spectrum, window))
    assert gradgradcheck(lambda s, w: istft(s, 8, 2, window=w), (spectrum, window), atol=1e-4)


SIGNAL = handtorch.ones(20)
HALF = handtorch.from_numpy(SPECTRUM)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: stft(SIGNAL, 8), ShapeError),
        (lambda: stft(SIGNAL.long(), 8, return_complex=True), DtypeError),
        (lambda: stft(SIGNAL * 1j, 8, onesided=True), DtypeError),
        (lambda: stft(SIGNAL[None, None], 8, return_complex=True), ShapeError),
        (lambda: stft(SIGNAL[:4], 8, return_complex=True), ShapeError),
        (lambda: stft(SIGNAL, 21, center=False, return_complex=True), ShapeError),
        (lambda: stft(SIGNAL, 8, 0, return_complex=True), ShapeError),
        (lambda: stft(SIGNAL, 8, win_length=9, return_complex=True), ShapeError),
        (lambda: stft(SIGNAL, 8, window=handtorch.ones(7), return_complex=True), ShapeError),
        (lambda: stft(SIGNAL, 8, pad_mode="mirror", return_complex=True), NotImplementedError),
        (lambda: stft(SIGNAL, 8, align_to_window=True, return_complex=True), ShapeError),
        (lambda: istft(HALF.real, 8), DtypeError),
        (lambda: istft(HALF, 10), ShapeError),
        (lambda: istft(HALF, 8, onesided=False), ShapeError),
        (lambda: istft(HALF[:, :0], 8), ShapeError),
        (lambda: istft(HALF, 8, 9), ShapeError),
        (lambda: istft(HALF, 8, return_complex=True), DtypeError),
        (lambda: istft(HALF, 8, window=HANN * 1j), DtypeError),
        (lambda: istft(HALF, 8, window=HANN, center=False), ShapeError),
    ],
)
def test_what_does_not_fit_is_refused(call, error):
    with pytest.raises(error):
        call()
