"""The harness itself: what is wrong in Handtorch must be found, and what is right must not be blamed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")  # PyTorch's test database needs it

import handtorch  # noqa: E402
from handtorch import nn, optim  # noqa: E402
from tests.conformance import __main__ as command  # noqa: E402
from tests.conformance import (  # noqa: E402
    entries,
    floor,
    modules,
    ops,
    optimizers,
    sampling,
    scope,
    translation,
    workers,
)
from tests.conformance.compare import Mismatch, Tolerance, compare  # noqa: E402
from tests.conformance.names import MissingName  # noqa: E402
from tests.conformance.results import Failure, Result  # noqa: E402

PLAIN = Tolerance()


@pytest.fixture(autouse=True)
def forgotten_translations() -> Iterator[None]:
    """A function that a test replaces shall not be remembered by the next one."""
    translation._functions.clear()
    yield
    translation._functions.clear()


def stages(result: Result) -> set[str]:
    return {failure.stage for failure in result.failures}


# ---- what is wrong is found --------------------------------------------------------------------------------------


def test_a_right_op_holds_whole() -> None:
    result = ops.check("exp")
    assert result.whole
    assert result.samples >= 2


def test_a_wrong_value_is_found_on_every_sample_that_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    right = handtorch.exp
    monkeypatch.setattr(handtorch, "exp", lambda x: right(x) * 1.5)
    result = ops.check("exp", detailed=True)
    assert result.passed == 2  # the empty tensors, one of each type
    assert stages(result) == {"forward"}
    assert "values differ" in result.failures[0].reason
    assert result.failures[0].expected != result.failures[0].got


def test_a_wrong_element_type_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = handtorch.exp
    monkeypatch.setattr(handtorch, "exp", lambda x: right(x).to(handtorch.float64))
    result = ops.check("exp")
    assert {f.reason for f in result.failures} == {"result: expected dtype float32, got float64"}


def test_where_pytorchs_gradient_is_known_to_be_wrong_the_difference_quotient_decides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ops.check("as_strided_scatter").whole
    right = handtorch.as_strided_scatter
    monkeypatch.setattr(handtorch, "as_strided_scatter", lambda x, src, *a, **o: right(x.detach(), src, *a, **o))
    assert stages(ops.check("as_strided_scatter")) == {"gradient"}


def test_a_wrong_gradient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = handtorch.exp
    monkeypatch.setattr(handtorch, "exp", lambda x: right(x).detach() + 2 * (x - x.detach()))
    assert stages(ops.check("exp")) == {"gradient"}


def test_a_missing_gradient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = handtorch.exp
    monkeypatch.setattr(handtorch, "exp", lambda x: right(x.detach()))
    assert {f.reason for f in ops.check("exp").failures} == {"requires_grad: expected True, got False"}


def test_a_gradient_that_cannot_be_differentiated_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = handtorch.exp
    monkeypatch.setattr(handtorch, "exp", lambda x: right(x).detach() * (1 + x - x.detach()))
    found = [failure.reason for failure in ops.check("exp").failures]
    assert len(found) == 2  # the samples of float64 that are not empty
    assert all(reason.startswith("gradient of gradient") for reason in found)


def test_an_in_place_method_that_writes_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handtorch.Tensor, "exp_", lambda x: x.exp())
    result = ops.check("exp")
    assert stages(result) == {"in-place"}
    assert "argument that was to be written to" in result.failures[0].reason


def test_a_name_that_is_not_there_fails_and_is_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(handtorch, "exp")
    result = ops.check("exp")
    assert result.passed == 0
    assert {f.reason for f in result.failures} == {"missing: handtorch.exp"}


def test_an_op_that_accepts_a_forbidden_input_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = handtorch.nn.functional.gelu
    monkeypatch.setattr(handtorch.nn.functional, "gelu", lambda x, approximate="none": right(x))
    assert "error" in stages(ops.check("nn.functional.gelu"))


def test_a_missing_name_is_no_way_of_refusing_an_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(handtorch, "eye")
    errors = [f for f in ops.check("eye").failures if f.stage == "error"]
    assert errors
    assert all(failure.reason.startswith("missing: ") for failure in errors)


def test_random_numbers_of_another_stream_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = handtorch.randn

    def late(*args: Any, **options: Any) -> Any:
        handtorch.rand(1)
        return right(*args, **options)

    assert ops.check("randn").whole
    monkeypatch.setattr(handtorch, "randn", late)
    translation._functions.clear()
    assert stages(ops.check("randn")) == {"forward"}


def test_a_wrong_module_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert modules.check("nn.Linear").whole
    forward = nn.Linear.forward
    monkeypatch.setattr(nn.Linear, "forward", lambda self, input: forward(self, input) + 1)
    assert stages(modules.check("nn.Linear")) == {"forward"}


def test_a_module_that_starts_from_other_numbers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    reset = nn.Linear.reset_parameters

    def late(self: Any) -> None:
        handtorch.rand(1)
        reset(self)

    monkeypatch.setattr(nn.Linear, "reset_parameters", late)
    assert stages(modules.check("nn.Linear")) == {"initial state"}


def test_a_wrong_lazy_module_is_found_though_float64_judges_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert modules.check("nn.LazyConvTranspose3d").whole
    forward, reset = nn.ConvTranspose3d.forward, nn.ConvTranspose3d.reset_parameters
    with monkeypatch.context() as patched:
        patched.setattr(nn.ConvTranspose3d, "forward", lambda self, *x: forward(self, *x) * (1 + 1e-4))
        result = modules.check("nn.LazyConvTranspose3d")
        assert result.passed == 0
        assert stages(result) == {"forward"}
    with monkeypatch.context() as patched:
        patched.setattr(nn.ConvTranspose3d, "forward", lambda self, *x: 2 * (y := forward(self, *x)) - y.detach())
        result = modules.check("nn.LazyConvTranspose3d")
        assert result.passed == 0
        assert stages(result) == {"gradient"}
    monkeypatch.setattr(nn.ConvTranspose3d, "reset_parameters", lambda self: (handtorch.rand(1), reset(self)))
    result = modules.check("nn.LazyConvTranspose3d")
    assert result.passed == 0
    assert stages(result) == {"forward"}


def test_a_wrong_repr_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Linear, "extra_repr", lambda self: "nothing")
    assert stages(modules.check("nn.Linear")) == {"repr"}


def test_a_wrong_step_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert optimizers.check("SGD").whole
    step = optim.SGD.step

    def twice(self: Any, closure: Any = None) -> Any:
        step(self, closure)
        return step(self, closure)

    monkeypatch.setattr(optim.SGD, "step", twice)
    assert "step 1" in stages(optimizers.check("SGD"))


# ---- comparing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "got", "reason"),
    [
        (torch.ones(2), handtorch.ones(3), "shape"),
        (torch.ones(2), np.ones(2, np.float32), "expected a Tensor"),
        (torch.ones(2), torch.ones(2), "expected a Tensor"),
        (torch.ones(1), handtorch.ones(1) + 1e-4, "values differ"),
        (torch.tensor([1, 2]), handtorch.tensor([1, 3]), "values differ"),
        (torch.tensor([1.0, torch.nan]), handtorch.tensor([1.0, 2.0]), "values differ"),
        (torch.tensor([torch.inf]), handtorch.tensor([1e30]), "values differ"),
        ((torch.ones(1),), [handtorch.ones(1)], "expected a tuple"),
        ((torch.ones(1),), (handtorch.ones(1), handtorch.ones(1)), "expected 1 items"),
        (1.5, handtorch.tensor(1.5), "expected a Python float"),
        (True, 1, "expected a Python bool"),
        ({"a": 1}, {"b": 1}, "keys"),
        (torch.max(torch.ones(2), 0), (handtorch.tensor(1.0), handtorch.tensor(0)), "no field"),
        (None, 0, "expected None"),
    ],
)
def test_what_differs_is_a_mismatch(expected: Any, got: Any, reason: str) -> None:
    with pytest.raises(Mismatch, match=reason):
        compare(expected, got, PLAIN)


def test_equal_nests_match() -> None:
    values = [1.0, float("nan"), float("inf")]
    expected = (torch.tensor(values), [torch.tensor(3), 2.5], {"n": None, "dtype": torch.float32}, torch.Size([2]))
    got = (handtorch.tensor(values), [handtorch.tensor(3), 2.5], {"n": None, "dtype": handtorch.float32}, (2,))
    compare(expected, got, PLAIN)


def test_float32_is_judged_by_float64_when_it_is_given() -> None:
    truth = torch.tensor([1000.0, 1.0], dtype=torch.float64)
    theirs = torch.tensor([1000.0, 1.00005])  # PyTorch's own error is 5e-5
    compare(theirs, handtorch.tensor([1000.0, 0.9999]), PLAIN, truth=truth)  # twice that
    with pytest.raises(Mismatch):
        compare(theirs, handtorch.tensor([1000.0, 0.99]), PLAIN, truth=truth)
    with pytest.raises(Mismatch):
        compare(theirs, handtorch.tensor([1000.0, 0.9999]), PLAIN)


def test_a_large_error_of_pytorch_excuses_nothing() -> None:
    truth = torch.tensor([1.0], dtype=torch.float64)
    with pytest.raises(Mismatch):
        compare(torch.tensor([3.0]), handtorch.tensor([2.0]), PLAIN, truth=truth)


# ---- translating -------------------------------------------------------------------------------------------------


def test_tensors_keep_values_type_strides_and_flag() -> None:
    whole = torch.arange(12, dtype=torch.float64).reshape(3, 4)
    for original in (whole.t(), whole[1:, ::2], whole[0, 0], torch.ones(2, 1).expand(2, 3), torch.empty(0, 3)):
        original = original.detach().requires_grad_()
        ours = translation.Translation()(original)
        compare(original, ours, PLAIN)
        assert ours.requires_grad
        if original.numel():
            assert ours.stride() == original.stride()


def test_one_tensor_in_two_places_stays_one() -> None:
    x = torch.ones(2)
    first, nest = translation.Translation()([x, {"again": (x,)}])
    assert first is nest["again"][0]
    first, nest = translation.Duplicate()([x, {"again": (x,)}])
    assert first is nest["again"][0] is not x


def test_views_of_one_storage_stay_views_of_one_storage() -> None:
    whole = torch.zeros(4)
    ours, part = translation.Translation()([whole, whole[1:3]])
    part.array[...] = 7
    assert ours.tolist() == [0, 7, 7, 0]


def test_a_lambda_of_the_database_runs_on_handtorch() -> None:
    with pytest.raises(MissingName, match=r"handtorch\.no_such_name"):
        translation.function(torch).no_such_name(1)
    ours = translation.function(ops.ENTRIES["expand"].op)
    assert isinstance(ours(handtorch.ones(1), (3,)), handtorch.Tensor)


def test_pytorch_itself_is_never_handed_over() -> None:
    for entry in ops.ENTRIES.values():
        ours = translation.function(entry.op, entry.name)
        assert not getattr(ours, "__module__", None) or not str(ours.__module__).startswith(("torch._C", "torch.nn"))


def test_a_module_is_made_anew_with_its_arguments() -> None:
    with translation.remembered_modules():
        theirs = torch.nn.Linear(3, 2, bias=False)
        ours = translation.Translation()(theirs)
    assert repr(ours) == repr(theirs)
    compare(dict(theirs.state_dict()), dict(ours.state_dict()), PLAIN)


# ---- choosing samples --------------------------------------------------------------------------------------------


def test_samples_are_spread_over_all_and_start_with_the_first() -> None:
    chosen = [place for place, _ in sampling.spread(range(1000), 10, 0.5)]
    assert chosen[0] == 0
    assert len(set(chosen)) == 10
    assert chosen[-1] >= 900
    assert sampling.spread("abc", 10) == [(0, "a"), (1, "b"), (2, "c")]


@pytest.mark.parametrize(("lengths", "budget"), [([3, 100], 50), ([100, 100], 50), ([5], 50), ([0, 7], 3), ([9, 9], 1)])
def test_shares_use_up_the_budget_and_no_more(lengths: list[int], budget: int) -> None:
    given = sampling.shares(lengths, budget)
    assert sum(given) == min(budget, sum(lengths))
    assert all(0 <= g <= n for g, n in zip(given, lengths, strict=True))


def test_no_op_runs_more_samples_than_the_cap() -> None:
    result = ops.check("add")
    assert result.samples + len(result.skipped) <= sampling.CAP


# ---- the scope ---------------------------------------------------------------------------------------------------

_BESSEL_AND_POLYNOMIALS = ("bessel", "polynomial")
_ALLOWED = {
    "sparse": lambda name: "sparse" in name.lower(),
    "torch.ops": lambda name: "torch.ops" in name or _calls_torch_ops(name),
    "jiterator": lambda name: name.startswith("jiterator"),
    "underscore": lambda name: name.removeprefix("torch.").startswith("_") and "__" not in name,
    "special": lambda name: name.startswith("special.") and any(word in name for word in _BESSEL_AND_POLYNOMIALS),
    "masked": lambda name: name.startswith("masked."),
    "complex": lambda name: name in ("chalf", "nn.functional.silu.complex"),
}


def _calls_torch_ops(name: str) -> bool:
    op = ops.ENTRIES[name].op
    return type(op).__name__.startswith("OpOverload") or "ops" in op.__code__.co_names


def test_only_what_is_allowed_is_left_out() -> None:
    for group in scope.groups():
        assert len(group["reason"]) > 10
        for kind in ("op", "optimizer"):
            for name in group.get(f"{kind}s", ()):
                assert name in entries.names(kind)
                assert _ALLOWED[group["kind"]](name), name
        assert set(group) <= {"kind", "reason", "ops", "optimizers"}  # no module is left out


def test_all_else_counts() -> None:
    every = sum(len(entries.names(kind)) for kind in ("op", "module", "optimizer"))
    assert len(entries.in_scope()) == every - len(scope.left_out())


# ---- the floor ---------------------------------------------------------------------------------------------------


def test_an_entry_below_its_floor_is_named(tmp_path: Any) -> None:
    whole = Result("op", "add", samples=3)
    broken = Result("op", "mul", samples=3, failures=[Failure("float32 #0", "forward", "wrong")])
    file = tmp_path / "floor.toml"
    floor.write([whole, broken], file)
    assert floor.read(file) == {("op", "add")}
    whole.failures = broken.failures
    assert floor.fallen([whole, broken], floor.read(file)) == [whole]


def test_an_entry_of_which_no_sample_ran_does_not_hold() -> None:
    assert not Result("op", "add").whole


def test_the_floor_names_entries_that_count() -> None:
    assert floor.read() <= set(entries.in_scope())


# ---- processes ---------------------------------------------------------------------------------------------------


def misbehaving(entry: tuple[str, str]) -> Result:
    """A check that hangs, dies or holds, as the entry's name says."""
    if entry[1] == "hangs":
        time.sleep(60)
    if entry[1] == "dies":
        os._exit(3)
    return Result(*entry, samples=1)


