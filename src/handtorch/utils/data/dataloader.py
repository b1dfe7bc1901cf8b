"""DataLoader: a dataset, an order and a way to collate, as a loop over batches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from handtorch.errors import ArgumentError
from handtorch.kernels.threads import usable_cores
from handtorch.utils.data.collate import default_collate, default_convert
from handtorch.utils.data.dataset import Dataset, IterableDataset
from handtorch.utils.data.fetch import Recipe
from handtorch.utils.data.iterator import BatchIterator, SerialIterator
from handtorch.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from handtorch.random import Generator
    from handtorch.utils.data.parallel import ParallelIterator

T_co = TypeVar("T_co", covariant=True)

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _EndlessSampler(Sampler[None]):
    """The order of a stream: it ends when the stream ends."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader(Generic[T_co]):
    """A loop over batches of a dataset; each ``for`` over it is one pass.

    Args:
        dataset: samples with an index, or a stream.
        batch_size: samples in a batch; None makes no batches and gives single samples.
        shuffle: draw a new random order for every pass.
        sampler: the order, as an iterable of indices; instead of ``shuffle``.
        batch_sampler: the order, as an iterable of lists of indices; instead of ``batch_size``, ``shuffle``,
            ``sampler`` and ``drop_last``.
        num_workers: processes that make batches ahead of time; with 0 they are made in this process, when asked for.
        collate_fn: makes a batch of a list of samples (default: :func:`default_collate`; without batches
            :func:`default_convert`).
        pin_memory: accepted; there is no other memory to copy batches to.
        drop_last: leave out the last batch when it is smaller.
        timeout: seconds to wait for a batch of a worker; 0 waits for ever.
        worker_init_fn: called in each worker with its number, after seeding.
        multiprocessing_context: how workers start: ``"fork"``, ``"spawn"``, ``"forkserver"`` or a context (default:
            what ``multiprocessing.set_start_method`` chose, else ``"fork"`` on Linux).
        generator: where the random order and the seed of the workers come from (default: the default generator).
        prefetch_factor: batches that each worker makes ahead (default 2).
        persistent_workers: keep the workers, and their copies of the dataset, from one pass to the next.
        pin_memory_device: accepted, see ``pin_memory``.
        in_order: give batches in the order of the sampler; otherwise whichever is there first.

    Worker ``i`` is seeded with ``base_seed + i``, where ``base_seed`` is drawn once for a set of workers. Batches do
    not depend on the number of workers, unless the dataset itself draws random numbers or is a stream.

    Raises:
        ArgumentError: arguments that contradict each other.
    """

    _initialized = False

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        _check_order(dataset, batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context  # type: ignore[assignment]
        self.in_order = in_order
        self.sampler = _default_sampler(dataset, shuffle, generator) if sampler is None else sampler
        self.batch_size = None if batch_sampler is not None else batch_size
        if batch_sampler is None and batch_size is not None:
            batch_sampler = BatchSampler(self.sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler
        self.drop_last = drop_last
        self.generator = generator
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.persistent_workers = persistent_workers
        self.announced_length: int | None = None  # what len() said about a stream
        self._iterator: ParallelIterator | None = None
        self._initialized = True
        _warn_of_too_many(num_workers)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ArgumentError(f"{name} attribute should not be set after DataLoader is initialized; make a new one")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> BaseContext | None:
        """How workers start, or None for the default."""
        return self._multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: str | BaseContext | None) -> None:
        self._multiprocessing_context = None if context is None else _checked_context(context, self.num_workers)

    @property
    def index_sampler(self) -> Iterable[Any]:
        """What is asked for the next index: of a batch, or without batches of a sample."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    @property
    def recipe(self) -> Recipe:
        """How a batch is made from an index."""
        return Recipe(self.dataset, self.collate_fn, self.batch_sampler is not None, self.drop_last)

    def __iter__(self) -> BatchIterator:
        if self.num_workers == 0:
            return SerialIterator(self)
        from handtorch.utils.data.parallel import ParallelIterator

        if not self.persistent_workers:
            return ParallelIterator(self)
        if self._iterator is not None and self._iterator.usable:
            self._iterator.restart(self)
        else:
            self._iterator = ParallelIterator(self)
        return self._iterator

    def __len__(self) -> int:
        """The number of batches; for a stream, an estimate from the length of the dataset.

        Raises:
            TypeError: the sampler, or the stream, has no length.
        """
        if not isinstance(self.dataset, IterableDataset):
            return len(self.index_sampler)  # type: ignore[arg-type]
        length = self.announced_length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool) -> None:
    if num_workers < 0:
        raise ArgumentError(f"num_workers option should be non-negative, got {num_workers}; 0 loads in this process")
    if timeout < 0:
        raise ArgumentError(f"timeout option should be non-negative, got {timeout}; 0 waits for ever")
    if num_workers == 0 and prefetch_factor is not None:
        raise ArgumentError(
            "prefetch_factor option could only be specified in multiprocessing; set num_workers > 0 or leave it out"
        )
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ArgumentError(f"prefetch_factor option should be positive, got {prefetch_factor}")
    if persistent_workers and num_workers == 0:
        raise ArgumentError("persistent_workers option needs num_workers > 0, got 0")


def _check_order(
    dataset: Any, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    if isinstance(dataset, IterableDataset):
        for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
            if value is not None:
                raise ArgumentError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}; "
                    "a stream has its own order"
                )
    if sampler is not None and shuffle:
        raise ArgumentError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ArgumentError(
            "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
        )
    if batch_sampler is None and batch_size is None and drop_last:
        raise ArgumentError("batch_size=None makes no batches and is mutually exclusive with drop_last")


def _default_sampler(dataset: Any, shuffle: bool | None, generator: Generator | None) -> Sampler[Any]:
    if isinstance(dataset, IterableDataset):
        return _EndlessSampler()
    return RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)


def _checked_context(context: str | BaseContext, num_workers: int) -> BaseContext:
    import multiprocessing
    from multiprocessing.context import BaseContext

    if num_workers == 0:
        raise ArgumentError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), "
            "but got num_workers=0"
        )
    if isinstance(context, str):
        known = multiprocessing.get_all_start_methods()
        if context not in known:
            raise ArgumentError(
                f"multiprocessing_context option should specify a valid start method in {known}, but got {context!r}"
            )
        return multiprocessing.get_context(context)
    if not isinstance(context, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start method, "
            f"but got {context!r}"
        )
    return context


def _warn_of_too_many(num_workers: int) -> None:
    cores = usable_cores()
    if num_workers > cores:
        warnings.warn(
            f"This DataLoader will create {num_workers} worker processes, and this process may use {cores} cores: "
            f"more workers than that compete with each other and can be slower. Try num_workers={cores} or less.",
            stacklevel=3,
        )
