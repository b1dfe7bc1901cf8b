"""Gradient clipping, and parameters as one vector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import GradientError, ShapeError
from handtorch.nn import utils


def with_gradients(*gradients: Any) -> list[Any]:
    parameters = []
    for gradient in gradients:
        p = handtorch.zeros(np.shape(gradient), requires_grad=True)
        p.grad = handtorch.tensor(gradient)
        parameters.append(p)
    return [*parameters, handtorch.zeros(1, requires_grad=True)]  # the last one has no gradient


def gradients(parameters: list[Any]) -> np.ndarray:
    return np.concatenate([p.grad.numpy().ravel() for p in parameters if p.grad is not None])


VALUES = ([[3.0, -4.0], [0.0, 1.0]], [12.0], 2.0)
FLAT = np.array([3, -4, 0, 1, 12, 2.0])


@pytest.mark.parametrize("norm_type", [2, 1, 3.5, math.inf])
def test_the_norm_is_that_of_all_gradients_as_one_vector(norm_type: float) -> None:
    parameters = with_gradients(*VALUES)
    held = parameters[0].grad
    expected = np.linalg.norm(FLAT, norm_type)
    total = utils.clip_grad_norm_(iter(parameters), 2.0, norm_type)
    np.testing.assert_allclose(total.item(), expected, rtol=1e-6)
    np.testing.assert_allclose(gradients(parameters), FLAT * 2 / expected, rtol=1e-5)
    assert parameters[0].grad is held
    assert (total.shape, total.dtype) == ((), handtorch.float32)


def test_gradients_within_the_norm_are_left_alone() -> None:
    parameters = with_gradients(*VALUES)
    utils.clip_grad_norm_(parameters, 1e3)
    np.testing.assert_array_equal(gradients(parameters), FLAT)


def test_one_tensor_and_none_at_all_are_taken() -> None:
    (p, _) = with_gradients([3.0, 4.0])
    assert utils.clip_grad_norm_(p, 1.0).item() == 5
    assert utils.clip_grad_norm_([], 1.0).item() == 0
    assert utils.get_total_norm(handtorch.ones(4)).item() == 2
    with pytest.warns(UserWarning, match="empty generator"):
        utils.clip_grad_norm_((p for p in ()), 1.0)


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_norms_whose_squares_leave_the_range_of_the_type_are_found(size: float) -> None:
    np.testing.assert_allclose(utils.get_total_norm([handtorch.full((4,), size)]).item(), 2 * size, rtol=1e-6)
    half = handtorch.full((4,), 3e4).half()
    np.testing.assert_allclose(utils.get_total_norm([half]).item(), 6e4, rtol=1e-3)


def test_gradients_that_are_not_contiguous_count_in_full() -> None:
    g = handtorch.ones(4, 6).t()[::2]
    np.testing.assert_allclose(utils.get_total_norm([g]).item(), math.sqrt(12), rtol=1e-6)


def test_a_norm_that_is_no_number_goes_on_or_is_refused() -> None:
    parameters = with_gradients([math.nan, 1.0], [2.0])
    with pytest.raises(GradientError, match="non-finite"):
        utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert gradients(parameters)[1] == 1
    assert math.isnan(utils.clip_grad_norm_(parameters, 1.0).item())
    assert np.isnan(gradients(parameters)).all()


def test_clipping_with_a_known_norm() -> None:
    parameters = with_gradients([3.0, 4.0])
    utils.clip_grads_with_norm_(parameters, 1.0, handtorch.tensor(10.0))
    np.testing.assert_allclose(gradients(parameters), [0.3, 0.4], rtol=1e-5)


def test_values_are_clipped_one_by_one() -> None:
    parameters = with_gradients(*VALUES)
    utils.clip_grad_value_(parameters, 2)
    np.testing.assert_array_equal(gradients(parameters), FLAT.clip(-2, 2))


def test_the_old_name_warns() -> None:
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        assert utils.clip_grad_norm(with_gradients([3.0, 4.0]), 1.0).item() == 5


def test_parameters_become_a_vector_and_come_back() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    vector = utils.parameters_to_vector(model.parameters())
    expected = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    np.testing.assert_array_equal(vector.detach().numpy(), expected)
    vector.sum().backward()
    np.testing.assert_array_equal(gradients(list(model.parameters())), np.ones(13))
    new = handtorch.arange(13, dtype=handtorch.float32)
    utils.vector_to_parameters(new, model.parameters())
    assert model[0].bias.tolist() == [6, 7, 8]
    new[0] = 99
    assert model[0].weight[0, 0].item() == 99


def test_a_vector_that_is_too_short_or_none_is_refused() -> None:
    with pytest.raises(ShapeError, match="at least 3 elements, got 2"):
        utils.vector_to_parameters(handtorch.zeros(2), nn.Linear(2, 1).parameters())
    with pytest.raises(TypeError, match="expected a Tensor, got int"):
        utils.vector_to_parameters(3, [])
