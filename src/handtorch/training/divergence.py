"""Divergence: a run whose loss or gradients leave the finite world stops, and says where and what to try."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, HandtorchError
from handtorch.training.callback import Callback
from handtorch.training.metrics import as_array
from handtorch.training.run import Run

_EARLY_STEPS = 10


class DivergenceError(HandtorchError, ArithmeticError):
    """Training diverged.

    Attributes:
        epoch: the epoch it happened in, from 1.
        step: the step within that epoch, from 1.
        parameter: name of the parameter with the largest gradient, or None where there was no gradient.
        gradient_norm: the 2-norm of that gradient.
        loss: the loss that was seen.
    """

    def __init__(
        self,
        message: str,
        *,
        epoch: int = 0,
        step: int = 0,
        parameter: str | None = None,
        gradient_norm: float = math.nan,
        loss: float = math.nan,
    ) -> None:
        super().__init__(message)
        self.epoch, self.step, self.loss = epoch, step, loss
        self.parameter, self.gradient_norm = parameter, gradient_norm

    @property
    def layer(self) -> str | None:
        """Path of the module that owns :attr:`parameter`; empty for the model itself."""
        return None if self.parameter is None else self.parameter.rpartition(".")[0]


class DivergenceGuard(Callback):
    """Stop the run when the loss or a gradient is NaN or Inf, or when the loss explodes.

    A loss explodes when ``|loss| > explosion * max(1, m)``, where ``m`` is the median of the first ten ``|loss|``.

    Args:
        explosion: how many times the early losses is too much; None tolerates any finite loss.

    Raises:
        DivergenceError: from within ``fit``, with the epoch, the step, the layer with the largest gradient, and what to
            try. Nothing of the bad step reaches the parameters or the checkpoint.
    """

    order = -100

    def __init__(self, explosion: float | None = 1e3) -> None:
        if explosion is not None and not explosion > 1:
            raise ArgumentError(f"expected explosion above 1, got {explosion}; None tolerates any finite loss")
        self.explosion = explosion
        self._early: list[float] = []
        self._limit = math.inf

    def on_loss(self, run: Run) -> None:
        """Look at the loss before anything is changed by it."""
        size = abs(run.loss_value)
        if not math.isfinite(size):
            # The gradient of NaN is NaN everywhere and says little: that of the step before tells where it came from.
            old = any(parameter.grad is not None for _, parameter in run.named_parameters())
            if not old:
                _differentiate(run)
            raise _diagnose(run, f"the loss is {run.loss_value:g}", run.epoch_step + 1, of_step_before=old)
        if size > self._limit:
            assert self.explosion is not None
            early = self._limit / self.explosion
            _differentiate(run)
            what = f"the loss is {run.loss_value:.3g}, over {self.explosion:g} times the {early:.3g} it began with"
            raise _diagnose(run, what, run.epoch_step + 1)
        if self.explosion is not None and len(self._early) < _EARLY_STEPS:
            self._early.append(size)
            self._set_limit()

    def on_gradients(self, run: Run) -> None:
        """Look at the gradients before they reach the parameters."""
        if not math.isfinite(run.grad_norm):
            what = f"the norm of the gradient is {run.grad_norm:g} at a loss of {run.loss_value:.4g}"
            raise _diagnose(run, what, run.epoch_step + 1)

    def on_epoch_end(self, run: Run) -> None:
        """Look at the validation loss, which sees what the last step did."""
        row = run.history.rows[-1]
        if not math.isfinite(row.get("valid_loss", 0.0)):
            step = run.steps_per_epoch or 0
            raise _diagnose(run, f"the validation loss is {row['valid_loss']:g}", step, of_step_before=True)

    def state_dict(self) -> dict[str, Any]:
        """The early losses."""
        return {"early": self._early}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the early losses back."""
        self._early = list(state["early"])
        self._set_limit()

    def _set_limit(self) -> None:
        if self.explosion is not None and self._early:
            self._limit = self.explosion * max(1.0, statistics.median(self._early))


def _differentiate(run: Run) -> None:
    assert run.output is not None
    run.optimizer.zero_grad()
    run.output.loss.backward()


def _diagnose(run: Run, what: str, step: int, of_step_before: bool = False) -> DivergenceError:
    parameter, norm = largest_gradient(run.named_parameters())
    if of_step_before and run.clip_norm is not None:  # the gradients lie there clipped: undo that for the report
        norm *= max(1.0, run.grad_norm / run.clip_norm)
    steps = f" of {run.steps_per_epoch}" if run.steps_per_epoch else ""
    message = f"training diverged in epoch {run.epoch}, step {step}{steps}: {what}. "
    if parameter is not None:
        layer, _, name = parameter.rpartition(".")
        place = f"{name} of layer '{layer}'" if layer else parameter
        when = ", in the step before" if of_step_before else ""
        message += f"Largest gradient: {place} (norm {norm:.3g}{when}). "
    message += "Try: " + "; ".join(_advice(run)) + "."
    return DivergenceError(
        message, epoch=run.epoch, step=step, parameter=parameter, gradient_norm=norm, loss=run.loss_value
    )


def largest_gradient(named_parameters: list[tuple[str, Any]]) -> tuple[str | None, float]:
    """Name and 2-norm of the largest gradient.

    Where gradients are NaN or Inf, that is the last such parameter in the order of the model: backward walks from the
    last layer to the first and carries a NaN along, so it began nearest to the loss.
    """
    norms = [
        (name, float(np.linalg.norm(as_array(parameter.grad).astype(np.float64).ravel())))
        for name, parameter in named_parameters
        if parameter.grad is not None
    ]
    if not norms:
        return None, math.nan
    broken = [pair for pair in norms if not math.isfinite(pair[1])]
    return broken[-1] if broken else max(norms, key=lambda pair: pair[1])


def _advice(run: Run) -> list[str]:
    """What to try, the likeliest cause first."""
    if not _is_finite(run.batch):
        return ["look at the data: this batch has NaN or Inf in it"]
    advice = []
    broken = [name for name, parameter in run.named_parameters() if not _is_finite(parameter)]
    if broken:
        advice.append(f"begin again from best.safetensors: {broken[0]} already has NaN or Inf in it")
    advice.append(f"a learning rate ten times lower (now {run.lr:.3g})")
    if run.clip_norm is None:
        advice.append("clip_norm=1.0 (gradients are not clipped now)")
    elif run.clip_norm > 1:
        advice.append(f"a lower clip_norm (now {run.clip_norm:g})")
    advice.append("handtorch.autograd.detect_anomaly() to name the op that makes it")
    return advice


def _is_finite(value: Any) -> bool:
    """Whether no number anywhere in a batch or parameter is NaN or Inf."""
    if isinstance(value, dict):
        return all(_is_finite(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(_is_finite(item) for item in value)
    if isinstance(value, str | bytes) or value is None:
        return True
    array = as_array(value)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
