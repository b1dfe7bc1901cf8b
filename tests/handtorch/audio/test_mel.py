"""Mel scales, filters and log-mel features agree with librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from handtorch import audio
from handtorch.errors import ArgumentError


@pytest.fixture(scope="module")
def waveform() -> np.ndarray:
    rng = np.random.default_rng(3)
    return (0.3 * np.sin(2 * np.pi * 300 * np.linspace(0, 1.5, 24000) ** 2) + 0.01 * rng.standard_normal(24000)).astype(
        "f4"
    )


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mel_scale_agrees_with_librosa_and_inverts(scale: str) -> None:
    hz = np.concatenate([np.linspace(0, 1100, 50), np.geomspace(1000, 20000, 50)])
    mels = audio.hz_to_mel(hz, scale)
    np.testing.assert_allclose(mels, librosa.hz_to_mel(hz, htk=scale == "htk"), rtol=1e-12)
    np.testing.assert_allclose(audio.mel_to_hz(mels, scale), hz, rtol=1e-12, atol=1e-9)
    assert audio.hz_to_mel(440.0, scale) == pytest.approx(float(librosa.hz_to_mel(440.0, htk=scale == "htk")))


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "f_min", "f_max"),
    [(16000, 512, 40, 0, None), (16000, 400, 23, 64, 7000), (22050, 2048, 128, 0, None), (8000, 255, 20, 0.0, 4000)],
)
def test_filterbank_agrees_with_librosa(
    scale: str, norm: str | None, rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float | None
) -> None:
    ours = audio.mel_filterbank(rate, n_fft, n_mels, f_min, f_max, scale, norm)
    theirs = librosa.filters.mel(
        sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max, htk=scale == "htk", norm=norm
    )
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=2e-6 * theirs.max())


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mel_spectrogram_agrees_with_librosa(waveform: np.ndarray, scale: str) -> None:
    ours = audio.mel_spectrogram(
        waveform, 16000, n_mels=40, f_min=50, f_max=7600, scale=scale, n_fft=512, hop_length=160, win_length=400
    )
    theirs = librosa.feature.melspectrogram(
        y=waveform,
        sr=16000,
        n_mels=40,
        fmin=50,
        fmax=7600,
        htk=scale == "htk",
        n_fft=512,
        hop_length=160,
        win_length=400,
    ).T
    np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-7 * theirs.max())


def test_log_mel_agrees_with_librosa_in_every_unit(waveform: np.ndarray) -> None:
    theirs = librosa.feature.melspectrogram(y=waveform, sr=16000, n_mels=40, n_fft=400, hop_length=160).T
    ours = audio.log_mel(waveform, 16000, log="db", top_db=80)
    np.testing.assert_allclose(ours, librosa.power_to_db(theirs, top_db=80), atol=2e-3)
    np.testing.assert_allclose(audio.log_mel(waveform, 16000), np.log(np.maximum(theirs, 1e-10)), atol=5e-4)
    np.testing.assert_allclose(
        audio.log_mel(waveform, 16000, log="log10", amin=1e-3), np.log10(np.maximum(theirs, 1e-3)), atol=2e-4
    )


def test_a_tone_is_loudest_in_the_band_around_it() -> None:
    tone = np.sin(2 * np.pi * 1500 * np.arange(16000) / 16000).astype(np.float32)
    band = audio.log_mel(tone, 16000)[50].argmax()
    corners = audio.mel_to_hz(np.linspace(0, audio.hz_to_mel(8000.0), 42))
    assert corners[band] < 1500 < corners[band + 2]


def test_filters_that_cover_no_bin_are_refused() -> None:
    with pytest.raises(ArgumentError, match="lower n_mels or raise n_fft"):
        audio.mel_filterbank(16000, 256, 128)


def test_frequencies_out_of_range_are_refused() -> None:
    with pytest.raises(ArgumentError, match="f_max <= 4000 Hz, half the sample rate, got f_min 0 and f_max 8000"):
        audio.mel_filterbank(8000, 512, 20, f_max=8000)
    with pytest.raises(ArgumentError, match="'slaney', 'htk'"):
        audio.hz_to_mel(3.0, "bark")
    with pytest.raises(ArgumentError, match="'ln', 'log10', 'db'"):
        audio.log_mel(np.zeros(1000, np.float32), 16000, log="nepers")
