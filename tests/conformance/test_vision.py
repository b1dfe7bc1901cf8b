"""Pictures are resized and turned as PyTorch's own functions do it, and chance draws what torchvision's code draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as TF

import handtorch
from handtorch.vision import transforms as T
from handtorch.vision.transforms import InterpolationMode
from handtorch.vision.transforms import functional as F
from handtorch.vision.transforms.functional.warping import inverse_matrix


@pytest.mark.parametrize("size", [(7, 9), (29, 50), (13, 60)])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [True, False])
def test_resize_is_interpolate(size: tuple[int, int], mode: str, antialias: bool) -> None:
    x = np.random.default_rng(0).random((2, 3, 23, 31)).astype(np.float32)
    options: Any = {} if mode.startswith("nearest") else {"antialias": antialias, "align_corners": False}
    expected = TF.interpolate(torch.tensor(x), size, mode=mode, **options)
    ours = F.resize(handtorch.tensor(x), size, InterpolationMode(mode), antialias=antialias)
    np.testing.assert_allclose(ours.numpy(), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_affine_is_grid_sample(mode: str) -> None:
    x = np.random.default_rng(0).random((1, 3, 21, 30)).astype(np.float32)
    arguments: Any = (17.0, [3, -2], 1.2, [5.0, -8.0])
    a, b, c, d, e, f = inverse_matrix([0.0, 0.0], *arguments)
    # The same map between coordinates from -1 to 1.
    theta = torch.tensor([[a, b * 21 / 30, c / 15], [d * 30 / 21, e, f / 10.5]], dtype=torch.float32)
    grid = TF.affine_grid(theta[None], [1, 3, 21, 30], align_corners=False)
    expected = TF.grid_sample(torch.tensor(x), grid, mode=mode, align_corners=False)
    ours = F.affine(handtorch.tensor(x), *arguments, InterpolationMode(mode))
    np.testing.assert_allclose(ours.numpy(), expected.numpy(), atol=2e-5)


def test_a_seed_gives_the_crops_that_pytorchs_generator_gives() -> None:
    picture = handtorch.zeros(3, 60, 80)
    handtorch.manual_seed(11)
    torch.manual_seed(11)
    low, high = torch.log(torch.tensor([3 / 4, 4 / 3])).tolist()
    for _ in range(20):
        top, left, height, width = T.RandomResizedCrop.get_params(picture, (0.08, 1.0), (3 / 4, 4 / 3))
        while True:  # the draws in the order of torchvision's documentation: area, shape, row, column
            area = 4800 * torch.empty(1).uniform_(0.08, 1.0).item()
            aspect = torch.exp(torch.empty(1).uniform_(low, high)).item()
            w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < w <= 80 and 0 < h <= 60:
                break
        assert (height, width) == (h, w)
        assert top == torch.randint(0, 60 - h + 1, (1,)).item() and left == torch.randint(0, 80 - w + 1, (1,)).item()
    assert T.ColorJitter.get_params((0.5, 1.5), None, (0.2, 1.8), (-0.1, 0.1)) == (
        torch.randperm(4).tolist(),
        torch.empty(1).uniform_(0.5, 1.5).item(),
        None,
        torch.empty(1).uniform_(0.2, 1.8).item(),
        torch.empty(1).uniform_(-0.1, 0.1).item(),
    )
