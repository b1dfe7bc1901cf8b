"""Checkpoints: a run as one safe file, from which it continues to the same numbers bit for bit."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, FormatError
from handtorch.io import safetensors
from handtorch.training.callback import Callback
from handtorch.training.metrics import as_array
from handtorch.training.monitor import Mode, direction
from handtorch.training.run import Run
from handtorch.training.state import pack, unpack

LAST, BEST = "last.safetensors", "best.safetensors"
_FORMAT = "handtorch training state 1"


class Checkpoint(Callback):
    """Write the run into its folder, so that it survives being killed at any moment.

    ``last.safetensors`` is everything: weights, optimizer, scheduler, random generators, place in the epoch, history.
    It is one file that is replaced whole, and it is never written from a state with NaN or Inf in a parameter.
    ``best.safetensors`` is the weights of the best epoch alone:
    ``model.load_state_dict(handtorch.load("runs/name/best.safetensors"))``.

    Resuming inside an epoch draws the epoch's earlier batches once more. It is exact with the same number of threads
    and with any source of random numbers that :mod:`handtorch.training.randomness` finds; random numbers that workers
    draw are exact unless the loader has ``persistent_workers=True``.

    Args:
        monitor: the column of the history that says which epoch is best; default validation loss, or training loss.
        mode: ``"min"`` or ``"max"``; default what the name says.
        every_steps: also write after so many steps.
        every_seconds: also write, after a step, when so many seconds have passed since the last time.
    """

    order = 100
    needs_folder = True

    def __init__(
        self,
        monitor: str | None = None,
        mode: Mode | None = None,
        *,
        every_steps: int | None = None,
        every_seconds: float | None = 60.0,
    ) -> None:
        if every_steps is not None and every_steps < 1:
            raise ArgumentError(f"expected every_steps of at least 1, got {every_steps}; None waits for the epoch")
        if monitor is not None:
            direction(monitor, mode)
        self.monitor, self.mode = monitor, mode
        self.every_steps, self.every_seconds = every_steps, every_seconds
        self._saved_at = time.monotonic()

    def on_fit_start(self, run: Run) -> None:
        """Clear what a killed process left half-written; keep the start of a new run, its random state included."""
        assert run.folder is not None
        for name in (LAST, BEST):
            for remains in run.folder.glob(f".{name}.*.part"):
                with contextlib.suppress(FileNotFoundError):
                    remains.unlink()
        if not run.resumed:
            self._save(run)

    def on_step_end(self, run: Run) -> None:
        """Keep the middle of an epoch when it is time."""
        late = self.every_seconds is not None and time.monotonic() - self._saved_at >= self.every_seconds
        if late or (self.every_steps is not None and run.step % self.every_steps == 0):
            self._save(run)

    def on_epoch_end(self, run: Run) -> None:
        """Keep the epoch, and its weights when it is the best so far.

        The best goes first: a run killed between the two does this epoch again and writes the same best again.
        """
        assert run.folder is not None
        best = run.history.best(self.monitor, self.mode)
        if best is run.history.rows[-1] and _is_healthy(run):
            notes = {name: repr(value) for name, value in best.items()}
            safetensors.save_file(dict(run.model.state_dict()), run.folder / BEST, metadata=notes)
        self._save(run)

    def _save(self, run: Run) -> None:
        assert run.folder is not None
        if _is_healthy(run):
            write_checkpoint(run.state_dict(), run.folder)
        self._saved_at = time.monotonic()


def write_checkpoint(state: dict[str, Any], folder: Path) -> None:
    """Write ``folder/last.safetensors``, whole or not at all: tensors, and the rest as JSON in the file's metadata."""
    tensors: dict[str, Any] = {}
    tree = pack(state, tensors)
    metadata = {"format": _FORMAT, "state": json.dumps(tree, allow_nan=False)}
    safetensors.save_file(tensors, folder / LAST, metadata=metadata)


def read_checkpoint(folder: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The state in ``folder/last.safetensors``, or None where there is none.

    Raises:
        FormatError: the file is damaged, or is no training state of this version.
    """
    path = Path(folder) / LAST
    if not path.exists():
        return None
    try:
        metadata = safetensors.load_metadata(path)
        if metadata.get("format") != _FORMAT:
            raise FormatError(f"expected {_FORMAT!r}, got {metadata.get('format')!r}")
        return unpack(json.loads(metadata["state"]), safetensors.load_file(path))
    except (FormatError, ValueError) as error:
        raise FormatError(
            f"cannot continue from {path}: {error}; try: an older copy of it, or another folder"
        ) from None


def _is_healthy(run: Run) -> bool:
    return all(np.isfinite(as_array(parameter)).all() for _, parameter in run.named_parameters())
