"""Both ways of convolving channel by channel give SciPy's correlation and its two transposes."""

import itertools

import numpy as np
import pytest
from scipy.signal import correlate

from handtorch.kernels.depthwise import Runs, depthwise
from handtorch.kernels.side_by_side import SideBySide
from handtorch.kernels.threads import get_num_threads, set_num_threads

# stride, padding, dilation, x, kernel, fan-out, pictures
CASES = [
    ((1, 1, 1), (0, 3, 3), (1, 1, 1), (1, 4, 4), (1, 7, 7), 1, 33),
    ((1, 2, 3), (0, 1, 2), (1, 1, 2), (1, 9, 13), (1, 3, 4), 2, 9),
    ((2, 1, 2), (1, 0, 4), (1, 2, 1), (5, 6, 40), (3, 2, 5), 3, 61),
    ((1, 1, 1), (0, 0, 0), (1, 1, 1), (1, 1, 1), (1, 1, 1), 1, 2),
]


def correlated(x, w, stride, padding, dilation):
    """y by SciPy: all places of the padded picture and of the stretched kernel, of which every stride-th is kept."""
    wide = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    stretched = np.zeros((*w.shape[:2], *((k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation, strict=True))))
    stretched[:, :, :: dilation[0], :: dilation[1], :: dilation[2]] = w
    fan = len(w) // x.shape[1]
    pairs = itertools.product(range(len(x)), range(len(w)))
    y = [correlate(wide[n, o // fan], stretched[o, 0], "valid", "direct") for n, o in pairs]
    y = np.reshape(y, (len(x), len(w), *y[0].shape))
    return y[:, :, :: stride[0], :: stride[1], :: stride[2]]


@pytest.mark.parametrize("way", [Runs, SideBySide])
@pytest.mark.parametrize(("stride", "padding", "dilation", "size", "kernel", "fan", "pictures"), CASES)
def test_both_ways_are_the_correlation_and_its_transposes(way, stride, padding, dilation, size, kernel, fan, pictures):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((pictures, 3, *size)), rng.standard_normal((3 * fan, 1, *kernel))
    bias = rng.standard_normal(3 * fan)
    want = correlated(x, w, stride, padding, dilation)
    g = rng.standard_normal(want.shape)
    runs = way(stride, padding, dilation, size, kernel, want.shape[2:], pictures)
    np.testing.assert_allclose(runs.forward(x, w, bias), want + bias[:, None, None, None], atol=1e-10)
    # <g, x * w> is linear in x and in w, so its derivatives reproduce it
    total = (g * want).sum()
    np.testing.assert_allclose((runs.transpose(g, w, None, 3) * x).sum(), total, rtol=1e-9)
    np.testing.assert_allclose((runs.pull(x, g) * w).sum(), total, rtol=1e-9)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    dx[-1, 1, -1, -1, 0] = dw[-1, 0, 0, -1, -1] = 1
    np.testing.assert_allclose(
        runs.transpose(g, w, None, 3)[-1, 1, -1, -1, 0], (g * correlated(dx, w, stride, padding, dilation)).sum()
    )
    np.testing.assert_allclose(
        runs.pull(x, g)[-1, 0, 0, -1, -1], (g * correlated(x, dw, stride, padding, dilation)).sum()
    )


def test_small_pictures_stand_side_by_side_only_where_there_are_many():
    kinds = [
        type(depthwise((1, 1, 1), (0, 3, 3), (1, 1, 1), (1, n, n), (1, 7, 7), (1, n, n), pictures))
        for n, pictures in ((8, 32), (8, 2), (56, 32))
    ]
    assert kinds == [SideBySide, Runs, Runs]


@pytest.fixture
def threads():
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


def test_two_threads_and_one_agree_to_the_last_bit(threads):
    x, w = (np.random.default_rng(0).standard_normal(s).astype(np.float32) for s in ((32, 7, 1, 8, 8), (7, 1, 1, 7, 7)))
    runs = SideBySide((1, 1, 1), (0, 3, 3), (1, 1, 1), (1, 8, 8), (1, 7, 7), (1, 8, 8), 32)
    results = []
    for number in (1, 2):
        threads(number)
        results.append((runs.forward(x, w, None), runs.transpose(x, w, None, 7), runs.pull(x, x)))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
