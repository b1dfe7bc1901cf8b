"""Phones begin and end where the sound says so, and frames get the phone in their middle."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handtorch.audio.corpus import SynthesisError
from handtorch.audio.corpus.espeak import Speech, Voicing, speak
from handtorch.audio.corpus.labels import Phone, frame_labels, join_silences, phones_of, phones_until
from handtorch.audio.phonemes import INDEX, PHONEMES

_RATE = 22_050


def _speech(*parts: tuple[str, float, float]) -> Speech:
    """Noise of the given loudness: (mnemonic, seconds, amplitude); an empty mnemonic belongs to the one before."""
    rng = np.random.default_rng(0)
    events, pieces, at = [], [], 0
    for name, seconds, amplitude in parts:
        if name:
            events.append((at, name))
        pieces.append(rng.standard_normal(round(seconds * _RATE)) * amplitude)
        at += len(pieces[-1])
    return Speech(np.concatenate(pieces).astype(np.int16), _RATE, tuple(events))


def _seconds(phones: list[Phone]) -> list[tuple[str, float, float]]:
    return [(PHONEMES[p.label], round(p.start / _RATE, 2), round(p.end / _RATE, 2)) for p in phones]


def test_a_stop_begins_with_its_closure() -> None:
    speech = _speech(("a", 0.1, 5000), ("", 0.05, 0), ("t", 0.04, 2000), ("i:", 0.1, 5000))
    assert _seconds(phones_of(speech)) == [("AE", 0, 0.1), ("T", 0.1, 0.19), ("IY", 0.19, 0.29)]


def test_a_silence_before_another_phone_stays_where_the_engine_puts_it() -> None:
    speech = _speech(("a", 0.1, 5000), ("", 0.05, 0), ("s", 0.1, 2000))
    assert _seconds(phones_of(speech)) == [("AE", 0, 0.15), ("S", 0.15, 0.25)]


def test_an_l_blended_into_a_vowel_gets_its_part_and_the_closure_goes_to_the_stop() -> None:
    # "old": the engine says oU with the l in it, times the l within the closure, and then lets the d burst.
    speech = _speech(("oU", 0.2, 5000), ("l", 0.01, 0), ("", 0.03, 0), ("d", 0.05, 2000))
    assert _seconds(phones_of(speech)) == [("OW", 0, 0.13), ("L", 0.13, 0.2), ("D", 0.2, 0.29)]


def test_an_l_of_its_own_stays_as_it_is() -> None:
    speech = _speech(("i:", 0.2, 5000), ("l", 0.06, 4000), ("z", 0.1, 2000))
    assert _seconds(phones_of(speech)) == [("IY", 0, 0.2), ("L", 0.2, 0.26), ("Z", 0.26, 0.36)]


def test_a_vowel_with_r_becomes_two_phones() -> None:
    assert _seconds(phones_of(_speech(("A@", 0.2, 5000)))) == [("AA", 0, 0.1), ("R", 0.1, 0.2)]


def test_unknown_mnemonic_is_named() -> None:
    with pytest.raises(SynthesisError, match="'XX'"):
        phones_of(_speech(("XX", 0.1, 5000)))


@pytest.mark.parametrize("voice", ["m3", "f2", "zac", "klatt4"])
def test_phones_cover_an_utterance_without_gaps(voice: str) -> None:
    speech = speak(Voicing("That strong star cared for the quiet fire, spilt milk and old golden rings.", voice))
    phones = phones_of(speech)
    assert phones[0].start == 0
    assert phones[-1].end == len(speech.samples)
    assert all(one.end == other.start for one, other in itertools.pairwise(phones))
    assert all(phone.end > phone.start for phone in phones)
    assert PHONEMES[phones[0].label] == "[SIL]"
    said = [PHONEMES[phone.label] for phone in phones if phone.label]
    assert said[:13] == "DH AE T S T R AO NG S T AA R K".split()


@given(lengths=st.lists(st.integers(1, 900), min_size=1, max_size=20), hop=st.integers(1, 300))
def test_frame_labels_agree_with_brute_force(lengths: list[int], hop: int) -> None:
    bounds = np.cumsum([0, *lengths])
    phones = [Phone(i % 40, int(a), int(b)) for i, (a, b) in enumerate(itertools.pairwise(bounds))]
    samples = np.concatenate([np.full(phone.end - phone.start, phone.label) for phone in phones])
    frames = 1 + (len(samples) - 1) // hop
    labels = frame_labels(phones, frames, hop)
    np.testing.assert_array_equal(labels, samples[::hop])


def test_pauses_in_a_row_become_one_and_phones_stay_apart() -> None:
    phones = [Phone(0, 0, 5), Phone(0, 5, 9), Phone(4, 9, 12), Phone(4, 12, 15), Phone(0, 15, 20)]
    assert join_silences(phones) == [Phone(0, 0, 9), Phone(4, 9, 12), Phone(4, 12, 15), Phone(0, 15, 20)]


def test_frames_beyond_the_last_phone_get_its_label() -> None:
    assert frame_labels([Phone(3, 0, 10), Phone(7, 10, 20)], 4, 10).tolist() == [3, 7, 7, 7]


def test_printed_end_times_become_phones_of_the_whole_recording() -> None:
    phones = phones_until([("pau", 0.1), ("ax", 0.2), ("t", 0.2), ("pau", 0.5)], n_samples=7000, sample_rate=16_000)
    assert phones == [Phone(0, 0, 1600), Phone(INDEX["AH"], 1600, 3200), Phone(0, 3200, 7000)]


@pytest.mark.parametrize("ends", [[], [("ah", 0.3), ("t", 0.2)]])
def test_phones_out_of_order_are_refused(ends: list[tuple[str, float]]) -> None:
    with pytest.raises(SynthesisError, match="one after another"):
        phones_until(ends, 16_000, 16_000)
