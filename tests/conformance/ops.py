"""One entry of ``op_db``: every sample forward and backward, the first in all forms, and the inputs that must raise."""

from __future__ import annotations

import unittest
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import DecorateInfo, OpInfo, SampleInput

from tests.conformance import show
from tests.conformance.calls import Both, Unsupported, blamed, call_both, check_error, quiet
from tests.conformance.compare import Mismatch, Tolerance, compare
from tests.conformance.counting import count
from tests.conformance.gradients import check_by_differences, check_gradients
from tests.conformance.results import Result
from tests.conformance.sampling import CAP, shares, spread
from tests.conformance.translation import function, remembered_modules

# Memory that nobody has written to: shape and type are all that can be compared.
_UNINITIALISED = {"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided"}
# Decompositions that are unique only up to the signs or phases of vectors: what the database makes of them is compared.
_UP_TO_PHASE = {"linalg.eig", "linalg.eigh", "linalg.svd", "svd", "svd_lowrank", "pca_lowrank"}
# Samples of an op whose gradients are differentiated again, in float64 (float32 would only add rounding).
_TWICE = 3
# Ops without floating point: the first of these that they have.
_OTHER_DTYPES = (torch.int64, torch.bool, torch.complex64)

ENTRIES: dict[str, OpInfo] = {entry.full_name: entry for entry in op_db}


def check(name: str, *, detailed: bool = False) -> Result:
    """Run one entry; ``detailed`` keeps the arguments and both results of each failing sample."""
    entry = ENTRIES[name]
    result = Result("op", name)
    with remembered_modules(), quiet():
        errors = _error_inputs(entry)
        seen: Counter[tuple[torch.dtype, str]] = Counter()
        for dtype, number, sample in _samples(entry, CAP - len(errors)):
            label = f"{str(dtype).removeprefix('torch.')} #{number}"
            written = partial(_written, name, sample)
            count(result, label, _SampleCheck(entry, sample, dtype, seen), written, detailed=detailed)
        for number, error in enumerate(errors):
            written = partial(_written, name, error.sample_input)
            count(result, f"error input #{number}", _ErrorCheck(entry, error), written, detailed=detailed)
    return result


def _written(name: str, sample: SampleInput) -> str:
    return show.call(name, (sample.input, *sample.args), sample.kwargs)


