"""MFCC and deltas agree with librosa and SciPy."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.fft
import scipy.signal

from handtorch import audio
from handtorch.errors import ArgumentError, ShapeError


@pytest.fixture(scope="module")
def waveform() -> np.ndarray:
    rng = np.random.default_rng(5)
    return (0.3 * np.sin(2 * np.pi * 300 * np.linspace(0, 1.5, 24000) ** 2) + 0.01 * rng.standard_normal(24000)).astype(
        "f4"
    )


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(7).standard_normal((60, 13)).astype(np.float32)


@pytest.mark.parametrize("lifter", [0, 22])
def test_mfcc_agrees_with_librosa(waveform: np.ndarray, lifter: int) -> None:
    shared = {"n_mfcc": 13, "lifter": lifter, "n_mels": 40, "n_fft": 512, "hop_length": 160, "win_length": 400}
    ours = audio.mfcc(waveform, 16000, log="db", top_db=80, **shared)
    theirs = librosa.feature.mfcc(y=waveform, sr=16000, **shared).T
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())


def test_cepstrum_is_the_orthonormal_dct(features: np.ndarray) -> None:
    expected = scipy.fft.dct(features, type=2, norm="ortho", axis=1)[:, :10]
    np.testing.assert_allclose(audio.mfcc_from_log_mel(features, 10), expected, atol=1e-5)


@pytest.mark.parametrize("width", [3, 5, 9])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("mode", ["nearest", "interp"])
def test_deltas_agree_with_librosa(features: np.ndarray, width: int, order: int, mode: str) -> None:
    ours = audio.deltas(features, width, order, mode)
    theirs = librosa.feature.delta(features.T, width=width, order=order, mode=mode).T
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_deltas_of_a_ramp_are_its_slope() -> None:
    ramp = np.outer(np.arange(30), [1.0, -0.5])
    np.testing.assert_allclose(audio.deltas(ramp)[4:-4], np.tile([1.0, -0.5], (22, 1)), atol=1e-5)


def test_deltas_stand_beside_the_features(features: np.ndarray) -> None:
    wide = audio.with_deltas(features)
    assert wide.shape == (60, 39)
    np.testing.assert_array_equal(wide[:, :13], features)
    np.testing.assert_array_equal(wide[:, 26:], audio.deltas(features, order=2))


def test_a_single_frame_has_deltas_of_zero() -> None:
    np.testing.assert_allclose(audio.deltas(np.ones((1, 3))), 0, atol=1e-7)


def test_bad_arguments_say_what_was_expected(features: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"at least 9 frames .* got 4; use mode='nearest'"):
        audio.deltas(features[:4], mode="interp")
    with pytest.raises(ArgumentError, match="odd width"):
        audio.deltas(features, width=4)
    with pytest.raises(ArgumentError, match="n_mfcc <= 13"):
        audio.mfcc_from_log_mel(features, 20)
    with pytest.raises(ArgumentError, match="lifter >= 0"):
        audio.mfcc_from_log_mel(features, 5, lifter=-1)
    with pytest.raises(ShapeError, match=r"\(T, F\)"):
        audio.deltas(np.zeros(3))
