"""Samplers of continuous distributions: arrays of numbers equal to PyTorch's for the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from handtorch.errors import DtypeError
from handtorch.random import gaussian
from handtorch.random.arithmetic import fma32, fma64, libm
from handtorch.random.generator import Generator, SamplingError, resolve
from handtorch.random.twins import twin

Shape = int | Sequence[int]
Floats = NDArray[Any]

_BLOCK = 1 << 14  # numbers treated at once, which the first caches hold
_PARTS: dict[np.dtype, np.dtype] = {
    np.dtype(np.complex64): np.dtype(np.float32),
    np.dtype(np.complex128): np.dtype(np.float64),
}


def _size(shape: Shape) -> int:
    return int(shape) if isinstance(shape, (int, np.integer)) else math.prod(shape)


def _dimensions(shape: Shape) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(shape)


def _floating(dtype: DTypeLike, sampler: str) -> np.dtype:
    """The dtype, which has to be float16, float32 or float64."""
    dtype = np.dtype(dtype)
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise DtypeError(f"{sampler}: expected float16, float32 or float64, got {dtype}")
    return dtype


def uniform(
    shape: Shape,
    low: float = 0.0,
    high: float = 1.0,
    dtype: DTypeLike = np.float32,
    generator: Generator | None = None,
) -> Floats:
    """Numbers spread evenly over [low, high): ``x = u (high - low) + low`` with one rounding.

    Args:
        shape: of the result.
        low, high: bounds; a value that rounds to ``high`` becomes ``low``.
        dtype: a float or complex type; both parts of a complex number are drawn from the same bounds.
        generator: drawn from instead of the default one.

    Returns:
        Array of ``shape`` and ``dtype``.

    Raises:
        SamplingError: ``low`` above ``high``, or bounds too far apart for ``dtype``.
        DtypeError: ``dtype`` is neither float nor complex.
    """
    dtype = np.dtype(dtype)
    if dtype in _PARTS:
        parts = uniform((*_dimensions(shape), 2), low, high, _PARTS[dtype], generator)
        return parts.view(dtype)[..., 0]
    dtype = _floating(dtype, "uniform")
    largest = float(np.finfo(dtype).max)
    if not (low <= high and high - low <= largest and -largest <= low and high <= largest):
        raise SamplingError(
            f"uniform: expected low <= high, at most {largest:.6g} apart and finite in {dtype}, got [{low}, {high})"
        )
    generator = resolve(generator)
    with generator.lock:
        units = generator.units64(_size(shape)) if dtype == np.float64 else generator.units32(_size(shape))
    return _stretch(units, low, high, dtype).reshape(shape)


def _stretch(units: Floats, low: float, high: float, dtype: np.dtype) -> Floats:
    """Units of [0, 1) onto [low, high), in the units' precision and then rounded to ``dtype``."""
    first, end = units.dtype.type(low), units.dtype.type(high)
    if first == 0 and end == 1 and dtype != np.float16:
        return units  # the largest unit is below 1
    if dtype == units.dtype and (compiled := twin("libm", units.size)):
        compiled.stretch(units, end - first, first, end)
        return units
    fma = fma32 if units.dtype == np.float32 else fma64
    out = units if units.dtype == dtype else np.empty(units.shape, dtype)
    for start in range(0, len(units), _BLOCK):
        part = slice(start, start + _BLOCK)
        out[part] = fma(units[part], end - first, first)
        reached_end = out[part] == dtype.type(high)
        if reached_end.any():
            out[part][reached_end] = dtype.type(low)
    return out


def normal(
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    dtype: DTypeLike = np.float32,
    generator: Generator | None = None,
    *,
    contiguous: bool = True,
) -> Floats:
    """Normal numbers, ``z std + mean`` with one rounding, z by Box and Muller's transform.

    Args:
        shape: of the result.
        mean, std: of the distribution; the parts of a complex number share the variance evenly.
        dtype: a float or complex type.
        generator: drawn from instead of the default one.
        contiguous: whether the tensor that gets the numbers lies in memory without gaps. PyTorch fills such a tensor
            of 16 or more elements in blocks of 16 and any other one number by number, with different numbers.

    Returns:
        Array of ``shape`` and ``dtype``.

    Raises:
        SamplingError: ``std`` below zero.
        DtypeError: ``dtype`` is neither float nor complex.
    """
    dtype = np.dtype(dtype)
    if dtype in _PARTS:
        part, shape = _PARTS[dtype], (*_dimensions(shape), 2)
        return normal(shape, mean, std / math.sqrt(2), part, generator, contiguous=contiguous).view(dtype)[..., 0]
    dtype = _floating(dtype, "normal")
    if not std >= 0:
        raise SamplingError(f"normal: expected std >= 0, got {std}")
    generator = resolve(generator)
    count = _size(shape)
    with generator.lock:
        if count >= 16 and contiguous:
            return gaussian.fill(generator, count, mean, std, dtype).reshape(shape)
        standard = gaussian.serial(generator, count, dtype)
    return _rounded(fma64(standard, std, mean), dtype).reshape(shape)


