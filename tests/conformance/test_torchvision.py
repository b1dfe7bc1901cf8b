"""A seed gives the pictures that torchvision makes of it."""

from __future__ import annotations

import numpy as np
import pytest

import handtorch
from handtorch.vision import transforms
from tests.conformance.torchvision_pictures import FILE, SEEDS, TRANSFORMS, picture


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_seed_gives_torchvisions_picture(name: str) -> None:
    for seed in SEEDS:
        handtorch.manual_seed(seed)
        ours = TRANSFORMS[name](transforms)(handtorch.from_numpy(picture())).numpy()
        with np.load(FILE) as file:
            theirs = file[f"{name} {seed}"]
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        # Rounding may go the other way where a value lies between two shades.
        assert np.abs(ours.astype(int) - theirs).max() <= 1
