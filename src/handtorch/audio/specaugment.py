"""SpecAugment: features with stretches of time and frequency blanked out, so that a network relies on no single one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats, as_features
from handtorch.errors import ArgumentError


def spec_augment(
    features: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    time_masks: int = 2,
    time_width: int = 40,
    time_fraction: float = 0.2,
    frequency_masks: int = 2,
    frequency_width: int = 8,
    warp: int = 0,
    frequency_warp_width: int = 0,
    value: float | None = None,
) -> Floats:
    """Warp in time and frequency, then mask in frequency and in time (Park et al. 2019, section 2).

    Args:
        features: (T, F), not changed.
        rng: where the randomness comes from; the same state gives the same masks.
        time_masks: number of time masks; they may overlap.
        time_width: most frames in one, each width being drawn evenly from 0 to this.
        time_fraction: most of the utterance in one, as a share of T.
        frequency_masks: number of frequency masks.
        frequency_width: most columns in one.
        warp: most frames that the middle is moved by, see :func:`time_warp`; keep 0 when every frame has its own label.
        frequency_warp_width: most columns that a frequency is moved by, see :func:`frequency_warp`.
        value: what masked places hold; the default is the mean of the features.

    Returns:
        (T, F) float32, a new array.
    """
    x = as_features(features)
    fill = _fill_value(x, value)
    x = time_warp(x, rng, warp) if warp else x
    x = frequency_warp(x, rng, frequency_warp_width) if frequency_warp_width else x
    x = mask_frequency(x, rng, count=frequency_masks, width=frequency_width, value=fill)
    return mask_time(x, rng, count=time_masks, width=time_width, fraction=time_fraction, value=fill)


def mask_time(
    features: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    count: int = 1,
    width: int = 40,
    fraction: float = 1.0,
    value: float | None = None,
) -> Floats:
    """Blank runs of frames.

    Args:
        features: (T, F), not changed.
        rng: where the randomness comes from.
        count: number of runs.
        width: most frames in a run; the width is drawn evenly from 0 to this.
        fraction: most frames in a run as a share of T.
        value: what the frames hold then; the default is the mean of the features.

    Returns:
        (T, F) float32, a new array.

    Raises:
        ArgumentError: a count or width below 0, or a fraction outside 0 to 1.
    """
    if not 0 <= fraction <= 1:
        raise ArgumentError(f"expected fraction between 0 and 1, got {fraction}")
    x = as_features(features).copy()
    fill = _fill_value(x, value)
    for start, stop in _spans(len(x), count, min(width, int(fraction * len(x))), rng):
        x[start:stop] = fill
    return x


def mask_frequency(
    features: npt.ArrayLike, rng: np.random.Generator, *, count: int = 1, width: int = 8, value: float | None = None
) -> Floats:
    """Blank runs of columns, such as mel bands.

    Args:
        features: (T, F), not changed.
        rng: where the randomness comes from.
        count: number of runs.
        width: most columns in a run; the width is drawn evenly from 0 to this.
        value: what the columns hold then; the default is the mean of the features.

    Returns:
        (T, F) float32, a new array.

    Raises:
        ArgumentError: a count or width below 0.
    """
    x = as_features(features).copy()
    fill = _fill_value(x, value)
    for start, stop in _spans(x.shape[1], count, width, rng):
        x[:, start:stop] = fill
    return x


def time_warp(features: npt.ArrayLike, rng: np.random.Generator, width: int) -> Floats:
    """Stretch one part of an utterance and squeeze the rest: a random frame c moves to c + w, the ends stay.

    c is drawn evenly from ``width`` to ``T - width``, w from ``-width`` to ``width``; between old frames the features
    are interpolated linearly. Labels of single frames no longer fit afterwards; labels of the whole utterance do.

    Args:
        features: (T, F), not changed.
        rng: where the randomness comes from.
        width: most frames that the point is moved by.

    Returns:
        (T, F) float32, a new array; unchanged when T is at most ``2 * width + 2`` frames.
    """
    x = as_features(features)
    if width < 0:
        raise ArgumentError(f"expected width >= 0, got {width}")
    last = len(x) - 1
    if width == 0 or last <= 2 * width + 1:
        return x.copy()
    source = int(rng.integers(width + 1, last - width))
    target = source + int(rng.integers(-width, width + 1))
    position = np.interp(np.arange(len(x)), [0, target, last], [0, source, last])
    below = np.minimum(position.astype(np.intp), last - 1)
    share = (position - below).astype(np.float32)[:, None]
    return (1 - share) * x[below] + share * x[below + 1]


def frequency_warp(features: npt.ArrayLike, rng: np.random.Generator, width: int) -> Floats:
    """Stretch some of the frequencies and squeeze the rest, the same in all frames: :func:`time_warp` along columns.

    A longer or shorter vocal tract moves formants in much the same way, so a network hears more voices than there are
    (Jaitly and Hinton 2013 scale all frequencies by one factor).

    Args:
        features: (T, F) of columns by rising frequency, such as mel bands; not changed.
        rng: where the randomness comes from.
        width: most columns that a frequency is moved by.

    Returns:
        (T, F) float32, a new array; unchanged when F is at most ``2 * width + 2``.
    """
    return np.ascontiguousarray(time_warp(as_features(features).T, rng, width).T)


def _fill_value(x: Floats, value: float | None) -> float:
    if value is not None:
        return value
    return float(x.mean(dtype=np.float64)) if x.size else 0.0


def _spans(length: int, count: int, width: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Random runs within ``range(length)`` of at most ``width`` each."""
    if count < 0 or width < 0:
        raise ArgumentError(f"expected a count and a width of at least 0, got {count} and {width}")
    spans = []
    for _ in range(count):
        size = int(rng.integers(min(width, length) + 1))
        start = int(rng.integers(length - size + 1))
        spans.append((start, start + size))
    return spans
