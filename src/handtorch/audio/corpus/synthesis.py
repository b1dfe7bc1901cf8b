"""Building the synthesised corpus: processes speak chunks, which are then put together in the order of the plan."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from handtorch.audio.corpus.errors import SynthesisError
from handtorch.audio.corpus.recipe import SPLITS, Recipe, chunks
from handtorch.audio.corpus.store import utterances_of, write_split

_Chunk = tuple[str, int]


def synthesise(recipe: Recipe, folder: Path, processes: int, done: Callable[[], None]) -> None:
    """Write the splits of a corpus; the number of processes changes nothing but the time that takes.

    Args:
        recipe: what to make.
        folder: an empty folder, to hold one folder for each split.
        processes: how many may work at once.
        done: called after each of ``len(chunks(recipe))`` chunks.

    Raises:
        SynthesisError: the engine refused an utterance, or a process died.
    """
    wanted = chunks(recipe)
    scratch = folder / "chunks"
    scratch.mkdir()
    _speak_all(recipe, scratch, wanted, processes, done)
    for split in SPLITS:
        parts = [scratch / f"{name}-{chunk}" for name, chunk in wanted if name == split]
        write_split(folder / split, utterances_of(parts))
    shutil.rmtree(scratch)


def _speak_all(recipe: Recipe, scratch: Path, wanted: list[_Chunk], processes: int, done: Callable[[], None]) -> None:
    waiting: queue.SimpleQueue[_Chunk] = queue.SimpleQueue()
    for chunk in wanted:
        waiting.put(chunk)
    answers: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    with contextlib.ExitStack() as stack:
        for number in range(min(processes, len(wanted))):
            worker = stack.enter_context(_worker(recipe, scratch, number))
            threading.Thread(target=_drive, args=(worker, waiting, answers), daemon=True).start()
        for _ in wanted:
            error = answers.get()
            if error is not None:
                raise error
            done()


def _drive(
    worker: subprocess.Popen[str], waiting: queue.SimpleQueue[_Chunk], answers: queue.SimpleQueue[Exception | None]
) -> None:
    """Hand chunks to one process until none is left or something went wrong."""
    while True:
        try:
            split, chunk = waiting.get_nowait()
        except queue.Empty:
            return
        error = _ask(worker, split, chunk)
        answers.put(error)
        if error is not None:
            return


def _ask(worker: subprocess.Popen[str], split: str, chunk: int) -> Exception | None:
    answer = ""
    with contextlib.suppress(OSError, ValueError):  # a pipe to a process that is gone
        assert worker.stdin is not None and worker.stdout is not None
        worker.stdin.write(f"{split} {chunk}\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
    try:
        problem: dict[str, str] = json.loads(answer)
    except ValueError:
        worker.kill()  # in case it lives and talks nonsense; a dead one keeps its status
        return SynthesisError(
            f"the process that speaks ended (status {worker.wait()}) in chunk {chunk} of {split}; "
            "what it had to say stands above on standard error"
        )
    return SynthesisError(problem["error"]) if problem else None


@contextlib.contextmanager
def _worker(recipe: Recipe, scratch: Path, number: int) -> Iterator[subprocess.Popen[str]]:
    """A process of its own for the engine, so that a fault in its C code ends in an error and not in a crash.

    It is started as a program and not through multiprocessing, which would run the caller's script a second time.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        # One thread each: the processes share the cores among themselves.
        **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")},
    }
    command = [sys.executable, "-m", "handtorch.audio.corpus.worker", json.dumps(asdict(recipe)), str(scratch)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in filter(None, (process.stdin, process.stdout)):
            with contextlib.suppress(OSError):  # a request that nobody will read
                pipe.close()
