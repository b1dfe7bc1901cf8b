"""The STFT and what is read from it agree with librosa, and the inverse undoes it."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from handtorch import audio
from handtorch.errors import ArgumentError, DtypeError, ShapeError

SETTINGS = [
    {"n_fft": 400, "hop_length": 160},
    {"n_fft": 512, "hop_length": 160, "win_length": 400},
    {"n_fft": 512, "hop_length": 128, "window": "hamming"},
    {"n_fft": 401, "hop_length": 97, "center": False},
    {"n_fft": 256, "hop_length": 300, "pad_mode": "reflect"},
    {"n_fft": 512, "hop_length": 200, "win_length": 333, "window": "blackman", "pad_mode": "edge"},
]


@pytest.fixture(scope="module")
def waveform() -> np.ndarray:
    rng = np.random.default_rng(0)
    chirp = 0.5 * np.sin(2 * np.pi * 200 * np.linspace(0, 2, 32001) ** 2)
    return (chirp + 0.05 * rng.standard_normal(32001)).astype(np.float32)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_stft_agrees_with_librosa(waveform: np.ndarray, settings: dict) -> None:
    ours = audio.stft(waveform, **settings)
    theirs = librosa.stft(waveform, **settings).T
    assert ours.dtype == np.complex64
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=2e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_power_spectrum_is_the_squared_magnitude(waveform: np.ndarray, settings: dict) -> None:
    theirs = np.abs(librosa.stft(waveform, **settings).T) ** 2
    np.testing.assert_allclose(audio.power_spectrum(waveform, **settings), theirs, rtol=1e-4, atol=1e-6 * theirs.max())


@pytest.mark.parametrize("settings", [SETTINGS[0], SETTINGS[1], SETTINGS[2], {**SETTINGS[2], "center": False}], ids=str)
@pytest.mark.parametrize("length", [None, 30000, 40000])
def test_istft_agrees_with_librosa(waveform: np.ndarray, settings: dict, length: int | None) -> None:
    spectrum = audio.stft(waveform, **settings)
    spectrum *= np.linspace(0, 2, spectrum.shape[1], dtype=np.float32)
    keys = ("hop_length", "win_length", "window", "center")
    options = {key: settings[key] for key in keys if key in settings}
    ours = audio.istft(spectrum, **options, length=length)
    theirs = librosa.istft(spectrum.T, n_fft=settings["n_fft"], **options, length=length)
    assert ours.shape == theirs.shape
    # At the very ends nearly all windows are 0 and librosa divides by what little is there in another order.
    np.testing.assert_allclose(ours[400:29000], theirs[400:29000], atol=1e-5)
    np.testing.assert_allclose(ours[30001 + 2300 :], theirs[30001 + 2300 :], atol=1e-5)


def test_istft_undoes_stft(waveform: np.ndarray) -> None:
    back = audio.istft(audio.stft(waveform), length=len(waveform))
    np.testing.assert_allclose(back, waveform, atol=1e-6)


def test_parseval_holds_for_a_rectangular_window(waveform: np.ndarray) -> None:
    power = audio.power_spectrum(waveform, n_fft=400, hop_length=400, window="rectangular", center=False)
    both_sides = 2 * power.sum(1) - power[:, 0] - power[:, -1]
    frames = audio.frame(waveform, 400, 400)
    np.testing.assert_allclose(both_sides / 400, np.square(frames).sum(1), rtol=1e-4)


def test_decibels_agree_with_librosa() -> None:
    power = np.random.default_rng(1).random((50, 40)).astype(np.float32) ** 20
    np.testing.assert_allclose(audio.power_to_db(power), librosa.power_to_db(power, top_db=None), atol=1e-5)
    np.testing.assert_allclose(
        audio.power_to_db(power, ref=0.3, amin=1e-6, top_db=30),
        librosa.power_to_db(power, ref=0.3, amin=1e-6, top_db=30),
        atol=1e-5,
    )
    np.testing.assert_allclose(audio.db_to_power(np.array([0.0, 10.0, -30.0]), ref=2.0), [2, 20, 0.002], rtol=1e-5)


def test_a_silent_recording_has_a_spectrum() -> None:
    assert not audio.stft(np.zeros(1000, np.float32)).any()
    assert audio.stft(np.zeros(0, np.float32)).shape == (1, 201)


def test_bad_arguments_say_what_was_expected(waveform: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"at least one frame \(400 samples\), got 100 samples"):
        audio.stft(waveform[:100], center=False)
    with pytest.raises(ShapeError, match=r"expected waveform of shape \(S,\), got \(2, 3\)"):
        audio.stft(np.zeros((2, 3)))
    with pytest.raises(DtypeError, match="divide 16-bit samples by 32768"):
        audio.stft(np.zeros(1000, np.int16))
    with pytest.raises(ArgumentError, match="win_length <= n_fft = 400"):
        audio.stft(waveform, win_length=500)
    with pytest.raises(ShapeError, match="window of 400 samples, got 3"):
        audio.stft(waveform, window=np.ones(3))
    with pytest.raises(ArgumentError, match="hop_length > 0"):
        audio.stft(waveform, hop_length=0)
    with pytest.raises(ArgumentError, match="pad_mode"):
        audio.stft(waveform, pad_mode="mirror")
    with pytest.raises(ShapeError, match=r"\(T, 1 \+ n_fft // 2\)"):
        audio.istft(np.zeros(5))
