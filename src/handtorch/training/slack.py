"""Notices to Slack: how a run ended, with its best metric and its learning curves."""

from __future__ import annotations

import os
import socket
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handtorch.errors import require
from handtorch.training import plots
from handtorch.training.callback import Callback
from handtorch.training.history import format_number
from handtorch.training.monitor import Mode
from handtorch.training.run import Run


class Slack(Callback):
    """Tell a Slack channel when the run ends, well or not: the best metric, the newest row, and the learning curves.

    Whatever fails - no network, a wrong token, a missing package - is one warning, and training goes on. The token is
    never shown: not in ``repr``, not in a warning, not in a log.

    Args:
        channel: the channel's id (``C0123456789``); the app must be a member of it, with the scopes ``chat:write`` and
            ``files:write``.
        token: a bot token; default the environment variable ``SLACK_BOT_TOKEN``.
        monitor: the column of the history that says which epoch is best; default validation loss, or training loss.
        mode: ``"min"`` or ``"max"``; default what the name says.
        every_epochs: also tell after every so many epochs.
        plot: whether to upload the learning curves (needs matplotlib).
        timeout: seconds to wait for Slack.
        base_url: where Slack's web API is.
    """

    order = 30

    def __init__(
        self,
        channel: str,
        token: str | None = None,
        *,
        monitor: str | None = None,
        mode: Mode | None = None,
        every_epochs: int | None = None,
        plot: bool = True,
        timeout: int = 10,
        base_url: str = "https://slack.com/api/",
    ) -> None:
        self.channel, self.monitor, self.mode = channel, monitor, mode
        self.every_epochs, self.plot, self.timeout, self.base_url = every_epochs, plot, timeout, base_url
        self._token = token
        self._warned = False
        self._first_step = 0

    def __repr__(self) -> str:
        return f"Slack(channel={self.channel!r})"

    def on_fit_start(self, run: Run) -> None:
        """Note where this process began: a finished run that is resumed trains nothing and tells nothing."""
        self._first_step = run.step

    def on_epoch_end(self, run: Run) -> None:
        """Tell every so many epochs."""
        if self.every_epochs is not None and run.epoch % self.every_epochs == 0 and run.epoch < run.epochs:
            self._tell(run, f"epoch {run.epoch} of {run.epochs}")

    def on_fit_end(self, run: Run) -> None:
        """Tell that the run ended."""
        if run.step > self._first_step:
            reason = f": {run.stop_reason}" if run.stop_reason else ""
            self._tell(run, f"finished after epoch {run.epochs_done}{reason}")

    def on_error(self, run: Run, error: BaseException) -> None:
        """Tell what ended the run."""
        told = "interrupted" if isinstance(error, KeyboardInterrupt) else f"failed: {type(error).__name__}: {error}"
        self._tell(run, told)

    def _tell(self, run: Run, what: str) -> None:
        message = self._message(run, what)
        told = self._attempt(lambda client: client.chat_postMessage(channel=self.channel, text=message))
        if told and self.plot and run.history.rows:
            self._attempt(lambda client: self._upload(client, run))

    def _message(self, run: Run, what: str) -> str:
        name = run.folder.name if run.folder is not None else type(run.model).__name__
        lines = [f"*{name}* on {socket.gethostname()}: {what}"]
        best = run.history.best(self.monitor, self.mode) if run.history.rows else None
        if best is not None:
            monitor = self.monitor or run.history.monitor
            lines.append(f"best {monitor} *{format_number(best[monitor])}* in epoch {best['epoch']:.0f}")
            lines.append("now " + ", ".join(f"{k} {format_number(v)}" for k, v in run.history.rows[-1].items()))
        return "\n".join(lines)

    def _upload(self, client: Any, run: Run) -> None:
        name = run.folder.name if run.folder is not None else type(run.model).__name__
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "curves.png"
            plots.learning_curves(run.history, path, title=name, monitor=self.monitor, mode=self.mode)
            client.files_upload_v2(channel=self.channel, file=str(path), filename=path.name, title=f"{name}: curves")

    def _attempt(self, work: Callable[[Any], object]) -> bool:
        """Do something with a client of Slack; whatever goes wrong is told once, and the answer is False."""
        token = self._token or os.environ.get("SLACK_BOT_TOKEN", "")
        try:
            if not token:
                raise ValueError("no token; give token=, or set SLACK_BOT_TOKEN")
            sdk = require("slack_sdk", extra="log")
            work(sdk.WebClient(token=token, base_url=self.base_url, timeout=self.timeout))
            return True
        except Exception as error:
            if not self._warned:
                self._warned = True
                reason = f"{type(error).__name__}: {error}"
                # A secret that a library put into its message stays out of ours.
                reason = reason.replace(token, "***") if token else reason
                warnings.warn(f"Slack was not told (training goes on): {reason}", stacklevel=2)
            return False
