"""Other engines' voices and real recordings, where they are installed: phones fit the words, and labels the sound."""

from __future__ import annotations

import re

import numpy as np
import pytest

from handtorch.audio.corpus import MissingDataError, PhonemeCorpus, Split, asterisk, festival, flite
from handtorch.audio.corpus.labels import join_silences
from handtorch.audio.phonemes import PHONEMES
from handtorch.errors import MissingExtraError


@pytest.fixture(params=["flite", "festival", "asterisk"])
def split(request: pytest.FixtureRequest, corpus: PhonemeCorpus) -> Split:
    try:
        return corpus.shifted_set(request.param)
    except (MissingDataError, MissingExtraError) as error:
        pytest.skip(str(error))


def test_recordings_are_whole_and_labelled(split: Split) -> None:
    assert len(split) == 4
    for utterance in split:
        assert utterance.phones[0].start == 0
        assert utterance.phones[-1].end == pytest.approx(len(utterance.samples) / 16_000)
        assert len(utterance.labels) == 1 + len(utterance.samples) // 160
        letters = len(re.findall("[a-z]", utterance.text.lower()))
        said = sum(phone.phone != "[SIL]" for phone in utterance.phones)
        assert 0.5 * letters < said < 1.2 * letters


def test_vowels_are_louder_than_pauses_and_hisses_higher_than_nasals(split: Split) -> None:
    power = np.exp(split.features.astype(np.float64))
    loudness, height = np.log(power.sum(axis=1)), power @ np.arange(40) / power.sum(axis=1)

    def median(values: np.ndarray, names: str) -> float:
        return float(np.median(values[np.isin(split.labels, [PHONEMES.index(name) for name in names.split()])]))

    assert median(loudness, "AA AE AO AW AY EH EY") > median(loudness, "[SIL]") + 3
    assert median(height, "S Z SH CH") > median(height, "M N NG") + 5


def test_each_voice_of_an_engine_is_heard(split: Split) -> None:
    expected = {
        "flite": {f"flite-{voice}" for voice in flite.VOICES},
        "festival": {f"festival-{voice}" for voice in festival.VOICES},
        "asterisk": {"asterisk-allison"},
    }
    assert set(split.voices) == expected[split.folder.name]


def test_recordings_are_the_same_when_made_again(corpus: PhonemeCorpus) -> None:
    try:
        first = corpus.shifted_set("flite")
    except MissingDataError as error:
        pytest.skip(str(error))
    sentences = [utterance.text for utterance in first]
    for stored, made in zip(first, flite.recordings(sentences), strict=True):
        np.testing.assert_allclose(stored.waveform, made.waveform, atol=1 / 32768)
        assert stored.spans == tuple(join_silences(made.phones))


def test_prompts_of_tones_are_left_out() -> None:
    try:
        asterisk.version()
    except (MissingDataError, MissingExtraError) as error:
        pytest.skip(str(error))
    said = asterisk.transcripts()
    assert said["auth-thankyou"] == "Thank you."
    assert not {"beep", "ascending-2tone"} & set(said)
    assert all("[" not in text for text in said.values())
