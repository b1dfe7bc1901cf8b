"""fit: the training loop."""

from __future__ import annotations

import inspect
import itertools
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import handtorch
from handtorch.errors import ArgumentError
from handtorch.training import randomness
from handtorch.training.callback import Callback, CallbackList
from handtorch.training.checkpoint import Checkpoint, read_checkpoint
from handtorch.training.divergence import DivergenceGuard
from handtorch.training.history import History
from handtorch.training.metrics import Averages, Metric
from handtorch.training.progress import Progress, Style
from handtorch.training.run import Run
from handtorch.training.run_log import RunLog
from handtorch.training.step import Loss, Step, supervised_step

if TYPE_CHECKING:
    from handtorch.nn import Module
    from handtorch.optim import Optimizer


def fit(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    train_loader: Iterable[Any],
    valid_loader: Iterable[Any] | None = None,
    *,
    epochs: int,
    scheduler: Any = None,
    scheduler_every: Literal["epoch", "step"] = "epoch",
    clip_norm: float | None = None,
    metrics: Mapping[str, Metric] | None = None,
    callbacks: Iterable[Callback] = (),
    run: str | os.PathLike[str] | None = None,
    resume: bool = False,
    step: Step = supervised_step,
    progress: Style = "auto",
    config: Mapping[str, Any] | None = None,
) -> History:
    """Train ``model``: for each batch, minimise ``loss(model(inputs), targets)`` with ``optimizer``.

    Args:
        model: an ``nn.Module``.
        loss: ``loss(outputs, targets)``, a scalar, the mean over the batch; a function or a module.
        optimizer: over the model's parameters.
        train_loader: batches ``(inputs, targets)``; other batches need ``step``.
        valid_loader: batches to measure on after each epoch, with the model in evaluation mode.
        epochs: how many passes over ``train_loader`` in all, those before a resume included.
        scheduler: a learning-rate scheduler, stepped once an epoch (a plateau scheduler with the validation loss).
        scheduler_every: ``"step"`` for schedulers that are made for steps (one-cycle, warm-up).
        clip_norm: scale gradients down to this 2-norm, all parameters together.
        metrics: name -> ``metric(outputs, targets)``, such as ``{"accuracy": training.accuracy}``.
        callbacks: what else happens. Divergence is always watched; a run with a folder always has a log and
            checkpoints; pass your own :class:`DivergenceGuard`, :class:`RunLog` or :class:`Checkpoint` to set them.
        run: the folder for checkpoints, log and pictures; None writes nothing.
        resume: continue the run that is in ``run``, from its last checkpoint to the same numbers bit for bit; start
            where there is none. What the checkpoint holds (learning rate, random state) wins over the arguments.
        step: how a batch becomes a loss; see :class:`StepOutput`.
        progress: ``"bars"``, ``"lines"``, ``"off"``; ``"auto"`` shows bars in a terminal, a line an epoch elsewhere.
        config: settings to write into the log beside the numbers.

    Returns:
        The history, one row an epoch. The model is left as the last step made it; the best one is in
        ``<run>/best.safetensors``.

    Raises:
        DivergenceError: the loss or a gradient is NaN or Inf, or the loss exploded.
        ArgumentError: arguments that do not fit together, or ``run`` holds a run and ``resume`` is False.
    """
    _check(epochs, scheduler_every, clip_norm)
    state = Run(
        model, loss, optimizer, train_loader, valid_loader,
        epochs=epochs, scheduler=scheduler, scheduler_every=scheduler_every, clip_norm=clip_norm,
        metrics=metrics or {}, forward=step, folder=None if run is None else Path(run), config=config or {},
    )  # fmt: skip
    state.callbacks = CallbackList(_with_defaults(list(callbacks), state.folder, progress))
    if state.folder is not None:
        _continue(state, resume)
    _train(state)
    return state.history


