"""Whether a result of Handtorch is the result of PyTorch: kind, shape, element type and values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_device_type import toleranceOverride
from torch.testing._internal.opinfo.core import DecorateInfo

import handtorch

# torch.testing's own: |got - expected| <= absolute + relative |expected|.
_DEFAULTS = {
    torch.float16: (1e-5, 1e-3),
    torch.float32: (1e-5, 1.3e-6),
    torch.float64: (1e-7, 1e-7),
    torch.complex64: (1e-5, 1.3e-6),
    torch.complex128: (1e-7, 1e-7),
}
_SINGLE = (torch.float32, torch.complex64)
# The tests of PyTorch that hold one implementation against another; a tolerance widened for them holds here too.
_COMPARING_TESTS = (
    "TestCommon",
    "TestUnaryUfuncs",
    "TestBinaryUfuncs",
    "TestReductions",
    "TestOperators",
    "TestDecomp",
)


class Mismatch(Exception):
    """Handtorch's result is not PyTorch's."""

    def __init__(self, reason: str, expected: Any = None, got: Any = None, *, in_values: bool = False) -> None:
        super().__init__(reason)
        self.expected = expected
        self.got = got
        self.in_values = in_values  # all but the values of a tensor in single precision is right


@dataclass(frozen=True)
class Tolerance:
    """How far values may be apart, for each element type; ``values=False`` leaves them out (uninitialised memory)."""

    widened: tuple[tuple[torch.dtype, float, float], ...] = ()
    values: bool = True

    @classmethod
    def of(cls, entry: Any, *, values: bool = True) -> Tolerance:
        """What an entry of the database grants on the CPU: the default, or the widest of its overrides."""
        widened: list[tuple[torch.dtype, float, float]] = []
        for info in entry.decorators:
            if isinstance(info, DecorateInfo) and _holds_here(info):
                for decorator in info.decorators:
                    if isinstance(decorator, toleranceOverride):
                        widened += [(dtype, *limits) for dtype, limits in decorator.d.items()]
        return cls(tuple(widened), values)

    def limits(self, dtype: torch.dtype) -> tuple[float, float]:
        """(absolute, relative) for an element type; (0, 0) for whole numbers and bool."""
        rows = [_DEFAULTS.get(dtype, (0.0, 0.0)), *((a, r) for d, a, r in self.widened if d == dtype)]
        return max(a for a, _ in rows), max(r for _, r in rows)


def _holds_here(info: DecorateInfo) -> bool:
    return (
        info.active_if is True
        and info.device_type in (None, "cpu")
        and (info.cls_name is None or info.cls_name.startswith(_COMPARING_TESTS))
    )


def compare(expected: Any, got: Any, tolerance: Tolerance, place: str = "result", truth: Any = None) -> None:
    """Hold a nest of values of Handtorch against PyTorch's.

    ``truth`` is what PyTorch finds in float64. Where it is given, float32 values out of tolerance are judged by it:
    sums that cancel leave errors as large as their terms, in PyTorch's results as in Handtorch's.

    Raises:
        Mismatch: says where they differ, and how.
    """
    if isinstance(expected, torch.Tensor):
        _compare_tensors(expected, got, tolerance, place, truth)
    elif isinstance(expected, (tuple, list)):
        _compare_sequences(expected, got, tolerance, place, truth)
    elif isinstance(expected, dict):
        if not isinstance(got, dict) or list(expected) != list(got):
            keys = list(got) if isinstance(got, dict) else type(got).__name__
            raise Mismatch(f"{place}: expected the keys {list(expected)}, got {keys}", expected, got)
        for key in expected:
            compare(expected[key], got[key], tolerance, f"{place}[{key!r}]", truth and truth[key])
    elif isinstance(expected, (torch.dtype, torch.layout, torch.device, torch.memory_format)):
        if _bare(expected) != _bare(got):
            raise Mismatch(f"{place}: expected {expected}, got {got!r}", expected, got)
    elif isinstance(expected, (bool, int, float, complex)):
        _compare_numbers(expected, got, tolerance, place)
    elif expected is None or isinstance(expected, (str, bytes)):
        if type(expected) is not type(got) or expected != got:
            raise Mismatch(f"{place}: expected {expected!r}, got {got!r}", expected, got)
    elif type(expected).__name__ != type(got).__name__:
        raise Mismatch(f"{place}: expected a {type(expected).__name__}, got a {type(got).__name__}", expected, got)


def _compare_sequences(expected: Any, got: Any, tolerance: Tolerance, place: str, truth: Any) -> None:
    kind = list if isinstance(expected, list) else tuple
    if not isinstance(got, kind):
        raise Mismatch(f"{place}: expected a {kind.__name__}, got a {type(got).__name__}", expected, got)
    if len(expected) != len(got):
        raise Mismatch(f"{place}: expected {len(expected)} items, got {len(got)}", expected, got)
    for name in _field_names(expected):
        if not hasattr(got, name):
            raise Mismatch(f"{place}: has no field .{name}", expected, got)
    for i, (one, other) in enumerate(zip(expected, got, strict=True)):
        compare(one, other, tolerance, f"{place}[{i}]", truth and truth[i])


def _field_names(value: Any) -> list[str]:
    """The fields of a named tuple, whether Python's or PyTorch's own kind (``torch.return_types``)."""
    if hasattr(value, "_fields"):
        return list(value._fields)
    if type(value).__module__ == "torch.return_types":
        return [name for name in dir(value) if not name.startswith(("_", "n_")) and name not in ("count", "index")]
    return []


def _compare_tensors(expected: torch.Tensor, got: Any, tolerance: Tolerance, place: str, truth: Any) -> None:
    if not isinstance(got, handtorch.Tensor):
        raise Mismatch(f"{place}: expected a Tensor, got a {type(got).__name__}", expected, got)
    if tuple(expected.shape) != tuple(got.shape):
        reason = f"{place}: expected shape {tuple(expected.shape)}, got {tuple(got.shape)}"
        raise Mismatch(reason, expected, got)
    if _bare(expected.dtype) != _bare(got.dtype):
        raise Mismatch(f"{place}: expected dtype {_bare(expected.dtype)}, got {_bare(got.dtype)}", expected, got)
    if not tolerance.values:
        return
    theirs, limits = expected.numpy(force=True), tolerance.limits(expected.dtype)
    reason = difference(theirs, got.array, *limits)
    if reason and not (isinstance(truth, torch.Tensor) and _near(truth.numpy(force=True), theirs, got.array, *limits)):
        raise Mismatch(f"{place}: {reason}", expected, got, in_values=expected.dtype in _SINGLE)


def _near(truth: np.ndarray, expected: np.ndarray, got: np.ndarray, absolute: float, relative: float) -> bool:
    """Whether ``got`` is near the truth: within the tolerance that the largest value of the tensor has, and twice
    PyTorch's own error (of which no more than 0.1 % counts).
    """
    if truth.shape != expected.shape:
        return False
    with np.errstate(all="ignore"):
        size = np.abs(truth)
        error = np.minimum(np.abs(expected - truth), 1e-3 * size)
        largest = np.max(size, where=np.isfinite(size), initial=0.0)
        near = np.abs(got - truth) <= absolute + relative * largest + 2 * error
        agrees = np.isclose(got, expected, rtol=relative, atol=absolute, equal_nan=True)
    return bool(np.all(near | agrees))


def _compare_numbers(expected: Any, got: Any, tolerance: Tolerance, place: str) -> None:
    if type(expected) is not type(got):
        kinds = f"expected a Python {type(expected).__name__}, got a {type(got).__name__}"
        raise Mismatch(f"{place}: {kinds}", expected, got)
    limits = tolerance.limits(torch.float64) if isinstance(expected, (float, complex)) else (0.0, 0.0)
    if tolerance.values and difference(np.asarray(expected), np.asarray(got), *limits):
        raise Mismatch(f"{place}: expected {expected}, got {got}", expected, got)


def difference(expected: np.ndarray, got: np.ndarray, absolute: float, relative: float) -> str | None:
    """What is wrong with the values of ``got``, with the largest difference and its place; None when nothing is."""
    with np.errstate(all="ignore"):
        if expected.dtype.kind in "fc":
            close = np.isclose(got, expected, rtol=relative, atol=absolute, equal_nan=True)
        else:
            close = got == expected
        if np.all(close):
            return None
        if expected.dtype.kind not in "fc":
            far = np.where(close, 0, 1)
        else:
            far = np.where(close, -1.0, np.nan_to_num(np.abs(got - expected), nan=np.inf))
    worst = np.unravel_index(int(np.argmax(far)), far.shape)
    there = f"[{', '.join(map(str, worst))}]" if far.ndim else ""
    distance = f", max difference {float(far[worst]):.3g}" if expected.dtype.kind in "fc" else ""
    return (
        f"{int(np.sum(~close))} of {far.size} values differ{distance}: "
        f"expected {expected[worst]}, got {got[worst]} at {there or 'the only place'}"
    )


def leaves(value: Any) -> Iterator[Any]:
    """All that is in a nest of containers, in order."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    else:
        yield value


def _bare(name: Any) -> str:
    """The name of a type without the framework's: ``float32``."""
    return str(name).split(".")[-1]
