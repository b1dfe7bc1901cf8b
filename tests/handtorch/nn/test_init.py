"""Initializers: the distributions that the papers ask for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import handtorch
from handtorch.errors import ArgumentError
from handtorch.nn import init


def filled(fill: Any, *shape: int) -> np.ndarray:
    tensor = handtorch.empty(*shape, dtype=handtorch.float64).requires_grad_()
    generator = handtorch.Generator().manual_seed(4)
    assert fill(tensor, generator) is tensor
    assert tensor.is_leaf
    assert tensor.requires_grad
    return tensor.detach().numpy()


def follows(values: np.ndarray, distribution: Any) -> bool:
    """Kolmogorov and Smirnov's test."""
    return stats.kstest(values.ravel(), distribution.cdf).pvalue > 0.01


def uniform(bound: float) -> Any:
    return stats.uniform(-bound, 2 * bound)


def normal(std: float) -> Any:
    return stats.norm(0, std)


# A weight (40, 30, 5): fan in 150, fan out 200.
@pytest.mark.parametrize(
    ("fill", "distribution"),
    [
        (lambda t, g: init.uniform_(t, -2, 2, g), uniform(2)),
        (lambda t, g: init.normal_(t, 0, 3, g), normal(3)),
        (lambda t, g: init.xavier_uniform_(t, 2, g), uniform(2 * math.sqrt(6 / 350))),
        (lambda t, g: init.xavier_normal_(t, 2, g), normal(2 * math.sqrt(2 / 350))),
        (lambda t, g: init.kaiming_uniform_(t, generator=g), uniform(math.sqrt(6 / 150))),
        (lambda t, g: init.kaiming_uniform_(t, 1, "fan_out", generator=g), uniform(math.sqrt(3 / 200))),
        (lambda t, g: init.kaiming_normal_(t, nonlinearity="relu", generator=g), normal(math.sqrt(2 / 150))),
        (
            lambda t, g: init.kaiming_normal_(t, mode="fan_out", nonlinearity="selu", generator=g),
            normal(0.75 / 200**0.5),
        ),
        (lambda t, g: init.trunc_normal_(t, 0, 2, -4, 1, g), stats.truncnorm(-2, 0.5, 0, 2)),
        (lambda t, g: init.trunc_normal_(t, 0, 1, 0.5, 0.7, g), stats.truncnorm(0.5, 0.7)),
    ],
)
def test_weights_follow_their_distribution(fill: Any, distribution: Any) -> None:
    assert follows(filled(fill, 40, 30, 5), distribution)


def test_a_cut_far_from_the_mean_warns() -> None:
    with pytest.warns(UserWarning, match="more than 2 std"):
        values = filled(lambda t, g: init.trunc_normal_(t, 0, 1, 2.5, 3, g), 100)
    assert values.min() >= 2.5
    assert values.max() <= 3


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 3, 2, 2)], ids=str)
def test_orthogonal_weights_have_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    q = filled(lambda t, g: init.orthogonal_(t, 3, g), *shape).reshape(shape[0], -1) / 3
    gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_eye_and_dirac_keep_the_input() -> None:
    np.testing.assert_array_equal(filled(lambda t, g: init.eye_(t), 2, 3), np.eye(2, 3))
    weight = filled(lambda t, g: init.dirac_(t, groups=2), 4, 3, 3, 5)
    assert weight.sum() == 4
    assert [weight[o, i, 1, 2] for o, i in ((0, 0), (1, 1), (2, 0), (3, 1))] == [1] * 4


def test_every_column_of_sparse_weights_has_its_share_of_zeros() -> None:
    handtorch.manual_seed(0)
    weight = filled(lambda t, g: init.sparse_(t, 0.25, 1, g), 10, 6)
    assert (weight == 0).sum(axis=0).tolist() == [3] * 6  # 2.5 rounded up


def test_constants() -> None:
    assert filled(lambda t, g: init.constant_(t, 3), 2).tolist() == [3, 3]
    assert filled(lambda t, g: init.ones_(t), 2).tolist() == [1, 1]
    assert filled(lambda t, g: init.zeros_(t), 2).tolist() == [0, 0]


def test_kaiming_keeps_the_size_of_activations_through_a_deep_relu_network() -> None:
    handtorch.manual_seed(1)
    x = handtorch.randn(200, 256)
    for _ in range(10):
        weight = init.kaiming_normal_(handtorch.empty(256, 256), nonlinearity="relu")
        x = (x @ weight.t()).clamp(min=0)
    assert 0.5 < (x * x).mean().item() < 2


def test_gains_are_those_of_the_papers() -> None:
    assert init.calculate_gain("linear") == init.calculate_gain("sigmoid") == 1
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu", 1) == 1
    assert init.calculate_gain("selu") == 0.75


def test_nothing_is_recorded_and_the_version_advances() -> None:
    weight = handtorch.ones(2, 2, requires_grad=True)
    out = (weight * weight).sum()
    init.ones_(weight)
    assert weight.grad_fn is None
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_tensors_without_elements_are_left_alone() -> None:
    for fill in (init.kaiming_uniform_, init.kaiming_normal_):
        with pytest.warns(UserWarning, match="zero-element"):
            fill(handtorch.empty(0, 3))
    assert init.orthogonal_(handtorch.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: init.calculate_gain("softmax"), "Unsupported nonlinearity softmax; known are linear, .*selu"),
        (lambda: init.calculate_gain("leaky_relu", "x"), "negative_slope x not a valid number"),
        (lambda: init.kaiming_normal_(handtorch.empty(2, 2), mode="in"), "use one of"),
        (lambda: init.xavier_normal_(handtorch.empty(2)), r"fewer than 2 dimensions, got shape \(2,\)"),
        (lambda: init.eye_(handtorch.empty(2)), r"with 2 dimensions are supported, got 1: shape \(2,\)"),
        (lambda: init.dirac_(handtorch.empty(2, 2)), "with 3, 4, or 5 dimensions"),
        (lambda: init.dirac_(handtorch.empty(3, 2, 2), 2), "divisible by groups, got 3 channels and 2 groups"),
        (lambda: init.orthogonal_(handtorch.empty(2)), "2 or more dimensions"),
    ],
)
def test_mistakes_are_told(call: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        call()


def test_old_names_warn() -> None:
    with pytest.warns(FutureWarning, match=r"`nn.init.constant` is now deprecated in favor of `nn.init.constant_`"):
        assert init.constant(handtorch.empty(1), 2).item() == 2
