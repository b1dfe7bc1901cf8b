"""A part of a dataset for each of several processes that train together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized
from typing import Any

from handtorch.errors import ArgumentError
from handtorch.random import Generator, randperm
from handtorch.utils.data.sampler import Sampler


class DistributedSampler(Sampler[int]):
    """Deals the indices out to R processes in turn: process r gets every R-th, beginning with the r-th.

    So that all get equally many, the order is repeated from its beginning until R divides it, or cut (``drop_last``).
    Call :meth:`set_epoch` before each epoch: the order is drawn from seed + epoch, the same in all processes.

    Args:
        dataset: what the indices point into; only its length is used.
        num_replicas: R, how many processes.
        rank: r, which of them this one is, from 0 to R - 1.
        shuffle: whether the order is random.
        seed: of the random order.
        drop_last: cut, where the default is to repeat.

    Raises:
        ArgumentError: R or r is not given (there is no process group to ask), or r is no process of R.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise ArgumentError("expected num_replicas and rank, got none: there is no process group to ask for them")
        if not 0 <= rank < num_replicas:
            raise ArgumentError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        self.epoch = 0
        share = len(dataset) / num_replicas
        self.num_samples = math.floor(share) if drop_last else math.ceil(share)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        indices: list[Any] = list(range(len(self.dataset)))
        if self.shuffle:
            generator = Generator()
            generator.manual_seed(self.seed + self.epoch)
            indices = randperm(len(indices), generator=generator).tolist()
        if indices and not self.drop_last:
            indices *= math.ceil(self.total_size / len(indices))
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """The number of the epoch, which gives each its own order."""
        self.epoch = epoch
