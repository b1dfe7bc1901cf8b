"""Frames, windows and pre-emphasis do what SciPy and the formulas say."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.signal

from handtorch import audio
from handtorch.errors import ArgumentError, ShapeError


@pytest.mark.parametrize(
    ("ours", "scipys"), [("hann", "hann"), ("hamming", "hamming"), ("blackman", "blackman"), ("rectangular", "boxcar")]
)
@pytest.mark.parametrize("length", [1, 2, 25, 400])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows_agree_with_scipy(ours: str, scipys: str, length: int, periodic: bool) -> None:
    expected = scipy.signal.get_window(scipys, length, fftbins=periodic)
    np.testing.assert_allclose(audio.get_window(ours, length, periodic=periodic), expected, atol=1e-7)


def test_povey_window_is_a_hann_window_to_the_power_of_085() -> None:
    expected = scipy.signal.windows.hann(400, sym=True) ** 0.85
    np.testing.assert_allclose(audio.get_window("povey", 400, periodic=False), expected, atol=1e-7)


def test_a_cached_window_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        audio.get_window("hann", 8)[0] = 1


def test_unknown_windows_are_refused() -> None:
    with pytest.raises(ArgumentError, match="'povey', got 'han'"):
        audio.get_window("han", 8)


def test_frames_are_slices_of_the_waveform() -> None:
    x = np.arange(23, dtype=np.float32)
    frames = audio.frame(x, 5, 4)
    assert frames.shape == (5, 5)
    for t in range(5):
        np.testing.assert_array_equal(frames[t], x[4 * t : 4 * t + 5])
    assert np.shares_memory(frames, x)
    with pytest.raises(ShapeError, match="at least one frame"):
        audio.frame(x, 24, 4)


def test_pre_emphasis_agrees_with_librosa() -> None:
    x = np.random.default_rng(0).standard_normal(100).astype(np.float32)
    ours = audio.pre_emphasis(x, 0.95)
    np.testing.assert_allclose(ours[1:], librosa.effects.preemphasis(x, coef=0.95)[1:], atol=1e-6)
    assert ours[0] == pytest.approx(0.05 * x[0])


def test_frame_times_are_the_middles_in_seconds() -> None:
    np.testing.assert_allclose(audio.frame_times(3, 160, 16000), [0, 0.01, 0.02])
    np.testing.assert_allclose(audio.frame_times(3, 160, 16000, frame_length=400), [0.0125, 0.0225, 0.0325])


def test_the_loudest_frame_is_where_the_click_is() -> None:
    x = np.zeros(16000, np.float32)
    x[8000] = 1
    power = audio.power_spectrum(x).sum(1)
    assert audio.frame_times(len(power), 160, 16000)[power.argmax()] == pytest.approx(0.5)
