"""The fast ways of convolution keep within their workspace, and agree with each other in whatever blocks they work."""

import tracemalloc

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F
from handtorch import kernels
from handtorch.errors import ArgumentError


@pytest.fixture
def workspace():
    before = kernels.get_workspace()
    yield kernels.set_workspace
    kernels.set_workspace(before)


def numbers(*shape, seed=0):
    return handtorch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32)).requires_grad_()


def run(x, w, **settings):
    y = F.conv2d(x, w, **settings)
    y.backward(handtorch.from_numpy(np.cos(np.arange(y.numel(), dtype=np.float32)).reshape(y.shape)))
    return [y.detach().numpy(), x.grad.numpy(), w.grad.numpy()]


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize(("images", "channels", "size"), [(3, 16, 1), (3, 16, 20_000), (20, 96, 1), (20, 96, 3 << 20)])
def test_results_do_not_depend_on_the_workspace(images, channels, kernel, size, workspace):
    want = run(numbers(images, channels, 13, 12), numbers(channels, channels, kernel, kernel), padding=1)
    workspace(size)
    got = run(numbers(images, channels, 13, 12), numbers(channels, channels, kernel, kernel), padding=1)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * np.abs(b).max())


@pytest.mark.parametrize(("channels", "kernel", "size"), [(16, 3, 1), (16, 5, 1), (4, 3, 1), (96, 3, 8)])
def test_a_convolution_holds_no_more_than_its_workspace_beside_its_result(channels, kernel, size, workspace):
    x, w = numbers(2, channels, 128, 128), numbers(channels, channels, kernel, kernel)
    columns = x.numel() * kernel**2 * 4
    with handtorch.no_grad():
        F.conv2d(x, w, padding=kernel // 2)  # kernels are compiled
        workspace(size << 20)
        tracemalloc.start()
        y = F.conv2d(x, w, padding=kernel // 2)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak - y.numel() * 4 < (size + 1) << 20 < columns


def test_a_workspace_of_nothing_is_refused():
    with pytest.raises(ArgumentError, match="at least 1 byte, got 0"):
        kernels.set_workspace(0)


@pytest.mark.parametrize(
    ("x", "w", "settings"),
    [
        ((2, 3, 40, 5), (4, 3, 3, 3), {"stride": (3, 2), "padding": 2}),
        ((2, 6, 31, 33), (12, 1, 5, 3), {"stride": (2, 3), "padding": (1, 2), "groups": 6, "dilation": (1, 2)}),
        ((5, 32, 1, 1), (32, 32, 3, 3), {"padding": 1}),
        ((2, 16, 9, 30), (20, 16, 3, 3), {"padding": (2, 0)}),
        ((2, 128, 9, 14), (70, 128, 3, 3), {"padding": (1, 2)}),
        ((1, 8, 20, 20), (8, 4, 1, 1), {"stride": 2, "padding": 1, "groups": 2}),
        ((3, 8, 9, 8), (12, 4, 1, 1), {"groups": 2}),
        ((3, 8, 18, 17), (12, 8, 1, 1), {"stride": 2}),
        ((2, 3, 40, 33), (8, 3, 3, 3), {"padding": 1}),
        ((5, 16, 10, 9), (24, 16, 3, 3), {"stride": 2, "padding": 1}),
        ((2, 4, 19, 18), (4, 1, 2, 2), {"stride": 3, "groups": 4}),
        ((2, 16, 11, 11), (8, 16, 2, 2), {"stride": 3}),
        ((9, 32, 7, 5), (12, 16, 3, 5), {"stride": (1, 2), "padding": (1, 3), "groups": 2, "dilation": (2, 1)}),
    ],
)
def test_every_way_agrees_with_the_definition(x, w, settings):
    with kernels.use("reference"):
        want = run(numbers(*x), numbers(*w), **settings)
    got = run(numbers(*x), numbers(*w), **settings)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5 * np.abs(b).max())


@pytest.mark.parametrize(
    ("channels", "w"), [(16, (16, 16, 3, 3)), (96, (100, 96, 3, 3)), (16, (16, 16, 5, 5)), (16, (16, 1, 5, 5))]
)
def test_threads_change_nothing_but_the_order_of_sums_and_that_not_from_run_to_run(channels, w):
    threads = handtorch.get_num_threads()
    results = []
    try:
        for number in (1, 4, 4):
            handtorch.set_num_threads(number)
            results.append(run(numbers(9, channels, 40, 40), numbers(*w), padding=1, groups=channels // w[1]))
    finally:
        handtorch.set_num_threads(threads)
    for one, four, again in zip(*results, strict=True):
        np.testing.assert_array_equal(four, again)
        np.testing.assert_allclose(four, one, rtol=1e-4, atol=1e-5 * np.abs(one).max())
