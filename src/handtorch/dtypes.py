"""Element types: PyTorch's names for NumPy's dtypes, and the rules by which they combine."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from handtorch.errors import DtypeError


class dtype:
    """An element type, such as ``handtorch.float32``. There is one object for each type."""

    __slots__ = ("name", "numpy", "dtype", "is_floating_point", "is_complex", "itemsize", "category")

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy = self.dtype = np.dtype(name)  # NumPy takes any object with a ``dtype`` where it wants one
        self.is_complex = self.numpy.kind == "c"
        self.is_floating_point = self.numpy.kind == "f"
        self.itemsize = self.numpy.itemsize
        self.category = "biufc".index(self.numpy.kind) if self.numpy.kind != "u" else 1

    @property
    def is_signed(self) -> builtins.bool:
        """Whether negative numbers can be held."""
        return self.numpy.kind in "ifc"

    def to_complex(self) -> dtype:
        """The complex type whose parts have this type."""
        return {float32: complex64, float64: complex128}.get(self, complex64 if not self.is_complex else self)

    def to_real(self) -> dtype:
        """The type of the real part."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def __repr__(self) -> str:
        return f"torch.{self.name}" if _speaks_torch else f"handtorch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class _Unheld(dtype):
    """A type that PyTorch has and NumPy has not: programs can name it and compare with it, but no tensor holds it."""

    __slots__ = ()

    def __init__(self, name: str, itemsize: builtins.int) -> None:
        self.name, self.itemsize, self.category = name, itemsize, 3
        self.is_complex, self.is_floating_point = False, True

    @property
    def numpy(self) -> Any:  # type: ignore[override]
        """NumPy's type.

        Raises:
            DtypeError: there is none.
        """
        raise DtypeError(f"NumPy has no {self.name}, so Handtorch cannot compute in it; use float16 or float32")

    dtype = numpy  # type: ignore[assignment]

    is_signed = True  # type: ignore[assignment]


_speaks_torch = False


def speak_torch(on: Any) -> None:
    """Choose whether types print as ``torch.float32``, for programs that were written for PyTorch."""
    global _speaks_torch
    _speaks_torch = on


float16 = half = dtype("float16")
float32 = float = dtype("float32")
float64 = double = dtype("float64")
complex64 = cfloat = dtype("complex64")
complex128 = cdouble = dtype("complex128")
uint8 = dtype("uint8")
int8 = dtype("int8")
int16 = short = dtype("int16")
int32 = int = dtype("int32")
int64 = long = dtype("int64")
bool = dtype("bool")
bfloat16 = _Unheld("bfloat16", 2)

ALL = (float16, float32, float64, complex64, complex128, uint8, int8, int16, int32, int64, bool)
_of_numpy = {d.numpy: d for d in ALL}
_CLASSES = (type(True), type(1), type(1.5), type(1j))
_default = float32


def from_numpy(numpy_dtype: Any) -> dtype:
    """The type that holds arrays of ``numpy_dtype``.

    Raises:
        DtypeError: NumPy has the type and Handtorch has not.
    """
    try:
        return _of_numpy[numpy_dtype]
    except KeyError:
        name = np.dtype(numpy_dtype).newbyteorder("=").name
        for candidate in ALL:
            if candidate.name == name:
                return candidate
        raise DtypeError(
            f"expected one of {', '.join(d.name for d in ALL)}, got {numpy_dtype}; convert with array.astype first"
        ) from None


def named(dtype_or_class: Any) -> dtype:
    """An element type; Python's ``float``, ``int``, ``bool`` and ``complex`` stand for those that NumPy makes of them.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(dtype_or_class, dtype):
        return dtype_or_class  # type: ignore[no-any-return]
    if dtype_or_class in _CLASSES:
        return _of_numpy[np.dtype(dtype_or_class)]
    raise TypeError(f"dtype must be one such as handtorch.float32, not {dtype_or_class!r}")


def get_default_dtype() -> dtype:
    """The type that Python floats become."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Choose the type that Python floats become.

    Raises:
        TypeError: ``d`` is not a floating point type.
    """
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    _default = d


def of_scalar(value: Any) -> dtype:
    """The type that a Python number becomes on its own."""
    if isinstance(value, (type(1.5), np.floating)):
        return _default
    if isinstance(value, (complex, np.complexfloating)):
        return _default.to_complex()
    if isinstance(value, (type(True), np.bool_)):
        return bool
    return int64


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest type that both can become (PyTorch's table: ``int64`` with ``float16`` is ``float16``)."""
    if a is b:
        return a
    low, high = (a, b) if a.category <= b.category else (b, a)
    if low.category == high.category:
        return _of_numpy[np.promote_types(a.numpy, b.numpy)]
    if high.is_complex and low.is_floating_point:
        return complex128 if low is float64 else high
    return high


def result_type(values: Any) -> dtype:
    """The type in which several tensors, arrays and Python numbers meet.

    Tensors with dimensions come first, 0-dimensional ones second and Python numbers last; a later group changes the
    result only when its category (boolean < integer < float < complex) is higher (PyTorch, "Type promotion").

    Args:
        values: NumPy arrays and Python numbers.
    """
    groups: list[dtype | None] = [None, None, None]
    for value in values:
        if isinstance(value, np.ndarray):
            rank, kind = (0 if value.ndim else 1), from_numpy(value.dtype)
        else:
            rank, kind = 2, of_scalar(value)
        held = groups[rank]
        groups[rank] = kind if held is None else promote_types(held, kind)
    result: dtype | None = None
    for kind_of_group in groups:
        if kind_of_group is None:
            continue
        if result is None:
            result = kind_of_group
        elif kind_of_group.category > result.category:
            # the category is lifted; the width stays that of the stronger group where it has one
            lifted = result.is_floating_point and kind_of_group.is_complex
            result = result.to_complex() if lifted else promote_types(result, kind_of_group)
    assert result is not None
    return result
