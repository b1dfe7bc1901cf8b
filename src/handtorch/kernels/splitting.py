"""Twin of unbinding: going back, the gradients of the slices are laid beside each other on all threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.layout import copy
from handtorch.ops import splitting


class Unbind(splitting.Unbind):
    """The same views forwards."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        return x.ndim > 1 and x.dtype.kind == "f"

    def backward(self, g: Any) -> Any:
        dx = np.empty(self.input_shape, next(piece.dtype for piece in g if piece is not None))
        for place, piece in zip(np.moveaxis(dx, self.dim, 0), g, strict=True):
            if piece is None:
                place[...] = 0
            else:
                copy(piece, place)
        return dx
