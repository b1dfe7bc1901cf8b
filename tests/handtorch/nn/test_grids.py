"""Sampling at grids held to SciPy's map_coordinates."""

import numpy as np
import pytest
import scipy.ndimage

import handtorch
from handtorch import from_numpy
from handtorch.autograd import gradcheck, gradgradcheck
from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.nn import functional as F

ORDER = {"nearest": 0, "bilinear": 1}
SCIPYS = {  # (padding_mode, align_corners) -> its name for what stands outside
    ("zeros", False): "grid-constant",
    ("zeros", True): "grid-constant",
    ("border", False): "nearest",
    ("border", True): "nearest",
    ("reflection", True): "mirror",
}


def picture_and_points(*lengths, seed=0):
    random = np.random.default_rng(seed)
    return random.standard_normal((2, 3, *lengths)), random.uniform(-1.9, 1.9, (2, 4, 5, *lengths[2:], len(lengths)))


def coordinates(grid, lengths, align_corners):
    """(N, axes, *): places in elements of the first axis, the second ..."""
    n = np.array(lengths[::-1])
    at = (grid + 1) / 2 * (n - 1) if align_corners else ((grid + 1) * n - 1) / 2
    return np.moveaxis(at[..., ::-1], -1, 1)


@pytest.mark.parametrize(("padding", "align_corners"), SCIPYS)
@pytest.mark.parametrize("mode", ORDER)
@pytest.mark.parametrize("lengths", [(6, 7), (3, 4, 5)])
def test_samples_are_those_of_scipy(lengths, mode, padding, align_corners):
    x, grid = picture_and_points(*lengths)
    got = F.grid_sample(from_numpy(x), from_numpy(grid), mode, padding, align_corners).array
    at = coordinates(grid, lengths, align_corners)
    for n, c in np.ndindex(2, 3):
        want = scipy.ndimage.map_coordinates(x[n, c], at[n], order=ORDER[mode], mode=SCIPYS[padding, align_corners])
        np.testing.assert_allclose(got[n, c], want, atol=1e-12)


def test_the_identity_shows_the_picture_itself():
    x = from_numpy(picture_and_points(6, 7)[0])
    theta = handtorch.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=handtorch.float64).expand(2, 2, 3)
    for align_corners in (False, True):
        grid = F.affine_grid(theta, x.shape, align_corners)
        for mode in ("nearest", "bilinear", "bicubic"):
            shown = F.grid_sample(x, grid, mode, "border", align_corners)
            np.testing.assert_allclose(shown.array, x.array, atol=1e-12)


def test_an_affine_grid_turns_points():
    theta = handtorch.tensor([[[0.0, -1, 0.5], [1, 0, 0]]])
    grid = F.affine_grid(theta, (1, 1, 3, 3), True).array[0]
    assert grid[0, 0].tolist() == [1.5, -1.0]  # of (-1, -1)
    assert grid[2, 0].tolist() == [-0.5, -1.0]  # of (-1, 1)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_gradients_of_both_orders_agree_with_difference_quotients(mode, padding):
    random = np.random.default_rng(1)
    x = from_numpy(random.standard_normal((1, 2, 3, 4))).requires_grad_()
    # a quarter of the way between elements, so that no difference quotient crosses one
    cells = random.integers(-2, 6, (1, 3, 2, 2)) + random.uniform(0.2, 0.4, (1, 3, 2, 2))
    grid = from_numpy((cells + 0.5) * 2 / np.array([4, 3]) - 1).requires_grad_()
    sample = lambda x, grid: F.grid_sample(x, grid, mode, padding, False)  # noqa: E731
    assert gradcheck(sample, [x, grid])
    assert gradgradcheck(sample, [x, grid])


def test_points_that_are_no_numbers_show_none_and_spoil_no_gradient_of_the_picture():
    x = handtorch.ones(1, 1, 3, 3, requires_grad=True)
    grid = handtorch.tensor([[[[np.nan, 0.0], [9e9, 0.0], [0.0, 0.0]]]])
    y = F.grid_sample(x, grid, align_corners=False)
    np.testing.assert_array_equal(y.array.reshape(-1), [np.nan, 0, 1])
    y.sum().backward()
    assert x.grad.array.sum() == 1


def test_an_infinite_element_shows_only_where_it_is_looked_at():
    x = handtorch.ones(1, 1, 3, 3)
    x[0, 0, 0, 0] = np.inf
    for mode in ("nearest", "bilinear", "bicubic"):
        y = F.grid_sample(x, handtorch.tensor([[[[5.0, 5.0], [1.0, 1.0]]]]), mode, align_corners=True)
        np.testing.assert_allclose(y.array.reshape(-1), [0, 1], atol=1e-6)


def test_wrong_arguments_are_named():
    x, grid = handtorch.ones(1, 1, 4, 4), handtorch.zeros(1, 2, 2, 2)
    with pytest.raises(ArgumentError, match="mode to be one of"):
        F.grid_sample(x, grid, "cubic")
    with pytest.raises(ShapeError, match="size 2 in last dimension"):
        F.grid_sample(x, handtorch.zeros(1, 2, 2, 3), align_corners=False)
    with pytest.raises(ShapeError, match="same batch size"):
        F.grid_sample(x, handtorch.zeros(2, 2, 2, 2), align_corners=False)
    with pytest.raises(ShapeError, match="bicubic interpolation only supports 4D"):
        F.grid_sample(x[None], handtorch.zeros(1, 2, 2, 2, 3), "bicubic", align_corners=False)
    with pytest.raises(DtypeError, match="one floating point type"):
        F.grid_sample(x, grid.double(), align_corners=False)
    with pytest.raises(ArgumentError, match="Nx2x3"):
        F.affine_grid(handtorch.ones(1, 3, 4), (1, 1, 2, 2), False)
    with pytest.warns(UserWarning, match="align_corners"):
        F.grid_sample(x, grid)
