"""Callbacks: what happens beside the training loop, at named moments of a run."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handtorch.training.run import Run


class Callback:
    """Base of all callbacks: override the moments you care about; the rest costs nothing.

    Callbacks are called in rising ``order``, equal ones as they were given. A callback that remembers something which
    changes the run returns it from :meth:`state_dict`, so that a resumed run remembers it too.
    """

    order: int = 0
    needs_folder: bool = False  # whether it writes into ``run.folder``

    def on_fit_start(self, run: Run) -> None:
        """Before the first epoch; a resumed run has its old state by now (``run.resumed``)."""

    def on_epoch_start(self, run: Run) -> None:
        """Before the first batch of ``run.epoch``, and again where a resumed run enters the middle of an epoch."""

    def on_loss(self, run: Run) -> None:
        """After the forward pass of a step: ``run.output`` and ``run.loss_value`` are there, gradients are older."""

    def on_gradients(self, run: Run) -> None:
        """After the backward pass: ``run.grad_norm`` is there; nothing was clipped and no parameter changed yet."""

    def on_step_end(self, run: Run) -> None:
        """After the optimizer changed the parameters."""

    def on_validation_start(self, run: Run) -> None:
        """Before the model is measured on the validation set."""

    def on_epoch_end(self, run: Run) -> None:
        """After validation: the epoch's row is the last one of ``run.history``."""

    def on_fit_end(self, run: Run) -> None:
        """After the last epoch of a run that ended well."""

    def on_error(self, run: Run, error: BaseException) -> None:
        """When the run ends with an error, divergence and Ctrl-C among them."""

    def close(self, run: Run) -> None:
        """Always last, whatever happened: let go of files and screens."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to know; numbers, strings, lists, dicts and tensors."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` returned."""


class CallbackList:
    """Callbacks in order, each called only for the moments that it overrides."""

    def __init__(self, callbacks: Iterable[Callback]) -> None:
        self.callbacks = sorted(callbacks, key=lambda callback: callback.order)
        self._listeners: dict[str, list[Any]] = {}
        for moment in (name for name in vars(Callback) if name.startswith("on_") or name == "close"):
            self._listeners[moment] = [
                getattr(callback, moment)
                for callback in self.callbacks
                if getattr(type(callback), moment) is not getattr(Callback, moment)
            ]

    def call(self, moment: str, run: Run) -> None:
        """Call every callback that listens to ``moment``."""
        for listener in self._listeners[moment]:
            listener(run)

    def call_all(self, moment: str, run: Run, *arguments: Any) -> None:
        """Like :meth:`call` where the run is ending: one callback that fails is a warning, so all get their turn."""
        for listener in self._listeners[moment]:
            try:
                listener(run, *arguments)
            except Exception as error:
                warnings.warn(f"{type(listener.__self__).__name__}.{moment} failed: {error}", stacklevel=2)

    def state_dict(self) -> dict[str, Any]:
        """State of every callback, by class name and turn."""
        return {name: callback.state_dict() for name, callback in self._named()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Give the states back; a callback that is new in this run starts afresh."""
        for name, callback in self._named():
            if name in state:
                callback.load_state_dict(state[name])

    def _named(self) -> list[tuple[str, Callback]]:
        turns: dict[str, int] = {}
        named = []
        for callback in self.callbacks:
            kind = type(callback).__name__
            turns[kind] = turns.get(kind, -1) + 1
            named.append((f"{kind}.{turns[kind]}", callback))
        return named
