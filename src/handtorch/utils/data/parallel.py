"""A pass over the batches of a loader that worker processes make ahead of time.

Each worker has one two-way pipe and answers its tasks in the order in which it got them; tasks are dealt to the workers
in turn. So the batch that comes next is always the next message of a known worker, and the order of batches does not
depend on which worker is fast.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import multiprocessing
import os
import pickle
import signal
import socket
import sys
import time
import warnings
import weakref
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, NoReturn

from handtorch.errors import HandtorchError
from handtorch.utils.data import transport
from handtorch.utils.data.iterator import BatchIterator
from handtorch.utils.data.worker import Failure, Job, StreamEnded, serve

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

    from handtorch.utils.data.dataloader import DataLoader

_DEATH_CHECK = 2.0  # seconds between two looks at whether a silent worker still lives
_PATIENCE = 5.0  # seconds that workers get to end by themselves before they are terminated


class WorkerError(HandtorchError, RuntimeError):
    """A worker that died, or that took longer than the ``timeout`` of its ``DataLoader``."""


class _WorkerProcess:
    """A worker as its parent sees it."""

    def __init__(self, context: BaseContext, job: Job, worker_id: int) -> None:
        self.connection, other_end = context.Pipe(duplex=True)
        self.process: BaseProcess = context.Process(  # type: ignore[attr-defined]
            target=serve, args=(job, worker_id, other_end), daemon=True, name=f"DataLoader worker {worker_id}"
        )
        self.stream_ended = False
        self.tasks = 0  # sent and not yet answered
        try:
            with warnings.catch_warnings():
                # Handtorch's own threads, of which Python 3.12 warns, hold no lock that a worker takes.
                warnings.filterwarnings("ignore", ".*use of fork", DeprecationWarning)
                self.process.start()
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            error.add_note(
                "A worker that is not forked gets the dataset, collate_fn and worker_init_fn pickled: define them at "
                "the top of a module, or use multiprocessing_context='fork'."
            )
            self.connection.close()
            raise
        finally:
            other_end.close()  # before the next worker is forked, or it would hold this one's pipe open

    def hang_up(self) -> None:
        """End the conversation, for all copies of the pipe that forked siblings hold."""
        if os.name == "posix":
            with socket.socket(fileno=os.dup(self.connection.fileno())) as end:
                end.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def end(self, patience: float) -> None:
        """Wait for the process, and after that many seconds do not ask any more."""
        self.process.join(patience)
        for insist in (self.process.terminate, self.process.kill):
            if self.process.is_alive():
                insist()
                self.process.join(_PATIENCE)

    def obituary(self) -> str:
        """What is known about the death."""
        self.process.join(_PATIENCE)
        code, who = self.process.exitcode, f"DataLoader worker (pid {self.process.pid})"
        if code is not None and code < 0:
            name = signal.strsignal(-code) or "unknown"
            hint = "; the system may have run out of memory" if -code == getattr(signal, "SIGKILL", 9) else ""
            return f"{who} is killed by signal: {name} ({-code}){hint}"
        return f"{who} exited unexpectedly with exit code {code}"


class ParallelIterator(BatchIterator):
    """A pass, or with ``persistent_workers`` a series of passes, of a loader with workers."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        assert loader.prefetch_factor is not None
        self._prefetch = loader.prefetch_factor
        self._in_order = loader.in_order
        self._timeout = loader.timeout
        self._persistent = loader.persistent_workers
        self._owner = os.getpid()
        self._epoch = 0
        self._death: str | None = None
        self._workers: list[_WorkerProcess] = []
        self._end = weakref.finalize(self, _end_workers, self._workers, self._owner)
        job = Job(loader.recipe, loader.num_workers, self._base_seed, loader.worker_init_fn)
        context = loader.multiprocessing_context or _default_context()
        try:
            for worker_id in range(loader.num_workers):
                self._workers.append(_WorkerProcess(context, job, worker_id))
        except BaseException:
            self._end()
            raise
        self.restart(loader)

    @property
    def usable(self) -> bool:
        """Whether the workers are there, in this process, for another pass."""
        return self._end.alive and self._owner == os.getpid()

    def restart(self, loader: DataLoader[Any]) -> None:
        """Begin a pass; what the workers still make for the last one is dropped."""
        self._begin(loader)
        self._epoch += 1
        self._due: deque[_WorkerProcess] = deque()  # who makes the next batches
        self._turns = itertools.cycle(self._workers)
        for worker in self._workers:
            worker.stream_ended = False
            worker.tasks = 0
        for _ in range(self._prefetch * len(self._workers)):
            self._deal()

    def _deal(self) -> None:
        """Give the next index to the worker whose turn it is."""
        index = next(self._indices, _NOTHING)
        if index is _NOTHING:
            return
        for worker in itertools.islice(self._turns, len(self._workers)):
            if not worker.stream_ended and (self._in_order or worker.tasks < self._prefetch):
                # A broken pipe means that it is dead, which is said when its turn comes.
                with self._whole_message(), contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    transport.send(worker.connection, (self._epoch, index))
                worker.tasks += 1
                self._due.append(worker)
                return

    def _next_batch(self) -> Any:
        if self._death is not None:
            raise WorkerError(self._death)
        while self._due:
            worker, answer = self._receive([self._due[0]] if self._in_order else list(set(self._due)))
            if isinstance(answer, StreamEnded):
                worker.stream_ended = True
                self._due = deque(other for other in self._due if other is not worker)
                self._deal()
                continue
            self._due.remove(worker)
            worker.tasks -= 1
            self._deal()
            if isinstance(answer, Failure):
                raise answer.as_exception()
            return answer
        if not self._persistent:
            self._end()
        raise StopIteration

    def _receive(self, candidates: list[_WorkerProcess]) -> tuple[_WorkerProcess, Any]:
        """The next answer of this epoch from any of the candidates."""
        while True:
            worker = self._wait_for(candidates)
            try:
                with self._whole_message():
                    epoch, answer = transport.receive(worker.connection)
            except (EOFError, ConnectionResetError):
                self._give_up(worker)
            if epoch == self._epoch:
                return worker, answer

    def _wait_for(self, candidates: list[_WorkerProcess]) -> _WorkerProcess:
        """A candidate that has sent something, or has closed its pipe by dying."""
        by_connection = {worker.connection: worker for worker in candidates}
        end = time.monotonic() + self._timeout if self._timeout else math.inf
        while True:
            ready = wait(list(by_connection), min(_DEATH_CHECK, max(end - time.monotonic(), 0)))
            if ready:
                return by_connection[ready[0]]  # type: ignore[index]
            for worker in candidates:
                # A process that the dataset has started may hold a copy of the pipe, which then stays open.
                if not worker.process.is_alive() and not worker.connection.poll():
                    self._give_up(worker)
            if time.monotonic() >= end:
                pids = ", ".join(str(worker.process.pid) for worker in candidates)
                self._fail(f"DataLoader timed out after {self._timeout} seconds: worker (pid {pids}) sent no batch")

    @contextlib.contextmanager
    def _whole_message(self) -> Iterator[None]:
        """After half a message, as Ctrl-C may leave it, there is nothing more to say to each other."""
        try:
            yield
        except (EOFError, ConnectionResetError):
            raise
        except BaseException:
            self._death = "the pass was broken off in the middle of a batch; begin a new one"
            self._end()
            raise

    def _give_up(self, worker: _WorkerProcess) -> NoReturn:
        self._fail(f"{worker.obituary()}. With num_workers=0 an error in the dataset shows its own traceback.")

    def _fail(self, reason: str) -> NoReturn:
        self._death = reason
        for worker in self._workers:
            worker.process.terminate()
        self._end()
        raise WorkerError(reason) from None


_NOTHING = object()


def _default_context() -> BaseContext:
    """What the program chose; else ``fork`` on Linux, where a dataset then need not be pickled."""
    chosen = multiprocessing.get_start_method(allow_none=True)
    if chosen is None and sys.platform == "linux":
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context()


def _end_workers(workers: list[_WorkerProcess], owner: int) -> None:
    if os.getpid() != owner:  # a forked child has inherited the iterator, not the workers
        return
    for worker in workers:
        worker.hang_up()
    end = time.monotonic() + _PATIENCE
    for worker in workers:
        worker.end(max(end - time.monotonic(), 0))
