"""Layers and losses against their formulas, in training and in evaluation, and what they say about wrong input."""

import numpy as np
import pytest
import scipy.special

import handtorch
import handtorch.nn.functional as F
from handtorch import nn
from handtorch.errors import ArgumentError, DimensionError, DtypeError, ShapeError


def numbers(*shape, seed=0):
    return handtorch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def test_linear_starts_within_one_over_the_root_of_its_inputs():
    layer = nn.Linear(400, 300)
    assert 0.049 < layer.weight.abs().amax() <= 0.05
    assert layer.bias.abs().amax() <= 0.05
    assert nn.Linear(3, 2, bias=False).bias is None


def test_linear_names_the_module_the_argument_and_the_axis():
    model = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(9, 2)))
    with pytest.raises(ShapeError, match=r"^1\.1: expected input \(N, 9\), got \(5, 8\); its last axis is in_features"):
        model(numbers(5, 4))


def test_batch_norm_uses_the_batch_in_training_and_running_statistics_in_evaluation():
    layer = nn.BatchNorm1d(3, momentum=0.3)
    seen_mean, seen_var = np.zeros(3), np.ones(3)
    for step in range(4):
        x = numbers(16, 3, seed=step) * 2 + 1
        y = layer(x)
        a = x.array.astype(np.float64)
        np.testing.assert_allclose(y.array, (a - a.mean(0)) / np.sqrt(a.var(0) + 1e-5), rtol=1e-4, atol=1e-5)
        seen_mean = 0.7 * seen_mean + 0.3 * a.mean(0)
        seen_var = 0.7 * seen_var + 0.3 * a.var(0, ddof=1)
    np.testing.assert_allclose(layer.running_mean.array, seen_mean, rtol=1e-5)
    np.testing.assert_allclose(layer.running_var.array, seen_var, rtol=1e-5)
    assert layer.num_batches_tracked.item() == 4
    layer.eval()
    x = numbers(5, 3, seed=9)
    want = (x.array - seen_mean) / np.sqrt(seen_var + 1e-5)
    np.testing.assert_allclose(layer(x).array, want, rtol=1e-4, atol=1e-5)
    assert layer.num_batches_tracked.item() == 4


def test_batch_norm_without_momentum_averages_all_batches():
    layer = nn.BatchNorm1d(2, momentum=None)
    batches = [numbers(8, 2, seed=i) for i in range(5)]
    for x in batches:
        layer(x)
    np.testing.assert_allclose(layer.running_mean.array, np.mean([x.array.mean(0) for x in batches], 0), rtol=1e-4)


def test_batch_norm_without_tracking_uses_the_batch_in_evaluation_too():
    layer = nn.BatchNorm1d(3, track_running_stats=False).eval()
    y = layer(numbers(64, 3) + 5)
    np.testing.assert_allclose(y.array.mean(0), 0, atol=1e-5)


def test_batch_norm_of_sequences_counts_every_frame():
    x = numbers(4, 3, 7)
    flat = nn.BatchNorm1d(3)(x.permute(0, 2, 1).reshape(28, 3)).reshape(4, 7, 3).permute(0, 2, 1)
    np.testing.assert_allclose(nn.BatchNorm1d(3)(x).array, flat.array, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("x", "error", "text"),
    [
        ((1, 3), ArgumentError, "more than 1 value per channel"),
        ((5, 4), ShapeError, "expected input with 3 channels"),
        ((5,), ArgumentError, "2D or 3D"),
    ],
)
def test_batch_norm_refuses_what_it_cannot_normalise(x, error, text):
    with pytest.raises(error, match=text):
        nn.BatchNorm1d(3)(numbers(*x))


def test_layer_norm_gives_every_sample_mean_0_and_variance_1():
    y = nn.LayerNorm((3, 5))(numbers(4, 3, 5) * 3 + 2).array.reshape(4, 15)
    np.testing.assert_allclose(y.mean(1), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(1), 1, rtol=1e-4)
    with pytest.raises(ShapeError, match=r"normalized_shape=\[5\]"):
        nn.LayerNorm(5)(numbers(4, 3))


