"""torch.testing: whether two results are the same up to rounding, and tensors to try things on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError
from handtorch.factories import empty, tensor
from handtorch.ops.complex import view_as_real
from handtorch.random_factories import randint
from handtorch.tensor import Tensor, only_cpu

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

# the relative and the absolute tolerance for each type; whole numbers have to be equal
_TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise unless |actual - expected| <= atol + rtol |expected| everywhere.

    Args:
        actual, expected: tensors, arrays, numbers; or sequences or mappings of them, compared item by item.
        rtol, atol: both or neither; by default what rounding in the less exact of the two types allows.
        equal_nan: whether NaN is close to NaN.
        check_dtype, check_stride: whether types and strides have to be the same.
        check_device, check_layout, allow_subclasses: accepted; there is one device and one layout.
        msg: what to say instead, or a function of what would be said.

    Raises:
        AssertionError: they differ; the message says where most.
        TypeError: they cannot be compared.
    """
    if (rtol is None) != (atol is None):
        given, missing = ("rtol", "atol") if atol is None else ("atol", "rtol")
        raise ArgumentError(f"expected both rtol and atol or neither, got {given} and no {missing}")
    comparison = _Comparison(rtol, atol, equal_nan, check_dtype, check_stride)
    said = comparison.difference(actual, expected, "")
    if said is not None:
        raise AssertionError(said if msg is None else msg(said) if callable(msg) else msg)


def assert_allclose(actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None, **_: Any) -> None:
    """As :func:`assert_close`, with NaN close to NaN and types that may differ."""
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=True, check_dtype=False)


_NUMBERS = (bool, int, float, complex)


class _Comparison:
    """What is to be compared, and how exactly."""

    def __init__(
        self, rtol: float | None, atol: float | None, equal_nan: bool, check_dtype: bool, check_stride: bool
    ) -> None:
        self.rtol, self.atol, self.equal_nan = rtol, atol, equal_nan
        self.check_dtype, self.check_stride = check_dtype, check_stride

    def difference(self, actual: Any, expected: Any, place: str) -> str | None:
        """What is different, or None."""
        at = f"\n\nThe failure occurred for item {place}" if place else ""
        if isinstance(actual, Mapping) and isinstance(expected, Mapping):
            if actual.keys() != expected.keys():
                odd = sorted(map(str, actual.keys() ^ expected.keys()))
                return f"The keys of the mappings do not match: {', '.join(odd)} on one side only.{at}"
            return self._first((actual[key], expected[key], f"{place}[{key!r}]") for key in actual)
        if _is_sequence(actual) and _is_sequence(expected):
            if len(actual) != len(expected):
                return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}{at}"
            pairs = enumerate(zip(actual, expected, strict=True))
            return self._first((a, b, f"{place}[{number}]") for number, (a, b) in pairs)
        if actual is None or expected is None:
            return None if actual is expected else f"None mismatch: {actual} is not {expected}{at}"
        if isinstance(actual, (str, bytes)) or isinstance(expected, (str, bytes)):
            raise TypeError(f"expected tensors or numbers, got {type(actual).__name__} and {type(expected).__name__}")
        said = self._of_numbers(actual, expected)
        return None if said is None else said + at

    def _first(self, triples: Any) -> str | None:
        return next((said for triple in triples if (said := self.difference(*triple)) is not None), None)

    def _of_numbers(self, actual: Any, expected: Any) -> str | None:
        scalars = isinstance(actual, _NUMBERS) and isinstance(expected, _NUMBERS)
        if scalars and self.check_dtype and type(actual) is not type(expected):
            return f"The (d)types do not match: {type(actual)} != {type(expected)}."
        kind = dtypes.float64 if scalars else None
        a, b = (x if isinstance(x, Tensor) else tensor(x, dtype=kind and _kind_of(x)) for x in (actual, expected))
        if a.shape != b.shape:
            return f"The values for attribute 'shape' do not match: {a.shape} != {b.shape}."
        if self.check_dtype and not scalars and a.dtype is not b.dtype:
            return f"The values for attribute 'dtype' do not match: {a.dtype} != {b.dtype}."
        if self.check_stride and a.stride() != b.stride():
            return f"The values for attribute 'stride()' do not match: {a.stride()} != {b.stride()}."
        rtol, atol = self._tolerances(a.dtype, b.dtype)
        return _report(a.array, b.array, rtol, atol, self.equal_nan, scalars)

    def _tolerances(self, *kinds: dtypes.dtype) -> tuple[float, float]:
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        pairs = [_TOLERANCES.get(kind.to_real(), (0.0, 0.0)) for kind in kinds]
        return max(rtol for rtol, _ in pairs), max(atol for _, atol in pairs)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _kind_of(number: Any) -> dtypes.dtype:
    if isinstance(number, int):
        return dtypes.bool if isinstance(number, bool) else dtypes.int64
    return dtypes.complex128 if isinstance(number, complex) else dtypes.float64


