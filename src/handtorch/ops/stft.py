"""The short-time Fourier transform and its inverse: spectra of short, overlapping, windowed frames of a signal."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.attach import method
from handtorch.ops.axes import transpose
from handtorch.ops.complex import view_as_real
from handtorch.ops.fft import Norm, fft, ifft, irfft, rfft
from handtorch.ops.gathering import IndexSelect
from handtorch.ops.joining import cat
from handtorch.ops.striding import Fold, unfold
from handtorch.tensor import Tensor

__all__ = ["istft", "stft"]

_NUMPYS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@method()
def stft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Any:
    """The short-time Fourier transform, X[k, t] = Σ_n w[n] x[t hop + n] exp(-2πi k n / n_fft).

    Args:
        input: (S,) or (B, S), samples, real or complex.
        n_fft: samples in a frame.
        hop_length: samples from frame to frame; n_fft // 4 by default.
        win_length: samples in the window; n_fft by default. A shorter window sits in the middle of the frame.
        window: (win_length,); ones by default.
        center: pad n_fft // 2 samples on both sides first, so that frame t has sample t · hop in its middle.
        pad_mode: "reflect", "replicate", "circular" or "constant" (zeros).
        normalized: divide by √n_fft.
        onesided: only k ≤ n_fft / 2, which tells all of real input: the default for it.
        return_complex: to be given for real input; False for pairs (..., 2) of real numbers.
        align_to_window: without ``center``, let the first window, not the first frame, begin at the first sample.

    Returns:
        (K, T) or (B, K, T) complex, with K = n_fft // 2 + 1, or n_fft if it is not onesided.

    Raises:
        ShapeError: a frame is longer than the signal, a window of another length, hop_length < 1.
        DtypeError: whole numbers; a onesided spectrum of complex numbers.
    """
    complex_frames = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None:
        if not complex_frames:
            raise ShapeError("stft requires the return_complex parameter be given for real inputs")
        return_complex = True
    if onesided is None:
        onesided = not complex_frames
    elif onesided and complex_frames:
        raise DtypeError("Cannot have onesided output if window or input is complex")
    hop_length, win_length = _lengths(n_fft, hop_length, win_length)
    if center and align_to_window is not None:
        raise ShapeError("stft align_to_window should only be set when center = false")
    _check_signal(input)
    if center:
        input = _padded(input, n_fft // 2, pad_mode)
    elif align_to_window:
        input = _padded(input, (n_fft - win_length) // 2, "constant")
    samples = input.array.shape[-1]
    if n_fft > samples:
        raise ShapeError(f"stft: expected 0 < n_fft <= {samples}, the samples with padding, but got n_fft={n_fft}")
    frames = unfold(input, -1, n_fft, hop_length)
    if window is not None or win_length < n_fft:
        frames = frames * _taper(window, win_length, n_fft, input)
    norm: Norm = "ortho" if normalized else "backward"
    spectra = transpose((rfft if onesided else fft)(frames, norm=norm), -1, -2)
    return spectra if return_complex else view_as_real(spectra)


@method()
def istft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Any:
    """The signal whose :func:`stft` is nearest to ``input`` (Griffin & Lim 1984, equation 6).

    Frames are windowed again, added where they overlap, and divided by the sum of the squared windows there.

    Args:
        input: (K, T) or (B, K, T), complex.
        n_fft, hop_length, win_length, window, center, normalized, onesided: as they were in :func:`stft`.
        length: samples of the result; by default what the frames cover, without the padding of ``center``.
        return_complex: the signal is complex.

    Returns:
        (S,) or (B, S)

    Raises:
        ShapeError: K does not go with n_fft; or somewhere no window reaches.
        DtypeError: ``input`` is real; a complex window, or complex result, where the spectrum is onesided.
    """
    if onesided is None:
        onesided = input.array.shape[-2:-1] != (n_fft,)
    _check_spectrum(input, n_fft, onesided)
    hop_length, win_length = _lengths(n_fft, hop_length, win_length)
    if hop_length > win_length:
        raise ShapeError(f"istft: expected 0 < hop_length <= win_length={win_length}, but got {hop_length}")
    taper = _taper(window, win_length, n_fft, input)
    if return_complex and onesided:
        raise DtypeError("cannot have onesided output if window or input is complex")
    if not return_complex and taper.is_complex():
        raise DtypeError("Complex windows are incompatible with return_complex=False")
    norm: Norm = "ortho" if normalized else "backward"
    spectra = transpose(input, -1, -2)
    frames = ifft(spectra, norm=norm) if return_complex else irfft(spectra[..., : n_fft // 2 + 1], n_fft, norm=norm)
    count = frames.array.shape[-2]
    covered = n_fft + hop_length * (count - 1)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else covered - start
    signal = Fold(frames.array.ndim - 2, hop_length, covered)(frames * taper)[..., start:end]
    weight = Fold(0, hop_length, covered)((taper * taper).expand(count, n_fft))[start:end]
    if np.min(np.abs(weight.array), initial=np.inf) < 1e-11:
        raise ShapeError("istft: window overlap add min: no window reaches some of the samples; try a shorter hop")
    signal = signal / weight
    if end > covered:
        signal = _filled(signal, 0, end - covered)
    return signal


def _check_signal(input: Any) -> None:
    if input.array.dtype.kind not in "fc":
        raise DtypeError(f"stft: expected a tensor of floating point or complex values, got {input.dtype}")
    if input.array.ndim not in (1, 2):
        raise ShapeError(f"stft: expected a 1D or 2D tensor, got shape {tuple(input.shape)}")


def _check_spectrum(input: Any, n_fft: int, onesided: bool) -> None:
    array = input.array
    if array.dtype.kind != "c":
        raise DtypeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    if array.ndim not in (2, 3) or not array.size:
        raise ShapeError(f"istft: expected a spectrum (K, T) or (B, K, T), not empty, got shape {tuple(array.shape)}")
    if array.shape[-2] != (n_fft // 2 + 1 if onesided else n_fft):
        raise ShapeError(
            f"istft: expected {'n_fft / 2 + 1' if onesided else 'n_fft'} frequencies, but got {array.shape[-2]}"
        )


def _lengths(n_fft: int, hop_length: int | None, win_length: int | None) -> tuple[int, int]:
    """Hop and window length in samples."""
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    if hop_length < 1:
        raise ShapeError(f"expected hop_length > 0, but got hop_length={hop_length}")
    if not 0 < win_length <= n_fft:
        raise ShapeError(f"expected 0 < win_length <= n_fft={n_fft}, but got win_length={win_length}")
    return hop_length, win_length


def _taper(window: Any, win_length: int, n_fft: int, input: Any) -> Any:
    """The window, ones by default, in the middle of a frame of zeros (n_fft,)."""
    if window is None:
        window = Tensor.of(np.ones(win_length, input.array.real.dtype))
    elif window.array.shape != (win_length,):
        raise ShapeError(f"expected a 1D window of size win_length={win_length}, got {tuple(window.array.shape)}")
    before = (n_fft - win_length) // 2
    return _filled(window, before, n_fft - win_length - before)


def _padded(x: Any, width: int, mode: str) -> Any:
    """The last axis continued by ``width`` samples on both sides."""
    if mode == "constant":
        return _filled(x, width, width)
    if mode not in _NUMPYS:
        raise NotImplementedError(f"expected pad_mode 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}")
    n = x.array.shape[-1]
    if (mode == "reflect" and width >= n) or (mode == "circular" and width > n) or not n:
        raise ShapeError(
            f"Padding size should be less than the corresponding input dimension, but got: padding ({width}, {width}) "
            f"at an axis of length {n}; the signal is too short for pad_mode={mode!r}"
        )
    return IndexSelect(x.array.ndim - 1, np.pad(np.arange(n), width, mode=_NUMPYS[mode]))(x)  # type: ignore[call-overload]


def _filled(x: Any, before: int, after: int) -> Any:
    """Zeros before and after, along the last axis."""
    if not before and not after:
        return x
    left, right = (Tensor.of(np.zeros((*x.array.shape[:-1], n), x.array.dtype)) for n in (before, after))
    return cat([left, x, right], -1)
