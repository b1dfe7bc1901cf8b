"""TensorBoard: the run's numbers as event files, written by TensorBoard's own classes."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

from handtorch.errors import ArgumentError, require
from handtorch.training.callback import Callback
from handtorch.training.run import Run


class TensorBoard(Callback):
    """Write scalars for ``tensorboard --logdir runs``; the horizontal axis is the optimizer step.

    After an epoch ``loss/train``, ``loss/valid`` and so on for every metric, ``lr``, ``grad_norm``, ``epoch``; between
    them ``step/loss``, ``step/grad_norm`` and ``step/lr``. Where a resumed run repeats steps, TensorBoard is told to
    forget the old ones.

    Args:
        folder: where to write; default ``tensorboard`` in the run's folder.
        every_steps: steps from one point of the ``step/`` curves to the next; None draws none.

    Raises:
        MissingExtraError: ``tensorboard`` is not installed (extra ``log``).
    """

    order = 12

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, every_steps: int | None = 10) -> None:
        if every_steps is not None and every_steps < 1:
            raise ArgumentError(f"expected every_steps of at least 1, got {every_steps}; None writes no steps")
        self._writer_of = require("tensorboard.summary.writer.event_file_writer", extra="log").EventFileWriter
        self._event = require("tensorboard.compat.proto.event_pb2", extra="log")
        self._summary = require("tensorboard.compat.proto.summary_pb2", extra="log").Summary
        self.folder = None if folder is None else Path(folder)
        self.every_steps = every_steps
        self._writer: Any = None

    def on_fit_start(self, run: Run) -> None:
        """Open a file; a resumed run forgets what was written after its checkpoint."""
        folder = self.folder
        if folder is None:
            if run.folder is None:
                raise ArgumentError("TensorBoard has no folder; try: TensorBoard('folder'), or fit(..., run='...')")
            folder = run.folder / "tensorboard"
        self._writer = self._writer_of(str(folder))
        if run.resumed:
            start = self._event.SessionLog(status=self._event.SessionLog.START)
            self._writer.add_event(self._event.Event(wall_time=time.time(), step=run.step + 1, session_log=start))

    def on_step_end(self, run: Run) -> None:
        """A point of the step curves."""
        if self.every_steps is not None and run.step % self.every_steps == 0:
            self._add(run.step, {"step/loss": run.loss_value, "step/grad_norm": run.grad_norm, "step/lr": run.lr})

    def on_epoch_end(self, run: Run) -> None:
        """A point of the epoch curves, and everything so far onto the disk."""
        row = dict(run.history.rows[-1])
        step = int(row.pop("step"))
        self._add(step, {_tag(name): value for name, value in row.items()})
        self._writer.flush()

    def state_dict(self) -> dict[str, Any]:
        """Nothing; but what a checkpoint counts as done has to be on the disk by then."""
        if self._writer is not None:
            self._writer.flush()
        return {}

    def close(self, run: Run) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _add(self, step: int, scalars: dict[str, float]) -> None:
        finite = {tag: value for tag, value in scalars.items() if math.isfinite(value)}
        values = [self._summary.Value(tag=tag, simple_value=value) for tag, value in finite.items()]
        self._writer.add_event(self._event.Event(wall_time=time.time(), step=step, summary=self._summary(value=values)))


def _tag(name: str) -> str:
    """``train_loss`` is ``loss/train``, so that both curves share a panel group."""
    part, _, metric = name.partition("_")
    return f"{metric}/{part}" if part in ("train", "valid") and metric else name
