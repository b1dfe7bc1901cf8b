"""The rasteriser leaves no crack, paints nothing twice, and shows the nearest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from handtorch import kernels
from handtorch.errors import ArgumentError, ShapeError
from handtorch.vision.faces import rasterise


def clockwise(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, corner], :2] for corner in range(3))
    area = np.cross(np.column_stack([b - a, np.zeros(len(a))]), np.column_stack([c - a, np.zeros(len(a))]))[:, 2]
    return np.where((area > 0)[:, None], triangles, triangles[:, ::-1])


def mesh(seed: int, on_grid: bool) -> tuple[np.ndarray, np.ndarray]:
    """A triangulation of the square from 0 to 24; on the grid its corners and edges run through centres of pixels."""
    rng = np.random.default_rng(seed)
    inner = rng.integers(0, 24, (40, 2)) + 0.5 if on_grid else rng.uniform(0, 24, (40, 2))
    points = np.unique(np.concatenate([inner, [[0, 0], [24, 0], [0, 24], [24, 24]]]), axis=0)
    points = np.column_stack([np.rint(points * 256) / 256, np.ones(len(points))])
    return points, clockwise(points, Delaunay(points[:, :2]).simplices)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_every_pixel_of_a_closed_surface_is_painted_exactly_once(seed: int, on_grid: bool) -> None:
    points, triangles = mesh(seed, on_grid)
    counts = np.zeros((24, 24), int)
    for triangle in triangles:
        counts += rasterise(points, triangle[None], 24, 24)[0] >= 0
    assert (counts == 1).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_the_kernel_and_its_definition_agree_to_the_bit(seed: int, on_grid: bool) -> None:
    points, triangles = mesh(seed, on_grid)
    points[:, 2] = np.random.default_rng(seed).uniform(0.1, 2, len(points))
    points[:, :2] -= 3  # so that some lies outside
    fast = rasterise(points, triangles, 20, 23)
    with kernels.use("reference"):
        plain = rasterise(points, triangles, 20, 23)
    for ours, theirs in zip(fast, plain, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_weights_give_back_the_place_seen_through_the_pixel() -> None:
    """A plane in perspective: what the weights say of a pixel lies on the ray through it."""
    corners = np.array([[-1.0, -1, 4], [1.5, -0.5, 2], [0.2, 1.2, 3]])
    scale = 40
    points = np.column_stack([32 + scale * corners[:, :2] / corners[:, 2:], 1 / corners[:, 2]])
    points[:, :2] = np.rint(points[:, :2] * 256) / 256
    corners[:, :2] = (points[:, :2] - 32) / scale * corners[:, 2:]
    seen, weights = rasterise(points, [[0, 1, 2]], 64, 64)
    row, column = np.nonzero(seen == 0)
    assert len(row) > 150
    place = weights[row, column] @ corners
    np.testing.assert_allclose(weights[row, column].sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(32 + scale * place[:, 0] / place[:, 2], column + 0.5, atol=1e-9)
    np.testing.assert_allclose(32 + scale * place[:, 1] / place[:, 2], row + 0.5, atol=1e-9)


def test_the_nearest_is_seen_whatever_the_order() -> None:
    square = np.array([[0, 0, 1], [10, 0, 1], [10, 10, 1], [0, 10, 1]], float)
    near = square * [0.5, 0.5, 1] + [2, 2, 1]
    points = np.concatenate([square, near])
    for triangles in ([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], [[4, 5, 6], [4, 6, 7], [0, 1, 2], [0, 2, 3]]):
        seen, _ = rasterise(points, triangles, 10, 10)
        corner = np.array(triangles)[seen].max(axis=-1)
        assert (corner[2:7, 2:7] > 3).all() and (corner > 3).sum() == 25 and (seen >= 0).all()


def test_backs_are_not_drawn() -> None:
    points = [[0, 0, 1], [10, 0, 1], [10, 10, 1]]
    assert (rasterise(points, [[0, 1, 2]], 10, 10)[0] == 0).sum() in (45, 55)  # without the diagonal, or with it
    assert (rasterise(points, [[0, 2, 1]], 10, 10)[0] == -1).all()


def test_what_cannot_be_drawn_is_refused() -> None:
    points = [[0, 0, 1], [1, 0, 1], [1, 1, 1]]
    with pytest.raises(ShapeError, match=r"points \(V, 3\)"):
        rasterise([[0, 0]], [[0, 0, 0]], 2, 2)
    with pytest.raises(ArgumentError, match="corners from 0 to 2"):
        rasterise(points, [[0, 1, 3]], 2, 2)
    with pytest.raises(ArgumentError, match="in front of the camera"):
        rasterise([[0, 0, -1], [1, 0, 1], [1, 1, 1]], [[0, 1, 2]], 2, 2)
    with pytest.raises(ArgumentError, match="at least one pixel"):
        rasterise(points, [[0, 1, 2]], 0, 2)
