"""Noise, echo and level are as strong as the recipe says, and nothing moves in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from handtorch.audio.corpus.disturb import add_silence, disturb
from handtorch.audio.corpus.labels import Phone
from handtorch.audio.corpus.recipe import Disturbance

_QUIET = Disturbance(stretch=1, lead=0.1, tail=0.2, tilt=0, reverberation=0, noise="white", snr=120, level=-20, seed=1)


def _tone(seconds: float = 1.0, hertz: float = 440) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * 16_000)) / 16_000)).astype(np.float32)


def _decibels(waveform: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(waveform, dtype=np.float64)))


@pytest.mark.parametrize("level", [-36.0, -20.0])
def test_level_is_as_asked(level: float) -> None:
    assert _decibels(disturb(_tone(), replace(_QUIET, level=level), [])) == pytest.approx(level, abs=0.01)


def test_a_level_that_would_clip_is_lowered() -> None:
    spike = np.zeros(16_000, np.float32)
    spike[8000] = 1
    assert np.abs(disturb(spike, _QUIET, [])).max() == pytest.approx(0.99, abs=1e-5)


@pytest.mark.parametrize("noise", ["white", "pink", "brown", "babble"])
@pytest.mark.parametrize("snr", [0.0, 20.0])
def test_noise_is_as_far_below_the_speech_as_asked(noise: str, snr: float) -> None:
    others = [_tone(0.7, hertz) for hertz in (200, 300, 500, 700, 900)]
    clean = disturb(_tone(), _QUIET, others)
    noisy = disturb(_tone(), replace(_QUIET, noise=noise, snr=snr), others)
    scale = np.dot(noisy, clean) / np.dot(clean, clean)  # what is left of the tone after the level was set
    assert _decibels(scale * clean) - _decibels(noisy - scale * clean) == pytest.approx(snr, abs=0.5)


def test_colours_of_noise_fall_as_their_names_say() -> None:
    silence = _tone() * 1e-4
    for noise, slope in (("white", 0.0), ("pink", -3.0), ("brown", -6.0)):
        heard = disturb(np.tile(silence, 4), replace(_QUIET, noise=noise, snr=-60), [])
        frequencies, power = signal.welch(heard, 16_000, nperseg=2048)
        band = (frequencies > 100) & (frequencies < 6000)
        fitted = np.polyfit(np.log2(frequencies[band]), 10 * np.log10(power[band]), 1)[0]
        assert fitted == pytest.approx(slope, abs=0.5)


def test_an_echo_dies_away_in_the_time_asked_and_the_direct_sound_stays_first() -> None:
    click = np.zeros(16_000, np.float32)
    click[1000] = 1
    heard = disturb(click, replace(_QUIET, reverberation=0.4), [])
    assert np.abs(heard).argmax() == 1000
    # Schroeder's method: the energy still to come, in dB, falls along a line.
    tail = np.square(heard[1100:7000], dtype=np.float64)
    to_come = 10 * np.log10(np.cumsum(tail[::-1])[::-1])
    fit = slice(0, 3000)
    slope = np.polyfit(np.arange(len(to_come))[fit] / 16_000, to_come[fit], 1)[0]
    assert -60 / slope == pytest.approx(0.4, rel=0.15)


def test_a_tilted_microphone_changes_octaves_by_decibels() -> None:
    assert _band_ratio(2.0) - _band_ratio(0.0) == pytest.approx(2.0 * 3, abs=0.2)  # three octaves apart


def _band_ratio(tilt: float) -> float:
    heard = disturb(_tone(1, 500) + _tone(1, 4000), replace(_QUIET, tilt=tilt), [])
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    return 20 * np.log10(spectrum[3900:4100].max() / spectrum[400:600].max())


def test_nothing_moves_in_time() -> None:
    rng = np.random.default_rng(0)
    speech = signal.lfilter([1], [1, -0.9], rng.standard_normal(16_000)).astype(np.float32)
    heard = disturb(speech, replace(_QUIET, tilt=3, reverberation=0.3, noise="pink", snr=10), [])
    lags = signal.correlation_lags(len(heard), len(speech))
    assert lags[np.argmax(signal.correlate(heard, speech))] == 0
    assert len(heard) == len(speech)


def test_a_lonely_utterance_babbles_with_itself() -> None:
    heard = disturb(_tone(), replace(_QUIET, noise="babble", snr=0), [])
    assert np.isfinite(heard).all()
    assert not np.array_equal(heard, disturb(_tone(), _QUIET, []))


def test_equal_requests_give_equal_bits_and_other_seeds_other_noise() -> None:
    asked = replace(_QUIET, noise="babble", snr=5, reverberation=0.2)
    others = [_tone(0.5, 300), _tone(0.9, 800)]
    first = disturb(_tone(), asked, others)
    assert first.tobytes() == disturb(_tone(), asked, others).tobytes()
    assert first.tobytes() != disturb(_tone(), replace(asked, seed=2), others).tobytes()


def test_silence_around_an_utterance_is_labelled_so() -> None:
    waveform, phones = add_silence(_tone(0.5), [Phone(5, 0, 3000), Phone(6, 3000, 8000)], _QUIET)
    assert phones == [Phone(0, 0, 1600), Phone(5, 1600, 4600), Phone(6, 4600, 9600), Phone(0, 9600, 12_800)]
    assert len(waveform) == 12_800
    assert not waveform[:1600].any()
    assert not waveform[9600:].any()
