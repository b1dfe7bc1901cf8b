"""Augmentation changes waveforms and features by the amount asked for, the same way for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from handtorch import audio
from handtorch.errors import ArgumentError, ShapeError


def _speech(samples: int = 16000) -> np.ndarray:
    return (0.1 * np.random.default_rng(2).standard_normal(samples)).astype(np.float32)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 20.0])
@pytest.mark.parametrize("noise_samples", [1000, 16000, 50000])
def test_noise_is_added_at_the_asked_ratio(snr_db: float, noise_samples: int) -> None:
    x = _speech()
    noise = audio.coloured_noise(noise_samples, np.random.default_rng(0), "pink")
    added = audio.add_noise(x, noise, snr_db, np.random.default_rng(1)) - x
    assert 10 * np.log10(np.mean(x**2) / np.mean(added**2)) == pytest.approx(snr_db, abs=1e-3)


def test_noise_starts_somewhere_else_each_time_but_not_for_the_same_seed() -> None:
    x, noise = _speech(), audio.coloured_noise(4000, np.random.default_rng(0))
    first, again, other = (audio.add_noise(x, noise, 5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_silence_has_no_ratio_and_stays_silent() -> None:
    noise = audio.coloured_noise(100, np.random.default_rng(0))
    assert not audio.add_noise(np.zeros(100), noise, 10).any()
    np.testing.assert_array_equal(audio.add_noise(_speech(100), np.zeros(50), 10), _speech(100))
    with pytest.raises(ShapeError, match="noise of at least one sample"):
        audio.add_noise(_speech(100), np.zeros(0), 10)


@pytest.mark.parametrize(("colour", "decibels_an_octave"), [("white", 0.0), ("pink", -3.01), ("brown", -6.02)])
def test_noise_has_its_colour(colour: str, decibels_an_octave: float) -> None:
    noise = audio.coloured_noise(1 << 18, np.random.default_rng(0), colour)
    assert np.mean(noise.astype("f8") ** 2) == pytest.approx(1, rel=1e-4)
    frequency, density = scipy.signal.welch(noise, nperseg=4096)
    used = slice(20, 1500)
    slope = np.polyfit(np.log2(frequency[used]), 10 * np.log10(density[used]), 1)[0]
    assert slope == pytest.approx(decibels_an_octave, abs=0.15)


def test_gain_is_in_decibels() -> None:
    np.testing.assert_allclose(audio.gain(np.ones(3), 20), 10, rtol=1e-6)
    np.testing.assert_allclose(audio.gain(np.ones(3), -6.0206), 0.5, rtol=1e-5)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_moves_pitch_and_length(factor: float) -> None:
    x = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    y = audio.change_speed(x, factor)
    assert len(y) == pytest.approx(16000 / factor, abs=1)
    peak = np.abs(np.fft.rfft(y * np.hanning(len(y)))).argmax() * 16000 / len(y)
    assert peak == pytest.approx(1000 * factor, abs=1)


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((100, 40)).astype(np.float32)


def test_time_masks_cover_whole_frames_up_to_the_width(features: np.ndarray) -> None:
    widths = set()
    for seed in range(300):
        masked = audio.mask_time(features, np.random.default_rng(seed), width=7, value=-99.0)
        rows = (masked == -99).all(axis=1)
        assert ((masked == -99).any(axis=1) == rows).all()
        np.testing.assert_array_equal(masked[~rows], features[~rows])
        widths.add(int(rows.sum()))
    assert widths == set(range(8))


def test_frequency_masks_cover_whole_columns_up_to_the_width(features: np.ndarray) -> None:
    widths = set()
    for seed in range(300):
        masked = audio.mask_frequency(features, np.random.default_rng(seed), width=5, value=-99.0)
        columns = (masked == -99).all(axis=0)
        assert ((masked == -99).any(axis=0) == columns).all()
        widths.add(int(columns.sum()))
    assert widths == set(range(6))


def test_time_masks_reach_every_frame_and_keep_their_share(features: np.ndarray) -> None:
    hit = np.zeros(100, bool)
    for seed in range(500):
        rows = (audio.mask_time(features, np.random.default_rng(seed), width=90, fraction=0.1, value=-99.0) == -99).all(
            1
        )
        assert rows.sum() <= 10
        hit |= rows
    assert hit.all()


def test_masks_hold_the_mean_by_default(features: np.ndarray) -> None:
    changed = audio.mask_time(features, np.random.default_rng(3), width=30)
    rows = (changed != features).all(axis=1)
    assert rows.any()
    np.testing.assert_allclose(changed[rows], features.mean(), atol=1e-6)


def test_time_warp_keeps_the_ends_and_the_order() -> None:
    ramp = np.arange(200, dtype=np.float32)[:, None]
    moved = 0
    for seed in range(50):
        warped = audio.time_warp(ramp, np.random.default_rng(seed), 20)
        assert warped[0] == 0
        assert warped[-1] == 199
        assert (np.diff(warped[:, 0]) > 0).all()
        shift = np.abs(warped - ramp).max()
        assert shift <= 30
        moved += shift > 1
    assert moved > 30


@pytest.mark.parametrize("length", [1, 20, 22])
def test_time_warp_leaves_short_utterances_alone(length: int) -> None:
    short = np.arange(length, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(audio.time_warp(short, np.random.default_rng(0), 10), short)


def test_time_warp_takes_the_shortest_utterance_that_it_can_change() -> None:
    ramp = np.arange(23, dtype=np.float32)[:, None]
    assert any((audio.time_warp(ramp, np.random.default_rng(seed), 10) != ramp).any() for seed in range(5))


def test_frequency_warp_moves_all_frames_alike_and_keeps_the_edges() -> None:
    bands = np.tile(np.arange(40, dtype=np.float32), (7, 1))
    moved = 0
    for seed in range(50):
        warped = audio.frequency_warp(bands, np.random.default_rng(seed), 3)
        assert warped.flags.c_contiguous
        assert (warped == warped[0]).all()
        assert warped[0, 0] == 0
        assert warped[0, -1] == 39
        assert (np.diff(warped[0]) > 0).all()
        shift = np.abs(warped - bands).max()
        assert shift <= 3.001
        moved += shift > 1
    assert moved > 20


def test_spec_augment_is_reproducible_and_leaves_its_input(features: np.ndarray) -> None:
    before = features.copy()
    first = audio.spec_augment(features, np.random.default_rng(0), warp=5, frequency_warp_width=2)
    again = audio.spec_augment(features, np.random.default_rng(0), warp=5, frequency_warp_width=2)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(features, before)
    assert not np.array_equal(first, features)
    untouched = audio.spec_augment(features, np.random.default_rng(0), time_masks=0, frequency_masks=0)
    np.testing.assert_array_equal(untouched, features)


def test_bad_arguments_say_what_was_expected(features: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="fraction between 0 and 1"):
        audio.mask_time(features, np.random.default_rng(0), fraction=2)
    with pytest.raises(ArgumentError, match="at least 0"):
        audio.mask_frequency(features, np.random.default_rng(0), width=-1)
    with pytest.raises(ArgumentError, match="width >= 0"):
        audio.time_warp(features, np.random.default_rng(0), -1)
    with pytest.raises(ArgumentError, match="factor > 0"):
        audio.change_speed(_speech(), -1)
    with pytest.raises(ArgumentError, match="'white', 'pink', 'brown'"):
        audio.coloured_noise(10, np.random.default_rng(0), "blue")
