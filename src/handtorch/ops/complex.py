"""Complex numbers: made of two real ones, taken apart, conjugated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.errors import DtypeError, ShapeError
from handtorch.ops.attach import method, with_out
from handtorch.ops.conversion import floating
from handtorch.ops.dispatch import answer_functions, answer_ufuncs
from handtorch.ops.elementwise import Elementwise, Unary
from handtorch.ops.keywords import put
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample
from handtorch.tensor import Tensor

__all__ = [
    "angle",
    "complex",
    "conj",
    "conj_physical",
    "imag",
    "is_conj",
    "is_neg",
    "polar",
    "real",
    "resolve_conj",
    "resolve_neg",
    "view_as_complex",
    "view_as_real",
]


def _numbers(*shape: int) -> np.ndarray:
    return normal(*shape, seed=1) + 1j * normal(*shape, seed=2)


class Complex(Elementwise):
    """y = a + i b. dL/da = Re g, dL/db = Im g."""

    def forward(self, a: Any, b: Any) -> Any:
        y = np.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a.dtype, np.complex64))
        y.real, y.imag = a, b
        return y

    def backward(self, g: Any) -> Any:
        return np.real(g), np.imag(g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        return cls._pairs()


class Polar(Elementwise):
    """y = r (cos φ + i sin φ). With the direction d = cos φ + i sin φ: dL/dr = Re(g d*), dL/dφ = r Im(g d*)."""

    def forward(self, r: Any, phi: Any) -> Any:
        self.save(r, phi)
        return Complex().forward(r * np.cos(phi), r * np.sin(phi))

    def backward(self, g: Any) -> Any:
        r, phi = self.saved
        cos, sin = np.cos(phi), np.sin(phi)
        re, im = np.real(g), np.imag(g)
        return re * cos + im * sin, r * (im * cos - re * sin)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        return cls._pairs()


class Real(Op):
    """y = Re x, of a complex x, in its memory. dL/dx = g (which is real)."""

    view = True

    def forward(self, x: Any) -> Any:
        return x.real

    def backward(self, g: Any) -> Any:
        return g

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, _numbers(3, 4))


class Imag(Op):
    """y = Im x, of a complex x, in its memory. dL/dx = i g."""

    view = True

    def forward(self, x: Any) -> Any:
        return x.imag

    def backward(self, g: Any) -> Any:
        return g * 1j

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, _numbers(3, 4))


class Conj(Op):
    """y = Re x - i Im x. dL/dx = g*."""

    def forward(self, x: Any) -> Any:
        return np.conj(x)

    def backward(self, g: Any) -> Any:
        return np.conj(g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, _numbers(3, 4))


class ViewAsReal(Op):
    """y (..., 2): real and imaginary part of x (...) beside each other, in its memory. dL/dx = g₀ + i g₁."""

    view = True

    def forward(self, x: Any) -> Any:
        return x[..., None].view(x.real.dtype)

    def backward(self, g: Any) -> Any:
        return g[..., 0] + 1j * g[..., 1]

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, _numbers(3, 4))


class ViewAsComplex(Op):
    """y (...) = x₀ + i x₁ for x (..., 2), in its memory. dL/dx = (Re g, Im g)."""

    view = True

    def forward(self, x: Any) -> Any:
        return x.view(np.result_type(x.dtype, np.complex64))[..., 0]

    def backward(self, g: Any) -> Any:
        return np.stack([np.real(g), np.imag(g)], -1)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, normal(3, 4, 2))


class Angle(Unary):
    """y = the angle of x in the complex plane, in (-π, π]. dL/dx = i g x / |x|², and 0 at 0.

    A real x lies at 0 or π: dL/dx = 0.
    """

    def value(self, x: Any) -> Any:
        return np.where(np.isnan(x), x, np.angle(x)).astype(x.dtype) if np.isrealobj(x) else np.angle(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.saved
        if not np.iscomplexobj(x):
            return np.zeros_like(g)
        squared = np.real(x * np.conj(x))
        return np.where(squared == 0, 0.0, g * x * 1j / np.where(squared == 0, 1.0, squared))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(cls, _numbers(3, 4))
        yield sample(cls, np.array([-2.0, 3.0]))
        yield sample(cls, np.array([0.0, np.nan]), smooth=False)


# -- functions ------------------------------------------------------------------------------------------------------


def complex(real: Any, imag: Any, *, out: Any = None) -> Any:
    """The complex numbers with these real and imaginary parts.

    Raises:
        DtypeError: the parts are not floating point numbers of one type, or ``out`` has another than the result.
    """
    made = Complex()(*_parts(real, imag))
    if out is None:
        return made
    if out.array.dtype != made.array.dtype:
        raise DtypeError(f"expected {made.dtype} for the argument 'out', got {out.dtype}")
    return put(out, made)


@with_out
def polar(abs: Any, angle: Any) -> Any:
    """The complex numbers with these lengths and angles (radians).

    Raises:
        DtypeError: lengths and angles are not floating point numbers of one type.
    """
    return Polar()(*_parts(abs, angle))


def _parts(a: Any, b: Any) -> tuple[Any, Any]:
    for x in (a, b):
        if x.array.dtype.kind != "f":
            raise DtypeError(
                f"Expected both inputs to be Half, Float or Double tensors but got {a.dtype} and {b.dtype}"
            )
    if a.array.dtype != b.array.dtype:
        raise DtypeError(f"Expected object of scalar type {a.dtype} but got scalar type {b.dtype} for second argument")
    return a, b


def real(input: Any) -> Any:
    """The real part, in the same memory; real numbers as they are."""
    return Real()(input) if input.array.dtype.kind == "c" else input


def imag(input: Any) -> Any:
    """The imaginary part, in the same memory.

    Raises:
        DtypeError: the numbers are real.
    """
    if input.array.dtype.kind != "c":
        raise DtypeError("imag is not implemented for tensors with non-complex dtypes.")
    return Imag()(input)


@method("conj_physical", "conj", in_place=True)
def conj_physical(input: Any) -> Any:
    """The complex conjugate; real numbers as they are."""
    return Conj()(input) if input.array.dtype.kind == "c" else input


@method("resolve_conj", "resolve_neg")
def resolve_conj(input: Any) -> Any:
    """Itself: conjugates and negatives are computed at once."""
    return input


@method("is_conj", "is_neg")
def is_conj(input: Any) -> bool:
    """False: conjugates and negatives are computed at once."""
    return False


@method(out=True)
def angle(input: Any) -> Any:
    """The angle in the complex plane, in radians; of real numbers 0 or π."""
    return Angle()(floating(input))


def view_as_real(input: Any) -> Any:
    """Complex numbers (...) as pairs of real ones (..., 2), in the same memory."""
    if input.array.dtype.kind != "c":
        raise DtypeError("view_as_real is only supported for complex tensors")
    return ViewAsReal()(input)


def view_as_complex(input: Any) -> Any:
    """Pairs of real numbers (..., 2) as complex ones (...), in the same memory.

    Raises:
        DtypeError: the numbers are not floating point ones.
        ShapeError: the last axis is not 2 long, or the pairs do not lie beside each other.
    """
    x = input.array
    if x.dtype.kind != "f":
        raise DtypeError(f"view_as_complex is only supported for half, float and double tensors, but got {input.dtype}")
    if not x.ndim or x.shape[-1] != 2:
        raise ShapeError(f"Tensor must have a last dimension of size 2, got shape {tuple(x.shape)}")
    if x.size and (x.strides[-1] != x.itemsize or any(s % (2 * x.itemsize) for s in x.strides[:-1])):
        raise ShapeError(
            "Tensor must have a last dimension with stride 1 and even strides elsewhere; try .contiguous()"
        )
    return ViewAsComplex()(input)


conj, resolve_neg, is_neg = conj_physical, resolve_conj, is_conj

Tensor.real = property(real)  # type: ignore[attr-defined]
Tensor.imag = property(imag)  # type: ignore[attr-defined]

answer_ufuncs({np.conjugate: conj_physical})
answer_functions(
    {
        np.real: real,
        np.imag: imag,
        np.angle: angle,
        np.iscomplexobj: lambda x: x.is_complex(),
    }
)