class _SampleCheck:
    """One sample: forward, gradients; for the first of each type also all other forms and gradients of gradients.

    ``seen`` counts for each type and stage the samples of the entry that went through it.
    """

    def __init__(self, entry: OpInfo, sample: SampleInput, dtype: torch.dtype, seen: Counter[tuple[torch.dtype, str]]):
        self.entry, self.sample, self.dtype, self.seen = entry, sample, dtype, seen
        self.args, self.options = (sample.input, *sample.args), sample.kwargs
        self.ours = function(entry.op, entry.name)
        self.tolerance = Tolerance.of(entry, values=entry.name not in _UNINITIALISED)
        self.stage = "forward"

    def __call__(self) -> None:
        both = self.forward(self.entry.op, self.ours, self.args)
        self.stage = "gradient"
        if self.entry.supports_autograd and both.differentiable:
            self.differentiate(both)
        for stage, variant in self.variants():
            self.once(stage, lambda form=variant: self.forward(form, function(form), self.args))
        for stage, variant in self.in_place_variants():
            self.once(stage, lambda form=variant: self.write(form))

    def once(self, stage: str, run: Callable[[], Any], times: int = 1) -> None:
        """Go through a stage, unless ``times`` samples of this type did; where PyTorch refuses, another sample will."""
        if self.seen[self.dtype, stage] >= times:
            return
        self.stage = stage
        with suppress(Unsupported):
            try:
                run()
            except Mismatch:
                self.seen[self.dtype, stage] += 1
                raise
            self.seen[self.dtype, stage] += 1

    def forward(self, theirs: Callable[..., Any], ours: Callable[..., Any], args: tuple[Any, ...]) -> Both:
        """Call both, and hold the results together."""
        both = call_both(theirs, ours, args, self.options)
        try:
            if self.entry.name in _UP_TO_PHASE:
                compare(both.expected, both.got, Tolerance(values=False))
                compare(*self.processed(both), self.tolerance, "processed result")
            else:
                both.compare(self.tolerance)
        except Mismatch as mismatch:
            if not mismatch.in_values or self.entry.name in _UP_TO_PHASE:
                raise
            both.compare(self.tolerance, both.in_float64()[0])
        return both

    def processed(self, both: Both) -> tuple[Any, Any]:
        """The part of the results that the database differentiates."""
        process = self.sample.output_process_fn_grad
        with blamed():
            return process(both.expected), function(process)(both.got)

    def differentiate(self, both: Both) -> None:
        """Differentiate the op as the database does: through its wrapper, which keeps the inputs in the op's domain."""
        wrapper = self.entry.gradcheck_wrapper
        with suppress(Unsupported):
            if not _is_plain(wrapper):
                both = call_both(partial(wrapper, self.entry.op), partial(function(wrapper), self.ours), *self.call)
            self.compare_gradients(both, twice=False)
            if self.entry.supports_gradgrad and self.dtype != torch.float32:
                self.once("gradient of gradient", lambda: self.compare_gradients(both, twice=True), _TWICE)

    def compare_gradients(self, both: Both, *, twice: bool) -> None:
        expected, got = self.processed(both)
        compare(expected, got, Tolerance(values=False), "processed result")

        def precise() -> tuple[Any, list[torch.Tensor]]:
            result, inputs = both.in_float64()
            return self.sample.output_process_fn_grad(result), inputs

        try:
            check_gradients(expected, got, both.differentiable, self.tolerance, twice=twice, precise=precise)
        except Mismatch:
            if not _pytorch_fails(self.entry, twice):
                raise
            process = function(self.sample.output_process_fn_grad)
            ours = partial(function(self.entry.gradcheck_wrapper), self.ours)
            check_by_differences(lambda *args, **options: process(ours(*args, **options)), *self.call, twice=twice)

    def write(self, variant: Callable[..., Any]) -> None:
        """An in-place form: what it writes into its first argument, and, on a copy of that, its gradients."""
        plain = (self.sample.input.detach(), *self.sample.args)
        self.forward(variant, function(variant), plain)
        if not self.entry.supports_inplace_autograd or not self.sample.input.requires_grad:
            return
        ours = function(variant)
        both = call_both(
            lambda x, *args, **options: variant(x.clone(), *args, **options),
            lambda x, *args, **options: ours(x.clone(), *args, **options),
            *self.call,
        )
        self.compare_gradients(both, twice=False)

    @property
    def call(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of the sample."""
        return self.args, self.options

    def variants(self) -> Iterator[tuple[str, Any]]:
        """The op's other forms that return a new value: method, operator, aliases."""
        entry = self.entry
        forms = [("method", entry.method_variant), ("operator", entry.operator_variant)]
        forms += [(f"alias {alias.name}", alias.op) for alias in entry.aliases]
        return ((stage, form) for stage, form in forms if form is not None)

    def in_place_variants(self) -> Iterator[tuple[str, Any]]:
        """The op's forms that write into their first argument."""
        entry = self.entry
        forms = [("in-place", entry.inplace_variant), ("in-place operator", entry.inplace_operator_variant)]
        forms += [(f"in-place alias {alias.name}", alias.inplace_variant) for alias in entry.aliases]
        possible = isinstance(self.sample.input, torch.Tensor) and not self.sample.broadcasts_input
        return ((stage, form) for stage, form in forms if form is not None and possible)


class _ErrorCheck:
    """One input that must raise."""

    stage = "error"

    def __init__(self, entry: OpInfo, error: Any) -> None:
        self.entry, self.error = entry, error

    def __call__(self) -> None:
        sample = self.error.sample_input
        args = (sample.input, *sample.args)
        check_error(self.entry.op, function(self.entry.op, self.entry.name), args, sample.kwargs, self.error.error_type)


def _samples(entry: OpInfo, budget: int) -> Iterator[tuple[torch.dtype, int, SampleInput]]:
    """At most ``budget`` samples in float32 and float64; in another type where the op has neither."""
    supported = entry.supported_dtypes("cpu")
    dtypes = [d for d in (torch.float32, torch.float64) if not supported or d in supported]
    dtypes = dtypes or [d for d in _OTHER_DTYPES if d in supported][:1]
    lists = [_generated(entry, dtype) for dtype in dtypes]
    for i, (dtype, samples, share) in enumerate(zip(dtypes, lists, shares([*map(len, lists)], budget), strict=True)):
        for number, sample in spread(samples, share, phase=i / len(dtypes)):
            yield dtype, number, sample


def _generated(entry: OpInfo, dtype: torch.dtype) -> list[SampleInput]:
    requires_grad = entry.supports_autograd and dtype in entry.supported_backward_dtypes("cpu")
    made = []
    try:
        for sample in entry.sample_inputs("cpu", dtype, requires_grad=requires_grad):
            made.append(sample)
    except Exception:  # the generator itself needs what this build of PyTorch has not: the samples so far count
        return made
    return made


def _error_inputs(entry: OpInfo) -> list[Any]:
    if entry.error_inputs_func is None:
        return []
    try:
        return list(entry.error_inputs("cpu"))
    except Exception:
        return []


def _pytorch_fails(entry: OpInfo, twice: bool) -> bool:
    """Whether the database expects PyTorch's own gradients to fail its check of them against difference quotients."""
    return any(
        unittest.expectedFailure in mark.decorators
        and mark.is_active("TestBwdGradients", test, "cpu", torch.float64, {})
        for mark in entry.decorators
        for test in ("test_fn_grad", "test_fn_gradgrad")[: 1 + twice]
        if isinstance(mark, DecorateInfo)
    )


def _is_plain(wrapper: Callable[..., Any]) -> bool:
    """Whether a gradcheck wrapper only calls the op (the database's default)."""
    return wrapper is OpInfo.__dataclass_fields__["gradcheck_wrapper"].default
