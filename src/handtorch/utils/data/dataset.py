"""What there is to learn from: datasets with an index, datasets that are streams, and ways to combine them."""

from __future__ import annotations

import bisect
import itertools
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from handtorch.errors import ArgumentError, HandtorchError
from handtorch.factories import from_numpy
from handtorch.random import Generator, randperm
from handtorch.tensor import Tensor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class DatasetError(HandtorchError, AssertionError):
    """Datasets that cannot be combined."""


class Dataset(Generic[T_co]):
    """Samples with an index: ``dataset[i]`` gives sample ``i``, and ``len(dataset)`` says how many there are.

    Two methods are optional and make loading faster:

    - ``__getitems__(indices)`` returns the list of samples at several indices at once;
    - ``__getbatch__(indices)`` returns the batch itself, equal to what ``default_collate`` would make of those
      samples, or ``NotImplemented``. It is asked only where ``default_collate`` would be used.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} defines no __getitem__, which a Dataset needs")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Samples as a stream: ``iter(dataset)`` gives them one after the other.

    In a ``DataLoader`` with workers every worker iterates over its own copy, so ``__iter__`` should ask
    :func:`get_worker_info` which share of the stream is its own.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} defines no __iter__, which an IterableDataset needs")

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors side by side: sample ``i`` is ``(a[i], b[i], ...)``.

    Args:
        *tensors: ``(N, ...)`` each, with the same ``N``.

    A ``DataLoader`` with the default collation takes a whole batch of rows with one indexing of each tensor.

    Raises:
        DatasetError: the tensors differ in ``N``.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensor.size(0) != tensors[0].size(0) for tensor in tensors):
            lengths = ", ".join(str(tensor.size(0)) for tensor in tensors)
            raise DatasetError(
                f"Size mismatch between tensors: expected one length along axis 0, got {lengths}; "
                "cut or select the tensors so that row i of each belongs to sample i"
            )
        self.tensors: tuple[Any, ...] = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getbatch__(self, indices: Sequence[int]) -> Any:
        if not len(indices) or not _inherits(self, TensorDataset):
            return NotImplemented
        rows = np.fromiter(map(operator.index, indices), np.int64, len(indices))
        return [_take(tensor, rows) for tensor in self.tensors]

    def __len__(self) -> int:
        return self.tensors[0].size(0)


def _take(tensor: Any, rows: np.ndarray) -> Tensor:
    """The rows as one tensor; ``np.take`` copies whole rows where indexing would go element by element."""
    if tensor.requires_grad:
        return tensor[from_numpy(rows)]
    return Tensor.of(np.take(tensor.array, rows, axis=0))


def _inherits(dataset: Dataset[Any], base: type) -> bool:
    """Whether indexing still means what ``base`` made of it, so that its short cuts hold for the subclass too."""
    names = ("__getitem__", "__getitems__")
    return all(getattr(type(dataset), name, None) is getattr(base, name, None) for name in names)


class StackDataset(Dataset[Any]):
    """Datasets side by side: sample ``i`` is the tuple, or for keyword arguments the dict, of their samples ``i``.

    Raises:
        ArgumentError: no dataset, datasets of different lengths, or positional and keyword arguments at once.
    """

    def __init__(self, *args: Dataset[Any], **kwargs: Dataset[Any]) -> None:
        if args and kwargs:
            raise ArgumentError(
                "expected datasets either by position (samples are tuples) or by keyword (samples are dicts), got both"
            )
        self.datasets: tuple[Dataset[Any], ...] | dict[str, Dataset[Any]] = kwargs or args
        lengths = [len(dataset) for dataset in self._parts()]  # type: ignore[arg-type]
        if not lengths:
            raise ArgumentError("expected at least one dataset, got none")
        if len(set(lengths)) > 1:
            raise ArgumentError(f"Size mismatch between datasets: expected one length, got {lengths}")
        self._length = lengths[0]

    def _parts(self) -> Iterable[Dataset[Any]]:
        return self.datasets.values() if isinstance(self.datasets, dict) else self.datasets

    def _join(self, parts: Iterable[Any]) -> Any:
        return dict(zip(self.datasets, parts, strict=True)) if isinstance(self.datasets, dict) else tuple(parts)

    def __getitem__(self, index: Any) -> Any:
        return self._join(dataset[index] for dataset in self._parts())

    def __getitems__(self, indices: Sequence[Any]) -> list[Any]:
        columns = [_samples(dataset, indices) for dataset in self._parts()]
        for column in columns:
            if len(column) != len(indices):
                raise ArgumentError(
                    f"Nested dataset's output size mismatch: expected {len(indices)} samples "
                    f"from __getitems__, got {len(column)}"
                )
        return [self._join(parts) for parts in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


def _samples(dataset: Dataset[Any], indices: Sequence[Any]) -> list[Any]:
    """The samples at several indices, through ``__getitems__`` where there is one."""
    getitems: Callable[[Any], list[Any]] | None = getattr(dataset, "__getitems__", None)
    return getitems(indices) if callable(getitems) else [dataset[index] for index in indices]


class ConcatDataset(Dataset[T_co]):
    """Datasets one after the other.

    Raises:
        DatasetError: no dataset, or one that is a stream.
    """

    datasets: list[Dataset[T_co]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise DatasetError("datasets should not be an empty iterable; expected at least one")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise DatasetError("ConcatDataset does not support IterableDataset; streams are joined by ChainDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """The lengths summed up: the index at which each dataset ends."""
        return list(itertools.accumulate(len(part) for part in sequence))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        if index < 0:
            if -index > len(self):
                raise ArgumentError(
                    f"absolute value of index should not exceed dataset length, got {index} for {len(self)} samples"
                )
            index += len(self)
        part = bisect.bisect_right(self.cumulative_sizes, index)
        start = self.cumulative_sizes[part - 1] if part else 0
        return self.datasets[part][index - start]


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other.

    Raises:
        DatasetError: while iterating, one of the datasets is not a stream.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[IterableDataset[Any]]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise DatasetError(
                    f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}; "
                    "datasets with an index are joined by ConcatDataset"
                )
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._streams():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._streams())  # type: ignore[arg-type, misc]


class Subset(Dataset[T_co]):
    """The samples of a dataset at given indices, in that order.

    A subclass that overrides ``__getitem__`` has to override ``__getitems__`` too, because loaders ask for whole
    batches.

    Raises:
        NotImplementedError: a subclass overrides only ``__getitem__``.
    """

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and kind.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{kind.__name__} overrides __getitem__ but not __getitems__, which loaders call; add\n\n"
                "    def __getitems__(self, indices):\n"
                "        return [self[i] for i in indices]"
            )
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[T_co]:
        return _samples(self.dataset, [self.indices[i] for i in indices])

    def __getbatch__(self, indices: Sequence[int]) -> Any:
        make: Callable[[Any], Any] | None = getattr(self.dataset, "__getbatch__", None)
        if make is None or not _inherits(self, Subset):
            return NotImplemented
        return make([self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Dataset[T], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[T]]:
    """Deal the samples of a dataset at random into subsets that do not overlap.

    Args:
        dataset: what to split; it has a length ``N``.
        lengths: samples for each subset, adding up to ``N``; or fractions adding up to 1, of which each gives
            ``floor(fraction * N)`` samples and the rest goes round one by one.
        generator: where the random order comes from (default: the default generator).

    Raises:
        ArgumentError: the lengths do not add up, or a fraction is not between 0 and 1.
    """
    total = len(dataset)  # type: ignore[arg-type]
    sizes = _sizes_of_fractions(lengths, total) if math.isclose(sum(lengths), 1) and sum(lengths) <= 1 else lengths
    if sum(sizes) != total:
        raise ArgumentError(
            "Sum of input lengths does not equal the length of the input dataset: "
            f"expected {total}, got {sum(sizes)} from {list(lengths)}"
        )
    order = randperm(total, generator=generator).tolist()
    ends = itertools.accumulate(sizes)
    return [Subset(dataset, order[end - size : end]) for end, size in zip(ends, sizes, strict=True)]  # type: ignore[misc]


def _sizes_of_fractions(fractions: Sequence[int | float], total: int) -> list[int]:
    for position, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ArgumentError(f"Fraction at index {position} is not between 0 and 1, got {fraction}")
    sizes = [math.floor(total * fraction) for fraction in fractions]
    for position in range(total - sum(sizes)):
        sizes[position % len(sizes)] += 1
    for position, size in enumerate(sizes):
        if size == 0:
            warnings.warn(f"Length of split at index {position} is 0: its dataset is empty.", stacklevel=3)
    return sizes
