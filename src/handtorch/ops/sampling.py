"""Random tensors: PyTorch's functions and in-place methods over the samplers of :mod:`handtorch.random`."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import dtypes, random
from handtorch.ops.attach import method
from handtorch.ops.shape import lengths
from handtorch.ops.writing import write
from handtorch.random import Generator
from handtorch.tensor import Tensor

__all__ = [
    "bernoulli",
    "multinomial",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
]


def _made(array: Any, requires_grad: bool = False) -> Any:
    made = Tensor.of(np.asarray(array))
    return made.requires_grad_() if requires_grad else made


def _float_type(dtype: Any) -> np.dtype:
    return (dtypes.get_default_dtype() if dtype is None else dtype).numpy


def rand(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Any:
    """Uniform numbers in [0, 1)."""
    return _made(random.uniform(lengths(size), 0.0, 1.0, _float_type(dtype), generator), requires_grad)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Any:
    """Standard normal numbers."""
    return _made(random.normal(lengths(size), 0.0, 1.0, _float_type(dtype), generator), requires_grad)


def rand_like(input: Any, *, dtype: Any = None, requires_grad: bool = False, generator: Any = None, **_: Any) -> Any:
    """Uniform numbers in [0, 1), in the shape and type of another tensor."""
    return rand(*input.array.shape, dtype=dtype or input.dtype, requires_grad=requires_grad, generator=generator)


def randn_like(input: Any, *, dtype: Any = None, requires_grad: bool = False, generator: Any = None, **_: Any) -> Any:
    """Standard normal numbers, in the shape and type of another tensor."""
    return randn(*input.array.shape, dtype=dtype or input.dtype, requires_grad=requires_grad, generator=generator)


def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Any = None, dtype: Any = None, device: Any = None
) -> Any:
    """Whole numbers in [low, high); ``randint(high, size)`` starts at 0."""
    if size is None:
        low, high, size = 0, low, high
    return _made(random.randint(low, high, lengths((size,)), (dtype or dtypes.int64).numpy, generator))


def randperm(n: int, *, generator: Any = None, dtype: Any = None, device: Any = None) -> Any:
    """The numbers 0 to n - 1 in random order."""
    return _made(random.randperm(n, (dtype or dtypes.int64).numpy, generator))


def bernoulli(input: Any, *, generator: Any = None) -> Any:
    """1 with the probability that stands in ``input``, else 0."""
    return _made(random.bernoulli(input.array, input.array.shape, input.array.dtype, generator))


@method()
def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Any:
    """Places drawn from each row with probability in proportion to the weights that stand there."""
    return _made(random.multinomial(input.array, num_samples, replacement, generator))


@method()
def uniform_(input: Any, from_: float = 0.0, to: float = 1.0, *, generator: Any = None) -> Any:
    """Write uniform numbers in [from_, to)."""
    return write(input, _made(random.uniform(input.array.shape, from_, to, input.array.dtype, generator)))


@method()
def normal_(input: Any, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Any:
    """Write normal numbers."""
    return write(input, _made(random.normal(input.array.shape, mean, std, input.array.dtype, generator)))


@method()
def bernoulli_(input: Any, p: Any = 0.5, *, generator: Any = None) -> Any:
    """Write 1 with probability p, else 0."""
    chance = p.array if isinstance(p, Tensor) else p
    return write(input, _made(random.bernoulli(chance, input.array.shape, input.array.dtype, generator)))
