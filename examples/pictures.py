"""What the examples share: Fashion-MNIST as one tensor, batches of it, and pictures side by side in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import handtorch
from handtorch.vision.datasets import FashionMNIST


def clothes(root: str | None, train: bool) -> tuple[Any, Any]:
    """Pictures (N, 1, 28, 28) from -1, black, to 1, white, and the numbers of their classes (N,).

    Args:
        root: the folder with the files of Fashion-MNIST; None looks where Debian's package puts them.
    """
    data = FashionMNIST(root, train=train)
    return data.data.float().unsqueeze(1) / 127.5 - 1, data.targets


def batches(count: int, size: int) -> Iterator[Any]:
    """The numbers 0 to count - 1 in random order, so many at a time; what is left over is not used."""
    order = handtorch.randperm(count)
    for first in range(0, count - size + 1, size):
        yield order[first : first + size]


def save_grid(pictures: Any, path: Path, columns: int) -> None:
    """Write pictures (N, 1, H, W) from -1 to 1 beside and below each other as a PNG file."""
    n, _, height, width = pictures.shape
    grid = pictures.detach().numpy().reshape(n // columns, columns, height, width)
    grid = grid.transpose(0, 2, 1, 3).reshape(n // columns * height, columns * width)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.uint8(np.clip(grid * 127.5 + 127.5, 0, 255))).save(path)
