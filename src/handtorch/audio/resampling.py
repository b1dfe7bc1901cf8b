"""Change of sample rate: each new sample is a windowed-sinc average of the old ones around it."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from handtorch.audio.checks import Floats, as_waveform, check_positive
from handtorch.errors import ArgumentError

# Zero crossings of the sinc on each side, the cutoff as a share of the lower half-band, and the Kaiser window's beta.
# Together they pass 93 % of the lower half-band within 0.02 dB and keep what lies 1 % above it below -75 dB.
_ZERO_CROSSINGS = 64
_ROLLOFF = 0.968
_KAISER_BETA = 9.0

# New samples computed by one matrix product; few would waste BLAS, many would multiply by mostly zeros.
_COLUMNS = 32
_ROWS = 2048


def resample(waveform: npt.ArrayLike, orig_rate: float, new_rate: float) -> Floats:
    """Change the sample rate, keeping what lies below half of the lower rate (Smith 2020, "Digital Audio Resampling").

    ``y[n] = sum_s x[s] h(n orig / new - s)`` with ``h(t) = c sinc(c t) kaiser(t)``, c being the cutoff relative to half
    the old rate. For a ratio ``up / down`` in lowest terms only ``up`` different filters occur; they are computed once.

    Args:
        waveform: (S,) in [-1, 1].
        orig_rate: Hz, or any number, as only the ratio counts.
        new_rate: Hz.

    Returns:
        (ceil(S new_rate / orig_rate),) float32; sample n is at the same time as before. Beyond both ends the signal
        counts as silent.

    Raises:
        ArgumentError: a rate that is not positive, or a ratio that needs more than 100,000 different filters.
    """
    check_positive(orig_rate=orig_rate, new_rate=new_rate)
    x = as_waveform(waveform)
    ratio = Fraction(new_rate).limit_denominator(10**6) / Fraction(orig_rate).limit_denominator(10**6)
    up, down = ratio.numerator, ratio.denominator
    if up == down or len(x) == 0:
        return x.copy()
    if max(up, down) > 100_000:
        raise ArgumentError(f"expected rates with a simple ratio, got {orig_rate} to {new_rate}; round both to Hz")
    return _apply_filters(x, up, down, -(-len(x) * up // down))


def _apply_filters(x: Floats, up: int, down: int, length: int) -> Floats:
    # Small ratios are written with larger terms, so that a product has several columns.
    times = -(-_COLUMNS // up)
    up, down = up * times, down * times
    cycles = -(-length // up)
    reach = _reach(up, down)
    padded = np.zeros(reach + (cycles + 1) * down + 2 * reach + 2, np.float32)
    padded[reach : reach + len(x)] = x
    out = np.empty((cycles, up), np.float32)
    for first, start, filters in _filter_groups(up, down):
        # Row r holds the old samples that new samples r * up + first ... are made of.
        rows = as_strided(padded[start:], (cycles, len(filters)), (down * 4, 4), writeable=False)
        for r in range(0, cycles, _ROWS):
            block = np.ascontiguousarray(rows[r : r + _ROWS])
            out[r : r + _ROWS, first : first + filters.shape[1]] = block @ filters
    return out.reshape(-1)[:length]


def _reach(up: int, down: int) -> int:
    """Old samples on each side that a new sample is made of."""
    return int(np.ceil(_ZERO_CROSSINGS / (min(1.0, up / down) * _ROLLOFF)))


@lru_cache(maxsize=16)
def _filter_groups(up: int, down: int) -> tuple[tuple[int, int, Floats], ...]:
    """For each run of neighbouring new samples: the first of them, the first old sample that they are made of (counted
    after padding by :func:`_reach`), and the (old samples, new samples) matrix of filter values.
    """
    cutoff = min(1.0, up / down) * _ROLLOFF
    reach = _reach(up, down)
    groups = []
    for first in range(0, up, _COLUMNS):
        times = np.arange(first, min(first + _COLUMNS, up)) * (down / up)
        start = int(times[0]) - reach + 1
        samples = np.arange(start, int(times[-1]) + reach + 1)
        distance = times[None, :] - samples[:, None]
        inside = np.maximum(0.0, 1 - np.square(distance / reach))
        taper = np.where(np.abs(distance) < reach, np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA), 0.0)
        groups.append((first, start + reach, (cutoff * np.sinc(cutoff * distance) * taper).astype(np.float32)))
    return tuple(groups)