def test_dropout_keeps_the_mean_and_the_promised_share():
    handtorch.manual_seed(0)
    y = nn.Dropout(0.3)(handtorch.ones(200_000))
    assert abs(float(y.mean()) - 1) < 0.01
    assert abs(float((y == 0).float().mean()) - 0.3) < 0.01
    assert set(np.unique(y.array)) == {np.float32(0), np.float32(1 / 0.7)}


def test_dropout_does_nothing_in_evaluation_and_everything_at_one():
    x = numbers(10)
    assert nn.Dropout(0.9).eval()(x) is x
    assert F.dropout(x, 1.0).tolist() == [0.0] * 10
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        nn.Dropout(1.5)


def brute_cross_entropy(x, t):
    return -(x - scipy.special.logsumexp(x, axis=1, keepdims=True))[np.arange(len(t)), t]


def test_cross_entropy_of_images_counts_every_pixel():
    x, t = numbers(2, 5, 3, 4), handtorch.randint(0, 5, (2, 3, 4))
    want = brute_cross_entropy(x.array.transpose(0, 2, 3, 1).reshape(-1, 5), t.array.ravel()).reshape(2, 3, 4)
    np.testing.assert_allclose(F.cross_entropy(x, t, reduction="none").array, want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(F.cross_entropy(x, t).item(), want.mean(), rtol=1e-5)


def test_cross_entropy_of_one_sample_and_of_probabilities():
    x = numbers(5)
    np.testing.assert_allclose(
        F.cross_entropy(x, handtorch.tensor(2)).item(), brute_cross_entropy(x.array[None], [2])[0], rtol=1e-5
    )
    rows, p = numbers(4, 5), handtorch.softmax(numbers(4, 5, seed=1), 1)
    logs = rows.array - scipy.special.logsumexp(rows.array, axis=1, keepdims=True)
    np.testing.assert_allclose(F.cross_entropy(rows, p).item(), -(logs * p.array).sum() / 4, rtol=1e-5)


@pytest.mark.parametrize("rows", [4, 4000])
def test_cross_entropy_names_the_target_that_is_no_class(rows):
    t = np.zeros(rows, np.int64)
    t[3] = 5
    with pytest.raises(DimensionError, match="Target 5 is out of bounds: expected a class from 0 to 4"):
        F.cross_entropy(numbers(rows, 5), handtorch.from_numpy(t))
    with pytest.raises(ShapeError, match=r"expected input \(N, C, \*\) and target \(N, \*\)"):
        F.cross_entropy(numbers(rows, 5), handtorch.from_numpy(t[:-1]))
    with pytest.raises(DtypeError, match="Long or Byte"):
        F.cross_entropy(numbers(rows, 5), handtorch.from_numpy(t == 0))


@pytest.mark.parametrize("rows", [4, 4000])
def test_cross_entropy_is_finite_for_huge_logits_and_minus_infinity(rows):
    x = np.zeros((rows, 5), np.float32)
    x[:, 0], x[:, 1] = 1e4, -np.inf
    loss = F.cross_entropy(handtorch.from_numpy(x), handtorch.zeros(rows, dtype=handtorch.int64))
    assert loss.item() == 0


def test_mse_loss_reductions():
    a, b = numbers(3, 4), numbers(3, 4, seed=1)
    squares = (a.array - b.array) ** 2
    np.testing.assert_allclose(nn.MSELoss()(a, b).item(), squares.mean(), rtol=1e-5)
    np.testing.assert_allclose(nn.MSELoss(reduction="sum")(a, b).item(), squares.sum(), rtol=1e-5)
    np.testing.assert_allclose(nn.MSELoss(reduction="none")(a, b).array, squares, rtol=1e-5)
    with pytest.raises(ArgumentError, match="expected one of"):
        nn.MSELoss(reduction="median")


def test_a_small_network_learns_what_a_line_cannot():
    handtorch.manual_seed(1)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizer = handtorch.optim.Adam(model.parameters(), lr=0.03)
    x = handtorch.rand(400, 2) * 2 - 1
    target = ((x[:, 0] * x[:, 1]) > 0).long()
    for _ in range(150):
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
    assert float((model(x).argmax(1) == target).float().mean()) > 0.95
