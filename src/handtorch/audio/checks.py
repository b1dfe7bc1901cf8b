"""What every function here asks of its arguments, and the sentence it says when it got something else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, DtypeError, ShapeError

Floats = npt.NDArray[np.float32]


def as_waveform(waveform: npt.ArrayLike, name: str = "waveform") -> Floats:
    """Return ``waveform`` as float32 of shape (S,).

    Raises:
        ShapeError: it has not exactly one axis.
        DtypeError: it is not floating point, so its full scale is unknown.
    """
    array = np.asarray(waveform)
    if array.ndim != 1:
        raise ShapeError(f"expected {name} of shape (S,), got {array.shape}; average the channels of a recording")
    if array.dtype.kind != "f":
        raise DtypeError(
            f"expected {name} as floats within [-1, 1], got {array.dtype}; divide 16-bit samples by 32768 first"
        )
    return np.asarray(array, dtype=np.float32)


def as_features(features: npt.ArrayLike, name: str = "features") -> Floats:
    """Return ``features`` as float32 of shape (T, F).

    Raises:
        ShapeError: it has not exactly two axes.
        DtypeError: it does not hold real numbers.
    """
    array = np.asarray(features)
    if array.ndim != 2:
        raise ShapeError(f"expected {name} of shape (T, F), T frames of F values, got {array.shape}")
    if array.dtype.kind not in "fiu":
        raise DtypeError(f"expected {name} as real numbers, got {array.dtype}")
    return np.asarray(array, dtype=np.float32)


def check_positive(**values: float) -> None:
    """Raise :class:`ArgumentError` for the first value that is not above 0."""
    for name, value in values.items():
        if not value > 0:
            raise ArgumentError(f"expected {name} > 0, got {value}")


def check_choice(name: str, value: Any, choices: Iterable[Any]) -> None:
    """Raise :class:`ArgumentError` when ``value`` is none of ``choices``."""
    known = list(choices)
    if value not in known:
        raise ArgumentError(f"expected {name} to be one of {', '.join(map(repr, known))}, got {value!r}")
