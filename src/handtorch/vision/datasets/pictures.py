"""What all data sets of pictures share: the transforms, and samples ``(picture, target)`` by index."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from typing import Any

from handtorch.errors import ArgumentError, DimensionError
from handtorch.tensor import Tensor
from handtorch.utils.data import Dataset
from handtorch.vision.images import to_pil

Transform = Callable[[Any], Any]


class VisionDataset(Dataset[tuple[Any, Any]]):
    """Pictures with targets, each changed on the way out.

    Args:
        root: where the data are, for those who ask.
        transforms: a function of a picture and its target that returns both; or else
        transform: a function of the picture, and
        target_transform: a function of the target.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ArgumentError("Only transforms or transform/target_transform can be passed as argument")
        self.root = None if root is None else os.fspath(root)
        self.transforms = transforms
        self.transform = transform
        self.target_transform = target_transform

    def transformed(self, picture: Any, target: Any) -> tuple[Any, Any]:
        """The sample as the user wants it."""
        if self.transforms is not None:
            return self.transforms(picture, target)
        return (
            picture if self.transform is None else self.transform(picture),
            target if self.target_transform is None else self.target_transform(target),
        )


class PicturesInMemory(VisionDataset):
    """Pictures of one size in one array.

    ``dataset[i]`` is a PIL image and the number of its class, after the transforms. ``data`` and ``targets`` are there
    for those who take batches out of the arrays themselves, which is many times faster.

    Args:
        data: (N, H, W) of grey or (N, H, W, 3) of coloured pictures, uint8.
        targets: (N,) int64.
        classes: the names of the classes.
    """

    data: Any
    targets: Any
    classes: list[str]

    def hold(self, data: Tensor, targets: Tensor, classes: list[str]) -> None:
        """Set what the data set holds."""
        self.data, self.targets, self.classes = data, targets, classes

    def __repr__(self) -> str:
        size = "x".join(map(str, self.data.shape[1:3]))
        return f"<{type(self).__name__}: {len(self)} pictures {size} of {len(self.classes)} classes>"

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: number for number, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise DimensionError(f"expected an index from {-len(self)} to {len(self) - 1}, got {number}")
        return self.transformed(to_pil(self.data.numpy()[number]), int(self.targets[number]))
