"""One entry of ``optim_db``: a few steps in every configuration, all state after each of them, and what must raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_optimizers import (
    OptimizerErrorEnum,
    OptimizerInfo,
    _get_optim_inputs_including_global_cliquey_kwargs,
    optim_db,
)

import handtorch
from tests.conformance import show
from tests.conformance.calls import Unsupported, blamed, check_error, quiet
from tests.conformance.compare import Tolerance, compare
from tests.conformance.counting import count
from tests.conformance.names import lookup
from tests.conformance.results import Result
from tests.conformance.translation import Translation, function

STEPS = 5
# Flags of the database that no configuration is run with: differentiable=True asks the step itself to be recorded.
FLAGS_NOT_RUN = ("differentiable",)
_SHAPES = ((4, 3), (5,), ())
_MATRICES = ((4, 3), (3, 5))  # for Muon, which takes nothing else

ENTRIES: dict[str, OptimizerInfo] = {entry.name: entry for entry in optim_db}


def check(name: str, *, detailed: bool = False) -> Result:
    """Run one entry; ``detailed`` keeps the arguments and both results of each failing configuration."""
    entry = ENTRIES[name]
    result = Result("optimizer", name)
    torch.manual_seed(0)
    with quiet():
        checks = list(_runs(entry))
        for number, error in enumerate(entry.optim_error_inputs_func("cpu", torch.float32)):
            checks.append((f"error input #{number}", _ErrorCheck(entry, error)))
        for label, run in checks:
            written = partial(show.call, name, ("params",), run.options)
            count(result, label, run, written, detailed=detailed)
    return result


def _runs(entry: OptimizerInfo) -> Iterator[tuple[str, Any]]:
    """Every configuration with every implementation flag, in groups, and with every list of schedules."""
    for dtype in (torch.float32, torch.float64):
        kind = str(dtype).removeprefix("torch.")
        for given in _get_optim_inputs_including_global_cliquey_kwargs("cpu", dtype, entry, FLAGS_NOT_RUN):
            yield f"{kind}, {given.desc}", _Run(entry, dtype, given.kwargs)
        if entry.supports_param_groups:
            yield f"{kind}, two groups", _Run(entry, dtype, {}, grouped=True)
        for number, schedules in enumerate(entry.scheduler_inputs):
            yield f"{kind}, schedules #{number}", _Run(entry, dtype, {}, schedules=schedules)


class _Run:
    """A few steps of both optimizers down the same hill."""

    def __init__(
        self,
        entry: OptimizerInfo,
        dtype: torch.dtype,
        options: dict[str, Any],
        *,
        grouped: bool = False,
        schedules: Any = (),
    ) -> None:
        self.entry, self.dtype, self.options, self.grouped, self.schedules = entry, dtype, options, grouped, schedules
        self.stage = "construction"

    def __call__(self) -> None:
        tolerance = Tolerance.of(self.entry)
        shapes = _MATRICES if self.entry.name == "Muon" else _SHAPES
        generator = np.random.default_rng(0)
        kind = torch.empty(0, dtype=self.dtype).numpy().dtype
        starts = [np.asarray(generator.standard_normal(shape)).astype(kind) for shape in shapes]
        theirs = _Descent([_their_parameter(a) for a in starts], torch.from_numpy)
        try:
            theirs.start(self.entry.optim_cls, self.options, self.schedules, self.grouped)
        except Exception as error:
            raise Unsupported(str(error)) from None
        with blamed():
            ours = _Descent([_our_parameter(a) for a in starts], handtorch.from_numpy)
            schedules = [function(schedule) for schedule in self.schedules]
            cls = lookup(f"optim.{self.entry.name}")
            ours.start(cls, Translation()(self.options), schedules, self.grouped)
        for number in range(STEPS):
            self.stage = f"step {number + 1}"
            try:
                theirs.step()
            except Exception as error:
                raise Unsupported(str(error)) from None
            with blamed():
                ours.step()
                state = ours.state()
            compare(theirs.state(), state, tolerance, "optimizer")


class _Descent:
    """One framework's optimizer on L = Σ (p - t)² + 0.1 (p - t)⁴, whose gradient NumPy works out."""

    def __init__(self, parameters: list[Any], tensor: Callable[[np.ndarray], Any]) -> None:
        self.parameters, self.tensor = parameters, tensor
        generator = np.random.default_rng(1)
        self.targets = [generator.standard_normal(tuple(p.shape)) for p in parameters]

    def start(self, cls: Any, options: dict[str, Any], schedules: Any, grouped: bool) -> None:
        given: Any = self.parameters
        if grouped:
            given = [{"params": self.parameters[:1]}, {"params": self.parameters[1:], "lr": 0.003}]
        self.optimizer = cls(given, **options)
        self.schedules = [schedule(self.optimizer) for schedule in schedules]

    def closure(self) -> Any:
        """Set the gradients, return the loss."""
        self.optimizer.zero_grad()
        loss = np.zeros(())
        for p, target in zip(self.parameters, self.targets, strict=True):
            values = p.numpy(force=True)
            far = (values - target).astype(values.dtype)
            p.grad = self.tensor(np.asarray(2 * far + 0.4 * far**3).astype(values.dtype))
            loss = loss + np.sum(far**2 + 0.1 * far**4)
        return self.tensor(np.asarray(loss).astype(values.dtype))

    def step(self) -> None:
        self.loss = self.optimizer.step(self.closure)
        for schedule in self.schedules:
            takes_loss = type(schedule).__name__ == "ReduceLROnPlateau"
            schedule.step(float(self.loss)) if takes_loss else schedule.step()

    def state(self) -> dict[str, Any]:
        """All that a step leaves behind."""
        return {
            "parameters": list(self.parameters),
            "loss": self.loss,
            "state_dict": dict(self.optimizer.state_dict()),
            "last_lr": [schedule.get_last_lr() for schedule in self.schedules],
        }


def _their_parameter(start: np.ndarray) -> Any:
    return torch.nn.Parameter(torch.from_numpy(start.copy()))


def _our_parameter(start: np.ndarray) -> Any:
    return lookup("nn.Parameter")(handtorch.from_numpy(start.copy()))


class _ErrorCheck:
    """One way of constructing or stepping an optimizer that must raise, or warn."""

    stage = "error"

    def __init__(self, entry: OptimizerInfo, error: Any) -> None:
        self.entry, self.error = entry, error
        self.options = error.optimizer_error_input.kwargs

    def __call__(self) -> None:
        given = self.error.optimizer_error_input
        steps = self.error.error_on is OptimizerErrorEnum.STEP_ERROR

        def use(cls: Any) -> Callable[..., Any]:
            return lambda params, options: cls(params, **options).step() if steps else cls(params, **options)

        ours = function(self.entry.optim_cls, f"optim.{self.entry.name}")
        check_error(use(self.entry.optim_cls), use(ours), (given.params, given.kwargs), {}, self.error.error_type)
