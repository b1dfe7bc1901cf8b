"""A worker process: it takes indices from its parent, makes batches and sends them back until the parent is gone."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from handtorch.kernels.threads import set_num_threads
from handtorch.random import manual_seed
from handtorch.utils.data import transport
from handtorch.utils.data.dataset import IterableDataset
from handtorch.utils.data.fetch import Recipe
from handtorch.utils.data.worker_info import WorkerInfo, set_worker_info

_PARENT_CHECK = 2.0  # seconds between two looks at whether the parent still lives

Task = tuple[int, Any]  # epoch, index


@dataclass(frozen=True)
class Job:
    """What all workers of a loader are told at the start."""

    recipe: Recipe
    num_workers: int
    base_seed: int
    init_fn: Callable[[int], None] | None


@dataclass(frozen=True)
class StreamEnded:
    """The answer of a worker whose part of an iterable dataset has come to its end."""


class Failure:
    """An exception on its way from a worker to its parent."""

    def __init__(self, error: Exception, place: str) -> None:
        self.kind = type(error)
        self.place = place
        self.trace = "".join(traceback.format_exception(error))

    def as_exception(self) -> Exception:
        """An exception of the same type whose message holds the worker's traceback."""
        message = f"Caught {self.kind.__name__} {self.place}.\nOriginal {self.trace}"
        if issubclass(self.kind, StopIteration):  # raised in the parent it would end the loop silently
            return RuntimeError(message)
        try:
            return self.kind(_PlainText(message) if self.kind is KeyError else message)
        except Exception:  # a type whose constructor wants something else
            return RuntimeError(message)


class _PlainText(str):
    """Text that a KeyError shows as it is; of a ``str`` it would show the ``repr``, all in one line."""

    def __repr__(self) -> str:
        return str(self)


def serve(job: Job, worker_id: int, connection: Connection) -> None:
    """Do the work of a worker; the target of its process.

    A task is ``(epoch, index)`` and its answer ``(epoch, batch)``, where instead of the batch there may be a
    :class:`Failure` or :class:`StreamEnded`. Tasks of an epoch that the parent has already left are skipped.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a forked worker has the parent's handlers
    signal.signal(signal.SIGINT, _ignore)  # Ctrl-C reaches the whole group; the parent decides what it means
    seed = _seed_everything(job.base_seed, worker_id)
    set_num_threads(1)
    set_worker_info(WorkerInfo(worker_id, job.num_workers, seed, job.recipe.dataset))
    worker = _Worker(job, worker_id, connection)
    threading.Thread(target=worker.read_tasks, name="tasks", daemon=True).start()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the parent has hung up: it needs nothing more
        worker.run()


def _ignore(signal_number: int, frame: Any) -> None:
    """A handler, because an ignored signal would stay ignored in programs that the dataset starts."""


def _seed_everything(base_seed: int, worker_id: int) -> int:
    """Seed each generator as PyTorch does; NumPy's gets a hash, so that it differs from ``random``'s."""
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    np.random.seed(np.random.SeedSequence([worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32]).generate_state(4))
    return seed


class _Worker:
    def __init__(self, job: Job, worker_id: int, connection: Connection) -> None:
        self.job = job
        self.worker_id = worker_id
        self.connection = connection
        self.place = f"in DataLoader worker process {worker_id}"
        self.tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self.newest_epoch = 0
        self.parent = os.getppid()

    def read_tasks(self) -> None:
        """Move tasks from the pipe to the queue; in a thread of its own, so that the parent never waits to send."""
        try:
            while True:
                task = transport.receive(self.connection)
                self.newest_epoch = task[0]
                self.tasks.put(task)
        except (EOFError, OSError):
            self.tasks.put(None)

    def next_task(self) -> Task | None:
        """The next task, or None when the parent is gone."""
        while True:
            try:
                return self.tasks.get(timeout=_PARENT_CHECK)
            except queue.Empty:
                # A sibling holds a copy of the parent's end, which then stays open after the parent's death.
                if os.getppid() != self.parent:
                    return None

    def run(self) -> None:
        failure = self.call_init_fn()
        epoch, fetch, ended = 0, None, False
        while (task := self.next_task()) is not None:
            if task[0] != epoch:
                epoch, fetch, ended = task[0], None, False
            if ended or epoch != self.newest_epoch:
                continue
            answer, failure = failure, None
            if answer is None:
                try:
                    fetch = fetch or self.job.recipe.start()
                    answer = fetch(task[1])
                except Exception as error:
                    answer = self.explain(error)
                    ended = isinstance(answer, StreamEnded)
            self.send(epoch, answer)
            del task, answer  # the batch shall not stay in memory while waiting

    def call_init_fn(self) -> Any:
        try:
            if self.job.init_fn is not None:
                self.job.init_fn(self.worker_id)
        except Exception as error:
            return Failure(error, self.place)
        return None

    def explain(self, error: Exception) -> Failure | StreamEnded:
        if isinstance(error, StopIteration) and isinstance(self.job.recipe.dataset, IterableDataset):
            return StreamEnded()
        return Failure(error, self.place)

    def send(self, epoch: int, answer: Any) -> None:
        try:
            transport.send(self.connection, (epoch, answer))
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # what cannot be pickled: a batch, or the type of an exception
            if isinstance(answer, Failure):
                answer.kind = RuntimeError
            else:
                answer = Failure(error, self.place)
            transport.send(self.connection, (epoch, answer))
