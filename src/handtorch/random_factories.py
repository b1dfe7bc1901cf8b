"""Making random tensors: of a shape, or in the likeness of another."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from handtorch import random
from handtorch.errors import ShapeError
from handtorch.factories import made, sizes, type_like, type_of
from handtorch.ops.keywords import put
from handtorch.ops.sampling import Sampled
from handtorch.random import Generator, SamplingError
from handtorch.random.order import in_order_of_memory, without_gaps
from handtorch.tensor import Tensor

__all__ = [
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]
_INT64 = np.dtype(np.int64)


# -- of a shape -----------------------------------------------------------------------------------------------------


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """Numbers spread evenly over [0, 1); both parts of a complex number are."""
    drawn = random.uniform(sizes(size, others), 0.0, 1.0, type_of(dtype, others), generator)
    return made(drawn, device, requires_grad, others)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """Standard normal numbers; the parts of a complex number share the variance of one."""
    drawn = random.normal(sizes(size, others), 0.0, 1.0, type_of(dtype, others), generator)
    return made(drawn, device, requires_grad, others)


def randint(
    low: int = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """Whole numbers in [low, high), int64 if not told otherwise.

    Called as ``randint(high, size)`` or ``randint(low, high, size)``.

    Raises:
        SamplingError: there is no number in [low, high), or the type does not hold them.
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint(): argument 'size' must be tuple of ints, not {type(size).__name__}")
    shape = sizes((size,), others)
    drawn = random.randint(operator.index(low), operator.index(high), shape, _whole(dtype, others), generator)
    return made(drawn, device, requires_grad, others)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """The numbers 0 to n - 1 in random order, int64 if not told otherwise.

    Raises:
        SamplingError: n is below zero, or more than the type counts to.
    """
    return made(random.randperm(n, _whole(dtype, others), generator), device, requires_grad, others)


def _whole(dtype: Any, others: dict[str, Any]) -> np.dtype:
    """NumPy's type of whole numbers: that asked for, or that of ``out``, or int64."""
    return _INT64 if dtype is None and others.get("out") is None else type_of(dtype, others)


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """Normal numbers, each with a mean and a standard deviation of its own: ``z std + mean``, z standard normal.

    Called with one or two tensors, which are broadcast to each other, or with two numbers and the ``size`` of the
    result. The result is of the type of ``mean``, if that is a tensor, else of ``std``. No gradient flows through a
    draw; :meth:`handtorch.distributions.Normal.rsample` has one.

    Raises:
        SamplingError: a standard deviation below zero.
    """
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        drawn = _normal_around(mean, std, generator)
        return drawn if others.get("out") is None else put(others["out"], drawn)
    if size is None:
        raise TypeError("normal(): expected a Tensor as mean or std, or a size; got two numbers and no size")
    drawn = random.normal(sizes((size,), others), mean, std, type_of(dtype, others), generator)
    return made(drawn, device, requires_grad, others)


def _normal_around(mean: Any, std: Any, generator: Generator | None) -> Any:
    m: Any = mean.array if isinstance(mean, Tensor) else mean
    s: Any = std.array if isinstance(std, Tensor) else std
    if np.iscomplexobj(s) or not np.all(s >= 0):
        raise SamplingError(f"normal expects all elements of std >= 0.0, got {std}")
    try:
        shape = np.broadcast_shapes(np.shape(m), np.shape(s))
    except ValueError:
        raise ShapeError(f"normal: cannot broadcast mean {np.shape(m)} and std {np.shape(s)} to each other") from None
    kind = (m if isinstance(mean, Tensor) else s).dtype
    if isinstance(std, Tensor):
        drawn = (random.normal(shape, 0.0, 1.0, kind, generator) * s).astype(kind, copy=False)
    else:  # PyTorch multiplies before it rounds
        drawn = random.normal(shape, 0.0, s, kind, generator)
    return Sampled((drawn + m).astype(kind, copy=False))(*(x for x in (mean, std) if isinstance(x, Tensor)))


# -- in the likeness of another -------------------------------------------------------------------------------------


def rand_like(
    input: Any,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """Numbers spread evenly over [0, 1), in the shape, type and order in memory of another tensor."""
    kind = type_like(input, dtype)
    drawn = _like(input, lambda shape: random.uniform(shape, 0.0, 1.0, kind, generator))
    return made(drawn, device, requires_grad, others)


def randn_like(
    input: Any,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """Standard normal numbers, in the shape, type and order in memory of another tensor."""
    kind = type_like(input, dtype)
    gapless = without_gaps(input.array).flags.c_contiguous
    drawn = _like(input, lambda shape: random.normal(shape, 0.0, 1.0, kind, generator, contiguous=gapless))
    return made(drawn, device, requires_grad, others)


def randint_like(
    input: Any,
    low: Any = 0,
    high: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **others: Any,
) -> Any:
    """Whole numbers in [low, high), in the shape, type and order in memory of another tensor.

    Called as ``randint_like(input, high)`` or ``randint_like(input, low, high)``.

    Raises:
        SamplingError: there is no number in [low, high), or the type does not hold them.
    """
    start, end = (0, operator.index(low)) if high is None else (operator.index(low), operator.index(high))
    kind = type_like(input, dtype)
    drawn = _like(input, lambda shape: random.randint(start, end, shape, kind, generator))
    return made(drawn, device, requires_grad, others)


def _like(input: Any, draw: Callable[..., np.ndarray]) -> np.ndarray:
    return in_order_of_memory(without_gaps(input.array), draw)
