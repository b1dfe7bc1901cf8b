"""The one owner of threads: a small pool that runs NumPy, BLAS and Numba pieces alike.

Two pools that do not know each other ruin each other: BLAS workers spin for a while after a product and take the core
from whatever comes next (measured here: loops ten times slower). So BLAS is held to one thread, and whoever has a
large piece of work cuts it into ranges and gives them to :func:`parallel_for`; the pieces release the GIL inside
NumPy, BLAS or a ``nogil`` kernel, so they truly run at once.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from handtorch.errors import ArgumentError

Work = Callable[[int, int], object]


_inside = threading.local()  # .piece: whether this thread is at work on a piece


class _Run:
    """The pieces of one range: every thread takes the next one as soon as it is free, so that a slow one delays none.

    Args:
        work: what is called for each piece.
        bounds: where the pieces begin, and where the last one ends.
    """

    __slots__ = ("work", "pieces", "left", "error", "lock", "ended")

    def __init__(self, work: Work, bounds: list[int]) -> None:
        self.work, self.pieces = work, deque(itertools.pairwise(bounds))
        self.left = len(self.pieces)
        self.error: BaseException | None = None
        self.lock = threading.Lock()
        self.ended = threading.Event()

    def join_in(self) -> None:
        """Do pieces until none is left to take."""
        _inside.piece = True
        while (piece := self._next()) is not None:
            self._do(*piece)
        _inside.piece = False

    def _next(self) -> tuple[int, int] | None:
        try:
            return self.pieces.popleft()
        except IndexError:
            return None

    def _do(self, low: int, high: int) -> None:
        error = None
        try:
            self.work(low, high)
        except BaseException as problem:  # it is raised again in the thread that asked
            error = problem
        with self.lock:
            self.left -= 1
            self.error = self.error or error
            if self.left == 0:
                self.ended.set()


class _Pool:
    """Daemon threads that join in runs."""

    def __init__(self, workers: int) -> None:
        self.pid = os.getpid()
        self.workers = workers
        self._queue: queue.SimpleQueue[_Run | None] = queue.SimpleQueue()
        for number in range(workers):
            threading.Thread(target=self._serve, name=f"handtorch-{number + 1}", daemon=True).start()

    def _serve(self) -> None:
        while (run := self._queue.get()) is not None:
            run.join_in()
            del run

    def run(self, work: Work, bounds: list[int]) -> None:
        """Run ``work`` over neighbouring bounds, in this thread and in as many others as there are pieces for."""
        run = _Run(work, bounds)
        for _ in range(min(self.workers, run.left - 1)):
            self._queue.put(run)
        run.join_in()
        run.ended.wait()
        if run.error is not None:
            raise run.error

    def close(self) -> None:
        for _ in range(self.workers):
            self._queue.put(None)


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_threads = int(os.environ.get("OMP_NUM_THREADS") or 0) or usable_cores()
_pool: _Pool | None = None
_lock = threading.Lock()


def get_num_threads() -> int:
    """How many threads share a large operation (default: ``OMP_NUM_THREADS``, else the cores of this process)."""
    return _threads


def set_num_threads(number: int) -> None:
    """Choose how many threads share a large operation.

    Raises:
        ArgumentError: fewer than one.
    """
    global _threads, _pool
    if number < 1:
        raise ArgumentError(f"expected at least 1 thread, got {number}")
    _limit_blas()
    with _lock:
        _threads = int(number)
        if _pool is not None:
            _pool.close()
            _pool = None


def parallel_for(work: Work, n: int, grain: int = 1, finer: int = 1) -> None:
    """Call ``work(low, high)`` over pieces of ``range(n)``, on all threads, and return when all are done.

    Args:
        work: a function that releases the GIL for most of its time and writes to its own range only.
        n: the length of the range.
        grain: the smallest piece worth a thread; a range below twice that runs in the calling thread.
        finer: pieces for each thread. With several, a core that is slow or busy with something else delays the others
            by a small piece only; with one, ``work`` is called no oftener than there are threads.

    A call from inside a piece runs in that piece's own thread. The first error of a piece is raised here, after all
    pieces have ended.
    """
    pieces = min(_threads * finer, n // max(grain, 1))
    if _threads == 1 or pieces <= 1 or getattr(_inside, "piece", False):
        if n > 0:
            work(0, n)
        return
    _limit_blas()
    _pool_of_process().run(work, [n * i // pieces for i in range(pieces + 1)])


def _pool_of_process() -> _Pool:
    global _pool
    if _pool is None or _pool.pid != os.getpid():  # threads do not survive a fork
        with _lock:
            if _pool is None or _pool.pid != os.getpid():
                _pool = _Pool(_threads - 1)
    return _pool


@functools.cache
def _limit_blas() -> bool:
    """Hold NumPy's BLAS to one thread; says whether its library was found."""
    _keep_freed_memory()
    for setter in _blas_setters():
        setter(1)
        return True
    return False


def _keep_freed_memory() -> None:
    """Let glibc keep the memory of freed arrays for the next ones.

    It would hand large pieces back to the system and fetch them again in every training step, and a page that is
    fetched costs more than the arithmetic on it (measured: an eighth of a step of a wide network).
    """
    library = ctypes.CDLL(None) if os.name == "posix" else None
    if hasattr(library, "gnu_get_libc_version"):
        trim_threshold, mmap_threshold = -1, -3  # from malloc.h
        library.mallopt(trim_threshold, 1 << 30)  # type: ignore[union-attr]
        library.mallopt(mmap_threshold, 1 << 25)  # type: ignore[union-attr] # the most that glibc takes


def _blas_setters() -> list[Callable[[int], None]]:
    """The function of the loaded OpenBLAS that sets its thread count, under any of the names builds give it."""
    folders = [Path(np.__file__).parent.parent / "numpy.libs", Path(np.__file__).parent / ".dylibs"]
    found = []
    for library in sorted(p for folder in folders if folder.is_dir() for p in folder.glob("*openblas*")):
        handle = ctypes.CDLL(str(library))
        for name in (
            "scipy_openblas_set_num_threads64_",
            "scipy_openblas_set_num_threads",
            "openblas_set_num_threads64_",
            "openblas_set_num_threads",
        ):
            if hasattr(handle, name):
                found.append(getattr(handle, name))
                break
    return found