def _report(a: np.ndarray, b: np.ndarray, rtol: float, atol: float, equal_nan: bool, scalars: bool) -> str | None:
    """What is different between two arrays of one shape, or None."""
    kind = np.result_type(a, b, *(() if a.dtype.kind == b.dtype.kind == "b" else (np.int64,)))
    a, b = a.astype(kind), b.astype(kind)
    with np.errstate(all="ignore"):
        close = np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan) if kind.kind in "fc" else a == b
        if close.all():
            return None
        gap = np.abs(a - b) if kind.kind != "b" else (a != b).astype(np.float64)
        relative = gap / np.abs(b)
    wrong = ~close
    gap, relative = (np.where(wrong, np.where(np.isnan(x), np.inf, x), -1.0) for x in (gap, relative))
    if scalars:
        return (
            f"Scalars are not close!\n\nExpected {b.item()} but got {a.item()}.\n"
            f"Absolute difference: {gap.item()} (up to {atol} allowed)\n"
            f"Relative difference: {relative.item()} (up to {rtol} allowed)"
        )
    count = int(wrong.sum())
    lines = [f"Tensor-likes are not {'equal' if rtol == atol == 0 else 'close'}!\n"]
    lines.append(f"Mismatched elements: {count} / {a.size} ({100 * count / a.size:.1f}%)")
    for name, values, allowed in (("absolute", gap, atol), ("relative", relative, rtol)):
        place = np.unravel_index(int(values.argmax()), values.shape)
        where = f" at index {tuple(map(int, place))}" if values.ndim else ""
        lines.append(f"Greatest {name} difference: {values[place].item()}{where} (up to {allowed} allowed)")
    return "\n".join(lines)


_RANGES = {dtypes.bool: (0, 2), dtypes.uint8: (0, 10)}


def make_tensor(
    *shape: Any,
    dtype: dtypes.dtype,
    device: Any = None,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of numbers drawn evenly from [low, high).

    Args:
        shape: its lengths, or one sequence of them.
        dtype: its type.
        low, high: by default -9 and 9, or what the type holds of that: bytes from 0 to 9, truth values.
        noncontiguous: whether every other element of its memory belongs to something else.
        exclude_zero: whether 0 becomes the next number that is not.
    """
    only_cpu(device)
    lengths = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else tuple(shape)
    lowest, highest = _RANGES.get(dtype, (-9, 9) if dtype.is_floating_point or dtype.is_complex else (-9, 10))
    start, stop = lowest if low is None else low, highest if high is None else high
    if start >= stop:
        raise ArgumentError(f"expected low below high, got {start} and {stop}")
    wide = (*lengths[:-1], 2 * lengths[-1]) if noncontiguous and lengths and math.prod(lengths) > 1 else lengths
    made = empty(wide, dtype=dtype)
    if dtype.is_complex:
        view_as_real(made).uniform_(start, stop)
    elif dtype.is_floating_point:
        made.uniform_(start, stop)
    else:
        made = randint(math.floor(start), math.ceil(stop), wide).to(dtype)
    if wide != lengths:
        made = made[..., ::2]
    if exclude_zero:
        smallest = float(np.finfo(dtype.numpy).tiny) if dtype.is_floating_point or dtype.is_complex else 1
        made.masked_fill_(made == 0, smallest)
    return made.requires_grad_() if requires_grad else made
