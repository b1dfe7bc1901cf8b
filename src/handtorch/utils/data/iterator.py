"""One pass over the batches of a loader; the base of passes with and without workers, and the one without."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from handtorch.errors import ArgumentError
from handtorch.utils.data.sampler import draw_seed

if TYPE_CHECKING:
    from handtorch.utils.data.dataloader import DataLoader


class BatchIterator:
    """What all passes share: the order of the indices, and the count of batches given out."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        # It takes what it needs and not the loader: a loader that keeps its workers keeps this, and both would live on.
        self._dataset = loader.dataset
        self._index_sampler = loader.index_sampler
        self._num_workers = loader.num_workers
        self._begin(loader)
        # Drawn with and without workers, so that the number of workers does not change what comes after.
        self._base_seed = draw_seed(loader.generator)

    def _begin(self, loader: DataLoader[Any]) -> None:
        self._indices: Iterator[Any] = iter(self._index_sampler)
        self._announced = loader.announced_length
        self._given = 0

    def _next_batch(self) -> Any:
        raise NotImplementedError

    def __iter__(self) -> BatchIterator:
        return self

    def __next__(self) -> Any:
        batch = self._next_batch()
        self._given += 1
        if self._announced is not None and self._given > self._announced:
            self._warn_of_surplus()
        return batch

    def _warn_of_surplus(self) -> None:
        hint = "; each worker iterates over the whole dataset unless __iter__ asks get_worker_info() for its share"
        warnings.warn(
            f"Length of IterableDataset {self._dataset} was reported to be {self._announced} (when accessing "
            f"len(dataloader)), but {self._given} samples have been fetched{hint if self._num_workers else ''}.",
            stacklevel=3,
        )

    def __len__(self) -> int:
        return len(self._index_sampler)  # type: ignore[arg-type]

    def __getstate__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled; pass on its DataLoader instead")


class SerialIterator(BatchIterator):
    """A pass in this process.

    Raises:
        ArgumentError: the loader has a timeout, which only workers can keep.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if loader.timeout:
            raise ArgumentError(f"expected timeout=0 without workers, got {loader.timeout}; try num_workers=1")
        self._fetch = loader.recipe.start()

    def _next_batch(self) -> Any:
        return self._fetch(next(self._indices))
