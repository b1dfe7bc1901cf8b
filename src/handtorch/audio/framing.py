"""A waveform cut into short overlapping frames, and the windows that fade each frame in and out."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from handtorch.audio.checks import Floats, as_waveform, check_choice, check_positive
from handtorch.dtypes import float64
from handtorch.errors import ShapeError
from handtorch.signal import windows

Doubles = npt.NDArray[np.float64]

_BY_NAME: dict[str, Callable[..., Any]] = {
    "rectangular": partial(windows.general_cosine, a=(1.0,)),
    "hann": windows.hann,
    "hamming": windows.hamming,
    "blackman": windows.blackman,
}


def pre_emphasis(waveform: npt.ArrayLike, coefficient: float = 0.97) -> Floats:
    """Lift the high frequencies, which the voice radiates more weakly: ``y[s] = x[s] - coefficient * x[s - 1]``.

    Args:
        waveform: (S,) in [-1, 1].
        coefficient: from 0 (nothing changes) to 1 (plain difference).

    Returns:
        (S,); the first sample is scaled by ``1 - coefficient``, as if the signal had been constant before.
    """
    x = as_waveform(waveform)
    y = x.copy()
    y[1:] -= np.float32(coefficient) * x[:-1]
    y[:1] *= np.float32(1 - coefficient)
    return y


def frame(waveform: npt.ArrayLike, frame_length: int, hop_length: int) -> Floats:
    """Cut a waveform into frames that overlap; a read-only view, no sample is copied.

    Args:
        waveform: (S,) in [-1, 1].
        frame_length: samples in a frame.
        hop_length: samples from the start of one frame to the start of the next.

    Returns:
        (T, frame_length) with ``T = 1 + (S - frame_length) // hop_length``; samples after the last whole
        frame are left out.

    Raises:
        ShapeError: the waveform is shorter than one frame.
    """
    check_positive(frame_length=frame_length, hop_length=hop_length)
    x = as_waveform(waveform)
    if len(x) < frame_length:
        raise ShapeError(
            f"expected a waveform of at least one frame ({frame_length} samples), got {len(x)} samples; "
            "pad it, or use center=True where that is offered"
        )
    return sliding_window_view(x, frame_length)[::hop_length]


def frame_times(n_frames: int, hop_length: int, sample_rate: float, frame_length: int = 0) -> Doubles:
    """The moment in seconds at the middle of each frame.

    Args:
        n_frames: T, number of frames.
        hop_length: samples from frame to frame.
        sample_rate: Hz.
        frame_length: samples in a frame that starts at its first sample (``center=False``); 0 for frames that are
            centred on sample ``t * hop_length`` (``center=True``).

    Returns:
        (T,) float64 seconds from the start of the waveform.
    """
    check_positive(hop_length=hop_length, sample_rate=sample_rate)
    middles = np.arange(n_frames, dtype=np.float64) * hop_length + frame_length / 2
    return middles / sample_rate


def get_window(window: str | npt.ArrayLike, length: int, *, periodic: bool = True) -> Floats:
    """A window by name, or the given one after its length was checked.

    Args:
        window: ``"hann"``, ``"hamming"``, ``"blackman"``, ``"povey"`` (Hann to the power of 0.85, Kaldi's default),
            ``"rectangular"``, or an array of shape (length,).
        length: samples.
        periodic: ``True`` for the window of a spectrum, one period of the cosines over ``length`` samples;
            ``False`` for the symmetric one, whose last sample equals its first.

    Returns:
        (length,) float32, read-only when it was asked for by name.

    Raises:
        ShapeError: a given window has another length.
        ArgumentError: no window has that name.
    """
    check_positive(length=length)
    if isinstance(window, str):
        check_choice("window", window, [*_BY_NAME, "povey"])
        return _named_window(window, length, periodic)
    given = as_waveform(window, "window")
    if len(given) != length:
        raise ShapeError(f"expected a window of {length} samples, got {len(given)}")
    return given


@lru_cache(maxsize=32)
def _named_window(name: str, length: int, periodic: bool) -> Floats:
    values = _BY_NAME["hann" if name == "povey" else name](length, sym=not periodic, dtype=float64).array
    # Rounding may leave -1e-17 at the ends, of which a power of 0.85 would be NaN.
    window = (np.maximum(values, 0) ** (0.85 if name == "povey" else 1)).astype(np.float32)
    window.flags.writeable = False
    return window
