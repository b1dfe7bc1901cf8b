"""Averages of a model over training: stochastic weight averaging (SWA) and exponential moving averages (EMA)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any, Literal

import numpy as np

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError
from handtorch.nn.batchnorm import _BatchNorm
from handtorch.nn.module import Module
from handtorch.optim.lr_scheduler.scheduler import LRScheduler, Rate, one_per_group
from handtorch.optim.optimizer import Optimizer
from handtorch.tensor import Tensor

__all__ = [
    "AveragedModel",
    "SWALR",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

AverageFunction = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverageFunction = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ArgumentError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay: float = 0.999) -> AverageFunction:
    """The function ``(average, new, n) -> decay · average + (1 - decay) · new``, for :class:`AveragedModel`.

    Raises:
        ArgumentError: ``decay`` outside 0 … 1.
    """
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> AverageFunction:
    """The function ``(average, new, n) -> average + (new - average) / (n + 1)``, for :class:`AveragedModel`."""

    @no_grad()
    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverageFunction:
    """:func:`get_ema_avg_fn` on whole lists of tensors at once, in place.

    Raises:
        ArgumentError: ``decay`` outside 0 … 1.
    """
    _check_decay(decay)

    def ema_update(ema_params: Sequence[Tensor], current_params: Sequence[Tensor], num_averaged: Any) -> None:
        _move_towards(ema_params, current_params, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverageFunction:
    """:func:`get_swa_avg_fn` on whole lists of tensors at once, in place."""

    def swa_update(averaged_params: Sequence[Tensor], current_params: Sequence[Tensor], num_averaged: Any) -> None:
        _move_towards(averaged_params, current_params, 1 / (int(num_averaged) + 1))

    return swa_update


def _move_towards(averages: Sequence[Tensor], news: Sequence[Tensor], share: float) -> None:
    """``a ← a + share (p - a)``, cut to whole numbers for integers."""
    for average, new in zip(averages, news, strict=True):
        step = share * (new.array - average.array)
        np.add(average.array, step, out=average.array, casting="unsafe")
        average._bump()


class AveragedModel(Module):
    """A copy of a model whose parameters are the average of what the model's have been.

    Call :meth:`update_parameters` when a new value counts (each epoch for SWA, each step for EMA), use the averaged
    model as any other, and bring its batch norms up to date with :func:`update_bn`.

    Args:
        model: what is copied; it may go on training.
        device: accepted; there is the CPU.
        avg_fn: ``(average, new, n) -> average``, tensor by tensor; the default is the plain mean of all values.
        multi_avg_fn: ``(averages, news, n) -> None``, on lists and in place. Not together with ``avg_fn``.
        use_buffers: average the buffers (running statistics) too, instead of copying the newest.

    Attributes:
        module: the averaged copy.
        n_averaged: how many values have been taken in, a buffer.

    Raises:
        AssertionError: both functions are given.

    Source: Izmailov, Podoprikhin, Garipov, Vetrov and Wilson, "Averaging Weights Leads to Wider Optima and Better
    Generalization", UAI 2018, algorithm 1.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: AverageFunction | None = None,
        multi_avg_fn: MultiAverageFunction | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        self.register_buffer("n_averaged", Tensor.of(np.array(0, np.int64)))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged copy computes."""
        return self.module(*args, **kwargs)

    def _averaged(self, model: Module) -> Iterator[Tensor]:
        return itertools.chain(model.parameters(), model.buffers()) if self.use_buffers else model.parameters()

    def update_parameters(self, model: Module) -> None:
        """Take the model's present parameters into the average."""
        averages = [p.detach() for p in self._averaged(self.module)]
        news = [p.detach() for p in self._averaged(model)]
        if int(self.n_averaged) == 0:
            _copy(averages, news)
        elif self.avg_fn is not None:
            _copy(averages, [self.avg_fn(a, p, self.n_averaged) for a, p in zip(averages, news, strict=True)])
        else:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            for dtype in dict.fromkeys(a.array.dtype for a in averages):
                pairs = [(a, p) for a, p in zip(averages, news, strict=True) if a.array.dtype == dtype]
                update([a for a, _ in pairs], [p for _, p in pairs], self.n_averaged)
        if not self.use_buffers:
            _copy(list(self.module.buffers()), list(model.buffers()))
        self.n_averaged.array[...] += 1
        self.n_averaged._bump()


def _copy(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.array[...] = source.array
        target._bump()


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of all batch norms anew, in one pass over the data.

    An averaged model has seen none of its own activations, so the statistics it was copied with do not fit.

    Args:
        loader: batches; of a tuple or list the first entry is the input.
        model: has its batch norms' ``running_mean`` and ``running_var`` replaced by averages over all batches.
        device: accepted; there is the CPU.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    was_training, momenta = model.training, [norm.momentum for norm in norms]
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain average over batches
    for batch in loader:
        model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Go from the present rate to a constant one, ``swa_lr``, along half a cosine or a line.

    Args:
        optimizer: whose rates are written.
        swa_lr: the rate at the end, for all groups or a list.
        anneal_epochs: how long it takes.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        last_epoch: see :class:`~handtorch.optim.lr_scheduler.LRScheduler`.

    Raises:
        ArgumentError: an unknown strategy, or a negative or broken number of epochs.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for rate, group in zip(one_per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ArgumentError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of ``swa_lr`` is in the rate: 0 at the start, 1 at the end."""
        part = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return part if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * part)) / 2

    def get_lr(self) -> list[Rate]:
        """The mixture of this epoch; the rate mixed in is worked back from the present one."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            end = group["swa_lr"]
            start = end if before == 1 else (group["lr"] - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
