"""From clean speech to a recording: the speed of the tape, the room, the microphone, noise and level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from handtorch.audio.augment import add_noise, coloured_noise
from handtorch.audio.checks import Floats
from handtorch.audio.corpus.labels import Phone
from handtorch.audio.corpus.recipe import Disturbance
from handtorch.audio.corpus.store import SAMPLE_RATE
from handtorch.audio.phonemes import INDEX, SILENCE

_TALKERS = 4
_PEAK = 0.99


def add_silence(waveform: Floats, phones: Sequence[Phone], disturbance: Disturbance) -> tuple[Floats, list[Phone]]:
    """Put silence before and after an utterance, and its label into the phones.

    Args:
        waveform: (S,) at 16 kHz.
        phones: from sample 0 to S.
        disturbance: its ``lead`` and ``tail``.
    """
    lead, tail = (round(seconds * SAMPLE_RATE) for seconds in (disturbance.lead, disturbance.tail))
    end = lead + len(waveform)
    moved = [Phone(phone.label, phone.start + lead, phone.end + lead) for phone in phones]
    silence = INDEX[SILENCE]
    return np.pad(waveform, (lead, tail)), [Phone(silence, 0, lead), *moved, Phone(silence, end, end + tail)]


def disturb(waveform: Floats, disturbance: Disturbance, others: Sequence[Floats]) -> Floats:
    """Let a clean utterance pass through room and microphone, add noise, and set the level.

    Args:
        waveform: (S,) at 16 kHz.
        disturbance: what to do; its seed settles everything random.
        others: utterances to make babble of; the waveform itself when there are none.

    Returns:
        (S,) within [-1, 1]. Nothing is moved in time, so labels still hold.
    """
    rng = np.random.default_rng(disturbance.seed)
    heard = _through_room(waveform, disturbance, rng)
    if disturbance.noise == "babble":
        noise = _babble(others or [heard], len(heard), rng)
    else:
        # A power of two, as Fourier transforms of prime lengths are slow.
        noise = coloured_noise(1 << len(heard).bit_length(), rng, disturbance.noise)[: len(heard)]
    noisy = add_noise(heard, noise, disturbance.snr)
    loudness = np.sqrt(np.mean(np.square(noisy, dtype=np.float64)))
    factor = 10 ** (disturbance.level / 20) / max(loudness, 1e-9)
    return noisy * np.float32(min(factor, _PEAK / max(np.abs(noisy).max(), 1e-9)))


def _through_room(waveform: Floats, disturbance: Disturbance, rng: np.random.Generator) -> Floats:
    """Convolve with a room's response (direct sound at sample 0, then noise that dies away) and tilt the spectrum."""
    if not disturbance.reverberation and not disturbance.tilt:
        return waveform
    length = round(disturbance.reverberation * SAMPLE_RATE)
    padded = 1 << (len(waveform) + length).bit_length()
    spectrum = np.fft.rfft(waveform, padded)
    if length:
        decay = 10 ** (-3 * np.arange(length) / length)
        echo = rng.standard_normal(length) * decay
        echo[: round(0.002 * SAMPLE_RATE)] = 0
        echo *= rng.uniform(0.3, 0.9) / np.sqrt(np.sum(np.square(echo)))
        echo[0] = 1
        spectrum *= np.fft.rfft(echo, padded)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(padded, 1 / SAMPLE_RATE), 50) / 1000)
    spectrum *= 10 ** (disturbance.tilt * octaves / 20)
    return np.fft.irfft(spectrum, padded)[: len(waveform)].astype(np.float32)


def _babble(others: Sequence[Floats], length: int, rng: np.random.Generator) -> Floats:
    """Several people talking at once, each from somewhere within an utterance on."""
    total = np.zeros(length, np.float32)
    for number in rng.choice(len(others), size=min(_TALKERS, len(others)), replace=False):
        talker = np.roll(others[number], -int(rng.integers(len(others[number]))))
        loudness = np.sqrt(np.mean(np.square(talker, dtype=np.float64)))
        total += np.resize(talker, length) / np.float32(max(loudness, 1e-9))
    return total
