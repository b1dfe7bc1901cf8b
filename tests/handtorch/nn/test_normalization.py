import math

import numpy as np
import pytest

import handtorch
from handtorch import from_numpy, kernels, nn, set_num_threads
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.nn import functional as F


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(dtype)


def test_every_group_has_mean_zero_and_variance_one():
    x = from_numpy(3 + 5 * numbers(8, 6, 10, 10))
    cases = [
        (F.batch_norm(x, None, None, training=True).array, (0, 2, 3)),
        (F.instance_norm(x).array, (2, 3)),
        (F.layer_norm(x, (6, 10, 10)).array, (1, 2, 3)),
        (F.group_norm(x, 2).array.reshape(8, 2, 3, 10, 10), (2, 3, 4)),
    ]
    for y, axes in cases:
        np.testing.assert_allclose(y.mean(axis=axes), 0, atol=1e-12)
        np.testing.assert_allclose(y.var(axis=axes), 1, rtol=1e-5)
    y = F.rms_norm(x, (10,)).array
    np.testing.assert_allclose((y * y).mean(axis=-1), 1, rtol=1e-12)


def test_running_statistics_follow_the_unbiased_variance():
    layer = nn.BatchNorm2d(3, momentum=0.25).double()
    x = numbers(4, 3, 5, 2)
    layer(from_numpy(x))
    rows = np.moveaxis(x, 1, 0).reshape(3, -1)
    np.testing.assert_allclose(layer.running_mean.array, 0.25 * rows.mean(axis=1))
    np.testing.assert_allclose(layer.running_var.array, 0.75 + 0.25 * rows.var(axis=1, ddof=1))


def test_batches_without_elements_leave_the_running_statistics_alone():
    layer = nn.BatchNorm1d(3)
    assert layer(handtorch.zeros(0, 3, 2)).shape == (0, 3, 2)
    assert layer.running_var.tolist() == [1, 1, 1]


def test_local_response_norm_divides_by_its_neighbours():
    x = numbers(2, 5, 3)
    y = F.local_response_norm(from_numpy(x), 3, alpha=0.3, beta=0.5, k=2.0).array
    for c in range(5):
        window = x[:, max(0, c - 1) : c + 2]
        np.testing.assert_allclose(y[:, c], x[:, c] / np.sqrt(2 + 0.3 * (window**2).sum(axis=1) / 3))


@pytest.mark.parametrize("size", [1, 3, 4])
def test_cross_map_norm_sums_as_many_channels_before_as_after(size):
    x, reach = numbers(2, 6, 3, 2), (size - 1) // 2
    y = nn.CrossMapLRN2d(size, alpha=0.3, beta=0.5, k=2.0)(from_numpy(x)).array
    for c in range(6):
        window = x[:, max(0, c - reach) : c + reach + 1]
        np.testing.assert_allclose(y[:, c], x[:, c] / np.sqrt(2 + 0.3 * (window**2).sum(axis=1) / size))
    with pytest.raises(ArgumentError, match="4D, got 3D"):
        nn.CrossMapLRN2d(size)(from_numpy(x[0]))


@pytest.mark.parametrize("p", [1, 2, 3.5, math.inf])
def test_normalize_gives_vectors_of_length_one_but_leaves_tiny_ones_small(p):
    x = numbers(4, 5)
    x[2] *= 1e-20
    y = F.normalize(from_numpy(x), p=p, dim=1).array
    lengths = np.linalg.norm(y, ord=p, axis=1)
    np.testing.assert_allclose(lengths[[0, 1, 3]], 1)
    assert lengths[2] < 1e-6


def test_half_precision_does_not_overflow_in_the_variance():
    x = numbers(4, 64, dtype=np.float16) * np.float16(1000)
    y = F.layer_norm(from_numpy(x), (64,)).array
    assert y.dtype == np.float16
    wide = x.astype(np.float64)
    want = (wide - wide.mean(axis=1, keepdims=True)) / wide.std(axis=1, keepdims=True)
    np.testing.assert_allclose(y, want, rtol=2e-3, atol=2e-3)


