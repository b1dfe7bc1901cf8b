"""A training as a program: what every one does around its data, its model and its report.

A program says what is its own; the rest is here: options made of the settings, a folder that is never overwritten
by mistake, ``--resume`` with the settings that the run began with, times, ``metrics.json``, and a word on how to go on
after Ctrl-C. The labs in ``course/labs`` are such programs.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from handtorch.errors import ArgumentError, require
from handtorch.io.atomic import write_json
from handtorch.training.checkpoint import BEST, LAST, read_checkpoint
from handtorch.training.run_log import CSV, JSONL
from handtorch.training.settings import FILE, as_plain, read_settings, told, write_settings

METRICS = "metrics.json"


class Described(Protocol):
    """Data that say in a line how much there is."""

    def describe(self) -> str:
        """The line."""


S = TypeVar("S")
D = TypeVar("D", bound=Described)


@dataclass
class Job:
    """One run of a program, for the function that trains."""

    folder: Path
    """Where it writes."""
    resume: bool
    """Whether it goes on with what is there, for ``fit(..., resume=job.resume)``."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each part took."""

    @contextlib.contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the time that the block takes to ``seconds[part]``."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[part] = round(self.seconds.get(part, 0.0) + time.monotonic() - began, 1)


@dataclass(frozen=True)
class Program(Generic[S, D]):
    """A training as a program.

    Args:
        name: of the program, and of a run when nobody names it.
        settings: a frozen dataclass; see :mod:`handtorch.training.settings`.
        load: settings -> data, which ``describe()`` themselves in a line.
        train: (settings, data, job) -> metrics that JSON can say; it writes into ``job.folder``.
        show: prints metrics for people; gets them and the folder.
        phases: the folders, relative to the run's, into which ``train`` lets :func:`handtorch.training.fit` write.
        about: a sentence for ``--help``.
        examples: command lines for ``--help``.
        call: how a user starts it; ``{}`` stands for the options.

    ::

        program = Program("digits", Settings, load=load, train=train, show=print)
        program.run(Settings(epochs=3), "runs/short")  # from Python
        app = program.command_line()  # for a terminal: if __name__ == "__main__": app()
    """

    name: str
    settings: type[S]
    load: Callable[[S], D]
    train: Callable[[S, D, Job], dict[str, Any]]
    show: Callable[[dict[str, Any], Path], None]
    phases: tuple[str, ...] = (".",)
    about: str = ""
    examples: str = ""
    call: str = "python train.py {}"

    def run(
        self, settings: S, folder: str | os.PathLike[str], *, resume: bool = False, overwrite: bool = False
    ) -> dict[str, Any]:
        """Load the data, train, and write ``settings.json`` and ``metrics.json`` beside what the training writes.

        Args:
            settings: of a new run.
            folder: where it is written.
            resume: go on with the run that is there, with *its* settings; begin where there is none.
            overwrite: begin anew where a run is. It is lost only once the new one has its data.

        Returns:
            what ``train`` returned, and ``seconds``, ``cpu_seconds`` and ``settings``.

        Raises:
            ArgumentError: there is a run, and neither ``resume`` nor ``overwrite``; or both.
        """
        place = Path(folder)
        if resume and overwrite:
            raise ArgumentError("expected resume, to go on with a run, or overwrite, to begin it anew; got both")
        before = self.begun(place) if resume else None
        if not resume and not overwrite:
            self._require_free(place)
        settings, job = before or settings, Job(place, resume=before is not None)
        state = "begins" if before is None else f"goes on after {self.epochs_done(place) or 0} epochs"
        print(f"{place}: {state}; {told(settings)}", file=sys.stderr, flush=True)
        with job.timed("data"):
            data = self.load(settings)
        print(data.describe(), file=sys.stderr, flush=True)
        if before is None:
            self._clear(place)
        place.mkdir(parents=True, exist_ok=True)
        write_settings(settings, place / FILE)
        found = self.train(settings, data, job)
        times = {"seconds": job.seconds, "cpu_seconds": round(time.process_time(), 1)}
        metrics = found | times | {"settings": as_plain(settings)}
        write_json(metrics, place / METRICS)
        return metrics

    def begun(self, folder: Path) -> S | None:
        """The settings of the run in a folder, or None where none has begun.

        Raises:
            MissingFileError: there are checkpoints, and nobody knows of what.
            FormatError: the settings are damaged, or another version of the program wrote them.
        """
        if not (folder / FILE).exists() and self.epochs_done(folder) is None:
            return None
        return read_settings(self.settings, folder / FILE)

    def epochs_done(self, folder: Path) -> int | None:
        """How many epochs the run in a folder has done, in all its phases, or None where there is no checkpoint."""
        states = [state for phase in self.phases if (state := read_checkpoint(folder / phase)) is not None]
        return sum(state["epochs_done"] for state in states) if states else None

    def command_line(self) -> Any:
        """The program as a Typer application.

        Raises:
            MissingExtraError: typer is not installed.
            ArgumentError: a field of the settings has the name of an option that every program has.
        """
        require("typer", extra="viz")
        from handtorch.training.command import command_line

        return command_line(self)

    def _require_free(self, folder: Path) -> None:
        done = self.epochs_done(folder)
        if done is not None:
            raise ArgumentError(
                f"{folder} already holds a run with {done} epochs done; "
                "try: --resume to continue it, --name for another place, or --overwrite to begin anew"
            )

    def _clear(self, folder: Path) -> None:
        """Take away what would pass for a part of the new run; without settings, what is left is no run."""
        (folder / FILE).unlink(missing_ok=True)
        (folder / METRICS).unlink(missing_ok=True)
        for phase in self.phases:
            for old in (LAST, BEST, JSONL, CSV):
                (folder / phase / old).unlink(missing_ok=True)
