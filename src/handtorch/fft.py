"""Discrete Fourier transforms, and the frequencies that their results stand for."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import DtypeError, ShapeError
from handtorch.from_data import finished, numpys
from handtorch.layout import check as check_layout
from handtorch.ops.attach import with_out
from handtorch.ops.fft import (
    fft,
    fft2,
    fftn,
    fftshift,
    hfft,
    hfft2,
    hfftn,
    ifft,
    ifft2,
    ifftn,
    ifftshift,
    ihfft,
    ihfft2,
    ihfftn,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftn,
)

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]


@with_out
def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, **options: Any) -> Any:
    """The frequencies of :func:`fft`: 0, 1 ... and then the negative ones up to -1, over N d.

    Args:
        n: N, the length of the transform.
        d: seconds from sample to sample; the frequencies are in Hz then.
        dtype, layout, options: as in :func:`handtorch.zeros`.

    Returns:
        (N,)
    """
    return _over(_length(n) * d, np.fft.ifftshift(np.arange(-(n // 2), (n + 1) // 2)), dtype, layout, options)


@with_out
def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, **options: Any) -> Any:
    """The frequencies of :func:`rfft`: 0 up to ⌊N/2⌋, over N d; arguments as in :func:`fftfreq`.

    Returns:
        (N // 2 + 1,)
    """
    return _over(_length(n) * d, np.arange(n // 2 + 1), dtype, layout, options)


def _length(n: int) -> int:
    if n < 0:
        raise ShapeError(f"expected a length n >= 0, got {n}")
    return n


def _over(duration: float, counts: np.ndarray, dtype: Any, layout: Any, options: dict[str, Any]) -> Any:
    check_layout(layout)
    kind = numpys(dtype) if dtype is not None else dtypes.get_default_dtype().numpy
    if kind.kind not in "fc":
        raise DtypeError(f"expected a floating point or complex dtype for frequencies, got {dtype}")
    with np.errstate(all="ignore"):
        return finished(counts.astype(kind) * (1 / np.float64(duration)).astype(kind), **options)
