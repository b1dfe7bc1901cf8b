"""Pooling and resampling against the installed PyTorch, where its database does not look: types, NaN, bytes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import handtorch
import handtorch.nn.functional as F

torch = pytest.importorskip("torch")
TF = torch.nn.functional

TOLERANCE = {"float16": 2e-3, "float32": 2e-5, "float64": 1e-12}
MODES = {
    1: ["nearest", "nearest-exact", "linear", "area"],
    2: ["nearest", "nearest-exact", "bilinear", "bicubic", "area"],
    3: ["nearest", "nearest-exact", "trilinear", "area"],
}


def numbers(*shape: int, dtype: str = "float32") -> np.ndarray:
    return (10 * np.random.default_rng(0).standard_normal(shape)).astype(dtype)


def agree(name: str, x: np.ndarray, *args: Any, **options: Any) -> None:
    mine = getattr(F, name)(handtorch.from_numpy(x.copy()), *args, **options)
    theirs = getattr(TF, name)(torch.from_numpy(x.copy()), *args, **options)
    if isinstance(theirs, torch.Tensor):
        mine, theirs = (mine,), (theirs,)
    for a, b in zip(mine, theirs, strict=True):
        assert str(a.dtype).split(".")[-1] == str(b.dtype).split(".")[-1]
        tolerance = TOLERANCE.get(str(x.dtype), 0)
        np.testing.assert_allclose(a.array, b.numpy(), rtol=tolerance, atol=4 * tolerance)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float64"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_largest_of_every_type(axes: int, dtype: str) -> None:
    x = numbers(2, 3, *(7, 6, 5)[:axes], dtype=dtype)
    for padding, ceil_mode in itertools.product((0, 1), (False, True)):
        agree(f"max_pool{axes}d", x, 3, 2, padding, 1, ceil_mode, return_indices=True)


@pytest.mark.parametrize("axes", [1, 2])
def test_largest_with_nan_infinity_and_ties(axes: int) -> None:
    x = np.random.default_rng(1).choice(
        [np.nan, -np.inf, np.inf, 0, 1], (4, 3, *(40, 50)[:axes]), p=[0.1, 0.4, 0.1, 0.2, 0.2]
    )
    for dilation in (1, 2):
        agree(f"max_pool{axes}d", x, 3, 2, 1, dilation, return_indices=True)
    agree(f"adaptive_max_pool{axes}d", x, (7,) * axes, return_indices=True)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_means_of_whole_numbers(axes: int) -> None:
    x = numbers(2, 3, *(7, 6, 5)[:axes], dtype="int64")
    for ceil_mode, count_include_pad in itertools.product((False, True), repeat=2):
        agree(f"avg_pool{axes}d", x, 3, 2, 1, ceil_mode, count_include_pad)
    if axes > 1:
        agree(f"avg_pool{axes}d", x, 2, divisor_override=-3)


@pytest.mark.parametrize("axes", [2, 3])
def test_fractional_windows_are_drawn_from_the_same_numbers(axes: int) -> None:
    x = numbers(2, 3, *(9, 8, 7)[:axes])
    for seed in range(5):
        handtorch.manual_seed(seed)
        torch.manual_seed(seed)
        agree(f"fractional_max_pool{axes}d", x, 2, output_ratio=(0.6,) * axes, return_indices=True)


@pytest.mark.parametrize(("axes", "mode"), [(axes, mode) for axes, modes in MODES.items() for mode in modes])
def test_interpolation_between_all_small_lengths(axes: int, mode: str) -> None:
    for n, m in itertools.product((1, 2, 5, 12), (1, 2, 3, 10, 24, 25)):
        x = numbers(1, 2, *(n,) * axes)
        agree("interpolate", x, (m,) * axes, mode=mode)
        if mode.endswith(("linear", "cubic")):
            agree("interpolate", x, (m,) * axes, mode=mode, align_corners=True)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("mode", MODES[2])
def test_interpolation_by_factors(mode: str, dtype: str) -> None:
    for factor, again in itertools.product((0.37, 0.5, 1.5, 2.7, 3.0), (False, True)):
        agree("interpolate", numbers(1, 2, 11, 13, dtype=dtype), None, factor, mode, recompute_scale_factor=again)


@pytest.mark.parametrize("channels", [1, 3, 5])  # PyTorch has another way for more than four
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_bytes_come_out_the_same_to_the_last_bit(mode: str, antialias: bool, channels: int) -> None:
    x = np.random.default_rng(0).integers(0, 256, (2, channels, 9, 14), dtype=np.uint8)
    for size in ((4, 5), (20, 31), (9, 7)):
        agree("interpolate", x, size, mode=mode, antialias=antialias)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
def test_antialiasing(mode: str) -> None:
    for size in ((4, 5), (20, 31), (9, 7)):
        agree("interpolate", numbers(2, 3, 9, 14), size, mode=mode, antialias=True)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_points_far_outside_at_infinity_and_no_numbers(mode: str, padding: str) -> None:
    x = numbers(1, 2, 4, 5, dtype="float64")
    at = [-1e9, -30.3, -1.0, 1.0, 57.7, 1e9]
    if mode != "bicubic":  # whose weights are NaN there
        at += [np.inf, -np.inf, np.nan]
    grid = np.array(list(itertools.product(at, repeat=2)))[None, None]
    for align_corners in (False, True):
        mine = F.grid_sample(handtorch.from_numpy(x), handtorch.from_numpy(grid), mode, padding, align_corners)
        theirs = TF.grid_sample(torch.from_numpy(x), torch.from_numpy(grid), mode, padding, align_corners)
        np.testing.assert_allclose(mine.array, theirs.numpy(), atol=1e-5)
