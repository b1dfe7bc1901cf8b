"""Schedules against their closed forms, and what they do around the edges."""

from __future__ import annotations

import math
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

from handtorch import optim
from handtorch.errors import ArgumentError
from handtorch.optim import lr_scheduler
from handtorch.optim.lr_scheduler import LRScheduler
from handtorch.tensor import Tensor


def optimizer(name: str = "SGD", rates: tuple[float, ...] = (0.1, 0.4), **options: Any) -> Any:
    groups = [{"params": [Tensor.of(np.ones(1)).requires_grad_()], "lr": rate} for rate in rates]
    return getattr(optim, name)(groups, **options)


def rates_of(scheduler: LRScheduler, steps: int) -> np.ndarray:
    """The rates in force at epochs 0 … steps - 1, shape (steps, groups)."""
    rows = []
    for _ in range(steps):
        rows.append([float(group["lr"]) for group in scheduler.optimizer.param_groups])
        assert scheduler.get_last_lr() == rows[-1]
        scheduler.optimizer.step()
        scheduler.step()
    return np.array(rows)


CLOSED: list[tuple[str, dict[str, Any], Any]] = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}, lambda t: 0.5 ** (t // 3)),
    ("MultiStepLR", {"milestones": [2, 5, 5], "gamma": 0.5}, lambda t: 0.5 ** ((t >= 2) + 2 * (t >= 5))),
    ("ConstantLR", {"factor": 0.25, "total_iters": 4}, lambda t: 0.25 if t < 4 else 1.0),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.8, "total_iters": 6}, lambda t: 0.2 + 0.1 * min(t, 6)),
    ("ExponentialLR", {"gamma": 0.9}, lambda t: 0.9**t),
    ("PolynomialLR", {"total_iters": 8, "power": 2.0}, lambda t: (1 - min(t, 8) / 8) ** 2),
    ("CosineAnnealingLR", {"T_max": 6}, lambda t: (1 + math.cos(math.pi * t / 6)) / 2),
    ("CosineAnnealingWarmRestarts", {"T_0": 4}, lambda t: (1 + math.cos(math.pi * (t % 4) / 4)) / 2),
    ("LambdaLR", {"lr_lambda": lambda t: 1 / (1 + t)}, lambda t: 1 / (1 + t)),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 0.9}, lambda t: 0.9**t),
]


@pytest.mark.parametrize(("name", "options", "factor"), CLOSED, ids=[name for name, *_ in CLOSED])
def test_the_chained_form_is_the_closed_form(name: str, options: dict[str, Any], factor: Any) -> None:
    scheduler = getattr(lr_scheduler, name)(optimizer(), **options)
    expected = np.array([[0.1 * factor(t), 0.4 * factor(t)] for t in range(15)])
    np.testing.assert_allclose(rates_of(scheduler, 15), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "options", "factor"), CLOSED, ids=[name for name, *_ in CLOSED])
def test_a_schedule_goes_on_from_its_checkpoint(name: str, options: dict[str, Any], factor: Any) -> None:
    scheduler = getattr(lr_scheduler, name)(optimizer(), **options)
    rates_of(scheduler, 5)
    saved = pickle.loads(pickle.dumps((scheduler.state_dict(), scheduler.optimizer.state_dict())))
    other = getattr(lr_scheduler, name)(optimizer(rates=(1.0, 1.0)), **options)
    other.load_state_dict(saved[0])
    other.optimizer.load_state_dict(saved[1])
    np.testing.assert_array_equal(rates_of(other, 8), rates_of(scheduler, 8))


@pytest.mark.parametrize(
    ("name", "options", "factor"), [c for c in CLOSED if c[0] not in ("LambdaLR", "MultiplicativeLR")]
)
def test_an_epoch_jumps_there_with_a_warning(name: str, options: dict[str, Any], factor: Any) -> None:
    scheduler = getattr(lr_scheduler, name)(optimizer(), **options)
    scheduler.optimizer.step()
    if name == "CosineAnnealingWarmRestarts":
        scheduler.step(7)
    else:
        with pytest.warns(UserWarning, match="epoch parameter"):
            scheduler.step(7)
    assert scheduler.get_last_lr() == pytest.approx([0.1 * factor(7), 0.4 * factor(7)])


