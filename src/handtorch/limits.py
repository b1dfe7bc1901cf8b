"""What an element type can hold: ``finfo`` for floating point, ``iinfo`` for whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import dtypes

__all__ = ["finfo", "iinfo"]


class finfo:
    """The limits of a floating point type; of a complex type, those of its parts.

    Attributes:
        bits: bits of one number.
        eps: the step from 1 to the next number.
        max, min: the largest number, and its negative.
        tiny, smallest_normal: the smallest positive number of full precision.
        resolution: 10^-n where n decimal digits are exact.
        dtype: the name of the type.

    Raises:
        TypeError: a type of other numbers.
    """

    def __init__(self, type: dtypes.dtype | None = None) -> None:
        kind = (type or dtypes.get_default_dtype()).to_real()
        if not kind.is_floating_point:
            raise TypeError("torch.finfo() requires a floating point input type. Use torch.iinfo to handle integers")
        info: Any = np.finfo(kind.numpy)
        self.dtype = kind.name
        self.bits = int(info.bits)
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.tiny)
        self.resolution = float(str(info.resolution))

    def __repr__(self) -> str:
        shown = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        values = ", ".join(f"{name}={getattr(self, name):g}" for name in shown)
        return f"finfo({values}, dtype={self.dtype})"


class iinfo:
    """The limits of a type of whole numbers.

    Attributes:
        bits: bits of one number.
        max, min: the largest and the smallest number.
        dtype: the name of the type.

    Raises:
        TypeError: a type of other numbers.
    """

    def __init__(self, type: dtypes.dtype) -> None:
        if type.is_floating_point or type.is_complex:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle other numbers")
        if type is dtypes.bool:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        info = np.iinfo(type.numpy)
        self.dtype = type.name
        self.bits, self.max, self.min = int(info.bits), int(info.max), int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
