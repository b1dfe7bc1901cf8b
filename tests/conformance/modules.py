"""One entry of ``module_db``: construction, initial state, repr, forward in both modes, gradients, state afterwards."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch.testing._internal.common_modules import ModuleErrorEnum, ModuleInfo, ModuleInput, module_db
from torch.testing._internal.common_utils import set_rng_seed

from tests.conformance import show
from tests.conformance.calls import SEED, Both, Unsupported, blamed, call_both, check_error, quiet
from tests.conformance.compare import Mismatch, Tolerance, compare
from tests.conformance.counting import count
from tests.conformance.gradients import check_gradients
from tests.conformance.results import Result
from tests.conformance.sampling import CAP, shares, spread
from tests.conformance.translation import Translation, function, remembered_modules

ENTRIES: dict[str, ModuleInfo] = {entry.name: entry for entry in module_db}


def check(name: str, *, detailed: bool = False) -> Result:
    """Run one entry; ``detailed`` keeps the arguments and both results of each failing sample."""
    entry = ENTRIES[name]
    result = Result("module", name)
    with remembered_modules(), quiet():
        errors = _error_inputs(entry)
        for label, dtype, training, sample in _samples(entry, CAP - len(errors)):
            written = partial(_written, name, sample)
            count(result, label, _SampleCheck(entry, sample, dtype, training), written, detailed=detailed)
        for number, error in enumerate(errors):
            written = partial(_written, name, error.module_error_input)
            count(result, f"error input #{number}", _ErrorCheck(entry, error), written, detailed=detailed)
    return result


def _written(name: str, sample: ModuleInput) -> str:
    made = show.call(name, sample.constructor_input.args, sample.constructor_input.kwargs)
    forward = sample.forward_input
    return show.call(made, forward.args, forward.kwargs) if forward else made


class _SampleCheck:
    """One way to construct a module, one input, one element type, one mode."""

    def __init__(self, entry: ModuleInfo, sample: ModuleInput, dtype: torch.dtype, training: bool) -> None:
        self.entry, self.sample, self.dtype, self.training = entry, sample, dtype, training
        self.tolerance = Tolerance.of(entry)
        self.stage = "construction"

    def __call__(self) -> None:
        theirs, ours = self.construct()
        if not self.entry.is_lazy:  # a lazy module has no state before its first input
            self.stage = "initial state"
            self.compare_state(theirs, ours)
        theirs.train(self.training).to(self.dtype)
        with blamed():
            ours.train(self.training)
            ours.to(Translation()(self.dtype))
            if not self.entry.is_lazy:
                ours.load_state_dict(Translation()(dict(theirs.state_dict())))
        self.stage = "repr"
        self.compare_repr(theirs, ours)
        self.stage = "forward"
        both, wide = self.forward(theirs, ours)
        self.stage = "gradient"
        self.differentiate(both, theirs, ours, wide)
        self.stage = "state after the call"
        self.compare_state(theirs, ours)
        self.compare_repr(theirs, ours)

    def construct(self) -> tuple[torch.nn.Module, Any]:
        """The module of both, from the same seed."""
        cls, given = self.entry.module_cls, self.sample.constructor_input
        both = call_both(cls, function(cls, self.entry.name), given.args, given.kwargs)
        return both.expected, both.got

    def compare_state(self, theirs: torch.nn.Module, ours: Any) -> None:
        with blamed():
            state = dict(ours.state_dict())
        compare(dict(theirs.state_dict()), state, self.tolerance, "state_dict()")

    def compare_repr(self, theirs: torch.nn.Module, ours: Any) -> None:
        with blamed():
            text = repr(ours)
        if repr(theirs) != text:
            raise Mismatch(f"repr: expected {_inline(repr(theirs))}, got {_inline(text)}", repr(theirs), text)

    def forward(self, theirs: torch.nn.Module, ours: Any) -> tuple[Both, torch.nn.Module | None]:
        """Call both; the second result is PyTorch's module in float64 as it was before, to judge float32 by."""
        given = self.sample.forward_input
        wide = self.widened(theirs) if self.dtype == torch.float32 else None
        both = call_both(theirs, ours, given.args, given.kwargs, precise=copy.deepcopy(wide))
        try:
            both.compare(self.tolerance)
        except Mismatch as mismatch:
            if wide is None or not mismatch.in_values:
                raise
            both.compare(self.tolerance, both.in_float64()[0])
        return both, wide

    def widened(self, theirs: torch.nn.Module) -> torch.nn.Module:
        """A copy in float64. A lazy module first draws the parameters that its call will draw, in float32."""
        made, given = copy.deepcopy(theirs), self.sample.forward_input
        if self.entry.is_lazy:
            torch.manual_seed(SEED)
            made._infer_parameters(made, given.args, given.kwargs)
        return made.double()

    def differentiate(self, both: Both, theirs: torch.nn.Module, ours: Any, wide: torch.nn.Module | None) -> None:
        """Gradients by the inputs and by the parameters."""
        with blamed():
            parameters = list(zip(theirs.parameters(), ours.parameters(), strict=True))
        trained = [(t, o) for t, o in parameters if t.requires_grad]
        given = self.sample.forward_input

        def precise() -> tuple[Any, list[torch.Tensor]]:
            again = call_both(theirs, lambda *_, **__: None, given.args, given.kwargs, precise=wide)
            result, inputs = again.in_float64()
            return result, [*inputs, *(p for p in wide.parameters() if p.requires_grad)]

        inputs = [*both.differentiable, *trained]
        try:
            check_gradients(
                both.expected, both.got, inputs, self.tolerance, twice=False, precise=precise if wide else None
            )
        except Unsupported:
            return