def test_warm_restarts_stretch_and_take_fractions_of_epochs() -> None:
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer(rates=(1.0,)), T_0=2, T_mult=3, eta_min=0.1)
    column = rates_of(scheduler, 9)[:, 0]
    assert [t for t, rate in enumerate(column) if rate == pytest.approx(1.0)] == [0, 2, 8]
    scheduler.step(5.5)
    assert scheduler.get_last_lr()[0] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi * 3.5 / 6)) / 2)
    with pytest.raises(ArgumentError, match="non-negative epoch"):
        scheduler.step(-1)


def test_one_cycle_rises_to_the_top_and_ends_at_almost_nothing() -> None:
    opt = optimizer(rates=(0.1,), momentum=0.9)
    scheduler = lr_scheduler.OneCycleLR(opt, max_lr=1.0, total_steps=21, pct_start=0.5, div_factor=10)
    momenta, column = [], []
    for _ in range(21):
        column.append(opt.param_groups[0]["lr"])
        momenta.append(opt.param_groups[0]["momentum"])
        opt.step()
        scheduler.step()
    assert column[0] == pytest.approx(0.1) and max(column) <= 1.0 and max(column) > 0.99
    assert column[20] == pytest.approx(0.1 / 1e4)
    assert momenta[0] == pytest.approx(0.95) and min(momenta) == pytest.approx(0.85, abs=1e-2)
    with pytest.raises(ArgumentError, match="Tried to step 22 times"):
        scheduler.step()


@pytest.mark.parametrize(("mode", "height"), [("triangular", 1.0), ("triangular2", 0.5), ("exp_range", 0.9**12)])
def test_cycles_return_to_the_base_and_scale_their_tops(mode: Any, height: float) -> None:
    opt = optimizer(rates=(9.0,), momentum=0.5)
    scheduler = lr_scheduler.CyclicLR(opt, 0.1, 1.1, step_size_up=4, step_size_down=4, mode=mode, gamma=0.9)
    column = rates_of(scheduler, 17)[:, 0]
    np.testing.assert_allclose(column[[0, 8, 16]], 0.1)
    assert column[12] == pytest.approx(0.1 + height)


def test_momentum_is_cycled_through_betas_too() -> None:
    opt = optimizer("AdamW", rates=(0.1,))
    scheduler = lr_scheduler.CyclicLR(opt, 0.1, 1.0, step_size_up=2, base_momentum=0.6, max_momentum=0.8)
    assert opt.param_groups[0]["betas"] == (0.8, 0.999)
    rates_of(scheduler, 2)
    assert opt.param_groups[0]["betas"] == (pytest.approx(0.6), 0.999)
    with pytest.raises(ArgumentError, match="momentum or beta1"):
        lr_scheduler.CyclicLR(optimizer("Rprop"), 0.1, 1.0)


def test_one_schedule_follows_the_other() -> None:
    opt = optimizer(rates=(1.0,))
    parts = [lr_scheduler.LinearLR(opt, 0.25, total_iters=3), lr_scheduler.ExponentialLR(opt, 0.5)]
    scheduler = lr_scheduler.SequentialLR(opt, parts, [4])
    np.testing.assert_allclose(rates_of(scheduler, 7)[:, 0], [0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.25])
    saved = scheduler.state_dict()
    assert len(saved["_schedulers"]) == 2 and "optimizer" not in saved["_schedulers"][0]


def test_chained_schedules_multiply() -> None:
    opt = optimizer(rates=(1.0,))
    parts = [lr_scheduler.ConstantLR(opt, 0.1, total_iters=2), lr_scheduler.ExponentialLR(opt, 0.9)]
    scheduler = lr_scheduler.ChainedScheduler(parts)
    np.testing.assert_allclose(rates_of(scheduler, 4)[:, 0], [0.1, 0.09, 0.81, 0.729])


def test_parts_that_do_not_fit_are_refused() -> None:
    opt, other = optimizer(), optimizer()
    part, stranger = lr_scheduler.ExponentialLR(opt, 0.9), lr_scheduler.ExponentialLR(other, 0.9)
    plateau = lr_scheduler.ReduceLROnPlateau(opt)
    for make in (lambda parts: lr_scheduler.SequentialLR(opt, parts, [1]), lr_scheduler.ChainedScheduler):
        with pytest.raises(ArgumentError, match="at least one scheduler"):
            make([])
        with pytest.raises(ArgumentError, match="same optimizer"):
            make([part, stranger])
        with pytest.raises(ArgumentError, match="ReduceLROnPlateau"):
            make([part, plateau])
    with pytest.raises(ArgumentError, match="one more than the number of milestone"):
        lr_scheduler.SequentialLR(opt, [part, part], [1, 2])


