"""Windows: weights that fade a frame of a signal in and out, so that its spectrum leaks less.

Each has M places n = 0 ... M - 1 and a period N: M - 1 for the symmetric form (``sym=True``, for filters), whose last
weight equals its first, and M for the periodic one (``sym=False``, for spectra). All are computed in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError
from handtorch.from_data import finished
from handtorch.layout import check

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]

Shape = Callable[[np.ndarray, int], np.ndarray]  # weights from the places n and the period N


def _window(
    shape: Shape,
    M: int,
    sym: bool,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """The weights as a Tensor.

    Raises:
        ArgumentError: M < 0, a type other than float32 and float64, or a layout other than strided.
    """
    dtype = dtype or dtypes.get_default_dtype()
    if M < 0:
        raise ArgumentError(f"a window requires a non-negative length, got M={M}")
    check(layout)
    if dtype not in (dtypes.float32, dtypes.float64):
        raise ArgumentError(f"a window expects float32 or float64 dtypes, got: {dtype}")
    weights = shape(np.arange(M), M if not sym and M > 1 else M - 1)
    return finished(weights.astype(dtype.numpy), device, requires_grad)


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Any) -> Any:
    """w_n = Σ_i (-1)^i a_i cos(2π i n / N); a window of one place is 1.

    Args:
        M: places.
        a: the coefficients, for example (0.5, 0.5) for the Hann window.
        sym: symmetric, for filters; else periodic, for spectra.
        options: ``dtype`` (float32 or float64), ``layout``, ``device`` and ``requires_grad`` of the result.

    Returns:
        (M,)

    Raises:
        ArgumentError: M < 0, no coefficients, another type.
        TypeError: coefficients that are no sequence.
    """
    if not isinstance(a, Iterable):
        raise TypeError(f"coefficients must be a list or tuple, got {type(a).__name__}")
    coefficients = list(a)
    if not coefficients:
        raise ArgumentError("coefficients cannot be empty")

    def shape(n: np.ndarray, period: int) -> np.ndarray:
        if not period:
            return np.ones(1)
        waves = np.cos(2 * np.pi / period * np.arange(len(coefficients))[:, None] * n)
        return (np.array(coefficients) * (-1.0) ** np.arange(len(coefficients))) @ waves

    return _window(shape, M, sym, **options)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Any:
    """w_n = α - (1 - α) cos(2π n / N); arguments as in :func:`general_cosine`."""
    return general_cosine(M, a=(alpha, 1 - alpha), sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Any:
    """w_n = 0.54 - 0.46 cos(2π n / N); arguments as in :func:`general_cosine`."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Any:
    """w_n = 0.5 - 0.5 cos(2π n / N) = sin²(π n / N); arguments as in :func:`general_cosine`."""
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Any:
    """w_n = 0.42 - 0.5 cos(2π n / N) + 0.08 cos(4π n / N); arguments as in :func:`general_cosine`."""
    return general_cosine(M, a=(0.42, 0.5, 0.08), sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Any:
    """Four cosines with very low side lobes (Nuttall 1981); arguments as in :func:`general_cosine`."""
    return general_cosine(M, a=(0.3635819, 0.4891775, 0.1365995, 0.0106411), sym=sym, **options)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Any:
    """A triangle, w_n = 1 - |2n / N - 1|; arguments as in :func:`general_cosine`."""
    return _window(lambda n, N: 1 - np.abs(2 * n / N - 1) if N else np.ones(1), M, sym, **options)


def cosine(M: int, *, sym: bool = True, **options: Any) -> Any:
    """Half a wave, w_n = sin(π (n + ½) / (N + 1)); arguments as in :func:`general_cosine`."""
    return _window(lambda n, N: np.sin(np.pi * (n + 0.5) / (N + 1)), M, sym, **options)


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Any:
    """w_n = exp(-½ ((n - N/2) / σ)²); arguments as in :func:`general_cosine`.

    Args:
        std: σ > 0, in places.
    """
    if std <= 0:
        raise ArgumentError(f"Standard deviation must be positive, got: {std} instead.")
    return _window(lambda n, N: np.exp(-0.5 * ((n - N / 2) / std) ** 2), M, sym, **options)


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any) -> Any:
    """w_n = exp(-|n - c| / τ); arguments as in :func:`general_cosine`.

    Args:
        center: c, N/2 by default; only a periodic window can have another.
        tau: τ > 0, in places.
    """
    if tau <= 0:
        raise ArgumentError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ArgumentError("Center must be None for symmetric windows")
    return _window(lambda n, N: np.exp(-np.abs(n - (N / 2 if center is None else center)) / tau), M, sym, **options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Any:
    """w_n = I₀(β √(1 - (2n / N - 1)²)) / I₀(β), with the Bessel function I₀; arguments as in :func:`general_cosine`.

    Args:
        beta: β ≥ 0: the larger, the narrower the window.
    """
    if beta < 0:
        raise ArgumentError(f"beta must be non-negative, got: {beta} instead.")

    def shape(n: np.ndarray, period: int) -> np.ndarray:
        return np.i0(beta * np.sqrt(1 - (2 * n / period - 1) ** 2)) / np.i0(beta) if period else np.ones(1)

    return _window(shape, M, sym, **options)
