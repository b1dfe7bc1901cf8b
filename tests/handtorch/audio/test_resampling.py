"""Resampling keeps tones, removes what would fold back, and agrees with SciPy and librosa where they are exact."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.signal

from handtorch import audio
from handtorch.audio import resampling
from handtorch.errors import ArgumentError

RATIOS = [(16000, 8000), (8000, 16000), (44100, 16000), (16000, 44100), (22050, 16000), (9, 10), (16000, 15873)]


def _tone(frequency: float, rate: float, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize(("old", "new"), RATIOS)
def test_a_tone_in_the_kept_band_stays_the_same_tone(old: int, new: int) -> None:
    for share in (0.01, 0.5, 0.9):
        frequency = share * min(old, new) / 2
        seconds = max(1.0, 16000 / old)
        ours = audio.resample(_tone(frequency, old, seconds), old, new)
        middle = slice(len(ours) // 4, 3 * len(ours) // 4)
        np.testing.assert_allclose(ours[middle], _tone(frequency, new, 2 * seconds)[: len(ours)][middle], atol=5e-5)


@pytest.mark.parametrize(("old", "new"), [(16000, 8000), (44100, 16000), (48000, 22050)])
def test_a_tone_above_the_new_band_is_removed(old: int, new: int) -> None:
    for frequency in (1.01 * new / 2, 1.2 * new / 2, 0.98 * old / 2):
        ours = audio.resample(_tone(frequency, old), old, new)
        middle = ours[len(ours) // 4 : 3 * len(ours) // 4]
        assert 20 * np.log10(np.abs(middle).max()) < -75


@pytest.mark.parametrize(("old", "new"), RATIOS)
@pytest.mark.parametrize("samples", [1, 7, 600])
def test_polyphase_is_the_same_sum_as_scipy_given_the_same_filter(old: int, new: int, samples: int) -> None:
    x = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    up, down = new // np.gcd(old, new), old // np.gcd(old, new)
    cutoff = min(1, up / down) * resampling._ROLLOFF
    reach = int(np.ceil(resampling._ZERO_CROSSINGS / cutoff))
    t = np.arange(-reach * up + 1, reach * up) / up
    window = np.i0(resampling._KAISER_BETA * np.sqrt(1 - (t / reach) ** 2)) / np.i0(resampling._KAISER_BETA)
    expected = scipy.signal.upfirdn(cutoff * np.sinc(cutoff * t) * window, x, up, down=1)[reach * up - 1 :: down]
    ours = audio.resample(x, old, new)
    assert len(ours) == -(-samples * up // down)
    np.testing.assert_allclose(ours, expected[: len(ours)], atol=2e-6)


@pytest.mark.parametrize(("old", "new"), [(16000, 8000), (44100, 16000)])
def test_speech_like_noise_comes_out_as_from_librosa(old: int, new: int) -> None:
    noise = np.random.default_rng(0).standard_normal(old).astype(np.float32)
    band = scipy.signal.butter(24, 0.7 * min(old, new) / 2, fs=old, output="sos")
    low = scipy.signal.sosfilt(band, noise).astype(np.float32)
    theirs = librosa.resample(low, orig_sr=old, target_sr=new, res_type="soxr_vhq")
    ours = audio.resample(low, old, new)
    assert ours.shape == theirs.shape
    difference = (ours - theirs)[500:-500]
    assert 10 * np.log10(np.mean(difference**2) / np.mean(theirs**2)) < -60


def test_the_same_rate_gives_a_copy() -> None:
    x = np.ones(10, np.float32)
    y = audio.resample(x, 16000, 16000.0)
    np.testing.assert_array_equal(x, y)
    assert not np.shares_memory(x, y)


def test_nothing_resampled_is_nothing() -> None:
    assert audio.resample(np.zeros(0, np.float32), 44100, 16000).shape == (0,)


def test_impossible_rates_are_refused() -> None:
    with pytest.raises(ArgumentError, match="orig_rate > 0"):
        audio.resample(np.ones(3), 0, 16000)
    with pytest.raises(ArgumentError, match="simple ratio"):
        audio.resample(np.ones(3), 16000.123, 15999.871)
