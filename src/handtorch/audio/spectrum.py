"""The short-time Fourier transform, its inverse, and what is read from it: power and decibels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats, as_waveform, check_choice, check_positive
from handtorch.audio.framing import frame, get_window
from handtorch.errors import ArgumentError, ShapeError
from handtorch.ops.striding import Fold

Complexes = npt.NDArray[np.complex64]


class StftSettings(TypedDict, total=False):
    """How a waveform becomes spectra: the keyword arguments of :func:`stft`, taken by all that builds on it."""

    n_fft: int
    hop_length: int
    win_length: int | None
    window: str | npt.ArrayLike
    center: bool
    pad_mode: str


# 25 ms every 10 ms at 16 kHz.
_N_FFT = 400
_HOP_LENGTH = 160

# Frames transformed at once: the block and its spectrum stay in the second-level cache.
_BLOCK = 128


def stft(
    waveform: npt.ArrayLike,
    n_fft: int = _N_FFT,
    hop_length: int = _HOP_LENGTH,
    win_length: int | None = None,
    window: str | npt.ArrayLike = "hann",
    center: bool = True,
    pad_mode: str = "constant",
) -> Complexes:
    """Short-time Fourier transform, ``X[t, k] = sum_n w[n] x[t hop + n] exp(-2 pi i k n / n_fft)``.

    Args:
        waveform: (S,) in [-1, 1].
        n_fft: samples in a frame; the default is 25 ms at 16 kHz.
        hop_length: samples from frame to frame; the default is 10 ms at 16 kHz.
        win_length: samples in the window, at most ``n_fft`` (the default); a shorter one sits in the middle of a frame.
        window: name or (win_length,) array, see :func:`~handtorch.audio.framing.get_window`; a name gives the periodic
            form.
        center: pad ``n_fft // 2`` samples on both sides, so that frame t is centred on sample ``t * hop_length``.
        pad_mode: what is padded: ``"constant"`` (zeros), ``"reflect"`` or ``"edge"``.

    Returns:
        (T, 1 + n_fft // 2) complex64: row t is the frame, column k the frequency ``k * sample_rate / n_fft`` Hz;
        ``T = 1 + S // hop_length`` when centred and n_fft is even, else ``1 + (S - n_fft) // hop_length``.

    Raises:
        ShapeError: the waveform is shorter than one frame and not padded, or the window has another length.
        ArgumentError: a length that is not positive, or a window longer than the frame.
    """
    return np.concatenate(list(_spectra(waveform, n_fft, hop_length, win_length, window, center, pad_mode)))


def power_spectrum(waveform: npt.ArrayLike, **settings: Unpack[StftSettings]) -> Floats:
    """Power of each frame and frequency, ``|X[t, k]|^2``.

    Args:
        waveform: (S,) in [-1, 1].
        settings: keyword arguments of :func:`stft`.

    Returns:
        (T, 1 + n_fft // 2) float32, not divided by anything.
    """
    return np.concatenate(list(power_blocks(waveform, **settings)))


def power_blocks(waveform: npt.ArrayLike, **settings: Unpack[StftSettings]) -> Iterator[Floats]:
    """Yield :func:`power_spectrum` some rows at a time, for a caller that reduces each row and never needs them all.

    Args:
        waveform: (S,) in [-1, 1].
        settings: keyword arguments of :func:`stft`.

    Yields:
        (B, 1 + n_fft // 2) float32, in the order of the frames.
    """
    for spectrum in _spectra(waveform, **settings):
        yield np.square(spectrum.real) + np.square(spectrum.imag)


def _spectra(
    waveform: npt.ArrayLike,
    n_fft: int = _N_FFT,
    hop_length: int = _HOP_LENGTH,
    win_length: int | None = None,
    window: str | npt.ArrayLike = "hann",
    center: bool = True,
    pad_mode: str = "constant",
) -> Iterator[Complexes]:
    x = as_waveform(waveform)
    check_positive(n_fft=n_fft, hop_length=hop_length)
    taper = _frame_window(window, win_length, n_fft)
    if center:
        x = _pad(x, n_fft // 2, pad_mode)
    frames = frame(x, n_fft, hop_length)
    for start in range(0, len(frames), _BLOCK):
        # NumPy 1 transforms in double precision whatever it is given; the cast is free on NumPy 2.
        yield np.fft.rfft(frames[start : start + _BLOCK] * taper).astype(np.complex64, copy=False)


def _pad(x: Floats, width: int, mode: str) -> Floats:
    check_choice("pad_mode", mode, ("constant", "reflect", "edge"))
    if mode != "constant" and len(x) == 0:
        raise ShapeError(f"expected at least one sample to pad by {mode!r}, got an empty waveform")
    return np.pad(x, width, mode=mode)  # type: ignore[call-overload]


def _frame_window(window: str | npt.ArrayLike, win_length: int | None, n_fft: int) -> Floats:
    """The window in the middle of a frame of zeros, (n_fft,)."""
    length = n_fft if win_length is None else win_length
    if length > n_fft:
        raise ArgumentError(f"expected win_length <= n_fft = {n_fft} samples, got {length}; raise n_fft")
    taper = get_window(window, length)
    before = (n_fft - length) // 2
    return np.pad(taper, (before, n_fft - length - before))


def istft(
    spectrum: npt.ArrayLike,
    hop_length: int = _HOP_LENGTH,
    win_length: int | None = None,
    window: str | npt.ArrayLike = "hann",
    center: bool = True,
    length: int | None = None,
) -> Floats:
    """The waveform whose :func:`stft` is nearest to ``spectrum``.

    Frames are windowed again, added up where they overlap, and divided by the sum of the squared windows (Griffin & Lim
    1984, equation 6).

    Args:
        spectrum: (T, 1 + n_fft // 2) complex; n_fft is taken as even.
        hop_length: samples from frame to frame.
        win_length: samples in the window; the default is n_fft.
        window: as in :func:`stft`.
        center: drop the ``n_fft // 2`` samples that :func:`stft` padded on both sides.
        length: samples wanted: the end is cut or filled with zeros. By default what the frames cover.

    Returns:
        (S,) float32.

    Raises:
        ShapeError: the spectrum has not the shape (T, 1 + n_fft // 2).
    """
    array = np.asarray(spectrum)
    if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] < 2:
        raise ShapeError(f"expected a spectrum of shape (T, 1 + n_fft // 2), got {array.shape}")
    n_fft = 2 * (array.shape[1] - 1)
    taper = _frame_window(window, win_length, n_fft)
    frames = np.fft.irfft(array, n_fft).astype(np.float32, copy=False) * taper
    check_positive(hop_length=hop_length)
    add = Fold(0, hop_length, n_fft + (len(frames) - 1) * hop_length)
    weight = add.forward(np.broadcast_to(np.square(taper), frames.shape))
    x = add.forward(frames)
    # Where no window reaches there is nothing to divide by, and nothing was added.
    np.divide(x, weight, out=x, where=weight > np.finfo(np.float32).tiny)
    if center:
        x = x[n_fft // 2 :]
    if length is None:
        return x[: max(0, len(x) - n_fft // 2)] if center else x
    return np.pad(x[:length], (0, max(0, length - len(x))))


def power_to_db(power: npt.ArrayLike, ref: float = 1.0, amin: float = 1e-10, top_db: float | None = None) -> Floats:
    """Decibels, ``10 log10(max(power, amin) / max(ref, amin))``.

    Args:
        power: array of any shape, not negative.
        ref: the power that is 0 dB.
        amin: powers below this one count as this one.
        top_db: when given, values more than ``top_db`` dB below the largest are raised to that level.

    Returns:
        float32 dB, same shape.
    """
    check_positive(ref=ref, amin=amin)
    decibels = 10 * np.log10(np.maximum(np.asarray(power, np.float32), np.float32(amin)))
    decibels -= np.float32(10 * np.log10(max(ref, amin)))
    if top_db is not None and decibels.size:
        check_positive(top_db=top_db)
        np.maximum(decibels, decibels.max() - np.float32(top_db), out=decibels)
    return decibels


def db_to_power(decibels: npt.ArrayLike, ref: float = 1.0) -> Floats:
    """Power from decibels, ``ref * 10 ** (decibels / 10)``.

    Args:
        decibels: array of any shape, dB.
        ref: the power that is 0 dB.

    Returns:
        float32 power, same shape.
    """
    return np.float32(ref) * np.power(np.float32(10), np.asarray(decibels, np.float32) / np.float32(10))
