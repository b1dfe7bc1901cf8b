"""Batches of sequences that are about equally long, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError
from handtorch.utils.data.sampler import Sampler


class BucketBatchSampler(Sampler[list[int]]):
    """Each index once an epoch, in lists of like length; the lists in random order.

    The sequences are put in order of length (more exactly, of length times a random number near 1, so that a sequence
    meets others in each epoch) and cut into batches, each as long as its padded size allows::

        longest of the batch * number of sequences <= max_frames    and    number of sequences <= batch_size

    ::

        sampler = BucketBatchSampler(lengths, max_frames=8000)
        loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=..., num_workers=2)
        for epoch in range(epochs):
            sampler.set_epoch(epoch)
            for batch in loader:
                ...

    An epoch depends on nothing but ``seed`` and its number: to go on where a training was stopped, after k batches of
    an epoch, call ``set_epoch(epoch, done=k)``.

    Args:
        lengths: (N) frames of each sequence, or any other count that stands for its size.
        max_frames: most frames of a batch, padding counted; None for no bound.
        batch_size: most sequences in a batch; None for no bound.
        shuffle: ``False`` for evaluation: batches from the shortest to the longest, the same in every epoch.
        seed: of the random orders.
        jitter: in [0, 1), how far the random number may be from 1; more means more padding. With 0 sequences of
            different length keep their order: nearly the same ones meet in every epoch, and all epochs have equally
            many batches.

    Raises:
        ArgumentError: neither bound is given, a number makes no sense, or one sequence has more than ``max_frames``.
    """

    def __init__(
        self,
        lengths: npt.ArrayLike,
        max_frames: int | None = None,
        batch_size: int | None = None,
        *,
        shuffle: bool = True,
        seed: int = 0,
        jitter: float = 0.1,
    ) -> None:
        self.lengths = np.asarray(lengths, dtype=np.int64)
        """(N)"""
        if max_frames is None and batch_size is None:
            raise ArgumentError("expected max_frames, batch_size or both, got neither: nothing would end a batch")
        if batch_size is not None and batch_size < 1:
            raise ArgumentError(f"expected batch_size of at least 1, got {batch_size}")
        if not 0 <= jitter < 1:
            raise ArgumentError(f"expected jitter in [0, 1), got {jitter}")
        _check_lengths(self.lengths, max_frames)
        self.max_frames, self.batch_size = max_frames, batch_size
        self.shuffle, self.seed, self.jitter = shuffle, seed, jitter
        self.epoch = 0
        """The number of the epoch that an iteration gives."""
        self.done = 0
        """How many batches of this epoch are left out at its beginning."""
        self._planned: tuple[int, list[list[int]]] | None = None

    def set_epoch(self, epoch: int, done: int = 0) -> None:
        """Choose the epoch that the next iterations give.

        Args:
            epoch: its number, which gives each its own batches.
            done: leave out so many batches at its beginning.
        """
        self.epoch, self.done = epoch, done

    def __iter__(self) -> Iterator[list[int]]:
        return iter([list(batch) for batch in self._plan()[self.done :]])

    def __len__(self) -> int:
        """How many batches the next iteration gives; from epoch to epoch that varies a little."""
        return max(len(self._plan()) - self.done, 0)

    def total(self, epochs: int) -> int:
        """How many batches there are in the first so many epochs: the steps of a training, for its schedule."""
        if not self.shuffle:
            return epochs * len(self._plan())
        return sum(len(self._draw(np.random.default_rng([self.seed, epoch]))) for epoch in range(epochs))

    def _plan(self) -> list[list[int]]:
        """All batches of the epoch."""
        epoch = self.epoch if self.shuffle else 0
        if self._planned is None or self._planned[0] != epoch:
            self._planned = epoch, self._draw(np.random.default_rng([self.seed, epoch]))
        return self._planned[1]

    def _draw(self, rng: np.random.Generator) -> list[list[int]]:
        if not self.shuffle:
            return self._cut(np.argsort(self.lengths, kind="stable"))
        sizes = self.lengths * rng.uniform(1 - self.jitter, 1 + self.jitter, len(self.lengths))
        # Sequences alike are tried in a random order, which lexsort takes from its first key.
        batches = self._cut(np.lexsort((rng.random(len(sizes)), sizes)))
        return [batches[i] for i in rng.permutation(len(batches))]

    def _cut(self, order: npt.NDArray[np.intp]) -> list[list[int]]:
        """Batches of neighbours in ``order``, each as many as fit."""
        batches: list[list[int]] = []
        longest = 0
        for index, length in zip(order.tolist(), self.lengths[order].tolist(), strict=True):
            longest = max(longest, length)
            if not batches or not self._fits(longest, len(batches[-1]) + 1):
                batches.append([])
                longest = length
            batches[-1].append(index)
        return batches

    def _fits(self, longest: int, count: int) -> bool:
        within_frames = self.max_frames is None or longest * count <= self.max_frames
        return within_frames and (self.batch_size is None or count <= self.batch_size)


def _check_lengths(lengths: npt.NDArray[Any], max_frames: int | None) -> None:
    if lengths.ndim != 1 or lengths.size == 0 or lengths.min() < 0:
        raise ArgumentError(f"expected the lengths (N) of at least one sequence, none below 0, got {lengths!r}")
    if max_frames is not None and lengths.max() > max_frames:
        raise ArgumentError(
            f"expected sequences of at most max_frames = {max_frames} frames, sequence {int(lengths.argmax())} has "
            f"{int(lengths.max())}; allow more, or cut or leave out the longest"
        )
