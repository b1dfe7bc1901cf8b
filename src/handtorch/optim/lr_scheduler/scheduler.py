"""LRScheduler: counts epochs and writes a rule's rates into the optimizer's parameter groups."""

from __future__ import annotations

import warnings
from typing import Any, TypeAlias

from handtorch.errors import ArgumentError
from handtorch.optim.optimizer import Group, Optimizer, to_scalar
from handtorch.tensor import Tensor

Rate: TypeAlias = Any  # a float, or a 1-element Tensor where the group's lr is one


def copied(value: Rate) -> Rate:
    """The value, or a copy of it if it is a tensor, which would change with the group otherwise."""
    return Tensor.of(value.array.copy()) if isinstance(value, Tensor) else value


def values_of(optimizer: Optimizer, key: str) -> list[Rate]:
    """One option of every group."""
    return [copied(group[key]) for group in optimizer.param_groups]


def set_value(group: Group, key: str, value: Rate) -> None:
    """Write an option, in place if it is a tensor: others may hold it."""
    if isinstance(group[key], Tensor):
        group[key].array[...] = to_scalar(value)
        group[key]._bump()
    else:
        group[key] = value


def one_per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A number for every group, from a list of them or one for all.

    Raises:
        ArgumentError: a list of another length.
    """
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [copied(value) for _ in range(count)]
    if len(value) != count:
        raise ArgumentError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {count}."
        )
    return [copied(entry) for entry in value]


def check_optimizer(optimizer: Any) -> Optimizer:
    """The argument, if it is an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def warn_epoch(stacklevel: int) -> None:
    """Say that ``step(epoch)`` is a thing of the past."""
    warnings.warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please "
        "use `scheduler.step()`; with an epoch the closed form of the schedule is used where there is one",
        UserWarning,
        stacklevel=stacklevel + 1,
    )


class LRScheduler:
    """Base of the schedules. A subclass defines :meth:`get_lr`, and may define ``_get_closed_form_lr``.

    Args:
        optimizer: whose groups' ``"lr"`` is written; each group's first rate is kept as ``"initial_lr"``.
        last_epoch: -1 to start anew; else the epoch that was reached, to go on after loading the optimizer.

    Attributes:
        base_lrs: the initial rate of every group.
        last_epoch: how many times the schedule has stepped.

    Raises:
        TypeError: ``optimizer`` is not an Optimizer.
        KeyError: going on, and a group has no ``"initial_lr"``.
    """

    _get_lr_called_within_step = False
    _is_initial = False
    _last_lr: list[Rate]
    _step_count: int

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = check_optimizer(optimizer)
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{index}] when resuming scheduler with "
                    "last_epoch >= 0; load the optimizer's checkpoint first, or start with last_epoch=-1"
                )
        self.base_lrs = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        if not hasattr(optimizer, "_step_seen_by_scheduler"):
            optimizer._step_seen_by_scheduler = getattr(optimizer.step, "__func__", None)  # type: ignore[attr-defined]
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[Rate]:
        """The rates of this epoch, as the rule computes them; called by :meth:`step`."""
        raise NotImplementedError

    def get_last_lr(self) -> list[Rate]:
        """The rates that were written last, one a group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch and write its rates.

        Args:
            epoch: deprecated; jump to this one.
        """
        if self._step_count == 1:
            self._warn_of_order()
        self._step_count += 1
        if epoch is not None:
            warn_epoch(stacklevel=2)
        self._update_lr(epoch)

    def _warn_of_order(self) -> None:
        """At the first step by hand, say so if the optimizer has not stepped before, or cannot be seen doing it."""
        optimizer = self.optimizer
        seen = getattr(optimizer, "_step_seen_by_scheduler", None)
        if seen is not None and getattr(optimizer.step, "__func__", None) is not seen:
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
                "Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. See "
                "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
                UserWarning,
                stacklevel=3,
            )
        elif not optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first rate of the schedule is "
                "never used. Call `optimizer.step()` first. See "
                "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
                UserWarning,
                stacklevel=3,
            )

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            if epoch is not None and hasattr(self, "_get_closed_form_lr"):
                rates = self._get_closed_form_lr()
            else:
                rates = self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        self._write(rates)

    def _write(self, rates: list[Rate]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_value(group, "lr", rate)
        self._last_lr = values_of(self.optimizer, "lr")

    def _present(self) -> list[Rate]:
        """The rates that the groups have now."""
        return values_of(self.optimizer, "lr")

    def _scaled(self, factor: float) -> list[Rate]:
        """The present rates times a factor."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _warn_outside_step(self) -> None:
        """Say that ``get_lr`` computes the next rate from the present one, which a curious caller does not want."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from :meth:`state_dict`. Load the optimizer's afterwards: it holds the rates."""
        self.__dict__.update(state_dict)


_LRScheduler = LRScheduler  # its name in older PyTorch, which programs still import
