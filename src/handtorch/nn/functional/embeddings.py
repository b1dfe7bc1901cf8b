"""Whole numbers to vectors: one-hot rows and tables of embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.tensor import Tensor

__all__ = [
    "one_hot",
]


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Rows of zeros with a one at the class."""
    classes = int(tensor.array.max()) + 1 if num_classes == -1 else num_classes
    return Tensor.of((tensor.array[..., None] == np.arange(classes)).astype(np.int64))
