"""How values between pixels are found."""

from __future__ import annotations

import enum
from typing import Any

from handtorch.errors import ArgumentError


class InterpolationMode(enum.Enum):
    """Torchvision's names of Pillow's filters."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


# Pillow's numbers, which PyTorch code of old passes instead of a mode.
_PIL = {
    InterpolationMode.NEAREST: 0,
    InterpolationMode.NEAREST_EXACT: 0,
    InterpolationMode.LANCZOS: 1,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
    InterpolationMode.BOX: 4,
    InterpolationMode.HAMMING: 5,
}


def pil_filter(mode: InterpolationMode) -> int:
    """Pillow's number of a mode."""
    return _PIL[mode]


def as_mode(mode: Any) -> InterpolationMode:
    """The mode that a user means, who may also give Pillow's number.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(mode, int) and not isinstance(mode, bool):
        return next(name for name, number in _PIL.items() if number == mode)
    if not isinstance(mode, InterpolationMode):
        raise TypeError(
            "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant, "
            f"got {mode!r}"
        )
    return mode


def check_mode(mode: InterpolationMode, *known: InterpolationMode) -> None:
    """Raise :class:`ArgumentError` for a mode that tensors cannot be interpolated by."""
    if mode not in known:
        raise ArgumentError(
            f"expected interpolation of a tensor by {', '.join(m.value for m in known)}, got {mode.value}; "
            "PIL images know the others"
        )
