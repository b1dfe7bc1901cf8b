"""Mel frequencies: spectra summed in bands as wide as the ear's."""

from __future__ import annotations

from functools import lru_cache
from typing import Unpack

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats, check_choice, check_positive
from handtorch.audio.spectrum import StftSettings, power_blocks, power_to_db
from handtorch.errors import ArgumentError

# Slaney's scale: linear up to 1000 Hz at 200/3 Hz a mel, then 27 mels for each factor of 6.4.
_HZ_PER_MEL = 200.0 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0

_SCALES = ("slaney", "htk")
_LOGARITHMS = ("ln", "log10", "db")


class MelSettings(StftSettings, total=False):
    """How a waveform becomes mel spectra: the keyword arguments of :func:`mel_spectrogram`."""

    n_mels: int
    f_min: float
    f_max: float | None
    scale: str
    norm: str | None


class LogMelSettings(MelSettings, total=False):
    """How a waveform becomes log-mel features: the keyword arguments of :func:`log_mel`."""

    log: str
    amin: float
    top_db: float | None


def hz_to_mel(hz: npt.ArrayLike, scale: str = "slaney") -> npt.NDArray[np.float64]:
    """Frequency in Hz as mels.

    Args:
        hz: array of any shape, Hz, not negative.
        scale: ``"htk"``, ``2595 log10(1 + hz / 700)`` (O'Shaughnessy 1987), or ``"slaney"``, linear below 1000 Hz and
            logarithmic above (Slaney 1998, Auditory Toolbox).

    Returns:
        float64 mels, same shape.
    """
    check_choice("scale", scale, _SCALES)
    f = np.asarray(hz, np.float64)
    if scale == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + f / 700.0))
    above = _BREAK_MEL + np.log(np.maximum(f, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(f < _BREAK_HZ, f / _HZ_PER_MEL, above)


def mel_to_hz(mels: npt.ArrayLike, scale: str = "slaney") -> npt.NDArray[np.float64]:
    """Mels as frequency in Hz; the inverse of :func:`hz_to_mel`.

    Args:
        mels: array of any shape.
        scale: ``"slaney"`` or ``"htk"``.

    Returns:
        float64 Hz, same shape.
    """
    check_choice("scale", scale, _SCALES)
    m = np.asarray(mels, np.float64)
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (m / 2595.0) - 1.0))
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(m, _BREAK_MEL) - _BREAK_MEL))
    return np.where(m < _BREAK_MEL, m * _HZ_PER_MEL, above)


def mel_filterbank(
    sample_rate: float,
    n_fft: int,
    n_mels: int = 40,
    f_min: float = 0.0,
    f_max: float | None = None,
    scale: str = "slaney",
    norm: str | None = "slaney",
) -> Floats:
    """Triangular filters whose corners are evenly spaced in mels.

    Args:
        sample_rate: Hz.
        n_fft: samples in a frame of the spectrum that the filters are for.
        n_mels: number of filters.
        f_min: lowest corner, Hz.
        f_max: highest corner, Hz; the default is half the sample rate.
        scale: ``"slaney"`` or ``"htk"``, see :func:`hz_to_mel`.
        norm: ``"slaney"`` divides each triangle by half its width in Hz, so that all have the same area;
            ``None`` leaves their peaks at 1.

    Returns:
        (n_mels, 1 + n_fft // 2) float32, read-only; ``power @ mel_filterbank(...).T`` is the mel spectrum.

    Raises:
        ArgumentError: frequencies out of order or above half the sample rate, or filters so narrow that some lie
            between two bins of the spectrum and would always be 0.
    """
    check_positive(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels)
    check_choice("scale", scale, _SCALES)
    check_choice("norm", norm, ("slaney", None))
    top = sample_rate / 2 if f_max is None else f_max
    if not 0 <= f_min < top <= sample_rate / 2:
        raise ArgumentError(
            f"expected 0 <= f_min < f_max <= {sample_rate / 2:g} Hz, half the sample rate, "
            f"got f_min {f_min:g} and f_max {top:g}"
        )
    return _filterbank(float(sample_rate), int(n_fft), int(n_mels), float(f_min), float(top), scale, norm)


@lru_cache(maxsize=32)
def _filterbank(
    sample_rate: float, n_fft: int, n_mels: int, f_min: float, f_max: float, scale: str, norm: str | None
) -> Floats:
    bins = np.arange(1 + n_fft // 2) * (sample_rate / n_fft)
    low, high = hz_to_mel([f_min, f_max], scale)
    corners = mel_to_hz(np.linspace(low, high, n_mels + 2), scale)
    left, peak, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising = (bins - left) / (peak - left)
    falling = (right - bins) / (right - peak)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    empty = np.flatnonzero(~filters.any(axis=1))
    if len(empty):
        raise ArgumentError(
            f"expected every mel filter to cover a bin of the spectrum; with {n_mels} mels and bins of "
            f"{sample_rate / n_fft:.1f} Hz {len(empty)} cover none (first: {empty[0]}); lower n_mels or raise n_fft"
        )
    if norm == "slaney":
        filters *= 2.0 / (right - left)
    bank = filters.astype(np.float32)
    bank.flags.writeable = False
    return bank


def mel_spectrogram(
    waveform: npt.ArrayLike,
    sample_rate: float,
    n_mels: int = 40,
    f_min: float = 0.0,
    f_max: float | None = None,
    scale: str = "slaney",
    norm: str | None = "slaney",
    **settings: Unpack[StftSettings],
) -> Floats:
    """Power in each mel band, ``M[t, m] = sum_k filter[m, k] |X[t, k]|^2``.

    Args:
        waveform: (S,) in [-1, 1].
        sample_rate: Hz.
        n_mels: number of bands.
        f_min: lowest frequency, Hz.
        f_max: highest frequency, Hz; the default is half the sample rate.
        scale: ``"slaney"`` or ``"htk"``, see :func:`hz_to_mel`.
        norm: ``"slaney"`` or ``None``, see :func:`mel_filterbank`.
        settings: keyword arguments of :func:`~handtorch.audio.spectrum.stft`: lengths in samples, window, padding.

    Returns:
        (T, n_mels) float32.
    """
    blocks = power_blocks(waveform, **settings)
    first = next(blocks)
    n_fft = settings.get("n_fft", 2 * (first.shape[1] - 1))
    filters = mel_filterbank(sample_rate, n_fft, n_mels, f_min, f_max, scale, norm).T
    return np.concatenate([first @ filters, *(block @ filters for block in blocks)])


def log_mel(
    waveform: npt.ArrayLike,
    sample_rate: float,
    log: str = "ln",
    amin: float = 1e-10,
    top_db: float | None = None,
    **settings: Unpack[MelSettings],
) -> Floats:
    """Logarithm of the power in each mel band: the features that most recognizers listen to.

    Args:
        waveform: (S,) in [-1, 1].
        sample_rate: Hz.
        log: ``"ln"`` natural, ``"log10"``, or ``"db"`` for ``10 log10``.
        amin: powers below this one count as this one, so that silence has a logarithm.
        top_db: when given, values more than this many dB below the loudest of the recording are raised to that level.
        settings: keyword arguments of :func:`mel_spectrogram`: frequencies in Hz, lengths in samples.

    Returns:
        (T, n_mels) float32.
    """
    check_choice("log", log, _LOGARITHMS)
    power = mel_spectrogram(waveform, sample_rate, **settings)
    decibels = power_to_db(power, amin=amin, top_db=top_db)
    unit = {"db": 1.0, "log10": 0.1, "ln": np.log(10.0) / 10}[log]
    return decibels if log == "db" else decibels * np.float32(unit)
