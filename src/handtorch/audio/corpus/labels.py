"""From the moments at which an engine began its phones to phones with start and end, and to a label for each frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from handtorch.audio.corpus.errors import SynthesisError
from handtorch.audio.corpus.espeak import Speech
from handtorch.audio.phonemes import ESPEAK_TO_ARPABET, INDEX, SILENCE, to_arpabet

_STOPS = frozenset("p b t t2 ? d k g tS dZ".split())
_VOWELS = frozenset(
    "a aa a# E E2 I I2 I# i i: 0 A: O: O2 U u: V @ @2 3 3: eI aI OI aU oU A@ O@ o@ e@ U@ i@ i@3 aI@ aI3".split()
)

_BLOCK_SECONDS = 0.002
# A block of a closure holds less than this share of the loudest one shortly before it; the longest closure; and how far
# back the loudest one is looked for.
_QUIET = 0.05
_LONGEST_CLOSURE_SECONDS = 0.1
_LOUD_WITHIN_SECONDS = 0.2

# espeak-ng blends an l into the vowel before it and counts the whole as the vowel; the l proper then lasts no longer
# than this. The l gets the last part of the two.
_BLENDED_L_SECONDS = 0.03
_SHARE_OF_BLENDED_L = 0.35


class Phone(NamedTuple):
    """A class index of :data:`~handtorch.audio.phonemes.PHONEMES` and the samples that it covers."""

    label: int
    start: int
    end: int


class _Interval(NamedTuple):
    name: str
    start: int
    end: int


def phones_of(speech: Speech) -> list[Phone]:
    """Phones of an utterance of espeak-ng, without gaps from the first sample to the last.

    Three habits of the engine are put right, so that boundaries mean what they mean in hand-made transcriptions: a stop
    begins with its closure, which the engine counts as the end of the phone before; an l that was blended into a vowel
    gets its part of it; vowels with an r or a second vowel in them become two phones.

    Args:
        speech: the samples as the engine made them, before any noise.

    Raises:
        SynthesisError: a mnemonic that has no counterpart in ARPAbet.
    """
    intervals = _with_closures(speech)
    intervals = _with_blended_l(intervals, speech.sample_rate)
    return _as_arpabet(intervals)


def _with_closures(speech: Speech) -> list[_Interval]:
    """Let each stop begin where the sound stops, not where it bursts out again."""
    block = round(_BLOCK_SECONDS * speech.sample_rate)
    count = len(speech.samples) // block
    power = np.square(speech.samples[: count * block], dtype=np.float64).reshape(count, block).mean(axis=1)
    # What comes before the first phone is a pause.
    names = ["_", *(name for _, name in speech.events)]
    starts = [0, *(at for at, _ in speech.events)]
    for i, name in enumerate(names):
        if name not in _STOPS:
            continue
        # What remains of an l that was blended into a vowel may lie in the closure as a whole.
        earliest = starts[max(i - 2, 0)] if names[i - 1] == "l" else starts[i - 1]
        starts[i] = min(starts[i], max(earliest, _closure_start(power, starts[i] // block) * block))
        starts[i - 1] = min(starts[i - 1], starts[i])
    ends = [*starts[1:], len(speech.samples)]
    return [_Interval(*interval) for interval in zip(names, starts, ends, strict=True)]


def _closure_start(power: npt.NDArray[np.float64], burst: int) -> int:
    """The first of the quiet blocks that end at block ``burst``; ``burst`` itself when there is none."""
    loudest = power[max(0, burst - round(_LOUD_WITHIN_SECONDS / _BLOCK_SECONDS)) : burst].max(initial=0.0)
    earliest = max(0, burst - round(_LONGEST_CLOSURE_SECONDS / _BLOCK_SECONDS))
    loud = np.flatnonzero(power[earliest:burst] >= _QUIET**2 * loudest)
    return earliest + int(loud[-1]) + 1 if len(loud) else burst


def _with_blended_l(intervals: Sequence[_Interval], sample_rate: int) -> list[_Interval]:
    """Give an l that was blended into the vowel before it the last part of that vowel."""
    given = list(intervals)
    for i, (vowel, consonant) in enumerate(pairwise(intervals)):
        if consonant.name != "l" or vowel.name not in _VOWELS:
            continue
        if consonant.end - consonant.start < _BLENDED_L_SECONDS * sample_rate:
            start = consonant.end - round(_SHARE_OF_BLENDED_L * (consonant.end - vowel.start))
            given[i] = vowel._replace(end=start)
            given[i + 1] = consonant._replace(start=start)
    return given


def _as_arpabet(intervals: Sequence[_Interval]) -> list[Phone]:
    phones: list[Phone] = []
    for name, start, end in intervals:
        if name not in ESPEAK_TO_ARPABET:
            raise SynthesisError(f"espeak-ng spoke {name!r}, for which handtorch.audio.phonemes knows no ARPAbet phone")
        position = float(start)
        for arpabet, share in ESPEAK_TO_ARPABET[name]:
            begin, position = position, position + share * (end - start)
            if round(position) > round(begin):
                phones.append(Phone(INDEX[arpabet], round(begin), round(position)))
    return phones


def phones_until(ends: Sequence[tuple[str, float]], n_samples: int, sample_rate: int) -> list[Phone]:
    """Phones without gaps, from names and the seconds at which each ends.

    Args:
        ends: names as :func:`~handtorch.audio.phonemes.to_arpabet` takes them, in order of time.
        n_samples: length of the recording, to which the last phone is stretched or cut.
        sample_rate: Hz.

    Raises:
        SynthesisError: there are no phones, or times run backwards.
    """
    bounds = [0, *(round(end * sample_rate) for _, end in ends)]
    if not ends or bounds != sorted(bounds):
        raise SynthesisError(f"expected phones one after another, got {list(ends)}")
    bounds = [min(bound, n_samples) for bound in bounds[:-1]] + [n_samples]
    names = [name for name, _ in ends]
    return [
        Phone(INDEX[to_arpabet(name)], start, end)
        for name, start, end in zip(names, bounds[:-1], bounds[1:], strict=True)
        if end > start
    ]


def join_silences(phones: Sequence[Phone]) -> list[Phone]:
    """Make one of pauses that follow each other, such as an engine's own and one put before it."""
    joined: list[Phone] = []
    for phone in phones:
        if joined and phone.label == joined[-1].label == INDEX[SILENCE]:
            joined[-1] = joined[-1]._replace(end=phone.end)
        else:
            joined.append(phone)
    return joined


def frame_labels(phones: Sequence[Phone], n_frames: int, hop_length: int) -> npt.NDArray[np.uint8]:
    """The phone at the middle of each frame.

    Args:
        phones: in order, without gaps, from sample 0.
        n_frames: T.
        hop_length: samples from the middle of one frame to that of the next; frame 0 is centred on sample 0.

    Returns:
        (T,) class indices; frames beyond the last phone get its label.
    """
    starts = np.array([phone.start for phone in phones])
    indices = np.array([phone.label for phone in phones], np.uint8)
    return indices[np.searchsorted(starts, np.arange(n_frames) * hop_length, side="right") - 1]
