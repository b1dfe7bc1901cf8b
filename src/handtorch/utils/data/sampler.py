"""In which order samples are drawn. The same seed gives the order that PyTorch gives."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from handtorch import dtypes
from handtorch.errors import ArgumentError
from handtorch.factories import as_tensor
from handtorch.random import Generator, multinomial, randint, random_full, randperm

T_co = TypeVar("T_co", covariant=True)

_DRAWN_AT_ONCE = 32  # indices with replacement, as in PyTorch: whoever shares the generator finds it as far ahead


class Sampler(Generic[T_co]):
    """An order: iterating gives indices, or lists of indices; ``len`` says how many, where that is known."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} defines no __iter__, which a Sampler needs")


class SequentialSampler(Sampler[int]):
    """``0, 1, ..., N - 1``."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A new random order at every iteration.

    Args:
        data_source: what the indices point into; only its length ``N`` is used.
        replacement: draw each index from all ``N``, instead of dealing out a permutation.
        num_samples: how many to draw (default ``N``); beyond ``N`` without replacement, a new permutation begins.
        generator: where randomness comes from. Without it, each iteration seeds its own from the default generator.

    Raises:
        TypeError: ``replacement`` is not a bool.
        ArgumentError: ``num_samples`` is not a positive integer.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement!r}")
        _check_positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices an iteration gives. The dataset may grow, so its length is asked each time."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        generator = self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(draw_seed())
        draw = self._with_replacement if self.replacement else self._permutations
        yield from draw(len(self.data_source), generator)

    def _with_replacement(self, n: int, generator: Generator) -> Iterator[int]:
        full, rest = divmod(self.num_samples, _DRAWN_AT_ONCE)
        for size in itertools.chain(itertools.repeat(_DRAWN_AT_ONCE, full), [rest]):
            yield from randint(0, n, (size,), generator=generator).tolist()

    def _permutations(self, n: int, generator: Generator) -> Iterator[int]:
        full, rest = divmod(self.num_samples, n)
        for size in itertools.chain(itertools.repeat(n, full), [rest]):
            yield from randperm(n, generator=generator).tolist()[:size]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices, in a new random order at every iteration."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for position in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[position]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Index ``i`` with a probability proportional to ``weights[i]``.

    Args:
        weights: ``(N,)`` weights, not negative; they need not add up to 1.
        num_samples: how many to draw.
        replacement: whether an index may be drawn twice.
        generator: where randomness comes from (default: the default generator).

    Raises:
        ArgumentError: an argument of the wrong kind, or weights that are not one row.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive("num_samples", num_samples)
        _check_bool("replacement", replacement)
        self.weights = as_tensor(weights, dtype=dtypes.float64)
        if self.weights.ndim != 1:
            raise ArgumentError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(self.weights.array, self.num_samples, self.replacement, self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler in lists of ``batch_size``.

    Args:
        sampler: any iterable of indices.
        batch_size: the length of a list.
        drop_last: leave out the last list when it is shorter.

    Raises:
        ArgumentError: an argument of the wrong kind.
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        _check_bool("drop_last", drop_last)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


def draw_seed(generator: Generator | None = None) -> int:
    """A seed in ``[0, 2**63)`` from a generator (default: the default generator), by the call that PyTorch makes."""
    return int(random_full((), generator=generator))


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ArgumentError(f"{name} should be a positive integer value, but got {name}={value!r}")


def _check_bool(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ArgumentError(f"{name} should be a boolean value, but got {name}={value!r}")
