"""Weights & Biases: the run's numbers on a dashboard, or kept on disk to be synced later."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable
from typing import Any, Literal

from handtorch.errors import require
from handtorch.training.callback import Callback
from handtorch.training.monitor import Mode
from handtorch.training.run import Run


class WandB(Callback):
    """Log every epoch, the settings and the best epoch to Weights & Biases.

    What fails there is one warning, and training goes on. A resumed run goes on under the same id.

    Args:
        project: the project's name.
        name: the run's name; default the name of the run's folder.
        wandb_mode: ``"online"``, ``"offline"`` (files under ``<run>/wandb``, for ``wandb sync``) or ``"disabled"``;
            default the environment variable ``WANDB_MODE``, without it online where a key is set up, else offline. It
            never asks for a key.
        monitor: the column of the history that says which epoch is best; default validation loss, or training loss.
        mode: ``"min"`` or ``"max"``; default what the name says.
        options: passed to ``wandb.init``, such as ``tags=[...]`` or ``entity="team"``.

    Raises:
        MissingExtraError: ``wandb`` is not installed (extra ``log``).
    """

    order = 14

    def __init__(
        self,
        project: str = "handtorch",
        name: str | None = None,
        *,
        wandb_mode: Literal["online", "offline", "disabled"] | None = None,
        monitor: str | None = None,
        mode: Mode | None = None,
        **options: Any,
    ) -> None:
        self._wandb = require("wandb", extra="log")
        self.project, self.name, self.wandb_mode, self.options = project, name, wandb_mode, options
        self.monitor, self.mode = monitor, mode
        self._id: str | None = None
        self._run: Any = None
        self._failed = False

    def on_fit_start(self, run: Run) -> None:
        """Open the run at Weights & Biases."""
        self._attempt(lambda: self._open(run))

    def on_epoch_end(self, run: Run) -> None:
        """Log the epoch's row, at the optimizer step."""
        row = {name: value for name, value in run.history.rows[-1].items() if math.isfinite(value)}
        self._attempt(lambda: self._run.log(row, step=run.step))

    def on_fit_end(self, run: Run) -> None:
        """Write the best epoch into the summary, and end well."""
        self._attempt(lambda: self._finish(run, 0))

    def on_error(self, run: Run, error: BaseException) -> None:
        """Mark the run as failed."""
        self._attempt(lambda: self._finish(run, 1))

    def state_dict(self) -> dict[str, Any]:
        """The run's id there."""
        return {"id": self._id}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on under that id."""
        self._id = state["id"]

    def _open(self, run: Run) -> None:
        mode = self.wandb_mode or os.environ.get("WANDB_MODE") or ("online" if self._wandb.api.api_key else "offline")
        folder = None if run.folder is None else str(run.folder)
        resume = {"resume": "allow"} if self._id is not None and mode == "online" else {}
        self._run = self._wandb.init(
            project=self.project,
            name=self.name or (run.folder.name if run.folder is not None else None),
            dir=folder,
            mode=mode,
            id=self._id,
            config={"epochs": run.epochs, "clip_norm": run.clip_norm, **run.config},
            **(resume | self.options),
        )
        self._id = self._run.id

    def _finish(self, run: Run, exit_code: int) -> None:
        if self._run is None:
            return
        best = run.history.best(self.monitor, self.mode) if run.history.rows else None
        self._run.summary.update({f"best/{name}": value for name, value in (best or {}).items()})
        self._run.finish(exit_code=exit_code)
        self._run = None

    def _attempt(self, work: Callable[[], object]) -> None:
        if self._failed:
            return
        try:
            work()
        except Exception as error:
            self._failed = True
            warnings.warn(
                f"Weights & Biases was left (training goes on): {type(error).__name__}: {error}", stacklevel=2
            )
