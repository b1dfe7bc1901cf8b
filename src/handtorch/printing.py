"""How a tensor is printed: PyTorch's layout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from handtorch import dtypes


@dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_options = _Options()
_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how tensors are printed.

    Args:
        precision: digits after the point.
        threshold: more elements than this are summarised.
        edgeitems: how many of them stand at each end then.
        linewidth: characters in a line.
        profile: ``"default"``, ``"short"`` or ``"full"``: sets all of the above.
        sci_mode: always (True) or never (False) write powers of ten.
    """
    if profile is not None:
        chosen = _PROFILES[profile]
        for name in ("precision", "threshold", "edgeitems", "linewidth"):
            setattr(_options, name, getattr(chosen, name))
    for name, value in {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }.items():
        if value is not None:
            setattr(_options, name, value)
    _options.sci_mode = sci_mode


class _Formatter:
    """Writes every number of an array in the same width."""

    def __init__(self, array: np.ndarray) -> None:
        self.floating = array.dtype.kind == "f"
        self.whole = True
        self.scientific = False
        self.width = 1
        if not self.floating:
            self.width = max((len(str(v)) for v in array.ravel().tolist()), default=1)
            return
        values = array[np.isfinite(array) & (array != 0)].astype(np.float64)
        if values.size:
            size = np.abs(values)
            low, high = float(size.min()), float(size.max())
            self.whole = bool(np.all(values == np.ceil(values)))
            self.scientific = high / low > 1000.0 or high > 1.0e8 or (low < 1.0e-4 and not self.whole)
        if _options.sci_mode is not None:
            self.scientific = _options.sci_mode
        self.width = max((len(self._text(v)) for v in values.tolist()), default=1)

    def _text(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{_options.precision}e}"
        if self.whole:
            text = f"{value:.0f}"
            return text if not math.isfinite(value) else text + "."
        return f"{value:.{_options.precision}f}"

    def __call__(self, value: Any) -> str:
        return self._text(value).rjust(self.width)


class _ComplexFormatter:
    """Writes complex numbers as a pair of numbers in common widths."""

    def __init__(self, array: np.ndarray) -> None:
        self.real, self.imag = _Formatter(array.real), _Formatter(array.imag)
        self.width = self.real.width + self.imag.width + 2

    def __call__(self, value: Any) -> str:
        imaginary = self.imag(value.imag).strip()
        sign = "" if imaginary.startswith("-") else "+"
        return f"{self.real(value.real)}{sign}{imaginary}j"


def represent(tensor: Any) -> str:
    """The text of a tensor: its elements, and what is not the default about it."""
    array = tensor.array
    suffixes = []
    kind = tensor.dtype
    if not array.size:
        if array.ndim != 1:
            suffixes.append(f"size={tuple(array.shape)}")
        if kind is not dtypes.get_default_dtype():
            suffixes.append(f"dtype={kind!r}")
        body = "[]"
    else:
        defaults = (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool, dtypes.get_default_dtype().to_complex())
        if kind not in defaults:
            suffixes.append(f"dtype={kind!r}")
        body = _body(array, len("tensor("))
    if tensor.op is not None:
        suffixes.append(f"grad_fn=<{tensor.op.name()}>")
    elif tensor.needs_grad:
        suffixes.append("requires_grad=True")
    return _joined("tensor(" + body, suffixes)


def _joined(text: str, suffixes: list[str]) -> str:
    """Append the suffixes, on a new line where the last one would grow too long."""
    indent = len("tensor(")
    lines = [text]
    last = len(text) - text.rfind("\n") - 1 + 1
    for suffix in suffixes:
        if last + len(suffix) + 2 > _options.linewidth:
            lines.append(",\n" + " " * indent + suffix)
            last = indent + len(suffix)
        else:
            lines.append(", " + suffix)
            last += len(suffix) + 2
    return "".join(lines) + ")"


def _body(array: np.ndarray, indent: int) -> str:
    summarised = array.size > _options.threshold
    shown = _edges(array) if summarised else array
    formatter = _ComplexFormatter(shown) if array.dtype.kind == "c" else _Formatter(shown)
    return _rows(array, indent, formatter, summarised)


def _edges(array: np.ndarray) -> np.ndarray:
    """The elements that are shown of a large array."""
    n = _options.edgeitems
    for axis, length in enumerate(array.shape):
        if length > 2 * n:
            array = np.take(array, [*range(n), *range(length - n, length)], axis=axis)
    return array


def _rows(array: np.ndarray, indent: int, formatter: Any, summarised: bool) -> str:
    if array.ndim == 0:
        return formatter(array.item())
    if array.ndim == 1:
        return _vector(array, indent, formatter, summarised)
    n = _options.edgeitems
    if summarised and len(array) > 2 * n:
        parts = [_rows(row, indent + 1, formatter, True) for row in array[:n]]
        parts.append("...")
        parts += [_rows(row, indent + 1, formatter, True) for row in array[-n:]]
    else:
        parts = [_rows(row, indent + 1, formatter, summarised) for row in array]
    gap = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
    return "[" + gap.join(parts) + "]"


def _vector(array: np.ndarray, indent: int, formatter: Any, summarised: bool) -> str:
    per_line = max(1, math.floor((_options.linewidth - indent) / (formatter.width + 2)))
    n = _options.edgeitems
    if summarised and len(array) > 2 * n:
        words = [formatter(v) for v in array[:n].tolist()] + [" ..."] + [formatter(v) for v in array[-n:].tolist()]
    else:
        words = [formatter(v) for v in array.tolist()]
    lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
