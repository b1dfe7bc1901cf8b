"""Schedules along a cosine."""

from __future__ import annotations

import math

from handtorch.errors import ArgumentError
from handtorch.optim.lr_scheduler.scheduler import LRScheduler, Rate
from handtorch.optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    """Go down half a cosine from ``γ₀`` to ``η`` in ``T`` epochs, and up again in the next ``T``.

    ``γₜ = η + (γ₀ - η)(1 + cos(π t / T)) / 2``, computed from the present rate, so that it can be chained.

    Args:
        optimizer: whose rates are written.
        T_max: ``T``.
        eta_min: ``η``.
        last_epoch: see :class:`LRScheduler`.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, eq. 5, without
    the restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """The present rate's distance to ``η``, times the ratio of two neighbours on the cosine."""
        self._warn_outside_step()
        if self._is_initial:
            return self._present()
        if self._step_count == 1 and self.last_epoch > 0:
            return self._get_closed_form_lr()
        now, before = self._height(self.last_epoch), self._height(self.last_epoch - 1)
        groups = self.optimizer.param_groups
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # at the bottom a ratio would divide by zero
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [
                group["lr"] + (base - self.eta_min) * rise for base, group in zip(self.base_lrs, groups, strict=True)
            ]
        return [now / before * (group["lr"] - self.eta_min) + self.eta_min for group in groups]

    def _height(self, epoch: float) -> float:
        return 1 + math.cos(math.pi * epoch / self.T_max)

    def _get_closed_form_lr(self) -> list[Rate]:
        height = self._height(self.last_epoch)
        return [self.eta_min + (base - self.eta_min) * height / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Go down half a cosine again and again, each time over ``T_mult`` times as many epochs.

    ``γ = η + (γ₀ - η)(1 + cos(π T_cur / T_i)) / 2``, with ``T_cur`` epochs since the last restart.

    Args:
        optimizer: whose rates are written.
        T_0: epochs to the first restart.
        T_mult: how many times longer each cycle is than the one before.
        eta_min: ``η``.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ArgumentError: ``T_0`` or ``T_mult`` below 1 or not whole, ``eta_min`` not a number.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, eq. 5.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ArgumentError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ArgumentError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ArgumentError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """The rate of the place in the present cycle."""
        self._warn_outside_step()
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (base - self.eta_min) * height / 2 for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to a given one.

        Args:
            epoch: may be a fraction, such as ``epoch + batch / batches``, to move within an epoch.

        Raises:
            ArgumentError: a negative epoch.
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            self._jump(epoch)
        self._update_lr(math.floor(epoch))

    def _jump(self, epoch: float) -> None:
        if epoch < 0:
            raise ArgumentError(f"Expected non-negative epoch, but got {epoch}")
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            # The cycles before number n last T_0 (T_multⁿ - 1) / (T_mult - 1) epochs together.
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
