"""Schedules that rise before they fall, with the momentum moving the other way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from handtorch.errors import ArgumentError
from handtorch.optim.lr_scheduler.functional import attributes_of
from handtorch.optim.lr_scheduler.scheduler import LRScheduler, Rate, check_optimizer, one_per_group, set_value
from handtorch.optim.optimizer import Group, Optimizer


def _uses_beta1(optimizer: Optimizer) -> bool:
    """Whether the optimizer's momentum is the first of its ``betas``."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ArgumentError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    return "betas" in optimizer.defaults


def _set_momentum(group: Group, momentum: float, use_beta1: bool) -> None:
    if use_beta1:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


class CyclicLR(LRScheduler):
    """Go up from ``base_lr`` to ``max_lr`` and down again, in straight lines, over and over.

    In cycle ``c``, at the height ``x`` of the triangle (0 … 1): ``γ = base_lr + (max_lr - base_lr) · x · scale``.
    The momentum falls while the rate rises.

    Args:
        optimizer: whose rates are written.
        base_lr: the lower end, for all groups or a list.
        max_lr: the upper end, for all groups or a list.
        step_size_up: steps up.
        step_size_down: steps down (default: as many).
        mode: ``"triangular"`` (scale 1), ``"triangular2"`` (½^(c-1)) or ``"exp_range"`` (gamma^t).
        gamma: the factor of ``"exp_range"``.
        scale_fn: a scale of one's own, in place of ``mode``.
        scale_mode: whether ``scale_fn`` is given the ``"cycle"`` or the number of ``"iterations"``.
        cycle_momentum: whether the momentum moves too.
        base_momentum: its lower end, reached with ``max_lr``.
        max_momentum: its upper end.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ArgumentError: an unknown mode, lists of the wrong length, an optimizer without momentum to cycle.
        TypeError: ``optimizer`` is not an Optimizer.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        base_lrs = one_per_group("base_lr", optimizer, base_lr)
        self.max_lrs = one_per_group("max_lr", optimizer, max_lr)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ArgumentError(
                f"mode is invalid and scale_fn is None: got {mode!r}, expected 'triangular', 'triangular2', 'exp_range'"
            )
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = _uses_beta1(optimizer)
            self.base_momentums = one_per_group("base_momentum", optimizer, base_momentum)
            self.max_momentums = one_per_group("max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            self._start(optimizer, base_lrs)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _start(self, optimizer: Optimizer, base_lrs: list[Rate]) -> None:
        """Write the lowest rates and highest momenta into the groups."""
        for index, group in enumerate(optimizer.param_groups):
            set_value(group, "lr", base_lrs[index])
            if self.cycle_momentum:
                _set_momentum(group, self.max_momentums[index], self.use_beta1)
                group["max_momentum"] = self.max_momentums[index]
                group["base_momentum"] = self.base_momentums[index]

    def scale_fn(self, x: float) -> float:
        """The scale of the cycle or iteration ``x``."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        if self.mode == "triangular2":
            return 1 / (2.0 ** (x - 1))
        return self.gamma**x

    def get_lr(self) -> list[Rate]:
        """The rates of this place in the cycle; writes the momenta."""
        self._warn_outside_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            ends = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, ends, strict=True):
                _set_momentum(group, high - (high - low) * height * scale, self.use_beta1)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer. Of ``scale_fn``, the attributes of a callable object are saved; code is not."""
        state = super().state_dict()
        if self._scale_fn_custom is not None:
            state["_scale_fn_custom"] = attributes_of(self._scale_fn_custom)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from :meth:`state_dict`, with a ``scale_fn`` of the same kind."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_scale_fn_custom"})
        attributes = state_dict["_scale_fn_custom"]
        if attributes is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(attributes)


def _along_cosine(start: Rate, end: Rate, part: float) -> Rate:
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def _along_line(start: Rate, end: Rate, part: float) -> Rate:
    return (end - start) * part + start


class OneCycleLR(LRScheduler):
    """Rise once to a high rate and fall to almost nothing, within a known number of steps (batches, not epochs).

    From ``max_lr / div_factor`` up to ``max_lr`` and down to ``max_lr / (div_factor · final_div_factor)``; the
    momentum goes from ``max_momentum`` to ``base_momentum`` and back.

    Args:
        optimizer: whose rates are written.
        max_lr: the highest rate, for all groups or a list.
        total_steps: how many steps there will be.
        epochs: in place of ``total_steps``, together with ``steps_per_epoch``.
        steps_per_epoch: see ``epochs``.
        pct_start: the part of the steps in which the rate rises, 0 … 1.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: whether the momentum moves too.
        base_momentum: its lower end, reached with ``max_lr``.
        max_momentum: its upper end.
        div_factor: ``max_lr`` over the first rate.
        final_div_factor: the first rate over the last.
        three_phase: fall as fast as the rate rose, then go from the first rate to the last.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ArgumentError: no number of steps, an option outside its range, one step too many, an optimizer without
            momentum to cycle.
        TypeError: ``optimizer`` is not an Optimizer.

    Source: Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
    arXiv 1708.07120; two phases as in fastai, three as in the paper.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ArgumentError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        max_lrs = one_per_group("max_lr", optimizer, max_lr)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = _uses_beta1(optimizer)
            base_momentums = one_per_group("base_momentum", optimizer, base_momentum)
            max_momentums = one_per_group("max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for index, group in enumerate(optimizer.param_groups):
                group["initial_lr"] = max_lrs[index] / div_factor
                group["max_lr"] = max_lrs[index]
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    _set_momentum(group, max_momentums[index], self.use_beta1)
                    group["max_momentum"] = max_momentums[index]
                    group["base_momentum"] = base_momentums[index]
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        """The rates of this step; writes the momenta."""
        self._warn_outside_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ArgumentError(
                f"Tried to step {step} times. The specified number of total steps is {self.total_steps}"
            )
        start, phase = 0.0, self._schedule_phases[0]
        for following in self._schedule_phases[1:]:
            if step <= phase["end_step"]:
                break
            start, phase = phase["end_step"], following
        part = (step - start) / (phase["end_step"] - start)
        between = _along_cosine if self._anneal_func_type == "cos" else _along_line
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(between(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                momentum = between(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                _set_momentum(group, momentum, self.use_beta1)
        return rates


def _total_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return _positive("total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ArgumentError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    return _positive("epochs", epochs) * _positive("steps_per_epoch", steps_per_epoch)


def _positive(name: str, value: int) -> int:
    if not isinstance(value, int) or value <= 0:
        raise ArgumentError(f"Expected positive integer {name}, but got {value}")
    return value


def _phases(total: int, part_up: float, three_phase: bool) -> list[dict[str, Any]]:
    """Where each phase ends, and which of the group's values it moves between."""

    def phase(end: float, rates: tuple[str, str], momenta: tuple[str, str]) -> dict[str, Any]:
        return {
            "end_step": end,
            "start_lr": rates[0],
            "end_lr": rates[1],
            "start_momentum": momenta[0],
            "end_momentum": momenta[1],
        }

    down, up = ("max_momentum", "base_momentum"), ("base_momentum", "max_momentum")
    rise = phase(float(part_up * total) - 1, ("initial_lr", "max_lr"), down)
    if not three_phase:
        return [rise, phase(total - 1, ("max_lr", "min_lr"), up)]
    return [
        rise,
        phase(float(2 * part_up * total) - 2, ("max_lr", "initial_lr"), up),
        phase(total - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum")),
    ]
