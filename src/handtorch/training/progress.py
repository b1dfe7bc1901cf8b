"""Progress: bars in a terminal, a line an epoch everywhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Literal, get_args

from handtorch.errors import ArgumentError, MissingExtraError, require
from handtorch.training.callback import Callback
from handtorch.training.history import format_number
from handtorch.training.run import Run

Style = Literal["auto", "bars", "lines", "off"]
_REDRAW_SECONDS = 0.1


class Progress(Callback):
    """Show on standard error how far the run is: epochs, steps, loss, samples per second, time to go.

    Args:
        style: ``"bars"`` (package ``rich``, extra ``viz``), ``"lines"`` for a line an epoch, ``"off"``, or ``"auto"``:
            bars where standard error is a terminal and ``rich`` is installed, else lines.

    Raises:
        ArgumentError: another ``style``.
        MissingExtraError: ``style="bars"`` without ``rich``.
    """

    order = 50

    def __init__(self, style: Style = "auto") -> None:
        if style not in get_args(Style):
            raise ArgumentError(f"expected progress {', '.join(map(repr, get_args(Style)))}, got {style!r}")
        if style == "auto":
            style = "bars" if _can_show_bars() else "lines"
        self._silent = style == "off"
        self._bars = _Bars() if style == "bars" else None

    def on_fit_start(self, run: Run) -> None:
        """Say where a resumed run goes on, and put the bars up."""
        if self._bars is not None:
            self._bars.start(run)
        if run.resumed and run.epochs_done < run.epochs and run.stop_reason is None:
            place = f"epoch {run.epochs_done + 1}, step {run.epoch_step + 1}"
            self._say(f"continuing {run.folder} in {place}")

    def on_epoch_start(self, run: Run) -> None:
        """A new bar of steps."""
        if self._bars is not None:
            self._bars.start_epoch(run)

    def on_step_end(self, run: Run) -> None:
        """Move the bar of steps."""
        if self._bars is not None:
            self._bars.step(run)

    def on_validation_start(self, run: Run) -> None:
        """Name what is happening while the bar stands still."""
        if self._bars is not None:
            self._bars.validate(run)

    def on_epoch_end(self, run: Run) -> None:
        """The line of the epoch."""
        if self._bars is not None:
            self._bars.end_epoch(run)
        self._say(epoch_line(run))

    def on_fit_end(self, run: Run) -> None:
        """Why the run ended early."""
        if run.stop_reason is not None:
            self._say(f"stopped after epoch {run.epochs_done}: {run.stop_reason}")

    def on_error(self, run: Run, error: BaseException) -> None:
        """After Ctrl-C, how to go on."""
        if isinstance(error, KeyboardInterrupt) and run.folder is not None:
            self._say(f"interrupted in epoch {run.epoch}, step {run.epoch_step}; resume=True continues {run.folder}")

    def close(self, run: Run) -> None:
        """Take the bars down."""
        if self._bars is not None:
            self._bars.close()

    def _say(self, line: str) -> None:
        if self._bars is not None:
            self._bars.say(line)
        elif not self._silent:
            print(line, file=sys.stderr, flush=True)


def epoch_line(run: Run) -> str:
    """The newest row as one line."""
    row = run.history.rows[-1]
    width = len(str(run.epochs))
    told = [f"epoch {row['epoch']:>{width}.0f}/{run.epochs}"]
    for name, value in row.items():
        if name not in ("epoch", "step", "grad_norm", "seconds", "samples_per_second"):
            told.append(f"{name} {value:.2e}" if name == "lr" else f"{name} {value:.4f}")
    told.append(f"{row['samples_per_second']:,.0f} samples/s")
    told.append(f"{row['seconds']:.1f} s")
    if run.history.best() is row and len(run.history) > 1:
        told.append("best")
    return "  ".join(told)


def _can_show_bars() -> bool:
    if not sys.stderr.isatty():
        return False
    try:
        require("rich.progress", extra="viz")
    except MissingExtraError:
        return False
    return True


class _Bars:
    """Two bars of rich: epochs, and steps of this epoch."""

    def __init__(self) -> None:
        progress = require("rich.progress", extra="viz")
        console = require("rich.console", extra="viz").Console(stderr=True)
        self._display = progress.Progress(
            progress.TextColumn("{task.description:10}"),
            progress.BarColumn(bar_width=24),
            progress.TextColumn("{task.fields[count]}"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(compact=True),
            progress.TextColumn("{task.fields[told]}"),
            console=console,
            transient=True,
        )
        self._epochs: Any = None
        self._steps: Any = None
        self._drawn_at = 0.0

    def start(self, run: Run) -> None:
        self._epochs = self._display.add_task("epochs", total=run.epochs, count="", told="")
        self._steps = self._display.add_task("steps", total=None, count="", told="")
        self._move_epochs(run)
        self._display.start()

    def start_epoch(self, run: Run) -> None:
        self._display.reset(self._steps, total=run.steps_per_epoch, description="steps", count="", told="")
        self._move_steps(run)

    def step(self, run: Run) -> None:
        now = time.monotonic()
        if now - self._drawn_at >= _REDRAW_SECONDS:
            self._drawn_at = now
            self._move_steps(run)
            self._move_epochs(run)

    def validate(self, run: Run) -> None:
        self._display.update(self._steps, description="validating")
        self._move_steps(run)

    def end_epoch(self, run: Run) -> None:
        self._move_epochs(run)

    def say(self, line: str) -> None:
        self._display.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        self._display.stop()

    def _move_epochs(self, run: Run) -> None:
        part = run.epoch_step / run.steps_per_epoch if run.steps_per_epoch else 0.0
        count = f"{run.epochs_done}/{run.epochs}"
        self._display.update(self._epochs, completed=run.epochs_done + part, count=count)

    def _move_steps(self, run: Run) -> None:
        told = ""
        if run.epoch_step and run.seconds:
            rate = run.averages.sums["train_loss"][1] / run.seconds
            told = f"loss {format_number(run.loss_value)}  {rate:,.0f} samples/s"
        count = f"{run.epoch_step}/{run.steps_per_epoch or '?'}"
        self._display.update(self._steps, completed=run.epoch_step, count=count, told=told)
