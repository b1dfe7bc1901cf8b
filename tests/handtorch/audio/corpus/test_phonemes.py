"""The 40 classes in their order, and every name that an engine or a data set uses for one of them."""

from __future__ import annotations

import pytest

from handtorch.audio.corpus import text
from handtorch.audio.corpus.espeak import Voicing, speak
from handtorch.audio.corpus.labels import phones_of
from handtorch.audio.datasets import timit_phones
from handtorch.audio.phonemes import ESPEAK_TO_ARPABET, INDEX, PHONEMES, to_arpabet
from handtorch.errors import ArgumentError


def test_classes_are_silence_and_then_arpabet_by_alphabet() -> None:
    assert len(PHONEMES) == 40
    assert PHONEMES[0] == "[SIL]"
    assert list(PHONEMES[1:]) == sorted(PHONEMES[1:])
    assert (INDEX["AA"], INDEX["ZH"], INDEX["[SIL]"]) == (1, 39, 0)


def test_every_word_of_the_corpus_can_be_labelled_and_every_phone_is_common() -> None:
    words = text.vocabulary()
    counts = dict.fromkeys(range(40), 0)
    for start in range(0, len(words), 25):
        speech = speak(Voicing(" ".join(words[start : start + 25]), "m3", words_per_minute=225))
        for phone in phones_of(speech):
            counts[phone.label] += 1
    rarest = min(counts, key=lambda label: counts[label])
    assert counts[rarest] >= 0.004 * sum(counts.values()), PHONEMES[rarest]


def test_shares_of_phones_that_the_engine_speaks_as_one_add_up() -> None:
    for name, parts in ESPEAK_TO_ARPABET.items():
        assert sum(share for _, share in parts) == pytest.approx(1), name
        assert all(phone in INDEX for phone, _ in parts), name


def test_timit_names_fold_as_in_the_usual_39_where_those_tell_sounds_apart() -> None:
    # Lee and Hon fold ao into aa and zh into sh, call closures silence and drop q; our 39 keep and merge otherwise.
    differs = {"ao", "zh", "q", "dx", *(name for name in timit_phones.PHONES_61 if timit_phones.fold(name) == "sil")}
    for name in timit_phones.PHONES_61:
        ours = to_arpabet(name)
        assert ours in INDEX
        if name not in differs:
            assert ours == str(timit_phones.fold(name)).upper()
    assert [to_arpabet(name) for name in ("ao", "zh", "tcl", "pau")] == ["AO", "ZH", "T", "[SIL]"]


def test_digits_for_stress_are_taken_off() -> None:
    assert [to_arpabet(name) for name in ("AE1", "ER0", "OW2", "SIL", "ax")] == ["AE", "ER", "OW", "[SIL]", "AH"]


def test_unknown_phone_is_refused_by_name() -> None:
    with pytest.raises(ArgumentError, match="'xq'"):
        to_arpabet("xq")
