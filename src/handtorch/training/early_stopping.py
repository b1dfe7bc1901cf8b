"""Early stopping: end the run when a metric has not improved for some epochs."""

from __future__ import annotations

from handtorch.errors import ArgumentError
from handtorch.training.callback import Callback
from handtorch.training.monitor import Mode, best_index, direction
from handtorch.training.run import Run


class EarlyStopping(Callback):
    """Stop after ``patience`` epochs without an improvement.

    All is computed from the history, so a resumed run stops in the same epoch as one that was never interrupted.

    Args:
        monitor: the column of the history to watch, such as ``"valid_loss"``; default validation loss, or training loss
            where nothing is validated.
        patience: epochs to wait, at least 1.
        min_delta: how much better counts as better.
        mode: ``"min"`` or ``"max"``; default what the name says.
    """

    def __init__(
        self, monitor: str | None = None, patience: int = 3, min_delta: float = 0.0, mode: Mode | None = None
    ) -> None:
        if patience < 1:
            raise ArgumentError(f"expected patience of at least 1 epoch, got {patience}")
        if min_delta < 0:
            raise ArgumentError(f"expected min_delta of at least 0, got {min_delta}")
        if monitor is not None:
            direction(monitor, mode)
        self.monitor, self.patience, self.min_delta, self.mode = monitor, patience, min_delta, mode

    def on_fit_start(self, run: Run) -> None:
        """A run that had already stopped stays stopped when it is resumed."""
        self._judge(run)

    def on_epoch_end(self, run: Run) -> None:
        """Count the epochs since the best one."""
        self._judge(run)

    def _judge(self, run: Run) -> None:
        if not run.history.rows:
            return
        monitor = self.monitor or run.history.monitor
        values = run.history[monitor]
        best = best_index(values, direction(monitor, self.mode), self.min_delta)
        waited = len(values) - 1 - best if best is not None else len(values)
        if waited >= self.patience:
            run.stop(f"{monitor} has not improved for {waited} epochs")
