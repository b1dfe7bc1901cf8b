"""The run log: what happened as JSON lines, and the epochs as a CSV table."""

from __future__ import annotations

import csv
import datetime
import json
import os
from pathlib import Path
from typing import IO, Any

from handtorch.errors import ArgumentError
from handtorch.io.atomic import atomic_write
from handtorch.training.callback import Callback
from handtorch.training.history import History
from handtorch.training.plain import plain
from handtorch.training.run import Run

JSONL, CSV = "log.jsonl", "log.csv"


class RunLog(Callback):
    """Write ``log.jsonl`` and ``log.csv`` into the run's folder.

    A line of ``log.jsonl`` is an object with ``event`` (``start``, ``step``, ``epoch``, ``resume``, ``end`` or
    ``error``), ``time`` (ISO 8601, UTC) and what was measured; NaN and Inf are null. ``log.csv`` has a row an epoch. A
    resumed run cuts off what was written after its checkpoint and writes it again, so nothing is there twice.

    Args:
        every_steps: steps from one ``step`` line to the next; None writes none.
    """

    order = 10
    needs_folder = True

    def __init__(self, every_steps: int | None = 10) -> None:
        if every_steps is not None and every_steps < 1:
            raise ArgumentError(f"expected every_steps of at least 1, got {every_steps}; None writes no steps")
        self.every_steps = every_steps
        self._length = 0  # bytes of log.jsonl that belong to the state of the run
        self._file: IO[bytes] | None = None

    def on_fit_start(self, run: Run) -> None:
        """Open the log, cut back to where a resumed run stands."""
        assert run.folder is not None
        run.folder.mkdir(parents=True, exist_ok=True)
        path = run.folder / JSONL
        _cut(path, self._length)
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed in close()
        self._length = path.stat().st_size
        if run.resumed:
            place = {"epoch": run.epochs_done + 1, "epoch_step": run.epoch_step, "step": run.step}
            self._write("resume", {**place, "epochs": run.epochs, "config": run.config})
        else:
            parameters = sum(parameter.numel() for _, parameter in run.named_parameters())
            self._write("start", {"epochs": run.epochs, "parameters": parameters, "config": run.config})

    def on_step_end(self, run: Run) -> None:
        """A line every so many steps."""
        if self.every_steps is not None and run.step % self.every_steps == 0:
            numbers = {"loss": run.loss_value, "grad_norm": run.grad_norm, "lr": run.lr}
            self._write("step", {"epoch": run.epoch, "step": run.step, **numbers})

    def on_epoch_end(self, run: Run) -> None:
        """A line, and the table."""
        assert run.folder is not None
        self._write("epoch", run.history.rows[-1])
        write_csv(run.history, run.folder / CSV)

    def on_fit_end(self, run: Run) -> None:
        """Why it ended, and its best epoch."""
        self._write("end", {"stopped": run.stop_reason, "best": run.history.best()})

    def on_error(self, run: Run, error: BaseException) -> None:
        """What ended it."""
        what = {"epoch": run.epoch, "step": run.step, "error": type(error).__name__, "message": str(error)}
        self._write("error", what)

    def close(self, run: Run) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def state_dict(self) -> dict[str, Any]:
        """How long the log is."""
        return {"length": self._length}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """How long the log was."""
        self._length = state["length"]

    def _write(self, event: str, content: dict[str, Any]) -> None:
        if self._file is None:
            return
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line = json.dumps(plain({"event": event, "time": now, **content}), allow_nan=False, ensure_ascii=False)
        self._length += self._file.write(line.encode() + b"\n")


def write_csv(history: History, path: str | os.PathLike[str]) -> None:
    """Write the rows of a history as CSV, numbers in full."""
    columns = history.columns
    with atomic_write(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([row.get(name, "") for name in columns] for row in history)


def _cut(path: Path, length: int) -> None:
    """Drop what is after ``length`` bytes; in a file that lost its end to a power cut, what is after its last line."""
    if not path.exists():
        return
    if path.stat().st_size < length:
        length = path.read_bytes().rfind(b"\n") + 1
    os.truncate(path, length)