def log_normal(
    shape: Shape,
    mean: float = 1.0,
    std: float = 2.0,
    dtype: DTypeLike = np.float32,
    generator: Generator | None = None,
) -> Floats:
    """``exp(z std + mean)`` with standard normal z, made number by number in float64.

    Args:
        shape: of the result.
        mean, std: of the logarithm of the result.
        dtype: float16, float32 or float64.
        generator: drawn from instead of the default one.

    Returns:
        Array of ``shape`` and ``dtype``.

    Raises:
        SamplingError: ``std`` not above zero.
        DtypeError: ``dtype`` is no float type.
    """
    dtype = _floating(dtype, "log_normal")
    if not std > 0:
        raise SamplingError(f"log_normal: expected std > 0, got {std}")
    generator = resolve(generator)
    with generator.lock:
        standard = gaussian.serial(generator, _size(shape), dtype)
    return _rounded(libm("exp", fma64(standard, std, mean), dtype), dtype).reshape(shape)


def exponential(
    shape: Shape,
    rate: float = 1.0,
    dtype: DTypeLike = np.float32,
    generator: Generator | None = None,
) -> Floats:
    """Waiting times of a Poisson process: ``-log(1 - u) / rate``.

    Args:
        shape: of the result.
        rate: events per unit of the result (PyTorch's ``lambd``).
        dtype: float16, float32 or float64.
        generator: drawn from instead of the default one.

    Returns:
        Array of ``shape`` and ``dtype``.

    Raises:
        SamplingError: ``rate`` not above zero.
        DtypeError: ``dtype`` is no float type.
    """
    dtype = _floating(dtype, "exponential")
    if not rate > 0:
        raise SamplingError(f"exponential: expected rate > 0, got {rate}")
    return _of_units(shape, dtype, generator, lambda units: (-1.0 / rate) * libm("log1p", -units, dtype))


def cauchy(
    shape: Shape,
    median: float = 0.0,
    sigma: float = 1.0,
    dtype: DTypeLike = np.float32,
    generator: Generator | None = None,
) -> Floats:
    """Cauchy numbers: ``median + sigma tan(pi (u - 1/2))`` with one rounding.

    Args:
        shape: of the result.
        median: of the distribution.
        sigma: half the distance between its quartiles.
        dtype: float16, float32 or float64.
        generator: drawn from instead of the default one.

    Returns:
        Array of ``shape`` and ``dtype``.

    Raises:
        SamplingError: ``sigma`` not above zero.
        DtypeError: ``dtype`` is no float type.
    """
    dtype = _floating(dtype, "cauchy")
    if not sigma > 0:
        raise SamplingError(f"cauchy: expected sigma > 0, got {sigma}")
    return _of_units(
        shape, dtype, generator, lambda units: fma64(libm("tan", math.pi * (units - 0.5), dtype), sigma, median)
    )


def _of_units(
    shape: Shape, dtype: np.dtype, generator: Generator | None, transform: Callable[[NDArray[np.float64]], Floats]
) -> Floats:
    """One float64 unit a number, transformed and then rounded to ``dtype``."""
    generator = resolve(generator)
    with generator.lock:
        units = generator.units64(_size(shape))
    return _rounded(transform(units), dtype).reshape(shape)


def _rounded(values: NDArray[np.float64], dtype: np.dtype) -> Floats:
    """``values`` as ``dtype``, float16 by way of float32; what is too large becomes infinite, without a warning."""
    with np.errstate(over="ignore"):
        if dtype == np.float16:
            return values.astype(np.float32).astype(dtype)
        return values.astype(dtype, copy=False)