class _ErrorCheck:
    """One way of constructing or calling a module that must raise."""

    stage = "error"

    def __init__(self, entry: ModuleInfo, error: Any) -> None:
        self.entry, self.error = entry, error

    def __call__(self) -> None:
        given, cls = self.error.module_error_input, self.entry.module_cls
        args = [given.constructor_input.args, given.constructor_input.kwargs]
        if self.error.error_on is ModuleErrorEnum.FORWARD_ERROR:
            args += [given.forward_input.args, given.forward_input.kwargs]
        ours = function(cls, self.entry.name)
        check_error(_using(cls), _using(ours), tuple(args), {}, self.error.error_type)


def _using(cls: Any) -> Any:
    """Construct the module, and call it if there is something to call it with."""

    def use(args: Any, options: Any, *forward: Any) -> Any:
        module = cls(*args, **options)
        return module(*forward[0], **forward[1]) if forward else module

    return use


def _samples(entry: ModuleInfo, budget: int) -> Iterator[tuple[str, torch.dtype, bool, ModuleInput]]:
    """At most ``budget`` samples, in float32 and float64, in training and evaluation mode."""
    kinds = [
        (dtype, training)
        for dtype in (torch.float32, torch.float64)
        if dtype in entry.supported_dtypes("cpu")
        for training in (True, False)
    ]
    lists = [_generated(entry, dtype, training) for dtype, training in kinds]
    given = shares([len(samples) for samples in lists], budget)
    for i, ((dtype, training), samples, share) in enumerate(zip(kinds, lists, given, strict=True)):
        for number, sample in spread(samples, share, phase=i / len(kinds)):
            mode = "training" if training else "evaluation"
            yield f"{str(dtype).removeprefix('torch.')} {mode} #{number}", dtype, training, sample


def _generated(entry: ModuleInfo, dtype: torch.dtype, training: bool) -> list[ModuleInput]:
    set_rng_seed(0)
    return [
        sample
        for sample in entry.module_inputs_func(entry, device="cpu", dtype=dtype, requires_grad=True, training=training)
        if sample.forward_input is not None
    ]


def _error_inputs(entry: ModuleInfo) -> list[Any]:
    if entry.module_error_inputs_func is None:
        return []
    set_rng_seed(0)
    make = entry.module_error_inputs_func
    return list(make(entry, device="cpu", dtype=torch.float32, requires_grad=False, training=False))


def _inline(text: str) -> str:
    return " ".join(text.split())
