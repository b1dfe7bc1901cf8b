"""Schedules that the user writes as a function of the epoch."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from handtorch.errors import ArgumentError
from handtorch.optim.lr_scheduler.scheduler import LRScheduler, Rate
from handtorch.optim.optimizer import Optimizer


def attributes_of(function: Callable[..., Any]) -> dict[str, Any] | None:
    """What there is to save of a callable object; None for code, which a checkpoint does not hold."""
    if isinstance(function, (types.FunctionType, types.BuiltinFunctionType)):
        return None
    return function.__dict__.copy()


class LambdaLR(LRScheduler):
    """The initial rate times a function: ``γₜ = γ₀ · f(t)``.

    Args:
        optimizer: whose rates are written.
        lr_lambda: ``f``, or a list with one for each group.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ArgumentError: a list whose length is not the number of groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        count = len(optimizer.param_groups)
        if isinstance(lr_lambda, (list, tuple)):
            if len(lr_lambda) != count:
                raise ArgumentError(f"Expected {count} lr_lambdas, but got {len(lr_lambda)}")
            self.lr_lambdas = list(lr_lambda)
        else:
            self.lr_lambdas = [lr_lambda] * count
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """``γ₀ · f(t)``."""
        self._warn_outside_step()
        return [base * function(self.last_epoch) for function, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer. Of the functions, the attributes of callable objects are saved; code is not."""
        state = super().state_dict()
        state["lr_lambdas"] = [attributes_of(function) for function in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from :meth:`state_dict`, with functions of the same kind."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if attributes is not None:
                function.__dict__.update(attributes)


class MultiplicativeLR(LambdaLR):
    """The present rate times a function: ``γₜ = γₜ₋₁ · f(t)``.

    Args:
        optimizer: whose rates are written.
        lr_lambda: ``f``, or a list with one for each group.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ArgumentError: a list whose length is not the number of groups.
        TypeError: something that cannot be called.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        for function in lr_lambda if isinstance(lr_lambda, (list, tuple)) else [lr_lambda]:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")
        super().__init__(optimizer, lr_lambda, last_epoch)

    def get_lr(self) -> list[Rate]:
        """``γₜ₋₁ · f(t)``."""
        self._warn_outside_step()
        if self._is_initial:
            return self._present()
        return [
            group["lr"] * function(self.last_epoch)
            for function, group in zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)
        ]
