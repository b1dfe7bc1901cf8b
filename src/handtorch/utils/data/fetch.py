"""From an index, or a list of them, to a batch: the step that is the same in this process and in a worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handtorch.utils.data.collate import stacks_tensors
from handtorch.utils.data.dataset import Dataset, IterableDataset


@dataclass(frozen=True)
class Recipe:
    """What is needed to make batches of a dataset.

    ``batched`` says whether an index stands for a list of samples to collate, or for one sample to convert.
    """

    dataset: Dataset[Any]
    collate_fn: Callable[[Any], Any]
    batched: bool
    drop_last: bool

    def start(self) -> Callable[[Any], Any]:
        """A function from index to batch. For a stream, it raises StopIteration when the stream has ended."""
        if isinstance(self.dataset, IterableDataset):
            return _StreamFetcher(self)
        return self._fetch

    def _fetch(self, index: Any) -> Any:
        dataset = self.dataset
        if not self.batched:
            return self.collate_fn(dataset[index])
        if hasattr(dataset, "__getbatch__") and stacks_tensors(self.collate_fn):
            batch = dataset.__getbatch__(index)
            if batch is not NotImplemented:
                return batch
        if getattr(dataset, "__getitems__", None):
            return self.collate_fn(dataset.__getitems__(index))  # type: ignore[attr-defined]
        return self.collate_fn([dataset[i] for i in index])


class _StreamFetcher:
    """Takes the next samples of a stream; of the index only the length counts."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.stream = iter(recipe.dataset)  # type: ignore[call-overload]
        self.ended = False

    def __call__(self, index: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.recipe.batched:
            return self.recipe.collate_fn(next(self.stream))
        samples = []
        for _ in index:
            try:
                samples.append(next(self.stream))
            except StopIteration:
                self.ended = True
                break
        if not samples or (self.recipe.drop_last and len(samples) < len(index)):
            raise StopIteration
        return self.recipe.collate_fn(samples)
