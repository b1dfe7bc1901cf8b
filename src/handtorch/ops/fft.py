"""Fourier transforms: three ops (complex, from real numbers, back to real numbers), and all transforms made of them.

A transform and the one in the other direction are adjoint to each other but for a factor, and ``norm`` moves just that
factor: the gradient of ``fft`` with norm "backward" is ``ifft`` with norm "forward".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from handtorch.errors import DimensionError, DtypeError, ShapeError
from handtorch.ops.attach import with_out
from handtorch.ops.complex import conj_physical as conj
from handtorch.ops.conversion import cast, floating
from handtorch.ops.dispatch import answer_functions
from handtorch.ops.op import Op
from handtorch.ops.rearranging import roll
from handtorch.ops.reduction import normal_axis
from handtorch.ops.samples import Sample, bad, normal, sample
from handtorch.ops.shape import lengths
from handtorch.ops.writing import on

Norm = Literal["backward", "ortho", "forward"]
OPPOSITE: dict[Norm, Norm] = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


class Fit(Op):
    """y = x with each axis cut off, or filled up with zeros, to a given length. dL/dx = g fitted to the shape of x.

    Args:
        target: the new shape.
    """

    def __init__(self, target: Sequence[int]) -> None:
        self.target = tuple(target)

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        kept = tuple(slice(min(n, m)) for n, m in zip(x.shape, self.target, strict=True))
        y = np.zeros(self.target, x.dtype)
        y[kept] = x[kept]
        return y

    def backward(self, g: Any) -> Any:
        return on(Fit(self.input_shape), g)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls((2, 5)), normal(3, 4))
        yield bad(lambda: cls((2,)), normal(3, 4))


class Transform(Op):
    """What the three transforms share: cut or fill the input to ``sizes`` along ``axes``, transform, scale.

    Args:
        sizes: for each axis its length N in the time domain.
        axes: not negative, each once.
        norm: where the factor 1/N stands: "forward", "backward" (that is, in the inverse), or 1/√N in both: "ortho".
    """

    input_shape: tuple[int, ...]

    def __init__(self, sizes: Sequence[int], axes: Sequence[int], norm: Norm = "backward") -> None:
        self.sizes, self.axes, self.norm = list(sizes), list(axes), norm

    def _fitted(self, g: Any) -> Any:
        """A gradient by the transformed input, cut or filled to the shape that the input had."""
        return g if g.shape == self.input_shape else on(Fit(self.input_shape), g)

    def _counts(self, g: Any) -> Any:
        """How often each number of a half spectrum (..., N // 2 + 1) stands in the whole one: once 0 and N / 2, else
        twice.
        """
        n, axis = self.sizes[-1], self.axes[-1]
        counts = np.full(n // 2 + 1, 2, np.float32)
        counts[0] = 1
        if n % 2 == 0:
            counts[-1] = 1
        return counts.reshape((-1,) + (1,) * (g.ndim - 1 - axis))

    def explain(self, *arrays: Any) -> str:
        return f"Invalid number of data points ({min(self.sizes)}) specified"

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        for x in cls._inputs():
            yield sample(lambda: cls([4], [1]), x)
            yield sample(lambda: cls([5], [1], "ortho"), x)
            yield sample(lambda: cls([3, 2], [0, 1], "forward"), x)
            yield sample(lambda: cls([2, 6], [1, 0]), x)
        yield bad(lambda: cls([0], [1]), normal(3, 4))

    @classmethod
    def _inputs(cls) -> Iterator[Any]:
        """Arrays (3, 4) of the kind that is transformed."""
        yield normal(3, 4)
        yield normal(3, 4, seed=1) + 1j * normal(3, 4, seed=2)


class Fourier(Transform):
    """y_k = c Σ_n x_n exp(-2πi k n / N), along each axis. dL/dx: g transformed in the other direction.

    Args:
        inverse: exp(+2πi k n / N).
    """

    def __init__(
        self, sizes: Sequence[int], axes: Sequence[int], norm: Norm = "backward", inverse: bool = False
    ) -> None:
        super().__init__(sizes, axes, norm)
        self.inverse = inverse

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return (np.fft.ifftn if self.inverse else np.fft.fftn)(x, self.sizes, self.axes, self.norm)

    def backward(self, g: Any) -> Any:
        back = np.fft.fftn if self.inverse else np.fft.ifftn
        return self._fitted(back(g, self.sizes, self.axes, OPPOSITE[self.norm]))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield from super().samples()
        yield sample(lambda: cls([4], [1], "backward", True), normal(3, 4))


class RealFourier(Transform):
    """y_k = c Σ_n x_n exp(-2πi k n / N) of real x, for k ≤ N/2 along the last axis: the other half are conjugates.

    dL/dx = Re Σ_{k ≤ N/2} c g_k exp(+2πi k n / N). The inverse transform counts each k but 0 and N/2 twice, for its
    conjugate, so g is halved there first.
    """

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return np.fft.rfftn(x, self.sizes, self.axes, self.norm)

    def backward(self, g: Any) -> Any:
        return self._fitted(np.fft.irfftn(g / self._counts(g), self.sizes, self.axes, OPPOSITE[self.norm]))

    @classmethod
    def _inputs(cls) -> Iterator[Any]:
        yield normal(3, 4)


class ToRealFourier(Transform):
    """y_n = c Σ_k x_k exp(+2πi k n / N), real: x holds k ≤ N/2 along the last axis and stands for conjugates beyond.

    dL/dx = the real transform of g, twice but for k = 0 and N/2: x_k stands for two numbers there.
    """

    def forward(self, x: Any) -> Any:
        self.input_shape = x.shape
        return np.fft.irfftn(x, self.sizes, self.axes, self.norm)

    def backward(self, g: Any) -> Any:
        return self._fitted(np.fft.rfftn(g, self.sizes, self.axes, OPPOSITE[self.norm]) * self._counts(g))


# -- functions ------------------------------------------------------------------------------------------------------


def _numbers(input: Any, name: str, real: bool = False) -> Any:
    """The input in a type that is transformed; whole numbers as floating point ones.

    Raises:
        DtypeError: float16, or complex numbers where real ones are needed.
    """
    if real and input.array.dtype.kind == "c":
        raise DtypeError(f"{name} expects a real input tensor, but got {input.dtype}; take .real, or use fft")
    if input.array.dtype == np.float16:
        raise DtypeError(f"{name}: unsupported dtype float16; convert with .float() first")
    return floating(input)


def _mode(norm: Any) -> Norm:
    if norm is None:
        return "backward"
    if norm not in OPPOSITE:
        raise ShapeError(f'Invalid normalization mode: "{norm}"; expected "forward", "backward" or "ortho"')
    return norm  # type: ignore[no-any-return]


def _plan(input: Any, s: Any, dim: Any, to_real: bool = False) -> tuple[list[int], list[int]]:
    """Lengths and axes of a transform over several axes.

    Args:
        to_real: the last axis holds N // 2 + 1 numbers, so N is 2 (m - 1) unless it is given.

    Raises:
        ShapeError: an axis twice, or lengths that do not fit the axes.
        DimensionError: no such axis.
    """
    array = input.array
    given = None if s is None else lengths((s,))
    if dim is not None:
        axes = [normal_axis(d, array.ndim) for d in lengths((dim,))]
        if len(set(axes)) < len(axes):
            raise ShapeError(f"FFT dims must be unique, got {axes}")
        if axes and not array.ndim:
            raise DimensionError(f"Dimension specified as {dim} but tensor has no dimensions")
        if given is not None and len(given) != len(axes):
            raise ShapeError(
                f"When given, dim and shape arguments must have the same length, got {len(axes)} and {len(given)}"
            )
    else:
        count = array.ndim if given is None else len(given)
        if count > array.ndim:
            raise ShapeError(f"Got shape with {count} values but input tensor only has {array.ndim} dimensions.")
        axes = list(range(array.ndim - count, array.ndim))
    sizes = [array.shape[axis] for axis in axes]
    if to_real and sizes:
        sizes[-1] = 2 * (sizes[-1] - 1)
    if given is not None:
        sizes = [own if n == -1 and not isinstance(s, int) else n for own, n in zip(sizes, given, strict=True)]
    if any(n < 1 for n in sizes):
        raise ShapeError(f"Invalid number of data points ({min(sizes)}) specified")
    return sizes, axes


def _some(axes: Sequence[int], name: str) -> None:
    if not axes:
        raise ShapeError(f"{name} must transform at least one axis")


def _complex(input: Any, s: Any, dim: Any, norm: Any, name: str, inverse: bool = False) -> Any:
    x = _numbers(input, name)
    sizes, axes = _plan(x, s, dim)
    if not axes:
        return cast(x, x.dtype.to_complex()).clone()
    return Fourier(sizes, axes, _mode(norm), inverse)(x)


def _from_real(input: Any, s: Any, dim: Any, norm: Any, name: str) -> Any:
    x = _numbers(input, name, real=True)
    sizes, axes = _plan(x, s, dim)
    _some(axes, name)
    return RealFourier(sizes, axes, norm)(x)


def _to_real(input: Any, s: Any, dim: Any, norm: Any, name: str) -> Any:
    x = _numbers(input, name)
    sizes, axes = _plan(x, s, dim, to_real=True)
    _some(axes, name)
    return ToRealFourier(sizes, axes, norm)(x)


@with_out
def fft(input: Any, n: int | None = None, dim: int = -1, norm: Norm | None = None) -> Any:
    """The discrete Fourier transform along an axis: y_k = Σ_n x_n exp(-2πi k n / N).

    Args:
        input: (..., N, ...), real or complex.
        n: the length to which the input is cut, or filled up with zeros, first.
        dim: the axis.
        norm: "forward" divides by N, "ortho" by √N, "backward" (the default) leaves that to :func:`ifft`.

    Returns:
        (..., n, ...) complex, of the input's precision.

    Raises:
        ShapeError: n < 1, or an unknown norm.
        DtypeError: float16.
    """
    return _complex(input, n, dim, norm, "fft")


@with_out
def ifft(input: Any, n: int | None = None, dim: int = -1, norm: Norm | None = None) -> Any:
    """The inverse of :func:`fft`: x_n = 1/N Σ_k y_k exp(2πi k n / N); arguments as there."""
    return _complex(input, n, dim, norm, "ifft", inverse=True)


@with_out
def fft2(input: Any, s: Any = None, dim: Any = (-2, -1), norm: Norm | None = None) -> Any:
    """:func:`fftn` along two axes."""
    return _complex(input, s, dim, norm, "fft2")


@with_out
def ifft2(input: Any, s: Any = None, dim: Any = (-2, -1), norm: Norm | None = None) -> Any:
    """:func:`ifftn` along two axes."""
    return _complex(input, s, dim, norm, "ifft2", inverse=True)


@with_out
def fftn(input: Any, s: Any = None, dim: Any = None, norm: Norm | None = None) -> Any:
    """:func:`fft` along several axes, one after another.

    Args:
        input: real or complex.
        s: for each axis the length to cut or fill it to; -1 for its own.
        dim: the axes; all by default, or as many of the last ones as ``s`` has lengths.
        norm: as in :func:`fft`, with N the product of the lengths.

    Raises:
        ShapeError: an axis twice, a length < 1, or not one length for each axis.
    """
    return _complex(input, s, dim, norm, "fftn")


@with_out
def ifftn(input: Any, s: Any = None, dim: Any = None, norm: Norm | None = None) -> Any:
    """The inverse of :func:`fftn`; arguments as there."""
    return _complex(input, s, dim, norm, "ifftn", inverse=True)


@with_out
def rfft(input: Any, n: int | None = None, dim: int = -1, norm: Norm | None = None) -> Any:
    """:func:`fft` of real numbers, of which the first half tells all: y_{N-k} is the conjugate of y_k.

    Args:
        input: (..., N, ...), real.
        n, dim, norm: as in :func:`fft`.

    Returns:
        (..., n // 2 + 1, ...) complex.

    Raises:
        DtypeError: complex numbers, or float16.
    """
    return _from_real(input, n, dim, _mode(norm), "rfft")


@with_out
def irfft(input: Any, n: int | None = None, dim: int = -1, norm: Norm | None = None) -> Any:
    """The inverse of :func:`rfft`: real numbers from half a spectrum.

    Args:
        input: (..., M, ...), complex.
        n: the length of the result; 2 (M - 1) by default. Give it where it is odd.
        dim, norm: as in :func:`fft`.

    Returns:
        (..., n, ...) real.
    """
    return _to_real(input, n, dim, _mode(norm), "irfft")


@with_out
def rfft2(input: Any, s: Any = None, dim: Any = (-2, -1), norm: Norm | None = None) -> Any:
    """:func:`rfftn` along two axes."""
    return _from_real(input, s, dim, _mode(norm), "rfft2")


@with_out
def irfft2(input: Any, s: Any = None, dim: Any = (-2, -1), norm: Norm | None = None) -> Any:
    """:func:`irfftn` along two axes."""
    return _to_real(input, s, dim, _mode(norm), "irfft2")


@with_out
def rfftn(input: Any, s: Any = None, dim: Any = None, norm: Norm | None = None) -> Any:
    """:func:`rfft` along the last of several axes, then :func:`fft` along the others; arguments as in :func:`fftn`."""
    return _from_real(input, s, dim, _mode(norm), "rfftn")


@with_out
def irfftn(input: Any, s: Any = None, dim: Any = None, norm: Norm | None = None) -> Any:
    """The inverse of :func:`rfftn`; the last length of ``s`` is that of the result."""
    return _to_real(input, s, dim, _mode(norm), "irfftn")


# A signal whose spectrum is real is to it what a half spectrum is to a real signal: the same transforms, the other way.


@with_out
def hfft(input: Any, n: int | None = None, dim: int = -1, norm: Norm | None = None) -> Any:
    """:func:`fft` of a signal with x_{N-n} the conjugate of x_n, given by its first half: the spectrum is real.

    Args:
        input: (..., M, ...), complex.
        n: the length of the result; 2 (M - 1) by default.
        dim, norm: as in :func:`fft`.

    Returns:
        (..., n, ...) real.
    """
    return _to_real(conj(input), n, dim, OPPOSITE[_mode(norm)], "hfft")


@with_out
def ihfft(input: Any, n: int | None = None, dim: int = -1, norm: Norm | None = None) -> Any:
    """The inverse of :func:`hfft`: the first half of the signal whose spectrum is real; as :func:`rfft`."""
    return conj(_from_real(input, n, dim, OPPOSITE[_mode(norm)], "ihfft"))


@with_out
def hfft2(input: Any, s: Any = None, dim: Any = (-2, -1), norm: Norm | None = None) -> Any:
    """:func:`hfftn` along two axes."""
    return _to_real(conj(input), s, dim, OPPOSITE[_mode(norm)], "hfft2")


@with_out
def ihfft2(input: Any, s: Any = None, dim: Any = (-2, -1), norm: Norm | None = None) -> Any:
    """:func:`ihfftn` along two axes."""
    return conj(_from_real(input, s, dim, OPPOSITE[_mode(norm)], "ihfft2"))


@with_out
def hfftn(input: Any, s: Any = None, dim: Any = None, norm: Norm | None = None) -> Any:
    """:func:`fft` along all but the last of several axes, then :func:`hfft` along that."""
    return _to_real(conj(input), s, dim, OPPOSITE[_mode(norm)], "hfftn")


@with_out
def ihfftn(input: Any, s: Any = None, dim: Any = None, norm: Norm | None = None) -> Any:
    """The inverse of :func:`hfftn`; arguments as in :func:`fftn`."""
    return conj(_from_real(input, s, dim, OPPOSITE[_mode(norm)], "ihfftn"))


def fftshift(input: Any, dim: Any = None) -> Any:
    """A spectrum with frequency 0 in the middle of each axis, instead of first."""
    axes = _shifted(input, dim)
    return roll(input, [input.array.shape[axis] // 2 for axis in axes], axes) if axes else input.clone()


def ifftshift(input: Any, dim: Any = None) -> Any:
    """The inverse of :func:`fftshift`."""
    axes = _shifted(input, dim)
    return roll(input, [-(input.array.shape[axis] // 2) for axis in axes], axes) if axes else input.clone()


def _shifted(input: Any, dim: Any) -> list[int]:
    if dim is None:
        return list(range(input.array.ndim))
    return [normal_axis(d, input.array.ndim) for d in lengths((dim,))]


answer_functions({np.fft.fftn: fftn, np.fft.ifftn: ifftn, np.fft.rfftn: rfftn, np.fft.irfftn: irfftn})