def _check(epochs: int, scheduler_every: str, clip_norm: float | None) -> None:
    if epochs < 1:
        raise ArgumentError(f"expected epochs of at least 1, got {epochs}")
    if scheduler_every not in ("epoch", "step"):
        raise ArgumentError(f"expected scheduler_every 'epoch' or 'step', got {scheduler_every!r}")
    if clip_norm is not None and not clip_norm > 0:
        raise ArgumentError(f"expected clip_norm above 0, got {clip_norm}; None does not clip")


def _with_defaults(callbacks: list[Callback], folder: Path | None, progress: Style) -> list[Callback]:
    """Add the callbacks that every run has, unless the user brought their own."""
    defaults: list[Callback] = [DivergenceGuard(), Progress(progress)]
    if folder is not None:
        defaults += [RunLog(), Checkpoint()]
    for callback in callbacks:
        if callback.needs_folder and folder is None:
            name = type(callback).__name__
            raise ArgumentError(
                f"{name} writes into the run's folder, and there is none; try: fit(..., run='runs/name')"
            )
    return callbacks + [
        default for default in defaults if not any(isinstance(callback, type(default)) for callback in callbacks)
    ]


def _continue(run: Run, resume: bool) -> None:
    assert run.folder is not None
    found = read_checkpoint(run.folder)
    if found is None:
        return
    if not resume:
        raise ArgumentError(
            f"{run.folder} already holds a run ({found['epochs_done']} epochs done); "
            "try: resume=True to continue it, or another folder"
        )
    run.load_state_dict(found)


def _train(run: Run) -> None:
    callbacks = run.callbacks
    try:
        callbacks.call("on_fit_start", run)
        while run.epochs_done < run.epochs and run.stop_reason is None:
            _epoch(run)
        run.history.stopped = run.stop_reason
        callbacks.call("on_fit_end", run)
    except BaseException as error:
        callbacks.call_all("on_error", run, error)
        raise
    finally:
        callbacks.call_all("close", run)


def _epoch(run: Run) -> None:
    run.epoch = run.epochs_done + 1
    run.callbacks.call("on_epoch_start", run)
    for part in (run.model, run.loss):
        if hasattr(part, "train"):
            part.train()
    began = time.monotonic() - run.seconds
    for batch in _batches(run):
        _step(run, batch)
        run.seconds = time.monotonic() - began
        run.callbacks.call("on_step_end", run)
    if not run.epoch_step:
        raise ArgumentError("train_loader gave no batch; try: a smaller batch_size, or drop_last=False")
    row = _row(run)
    if run.scheduler is not None and run.scheduler_every == "epoch":
        _step_scheduler(run, row)
    run.history.rows.append(row)
    run.epochs_done, run.epoch_step, run.seconds, run.averages = run.epoch, 0, 0.0, Averages()
    run.callbacks.call("on_epoch_end", run)


def _batches(run: Run) -> Iterator[Any]:
    """The batches of this epoch that are still to come.

    To enter an epoch in its middle, every generator is set to where it stood at the epoch's start, the batches that
    were used are drawn again and thrown away (so that whatever the data set does at random is done again), and the
    generators are set to where they stood at the checkpoint.
    """
    to_restore, run.random_to_restore = run.random_to_restore, None
    if run.epoch_step == 0:
        if to_restore is not None:
            randomness.restore(to_restore, run.loaders)
        run.random_at_epoch_start = randomness.capture(run.loaders)
    else:
        randomness.restore(run.random_at_epoch_start, run.loaders)
    for name in ("sampler", "batch_sampler"):
        set_epoch = getattr(getattr(run.train_loader, name, None), "set_epoch", None)
        if set_epoch is not None:
            set_epoch(run.epoch - 1)
    batches = iter(run.train_loader)
    if run.epoch_step:
        used = sum(1 for _ in itertools.islice(batches, run.epoch_step))
        if used < run.epoch_step:
            raise ArgumentError(f"train_loader ended after {used} batches; the checkpoint was at {run.epoch_step}")
        randomness.restore(to_restore or {}, run.loaders)
    yield from batches


