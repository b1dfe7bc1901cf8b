"""Windows under their older names, such as ``handtorch.hann_window``: periodic, for spectra, unless asked otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handtorch import dtypes
from handtorch.errors import DtypeError, ShapeError
from handtorch.from_data import finished, numpys
from handtorch.signal import windows

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(
    of: Callable[..., Any],
    window_length: int,
    periodic: bool,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    **settings: Any,
) -> Any:
    kind = dtypes.get_default_dtype().numpy if dtype is None else numpys(dtype)
    if kind.kind != "f":
        raise DtypeError(f"{of.__name__}_window expects floating point dtypes, got: {dtype}")
    if window_length < 0:
        raise ShapeError(f"{of.__name__}_window requires non-negative window_length, got {window_length}")
    weights = of(window_length, sym=not periodic, dtype=dtypes.float64, layout=layout, **settings)
    return finished(weights.array.astype(kind), device, requires_grad, pin_memory)


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Any:
    """The Hann window, w_n = 0.5 - 0.5 cos(2π n / N).

    Args:
        window_length: M, places.
        periodic: N = M; else the window is symmetric, with N = M - 1.
        options: ``dtype``, ``layout``, ``device``, ``pin_memory`` and ``requires_grad`` of the result.

    Returns:
        (M,)
    """
    return _window(windows.hann, window_length, periodic, **options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> Any:
    """The Hamming window, w_n = α - β cos(2π n / N); other arguments as in :func:`hann_window`."""
    return _window(windows.general_cosine, window_length, periodic, a=(alpha, beta), **options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Any:
    """The Blackman window, w_n = 0.42 - 0.5 cos(2π n / N) + 0.08 cos(4π n / N); arguments as in :func:`hann_window`."""
    return _window(windows.blackman, window_length, periodic, **options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Any:
    """The triangle, w_n = 1 - |2n / N - 1|; arguments as in :func:`hann_window`."""
    return _window(windows.bartlett, window_length, periodic, **options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> Any:
    """The Kaiser window of shape β, :func:`handtorch.signal.windows.kaiser`; arguments as in :func:`hann_window`."""
    return _window(windows.kaiser, window_length, periodic, beta=beta, **options)
