"""Every installed voice has one place, and test voices resemble no other."""

from __future__ import annotations

import itertools
from pathlib import Path

import espeakng_loader
import numpy as np
import pytest

from handtorch.audio import log_mel, resample
from handtorch.audio.corpus.espeak import Voicing, speak
from handtorch.audio.corpus.labels import phones_of
from handtorch.audio.corpus.voices import DEV_VOICES, TEST_VOICES, TRAIN_VOICES, UNUSABLE_VOICES
from handtorch.audio.phonemes import PHONEMES

_SENTENCE = "The quick vision of joy pleased an old author, who measured the choir by the good water."


@pytest.fixture(scope="module")
def spectra() -> dict[str, np.ndarray]:
    """Mean mel spectrum in dB of each phone of one sentence, level taken out, of every voice in use."""
    return {voice: _phone_spectra(voice) for voice in (*TRAIN_VOICES, *DEV_VOICES, *TEST_VOICES)}


def _phone_spectra(voice: str) -> np.ndarray:
    speech = speak(Voicing(_SENTENCE, voice))
    waveform = resample(speech.samples.astype(np.float32) / 32768, speech.sample_rate, 16_000)
    decibels = log_mel(waveform, 16_000, log="db", top_db=60)
    bounds = [at * 100 // speech.sample_rate for at, _ in speech.events] + [len(decibels)]
    rows = [decibels[a : max(b, a + 1)].mean(axis=0) for a, b in itertools.pairwise(bounds)][:-2]
    return np.array(rows) - np.mean(rows)


def test_every_installed_voice_has_exactly_one_place() -> None:
    installed = {path.name for path in (Path(espeakng_loader.get_data_path()) / "voices" / "!v").iterdir()}
    placed = [*TRAIN_VOICES, *DEV_VOICES, *TEST_VOICES, *UNUSABLE_VOICES]
    assert sorted(placed) == sorted(installed)


def test_no_test_voice_is_a_near_copy_of_another_split_s(spectra: dict[str, np.ndarray]) -> None:
    others = np.array([spectra[voice] for voice in (*TRAIN_VOICES, *DEV_VOICES)])
    for voice in TEST_VOICES:
        nearest = np.sqrt(np.square(others - spectra[voice]).mean(axis=(1, 2))).min()
        assert nearest >= 3.5, voice


def test_the_same_measure_finds_the_near_copies_that_share_a_split(spectra: dict[str, np.ndarray]) -> None:
    copies = [("klatt6", "adam"), ("steph2", "steph3"), ("klatt", "klatt2"), ("iven3", "iven4")]
    for one, other in copies:
        assert np.sqrt(np.square(spectra[one] - spectra[other]).mean()) < 3.5


def test_closures_are_found_in_usable_voices_and_drowned_in_the_others() -> None:
    assert all(_closure(voice) > 20 for voice in (*TRAIN_VOICES, *DEV_VOICES, *TEST_VOICES))
    assert all(_closure(voice) < 18 for voice in UNUSABLE_VOICES)


def _closure(voice: str) -> float:
    """Median milliseconds from the start that a p, t or k is given to its burst."""
    speech = speak(Voicing("A cook ate a potato, a papaya, a pickle, a teapot; a copy at a tea party.", voice))
    bursts = [at for at, name in speech.events if name in {"p", "t", "k"}]
    starts = [phone.start for phone in phones_of(speech) if PHONEMES[phone.label] in {"P", "T", "K"}]
    gaps = [burst - max(start for start in starts if start <= burst) for burst in bursts]
    return float(np.median(gaps)) / speech.sample_rate * 1000
