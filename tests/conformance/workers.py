"""Processes that check entries side by side; one that hangs or dies costs its entry, not the run."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from tests.conformance.results import Failure, Result
from tests.conformance.scope import Entry

LIMIT = 120.0  # seconds for one entry

# Forked, a worker has PyTorch and its database loaded already.
_context: Any = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")


class _Worker:
    """One process, and the entry that it is at."""

    def __init__(self, check: Callable[[Entry], Result]) -> None:
        self.connection, theirs = _context.Pipe()
        self.process = _context.Process(target=_serve, args=(theirs, check), daemon=True)
        self.process.start()
        theirs.close()
        self.entry: Entry | None = None
        self.since = 0.0

    def give(self, entry: Entry) -> None:
        self.entry, self.since = entry, time.monotonic()
        self.connection.send(entry)

    def stop(self) -> None:
        self.process.terminate()
        self.process.join()
        self.connection.close()


def _serve(connection: Connection, check: Callable[[Entry], Result]) -> None:
    """Check what is sent, send what is found, until interrupted."""
    try:
        while True:
            connection.send(check(connection.recv()))
    except (EOFError, KeyboardInterrupt):
        return


def run(
    entries: Iterable[Entry], check: Callable[[Entry], Result], workers: int, limit: float = LIMIT
) -> Iterator[Result]:
    """Check the entries in ``workers`` processes; results come as they are found, in no order."""
    waiting = list(entries)[::-1]
    gc.freeze()  # what is loaded stays shared with the workers: no collector of theirs touches it
    crew = [_Worker(check) for _ in range(min(workers, len(waiting)))]
    try:
        for worker in crew:
            worker.give(waiting.pop())
        while any(worker.entry for worker in crew):
            ready = wait([worker.connection for worker in crew if worker.entry], timeout=1.0)
            for i, worker in enumerate(crew):
                result = _outcome(worker, worker.connection in ready, limit)
                if result is None:
                    continue
                yield result
                worker.entry = None
                if not worker.process.is_alive():
                    worker.stop()
                    worker = crew[i] = _Worker(check)
                if waiting:
                    worker.give(waiting.pop())
    finally:
        for worker in crew:
            worker.stop()


def _outcome(worker: _Worker, ready: bool, limit: float) -> Result | None:
    """What a worker found; a failure if it died or is over time; None if it is still at it."""
    if worker.entry is None:
        return None
    if ready:
        try:
            return worker.connection.recv()
        except EOFError:
            worker.process.join()
            return _lost(worker.entry, f"the process died (exit code {worker.process.exitcode})")
    if time.monotonic() - worker.since > limit:
        worker.process.terminate()
        worker.process.join()
        return _lost(worker.entry, f"still running after {limit:.0f} s")
    return None


def _lost(entry: Entry, reason: str) -> Result:
    kind, name = entry
    return Result(kind, name, samples=1, failures=[Failure("the whole entry", "run", reason)])
