"""Numbers drawn at random: the functions whose parameters are tensors, and the methods that fill a tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handtorch import random
from handtorch.errors import DtypeError
from handtorch.ops.attach import method
from handtorch.ops.keywords import put
from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, positive, sample
from handtorch.ops.writing import refuse_shared, write
from handtorch.random import Generator
from handtorch.random.order import in_order_of_memory
from handtorch.tensor import Tensor

__all__ = [
    "bernoulli",
    "binomial",
    "multinomial",
    "poisson",
]


class Sampled(Op):
    """y = numbers drawn from a distribution with parameters θ. dL/dθ = 0: a draw says nothing about its parameters.

    Args:
        drawn: the numbers, drawn by the caller.
    """

    def __init__(self, drawn: np.ndarray) -> None:
        self.drawn = drawn

    def forward(self, *parameters: Any) -> Any:
        self.save(*parameters)
        return self.drawn

    def backward(self, g: Any) -> Any:
        return tuple(np.zeros_like(parameter) for parameter in self.saved)

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        yield sample(lambda: cls(normal(3, 4)), positive(3, 4))
        yield sample(lambda: cls(normal(3, 4)), positive(3, 4), positive(3, 4, seed=1))


# -- functions ------------------------------------------------------------------------------------------------------


@method()
def bernoulli(input: Any, p: Any = None, *, generator: Generator | None = None, out: Any = None) -> Any:
    """1 with the probability that stands in ``input``, else 0; in the shape and type of ``input``.

    Args:
        p: the probability, a number or a tensor, instead of those in ``input``.

    Raises:
        SamplingError: a probability outside [0, 1].
    """
    x = input.array
    chance = x if p is None else p.array if isinstance(p, Tensor) else p
    result = Sampled(random.bernoulli(chance, x.shape, x.dtype, generator))(input)
    if out is None:
        return result
    refuse_shared(out)
    return put(out, result)


@method()
def multinomial(
    input: Any, num_samples: int, replacement: bool = False, *, generator: Generator | None = None, out: Any = None
) -> Any:
    """Places drawn from each row of ``input`` with probability in proportion to the weights that stand there.

    Args:
        input: (categories) or (rows, categories) weights, not negative; need not sum to one.
        num_samples: draws of each row.
        replacement: whether a place can be drawn again.

    Returns:
        (num_samples) or (rows, num_samples) indices, int64.

    Raises:
        ShapeError, DtypeError: ``input`` is of another shape, or not of floating point; ``out`` is not of int64.
        SamplingError: no number of draws that is possible, or weights that are no distribution.
    """
    if out is not None and out.array.dtype != np.int64:
        raise DtypeError(f"multinomial expects Long tensor out, got {out.dtype}")
    drawn = Tensor.of(random.multinomial(input.array, num_samples, replacement, generator))
    return drawn if out is None else put(out, drawn)


def poisson(input: Any, generator: Generator | None = None) -> Any:
    """Numbers of events where ``input`` are expected, in its shape and type.

    Raises:
        SamplingError: a number below zero.
    """
    return Sampled(random.poisson(input.array, generator))(input)


def binomial(count: Any, prob: Any, generator: Generator | None = None) -> Any:
    """Successes in ``count`` trials of probability ``prob``, two tensors that are broadcast to each other.

    Raises:
        DtypeError: their types differ.
    """
    trials, chances = np.broadcast_arrays(count.array, prob.array)
    return Sampled(random.binomial(trials, chances, generator))(count, prob)


# -- filling --------------------------------------------------------------------------------------------------------


def _filled(input: Any, draw: Callable[..., np.ndarray], *parameters: np.ndarray) -> Any:
    return write(input, Tensor.of(in_order_of_memory(input.array, draw, *parameters)))


def _from(start: Any, named: dict[str, Any]) -> Any:
    """The argument that PyTorch calls ``from``, a name that Python keeps for itself."""
    start = named.pop("from", start)
    if named:
        raise TypeError(f"got an unexpected keyword argument '{min(named)}'")
    return start


@method()
def uniform_(
    input: Any, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None, **named: Any
) -> Any:
    """Write numbers spread evenly over [from, to).

    Raises:
        SamplingError: ``from`` is above ``to``.
    """
    low, dtype = _from(from_, named), input.array.dtype
    return _filled(input, lambda shape: random.uniform(shape, low, to, dtype, generator))


@method()
def normal_(input: Any, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Write normal numbers.

    Raises:
        SamplingError: ``std`` is below zero.
    """
    x = input.array
    gapless = x.flags.c_contiguous
    return _filled(input, lambda shape: random.normal(shape, mean, std, x.dtype, generator, contiguous=gapless))


@method()
def log_normal_(input: Any, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Any:
    """Write numbers whose logarithms are normal, with that mean and standard deviation.

    Raises:
        SamplingError: ``std`` is not above zero.
    """
    return _filled(input, lambda shape: random.log_normal(shape, mean, std, input.array.dtype, generator))


@method()
def exponential_(input: Any, lambd: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Write waiting times for an event that comes ``lambd`` times per unit.

    Raises:
        SamplingError: ``lambd`` is not above zero.
    """
    return _filled(input, lambda shape: random.exponential(shape, lambd, input.array.dtype, generator))


@method()
def cauchy_(input: Any, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Write Cauchy numbers.

    Raises:
        SamplingError: ``sigma`` is not above zero.
    """
    return _filled(input, lambda shape: random.cauchy(shape, median, sigma, input.array.dtype, generator))


@method()
def geometric_(input: Any, p: float, *, generator: Generator | None = None) -> Any:
    """Write how many trials it took to the first success, each of probability ``p``: 1, 2, 3 ...

    Raises:
        SamplingError: ``p`` is not inside (0, 1).
    """
    return _filled(input, lambda shape: random.geometric(shape, p, input.array.dtype, generator))


@method()
def bernoulli_(input: Any, p: Any = 0.5, *, generator: Generator | None = None) -> Any:
    """Write 1 with probability p, else 0.

    Args:
        p: a number, or a tensor that is broadcast to this one.

    Raises:
        SamplingError: a probability outside [0, 1].
    """
    x = input.array
    if isinstance(p, Tensor):
        chances = np.broadcast_to(p.array, x.shape)
        return _filled(input, lambda shape, chances: random.bernoulli(chances, shape, x.dtype, generator), chances)
    return _filled(input, lambda shape: random.bernoulli(p, shape, x.dtype, generator))


@method()
def random_(input: Any, *bounds: Any, generator: Generator | None = None, **named: Any) -> Any:
    """Write whole numbers of [from, to).

    Called as ``random_()`` for all that the type counts to, ``random_(to)`` for those from 0 on, or
    ``random_(from, to)``, where ``to`` may be None for those up to the largest.

    Raises:
        SamplingError: there is no number in [from, to), or the type does not hold them.
    """
    dtype = input.array.dtype
    if not bounds and not named:
        return _filled(input, lambda shape: random.random_full(shape, dtype, generator))
    to = named.pop("to") if "to" in named else bounds[-1] if bounds else None
    low = _from(bounds[0] if len(bounds) == 2 else 0, named)
    return _filled(input, lambda shape: random.randint(low, to, shape, dtype, generator))