def test_a_large_mean_does_not_spoil_the_variance_in_single_precision():
    x = (1e4 + numbers(16, 4, 32, 32)).astype(np.float32)
    exact = x.astype(np.float64)
    want = (exact - exact.mean(axis=(2, 3), keepdims=True)) / exact.std(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(F.instance_norm(from_numpy(x)).array, want, atol=5e-3)


@pytest.mark.parametrize(
    "run",
    [
        lambda x, w: F.layer_norm(x, (40,), w.reshape(64)[:40]),
        lambda x, w: F.rms_norm(x, (40,), w.reshape(64)[:40]),
        lambda x, w: F.batch_norm(x, None, None, w[0], training=True),
        lambda x, w: F.group_norm(x, 4, w[0]),
        lambda x, w: F.batch_norm(x, w[0], w[0] ** 2, w[0], w[0]),
    ],
)
def test_several_threads_give_the_numbers_of_one(run):
    results = []
    before = handtorch.get_num_threads()
    for threads in (1, 3):
        set_num_threads(threads)
        try:
            x = from_numpy(numbers(6, 8, 40, 40)).requires_grad_()
            w = from_numpy(numbers(8, 8, seed=1)).requires_grad_()
            y = run(x, w)
            y.backward(from_numpy(np.cos(np.arange(y.numel())).reshape(y.shape)))
            results.append((y.detach().array, x.grad.array, w.grad.array))
        finally:
            set_num_threads(before)
    for one, several in zip(*results, strict=True):
        np.testing.assert_allclose(several, one, rtol=1e-9, atol=1e-11)


def test_a_bias_may_be_learned_without_a_weight():
    x, bias = from_numpy(numbers(20, 16, 10)), from_numpy(numbers(16)).requires_grad_()
    for choice in ("reference", "fast"):
        with kernels.use(choice):
            bias.grad = None
            F.group_norm(x, 4, None, bias).sum().backward()
            np.testing.assert_allclose(bias.grad.array, 200)


def test_what_cannot_be_normalised_is_named():
    x = handtorch.zeros(4, 6)
    with pytest.raises(ShapeError, match=r"running_mean should contain 6 elements not 4"):
        F.batch_norm(x, handtorch.zeros(4), handtorch.ones(4))
    with pytest.raises(ShapeError, match=r"expected input with shape \[\*, 5\]"):
        F.layer_norm(x, 5)
    with pytest.raises(DtypeError, match="floating point"):
        F.layer_norm(x.long(), 6)
    with pytest.raises(ArgumentError, match="more than 1 spatial element"):
        F.instance_norm(x.reshape(4, 6, 1))
    with pytest.raises(ArgumentError, match="divisible"):
        nn.GroupNorm(4, 6)
    with pytest.raises(ArgumentError, match="expected 4D input"):
        nn.BatchNorm2d(6)(x)


def test_instance_norm_says_when_the_number_of_channels_is_not_the_one_it_was_made_for():
    with pytest.warns(UserWarning, match="does not match num_features"):
        nn.InstanceNorm1d(3)(handtorch.ones(2, 4, 5))
    with pytest.raises(ArgumentError, match="to match num_features"):
        nn.InstanceNorm1d(3, affine=True)(handtorch.ones(2, 4, 5))


def test_converted_batch_norms_keep_their_parameters_and_state():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    weight = model[1].weight
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model.eval())
    assert type(converted[1]) is nn.SyncBatchNorm
    assert converted[1].weight is weight
    assert not converted[1].training


@pytest.mark.parametrize(
    ("lazy", "shape"),
    [
        (nn.LazyBatchNorm1d, (5, 7)),
        (nn.LazyBatchNorm2d, (5, 7, 2, 2)),
        (nn.LazyBatchNorm3d, (5, 7, 2, 2, 2)),
        (nn.LazyInstanceNorm1d, (5, 7, 2)),
        (nn.LazyInstanceNorm2d, (5, 7, 2, 2)),
        (nn.LazyInstanceNorm3d, (5, 7, 2, 2, 2)),
    ],
)
def test_lazy_norms_learn_their_channels_from_the_first_input(lazy, shape):
    layer = lazy(affine=True)
    layer(from_numpy(numbers(*shape, dtype=np.float32)))
    assert type(layer).__name__ == lazy.__name__.removeprefix("Lazy")
    assert layer.num_features == 7
    assert layer.weight.tolist() == [1] * 7


def test_gradients_in_evaluation_do_not_change_with_a_later_batch():
    layer, x = nn.BatchNorm1d(3).double(), from_numpy(numbers(5, 3))
    y = layer.eval()(x).sum()
    layer.train()(x + 7)
    y.backward()
    np.testing.assert_allclose(layer.weight.grad.array, x.array.sum(axis=0) / math.sqrt(1 + layer.eps))
