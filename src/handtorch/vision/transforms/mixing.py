"""MixUp and CutMix: batches in which every picture is a mixture of two, and so is its label."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, DtypeError, RangeError
from handtorch.from_data import from_numpy
from handtorch.nn import Module
from handtorch.tensor import Tensor
from handtorch.vision.transforms import chance

Share = tuple[float, ...]


class _Mixture(Module):
    """The picture before each one in the batch is mixed into it.

    Args:
        alpha: of the Beta(α, α) distribution of the shares; 1 makes all equally likely.
        num_classes: C, needed where labels are numbers of classes.
    """

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None) -> None:
        super().__init__()
        if alpha <= 0:
            raise ArgumentError(f"expected alpha > 0, got {alpha}")
        self.alpha, self.num_classes = float(alpha), num_classes

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mix a batch.

        Args:
            images: (N, ..., C, H, W); of floats for :class:`MixUp`.
            labels: (N,) numbers of classes, or (N, C) probabilities.

        Returns:
            images of the same shape, and (N, C) probabilities.

        Raises:
            ValueError: a batch of other shapes, or labels that lack the number of classes.
            RuntimeError: labels that are no whole numbers, or not of the classes.
        """
        x = images.numpy()
        if x.ndim < 4:
            raise ArgumentError(f"expected a batch (N, ..., C, H, W), got {tuple(images.shape)}")
        y = self._probabilities(labels)
        if len(x) != len(y):
            raise ArgumentError(
                "The batch size of the image or video does not match the batch size of the labels: "
                f"{len(x)} != {len(y)}."
            )
        mixed, share = self.mix(x, chance.symmetric_beta(self.alpha))
        blended = np.roll(y, 1, axis=0) * y.dtype.type(1 - share) + y * y.dtype.type(share)
        return from_numpy(mixed), from_numpy(blended)

    def mix(self, x: Any, share: float) -> tuple[Any, float]:
        """Mixed pictures, and the share of the first of each pair."""
        raise NotImplementedError

    def _probabilities(self, labels: Tensor) -> Any:
        y = labels.numpy()
        if y.ndim == 2 and (self.num_classes is None or y.shape[1] == self.num_classes):
            return y.astype(np.float32) if y.dtype.kind != "f" else y
        if y.ndim != 1:
            raise ArgumentError(
                "labels should be index based with shape (batch_size,) or probability based with shape "
                f"(batch_size, num_classes), but got a tensor of shape {tuple(y.shape)} instead."
            )
        if self.num_classes is None:
            raise ArgumentError("num_classes must be passed if the labels are index-based (1D tensor).")
        if y.dtype.kind not in "iu":
            raise DtypeError(f"expected labels as whole numbers, got {labels.dtype}; convert them with .long()")
        if len(y) and not 0 <= y.min() <= y.max() < self.num_classes:
            raise RangeError(f"expected labels from 0 to {self.num_classes - 1}, got {y.min()} to {y.max()}")
        return np.eye(self.num_classes, dtype=np.float32)[y]

    def extra_repr(self) -> str:
        """The arguments."""
        return f"alpha={self.alpha}, num_classes={self.num_classes}"


class MixUp(_Mixture):
    """``λ x_i + (1 - λ) x_{i-1}`` of pictures and labels, λ ~ Beta(α, α) (Zhang et al. 2018)."""

    def mix(self, x: Any, share: float) -> tuple[Any, float]:
        """The weighted mean."""
        if x.dtype.kind != "f":
            raise DtypeError(f"expected a batch of floats, got {x.dtype}; ToTensor makes them")
        return np.roll(x, 1, axis=0) * x.dtype.type(1 - share) + x * x.dtype.type(share), share


class CutMix(_Mixture):
    """A rectangle of picture i - 1 is put on picture i; labels are mixed by area (Yun et al. 2019).

    The rectangle has the share 1 - λ of the area, λ ~ Beta(α, α), unless it reaches over the edge.
    """

    def mix(self, x: Any, share: float) -> tuple[Any, float]:
        """The picture with a rectangle of the other, and the share that is left of it."""
        height, width = x.shape[-2:]
        column, row = chance.whole(width), chance.whole(height)
        half = 0.5 * math.sqrt(1.0 - share)
        across, down = int(half * width), int(half * height)
        left, right = max(column - across, 0), min(column + across, width)
        top, bottom = max(row - down, 0), min(row + down, height)
        mixed = x.copy()
        mixed[..., top:bottom, left:right] = np.roll(x, 1, axis=0)[..., top:bottom, left:right]
        return mixed, 1.0 - (right - left) * (bottom - top) / (width * height)
