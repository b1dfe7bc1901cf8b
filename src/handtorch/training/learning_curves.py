"""The callback that keeps the picture of the learning curves up to date."""

from __future__ import annotations

import time

from handtorch.errors import require
from handtorch.training import plots
from handtorch.training.callback import Callback
from handtorch.training.monitor import Mode
from handtorch.training.run import Run


class LearningCurves(Callback):
    """Draw ``curves.png`` into the run's folder, at the end of an epoch and of the run.

    Args:
        monitor: the column whose best epoch is marked; default validation loss, or training loss.
        mode: ``"min"`` or ``"max"``; default what the name says.
        every_seconds: draw no more often than this while the run goes on.

    Raises:
        MissingExtraError: ``matplotlib`` is not installed (extra ``viz``).
    """

    order = 20
    needs_folder = True

    def __init__(self, monitor: str | None = None, mode: Mode | None = None, *, every_seconds: float = 15.0) -> None:
        require("matplotlib.figure", extra="viz")
        self.monitor, self.mode, self.every_seconds = monitor, mode, every_seconds
        self._drawn_at = -float("inf")

    def on_epoch_end(self, run: Run) -> None:
        """Draw when the last picture is old."""
        if time.monotonic() - self._drawn_at >= self.every_seconds:
            self._draw(run)

    def on_fit_end(self, run: Run) -> None:
        """Draw all of it."""
        self._draw(run)

    def on_error(self, run: Run, error: BaseException) -> None:
        """Draw how far it came: after a divergence this is what one wants to see."""
        self._draw(run)

    def _draw(self, run: Run) -> None:
        assert run.folder is not None
        if run.history.rows:
            path = run.folder / "curves.png"
            plots.learning_curves(run.history, path, title=run.folder.name, monitor=self.monitor, mode=self.mode)
            self._drawn_at = time.monotonic()