def test_the_plateau_waits_reduces_and_cools_down() -> None:
    opt = optimizer(rates=(1.0,))
    scheduler = lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=1, cooldown=1, min_lr=0.2)
    seen = []
    for metric in [1.0, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]:
        scheduler.step(Tensor.of(np.array(metric)))
        seen.append(opt.param_groups[0]["lr"])
    assert seen == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda o: lr_scheduler.ConstantLR(o, factor=1.5), "between 0 and 1"),
        (lambda o: lr_scheduler.LinearLR(o, start_factor=0), "greater than 0"),
        (lambda o: lr_scheduler.LinearLR(o, end_factor=2), "between 0 and 1"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=0), "positive integer T_0"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=1, T_mult=0), "T_mult >= 1"),
        (lambda o: lr_scheduler.LambdaLR(o, [abs]), "Expected 2 lr_lambdas"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, mode="square"), "mode is invalid"),
        (lambda o: lr_scheduler.CyclicLR(o, [0.1], 1.0), "same length as optimizer.param_groups"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0), "either total_steps OR"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=0), "positive integer total_steps"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=5, pct_start=2.0), "pct_start"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=5, anneal_strategy="x"), "anneal_strategy"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), "Factor should be < 1.0"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="up"), "mode up is unknown"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[0.1]), "expected 2 min_lrs"),
    ],
)
def test_wrong_options_are_refused(make: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make(optimizer(momentum=0.9))


def test_what_is_no_optimizer_or_function_is_refused() -> None:
    for make in (lambda o: lr_scheduler.StepLR(o, 1), lr_scheduler.ReduceLROnPlateau):
        with pytest.raises(TypeError, match="int is not an Optimizer"):
            make(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="should be a function"):
        lr_scheduler.MultiplicativeLR(optimizer(), 0.9)  # type: ignore[arg-type]


def test_going_on_needs_the_initial_rates() -> None:
    opt = optimizer()
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(opt, 2, last_epoch=3)
    lr_scheduler.StepLR(opt, 2)
    assert lr_scheduler.StepLR(opt, 2, last_epoch=3).last_epoch == 4


def test_the_wrong_order_is_warned_of_once_and_the_right_one_is_not() -> None:
    scheduler = lr_scheduler.ExponentialLR(optimizer(), 0.9)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()
        scheduler = lr_scheduler.ExponentialLR(optimizer(), 0.9)
        scheduler.optimizer.step()
        scheduler.step()


def test_a_step_that_was_replaced_is_warned_of() -> None:
    scheduler = lr_scheduler.ExponentialLR(opt := optimizer(), 0.9)
    opt.step = lambda: None
    with pytest.warns(UserWarning, match="overridden"):
        scheduler.step()


def test_asking_for_the_next_rate_by_hand_is_warned_of() -> None:
    scheduler = lr_scheduler.ExponentialLR(optimizer(), 0.9)
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()


def test_a_rate_that_is_a_tensor_is_changed_in_place() -> None:
    rate = Tensor.of(np.array(1.0))
    opt = optim.SGD([Tensor.of(np.ones(1)).requires_grad_()], lr=rate)
    scheduler = lr_scheduler.StepLR(opt, 1, gamma=0.5)
    opt.step()
    scheduler.step()
    assert opt.param_groups[0]["lr"] is rate and rate.item() == 0.5
    assert scheduler.base_lrs[0].item() == 1.0


class Countdown:
    """A callable object, whose attributes belong into a checkpoint."""

    def __init__(self, left: float) -> None:
        self.left = left

    def __call__(self, epoch: int) -> float:
        return self.left


def test_attributes_of_callable_objects_are_saved_and_code_is_not() -> None:
    opt = optimizer()
    scheduler = lr_scheduler.LambdaLR(opt, [Countdown(3.0), lambda epoch: 1.0])
    saved = scheduler.state_dict()
    assert saved["lr_lambdas"] == [{"left": 3.0}, None]
    other = lr_scheduler.LambdaLR(optimizer(), [Countdown(1.0), lambda epoch: 1.0])
    other.load_state_dict(saved)
    assert other.lr_lambdas[0].left == 3.0 and len(saved["lr_lambdas"]) == 2
