"""Waveforms made harder on purpose: noise, level and speed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats, as_waveform, check_choice, check_positive
from handtorch.audio.resampling import resample
from handtorch.errors import ShapeError

# Power falls with frequency to this exponent.
_COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0}


def coloured_noise(n_samples: int, rng: np.random.Generator, colour: str = "white") -> Floats:
    """Gaussian noise whose power falls with frequency.

    Args:
        n_samples: S.
        rng: where the randomness comes from; the same state gives the same noise.
        colour: ``"white"`` (equal power in each Hz), ``"pink"`` (equal power in each octave, 3 dB less an octave up,
            like many rooms) or ``"brown"`` (6 dB less an octave up, like wind and traffic).

    Returns:
        (S,) float32 with mean 0 and root mean square 1 (not within [-1, 1]; see :func:`add_noise` and :func:`gain`).
    """
    check_positive(n_samples=n_samples)
    check_choice("colour", colour, _COLOURS)
    noise = rng.standard_normal(n_samples, dtype=np.float32)
    if n_samples == 1:
        return np.zeros(1, np.float32)
    spectrum = np.fft.rfft(noise)
    frequency = np.arange(len(spectrum), dtype=np.float32)
    spectrum[1:] *= frequency[1:] ** np.float32(-_COLOURS[colour] / 2)
    spectrum[0] = 0
    shaped = np.fft.irfft(spectrum, n_samples)
    return (shaped / np.sqrt(np.mean(np.square(shaped, dtype=np.float64)))).astype(np.float32)


def add_noise(
    waveform: npt.ArrayLike, noise: npt.ArrayLike, snr_db: float, rng: np.random.Generator | None = None
) -> Floats:
    """Add noise at a chosen ratio of powers, ``SNR = 10 log10(mean(x^2) / mean(n^2))`` dB over the whole recording.

    Args:
        waveform: (S,) in [-1, 1].
        noise: (N,) at the same sample rate; repeated when it is shorter.
        snr_db: signal-to-noise ratio in dB; 20 is a quiet office, 0 as loud as the speech.
        rng: when given, the noise starts at a random sample; else at its first.

    Returns:
        (S,) float32. Not clipped: it may leave [-1, 1]. Where the waveform or the noise is all zeros, the ratio has no
        meaning and the waveform comes back unchanged.

    Raises:
        ShapeError: the noise is empty.
    """
    x, n = as_waveform(waveform), as_waveform(noise, "noise")
    if len(n) == 0:
        raise ShapeError("expected noise of at least one sample, got an empty array")
    start = int(rng.integers(len(n))) if rng is not None else 0
    piece = np.resize(np.roll(n, -start), len(x)) if start or len(n) != len(x) else n
    signal_power = np.mean(np.square(x, dtype=np.float64)) if len(x) else 0.0
    noise_power = np.mean(np.square(piece, dtype=np.float64)) if len(x) else 0.0
    if signal_power == 0 or noise_power == 0:
        return x.copy()
    return x + np.float32(np.sqrt(signal_power / noise_power * 10 ** (-snr_db / 10))) * piece


def gain(waveform: npt.ArrayLike, decibels: float) -> Floats:
    """Make a waveform louder or softer, ``y = x * 10 ** (decibels / 20)``.

    Args:
        waveform: (S,) in [-1, 1].
        decibels: dB; 6 doubles the amplitude, -6 halves it.

    Returns:
        (S,) float32. Not clipped: it may leave [-1, 1].
    """
    return as_waveform(waveform) * np.float32(10 ** (decibels / 20))


def change_speed(waveform: npt.ArrayLike, factor: float) -> Floats:
    """Play a waveform faster or slower, pitch and all (Ko et al. 2015).

    Args:
        waveform: (S,) in [-1, 1].
        factor: 1.1 is 10 % faster and higher; taken to the nearest fraction with a denominator of at most 100.

    Returns:
        (ceil(S / factor),) float32 at the same sample rate; a label at sample s is now at ``s / factor``.
    """
    check_positive(factor=factor)
    ratio = Fraction(factor).limit_denominator(100)
    check_positive(factor=float(ratio))
    return resample(waveform, ratio.numerator, ratio.denominator)
