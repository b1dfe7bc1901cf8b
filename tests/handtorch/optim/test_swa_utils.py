"""Averages of models: the mean is the mean, and batch norms fit the averaged weights."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from handtorch import nn, optim
from handtorch.errors import ArgumentError
from handtorch.optim import swa_utils
from handtorch.tensor import Tensor


def model_with(value: float) -> Any:
    model = nn.Linear(2, 1)
    for p in model.parameters():
        p.array[...] = value
    return model


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (1 + 2 + 6) / 3),
        ({"avg_fn": swa_utils.get_swa_avg_fn()}, (1 + 2 + 6) / 3),
        ({"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()}, (1 + 2 + 6) / 3),
        ({"avg_fn": swa_utils.get_ema_avg_fn(0.5)}, 0.25 * 1 + 0.25 * 2 + 0.5 * 6),
        ({"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)}, 0.25 * 1 + 0.25 * 2 + 0.5 * 6),
    ],
)
def test_three_models_are_averaged(options: dict[str, Any], expected: float) -> None:
    model = model_with(0.0)
    averaged = swa_utils.AveragedModel(model, **options)
    for value in (1.0, 2.0, 6.0):
        averaged.update_parameters(model_with(value))
    for p in averaged.parameters():
        np.testing.assert_allclose(p.array, expected, rtol=1e-6)
    assert averaged.n_averaged.item() == 3 and all((p.array == 0).all() for p in model.parameters())
    np.testing.assert_allclose(averaged(Tensor.of(np.ones((1, 2), np.float32))).array, 3 * expected, rtol=1e-6)


def test_an_average_goes_on_from_its_state_dict() -> None:
    averaged = swa_utils.AveragedModel(model_with(0.0))
    averaged.update_parameters(model_with(1.0))
    other = swa_utils.AveragedModel(model_with(5.0))
    other.load_state_dict(averaged.state_dict())
    other.update_parameters(model_with(3.0))
    np.testing.assert_allclose(other.module.weight.array, 2.0)


@pytest.mark.parametrize(("use_buffers", "expected"), [(False, 4.0), (True, 3.0)])
def test_buffers_are_copied_or_averaged(use_buffers: bool, expected: float) -> None:
    norm = nn.BatchNorm1d(2)
    averaged = swa_utils.AveragedModel(norm, use_buffers=use_buffers)
    for value in (2.0, 4.0):
        norm.running_mean.array[...] = value
        averaged.update_parameters(norm)
    np.testing.assert_allclose(averaged.module.running_mean.array, expected)


def test_update_bn_leaves_the_statistics_of_the_data() -> None:
    data = np.random.default_rng(0).normal(3.0, 2.0, (6, 50, 4)).astype(np.float32)
    model = nn.Sequential(nn.BatchNorm1d(4, momentum=0.2))
    model.eval()
    swa_utils.update_bn([(Tensor.of(batch), None) for batch in data], model)
    norm = model[0]
    np.testing.assert_allclose(norm.running_mean.array, data.mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.array, data.var(axis=1, ddof=1).mean(axis=0), rtol=1e-4)
    assert norm.momentum == 0.2 and not model.training


def test_update_bn_does_nothing_without_batch_norms() -> None:
    model = model_with(1.0)
    before = copy.deepcopy(model.state_dict())
    swa_utils.update_bn(iter(["never looked at"]), model)
    assert all((model.state_dict()[k].array == v.array).all() for k, v in before.items())


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_the_rate_goes_to_the_swa_rate_and_stays(strategy: Any) -> None:
    optimizer = optim.SGD(model_with(1.0).parameters(), lr=1.0)
    scheduler = swa_utils.SWALR(optimizer, swa_lr=0.2, anneal_epochs=4, anneal_strategy=strategy)
    seen = []
    for _ in range(7):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    t = np.minimum(np.arange(7), 4) / 4
    share = t if strategy == "linear" else (1 - np.cos(np.pi * t)) / 2
    np.testing.assert_allclose(seen, 1.0 + (0.2 - 1.0) * share)


def test_wrong_options_are_refused() -> None:
    optimizer = optim.SGD(model_with(1.0).parameters(), lr=1.0)
    with pytest.raises(ArgumentError, match="anneal_strategy"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="steps")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="anneal_epochs"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    for make in (swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn):
        with pytest.raises(ArgumentError, match="decay"):
            make(1.5)
    both: dict[str, Any] = {"avg_fn": swa_utils.get_swa_avg_fn(), "multi_avg_fn": swa_utils.get_swa_multi_avg_fn()}
    with pytest.raises(AssertionError, match="Only one"):
        swa_utils.AveragedModel(model_with(1.0), **both)
