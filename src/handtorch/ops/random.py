"""Random ops: dropout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from handtorch.ops.op import Op
from handtorch.ops.samples import Sample, normal, sample


class Dropout(Op):
    """y = x m / (1 - p), where each m is 0 with probability p and else 1. dL/dx = g m / (1 - p).

    Srivastava et al. 2014.

    Args:
        mask: (shape of x) booleans m, drawn by the caller.
        p: the probability of a zero, which sets the scale.
    """

    twin_from = 16_384

    def __init__(self, mask: Any, p: float) -> None:
        self.mask = mask
        self.scale = 1 / (1 - p) if p < 1 else 0.0

    def forward(self, x: Any) -> Any:
        return np.where(self.mask, x * self.scale, np.zeros_like(x))

    def backward(self, g: Any) -> Any:
        return np.where(self.mask, g * self.scale, np.zeros_like(g))

    @classmethod
    def samples(cls) -> Iterator[Sample]:
        mask = normal(3, 4, seed=5) > 0
        yield sample(lambda: cls(mask, 0.5), normal(3, 4))
        wide = normal(200, 100, seed=5) > -0.5
        yield sample(lambda: cls(wide, 0.3), normal(200, 100))