def test_an_entry_that_hangs_or_dies_costs_only_itself() -> None:
    names = ["holds", "hangs", "dies", "holds too", "dies", "holds as well"]
    results = list(workers.run([("op", name) for name in names], misbehaving, workers=2, limit=2.0))
    assert sorted(result.name for result in results) == sorted(names)
    assert all(result.whole == result.name.startswith("holds") for result in results)
    reasons = {result.name: result.failures[0].reason for result in results if not result.whole}
    assert reasons == {"hangs": "still running after 2 s", "dies": "the process died (exit code 3)"}


# ---- the command -------------------------------------------------------------------------------------------------


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    assert "--op add" in capsys.readouterr().out


def test_an_unknown_name_is_a_usage_error_that_suggests_another(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--op", "linalg.inverse"])
    assert ended.value.code == 2
    assert "linalg.inv" in capsys.readouterr().err


def test_the_floor_is_only_written_by_a_whole_run() -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--op", "exp", "--update-floor"])
    assert ended.value.code == 2


def test_the_figures_come_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--op", "exp", "--optimizer", "SGD"]) == 0
    lines = capsys.readouterr().out.rstrip().split("\n")
    assert lines[-1].startswith("conformance: ops ")
    assert lines[-1].endswith("(1/1 ops whole), modules 0/0, optimizers 1/1")


def test_a_regression_is_named_and_makes_the_run_fail(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floor, "read", lambda: {("op", "exp")})
    monkeypatch.delattr(handtorch, "exp")
    assert command.main(["--op", "exp"]) == 1
    assert "regressed: op exp held whole" in capsys.readouterr().out
