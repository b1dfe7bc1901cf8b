"""The cepstrum: the smooth shape of a log-mel spectrum as a few numbers, and how they move in time."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Unpack

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats, as_features, check_choice, check_positive
from handtorch.audio.mel import LogMelSettings, log_mel
from handtorch.errors import ArgumentError, ShapeError


def mfcc(
    waveform: npt.ArrayLike,
    sample_rate: float,
    n_mfcc: int = 13,
    lifter: float = 0.0,
    **settings: Unpack[LogMelSettings],
) -> Floats:
    """Mel-frequency cepstral coefficients (Davis & Mermelstein 1980).

    Args:
        waveform: (S,) in [-1, 1].
        sample_rate: Hz.
        n_mfcc: coefficients kept, from the lowest; number 0 is the loudness.
        lifter: L of the lifter, see :func:`mfcc_from_log_mel`; 0 for none.
        settings: keyword arguments of :func:`~handtorch.audio.mel.log_mel`: frequencies in Hz, lengths in samples,
            the logarithm.

    Returns:
        (T, n_mfcc) float32.
    """
    return mfcc_from_log_mel(log_mel(waveform, sample_rate, **settings), n_mfcc, lifter)


def mfcc_from_log_mel(features: npt.ArrayLike, n_mfcc: int = 13, lifter: float = 0.0) -> Floats:
    """Orthonormal DCT-II over the mel bands, ``c[k] = s[k] sum_m x[m] cos(pi k (m + 1/2) / M)``.

    Here ``s[0] = sqrt(1 / M)`` and ``s[k] = sqrt(2 / M)``. A lifter L then multiplies coefficient k by
    ``1 + L / 2 * sin(pi (k + 1) / L)``, which evens out their ranges (Juang, Rabiner & Wilpon 1987).

    Args:
        features: (T, M) logarithm of the power in M mel bands.
        n_mfcc: coefficients kept, at most M.
        lifter: L, or 0 for none.

    Returns:
        (T, n_mfcc) float32.

    Raises:
        ArgumentError: more coefficients than mel bands, or a negative lifter.
    """
    x = as_features(features, "log-mel features")
    check_positive(n_mfcc=n_mfcc)
    if n_mfcc > x.shape[1]:
        raise ArgumentError(f"expected n_mfcc <= {x.shape[1]}, the number of mel bands, got {n_mfcc}; raise n_mels")
    if lifter < 0:
        raise ArgumentError(f"expected lifter >= 0, got {lifter}")
    return x @ _dct_matrix(x.shape[1], n_mfcc, float(lifter))


@lru_cache(maxsize=32)
def _dct_matrix(bands: int, count: int, lifter: float) -> Floats:
    k = np.arange(count)
    matrix = np.sqrt(2.0 / bands) * np.cos(np.pi / bands * np.outer(np.arange(bands) + 0.5, k))
    matrix[:, 0] /= np.sqrt(2.0)
    if lifter:
        matrix *= 1 + lifter / 2 * np.sin(np.pi * (k + 1) / lifter)
    return matrix.astype(np.float32)


def deltas(features: npt.ArrayLike, width: int = 9, order: int = 1, mode: str = "nearest") -> Floats:
    """How features change from frame to frame: the derivative of a polynomial fitted around each frame.

    The polynomial has degree ``order`` and is fitted by least squares to ``width`` frames (Savitzky & Golay 1964); for
    order 1 that is ``sum_n n (x[t + n] - x[t - n]) / (2 sum_n n^2)``, the regression of HTK and Kaldi.

    Args:
        features: (T, F).
        width: frames looked at, odd, at least 3 and more than ``order``.
        order: 1 for the slope (a frame), 2 for the curvature (a frame squared).
        mode: beyond the ends, ``"nearest"`` repeats the first and the last frame; ``"interp"`` fits once to the first
            and the last ``width`` frames and reads the derivative off there, as librosa does by default.

    Returns:
        (T, F) float32.

    Raises:
        ArgumentError: a width that is even or too small.
        ShapeError: fewer frames than ``width`` with ``mode="interp"``, or no frame at all.
    """
    x = as_features(features)
    check_choice("mode", mode, ("nearest", "interp"))
    check_positive(order=order)
    if width < 3 or width % 2 == 0 or width <= order:
        raise ArgumentError(f"expected an odd width of at least 3 frames and above order {order}, got {width}")
    needed = width if mode == "interp" else 1
    if len(x) < needed:
        raise ShapeError(
            f"expected at least {needed} frames for deltas of width {width} with mode={mode!r}, got {len(x)}; "
            "use mode='nearest' for short recordings"
        )
    half = width // 2
    padded = np.pad(x, ((half, half), (0, 0)), mode="edge")
    out = np.zeros_like(x)
    for n, weight in enumerate(_derivative_filter(width, order)):
        out += weight * padded[n : n + len(x)]
    if mode == "interp":
        # A polynomial of degree `order` has one and the same derivative of that order everywhere.
        out[:half] = out[half]
        out[len(x) - half :] = out[len(x) - half - 1]
    return out


def with_deltas(features: npt.ArrayLike, width: int = 9, orders: int = 2, mode: str = "nearest") -> Floats:
    """Features, their slopes, curvatures and so on, side by side.

    Args:
        features: (T, F).
        width: frames looked at, see :func:`deltas`.
        orders: highest derivative that is added.
        mode: what lies beyond the ends, see :func:`deltas`.

    Returns:
        (T, (1 + orders) F) float32.
    """
    x = as_features(features)
    return np.concatenate([x, *(deltas(x, width, order, mode) for order in range(1, orders + 1))], axis=1)


@lru_cache(maxsize=32)
def _derivative_filter(width: int, order: int) -> Floats:
    """(width,): what to weigh the frames of a window with to get the derivative of the polynomial fitted to them."""
    n = np.arange(width) - width // 2
    fit = np.linalg.pinv(np.vander(n, order + 1, increasing=True).astype(np.float64))
    return (fit[order] * math.factorial(order)).astype(np.float32)
