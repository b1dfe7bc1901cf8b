"""A run: everything about a training in progress that callbacks may look at and a checkpoint keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from handtorch.errors import ArgumentError
from handtorch.training import randomness
from handtorch.training.callback import CallbackList
from handtorch.training.history import History
from handtorch.training.metrics import Averages, Metric
from handtorch.training.step import Loss, Step, StepOutput

if TYPE_CHECKING:
    from handtorch.nn import Module
    from handtorch.optim import Optimizer


class Run:
    """A training in progress.

    What moves: ``epoch`` (the one being trained, from 1), ``epochs_done``, ``epoch_step`` (steps done in this epoch),
    ``step`` (optimizer steps in all), ``averages`` (of this epoch so far), ``seconds`` (of this epoch so far),
    ``history``. Of the newest step: ``batch``, ``output``, ``loss_value``, ``grad_norm`` (before clipping), ``lr``.
    ``folder`` is where the run writes, or None; ``config`` what the user wants written beside the numbers.
    """

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        train_loader: Any,
        valid_loader: Any,
        *,
        epochs: int,
        scheduler: Any,
        scheduler_every: Literal["epoch", "step"],
        clip_norm: float | None,
        metrics: Mapping[str, Metric],
        forward: Step,
        folder: Path | None,
        config: Mapping[str, Any],
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.train_loader, self.valid_loader = train_loader, valid_loader
        self.epochs, self.clip_norm = epochs, clip_norm
        self.scheduler, self.scheduler_every = scheduler, scheduler_every
        self.metrics, self.forward = dict(metrics), forward
        self.folder, self.config = folder, dict(config)
        self.callbacks = CallbackList([])

        self.epoch = self.epochs_done = self.epoch_step = self.step = 0
        self.averages = Averages()
        self.seconds = 0.0
        self.history = History()
        self.resumed = False
        self.stop_reason: str | None = None

        self.batch: Any = None
        self.output: StepOutput | None = None
        self.loss_value = float("nan")
        self.grad_norm = float("nan")

        self.random_at_epoch_start: dict[str, Any] = {}
        self.random_to_restore: dict[str, Any] | None = None

    @property
    def lr(self) -> float:
        """The learning rate of the optimizer's first parameter group."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def steps_per_epoch(self) -> int | None:
        """Batches in an epoch, or None where the loader does not know."""
        try:
            return len(self.train_loader)
        except TypeError:
            return None

    @property
    def loaders(self) -> tuple[Any, Any]:
        """The loaders whose generators belong to the run."""
        return self.train_loader, self.valid_loader

    def stop(self, reason: str) -> None:
        """End the run after this epoch."""
        self.stop_reason = reason

    def named_parameters(self) -> list[tuple[str, Any]]:
        """Names and parameters of the model, and of the loss where it learns too."""
        named = list(self.model.named_parameters())
        if hasattr(self.loss, "named_parameters"):
            named += [(f"loss.{name}", parameter) for name, parameter in self.loss.named_parameters()]
        return named

    def state_dict(self) -> dict[str, Any]:
        """All that decides how the run goes on."""
        return {
            "epochs_done": self.epochs_done,
            "epoch_step": self.epoch_step,
            "step": self.step,
            "seconds": self.seconds,
            "averages": self.averages.sums,
            "history": self.history.rows,
            "steps_per_epoch": self.steps_per_epoch,
            "parts": {name: part.state_dict() for name, part in self._parts()},
            "random": {
                "epoch_start": self.random_at_epoch_start if self.epoch_step else {},
                "now": randomness.capture(self.loaders),
            },
            "callbacks": self.callbacks.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Stand again where :meth:`state_dict` was taken.

        Raises:
            ArgumentError: the run was made of other parts, or stops inside an epoch that had another number of batches.
        """
        parts = dict(self._parts())
        if parts.keys() != state["parts"].keys():
            raise ArgumentError(
                f"expected a run with {', '.join(state['parts'])}, as the checkpoint has, got {', '.join(parts)}; "
                "try: the same arguments as before, or another run folder"
            )
        if state["epoch_step"] and state["steps_per_epoch"] != self.steps_per_epoch:
            raise ArgumentError(
                f"the checkpoint is inside an epoch of {state['steps_per_epoch']} batches, but train_loader now has "
                f"{self.steps_per_epoch}; try: the data and batch size of before, or another run folder"
            )
        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
        self.epochs_done, self.epoch_step, self.step = state["epochs_done"], state["epoch_step"], state["step"]
        self.epoch = self.epochs_done
        self.seconds, self.averages = state["seconds"], Averages(state["averages"])
        self.history = History(state["history"])
        self.random_at_epoch_start = state["random"]["epoch_start"]
        self.random_to_restore = state["random"]["now"]
        self.callbacks.load_state_dict(state["callbacks"])
        self.resumed = True

    def _parts(self) -> list[tuple[str, Any]]:
        """What has state of its own: model, optimizer, and scheduler and loss where they have."""
        parts: list[tuple[str, Any]] = [("model", self.model), ("optimizer", self.optimizer)]
        if self.scheduler is not None:
            parts.append(("scheduler", self.scheduler))
        if hasattr(self.loss, "state_dict"):
            parts.append(("loss", self.loss))
        return parts