def _step(run: Run, batch: Any) -> None:
    run.batch = batch
    output = run.output = run.forward(run.model, run.loss, batch)
    run.loss_value = float(output.loss.item())
    run.callbacks.call("on_loss", run)
    run.optimizer.zero_grad()
    output.loss.backward()
    _clip(run)
    run.optimizer.step()
    if run.scheduler is not None and run.scheduler_every == "step":
        run.scheduler.step()
    run.step += 1
    run.epoch_step += 1
    run.averages.add("train_loss", run.loss_value, output.samples)
    run.averages.add("grad_norm", run.grad_norm, 1)
    for name, metric in run.metrics.items():
        run.averages.add(f"train_{name}", metric(output.outputs, output.targets), output.samples)


def _clip(run: Run) -> None:
    """Measure the gradients, let the callbacks see them whole, and scale them down where they are too long."""
    utils = handtorch.nn.utils
    parameters = [p for group in run.optimizer.param_groups for p in group["params"] if p.grad is not None]
    norm = utils.get_total_norm([p.grad for p in parameters])
    run.grad_norm = float(norm)
    run.callbacks.call("on_gradients", run)
    if run.clip_norm is not None:
        utils.clip_grads_with_norm_(parameters, run.clip_norm, norm)


def _row(run: Run) -> dict[str, float]:
    """Close the epoch's averages, measure on the validation set, and put both into one row."""
    samples = run.averages.sums["train_loss"][1]
    means = run.averages.means()
    grad_norm = means.pop("grad_norm")
    row: dict[str, float] = {"epoch": run.epoch, "step": run.step, **means}
    if run.valid_loader is not None:
        run.callbacks.call("on_validation_start", run)
        began = time.monotonic()
        measured = evaluate(run.model, run.loss, run.valid_loader, metrics=run.metrics, step=run.forward)
        row |= {f"valid_{name}": value for name, value in measured.items()}
        validation = time.monotonic() - began
    else:
        validation = 0.0
    row |= {"lr": run.lr, "grad_norm": grad_norm, "seconds": run.seconds + validation}
    row["samples_per_second"] = samples / run.seconds if run.seconds else 0.0
    return row


def _step_scheduler(run: Run, row: dict[str, float]) -> None:
    if "metrics" in inspect.signature(run.scheduler.step).parameters:
        run.scheduler.step(row.get("valid_loss", row["train_loss"]))
    else:
        run.scheduler.step()


def evaluate(
    model: Module,
    loss: Loss,
    loader: Iterable[Any],
    *,
    metrics: Mapping[str, Metric] | None = None,
    step: Step = supervised_step,
) -> dict[str, float]:
    """Measure ``model`` on every batch of ``loader``, in evaluation mode and without a graph.

    Args:
        model: an ``nn.Module``.
        loss: ``loss(outputs, targets)``, the mean over the batch.
        loader: batches to measure on.
        metrics: name -> ``metric(outputs, targets)``.
        step: how a batch becomes a loss; see :class:`StepOutput`.

    Returns:
        ``{"loss": ..., <metric>: ...}``, means over all samples. The model's mode is as it was before.

    Raises:
        ArgumentError: the loader gave no batch.
    """
    parts: list[Any] = [part for part in (model, loss) if hasattr(part, "modules")]
    modes = [(module, module.training) for part in parts for module in part.modules()]
    averages = Averages()
    try:
        for part in parts:
            part.eval()
        with handtorch.no_grad():
            for batch in loader:
                output = step(model, loss, batch)
                averages.add("loss", float(output.loss.item()), output.samples)
                for name, metric in (metrics or {}).items():
                    averages.add(name, metric(output.outputs, output.targets), output.samples)
    finally:
        for module, training in modes:
            module.training = training
    if not averages.sums:
        raise ArgumentError("the loader gave no batch to measure on")
    return averages.means()
