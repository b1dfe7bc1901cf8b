"""Similarities and distances as layers."""

from __future__ import annotations

from typing import Any

from handtorch.nn import functional as F
from handtorch.nn.module import Module


class CosineSimilarity(Module):
    """The cosine of the angle between two vectors: x · z / (max(|x|, ε) max(|z|, ε)).

    Args:
        dim: the axis along which the vectors lie.
        eps: ε.
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """Two tensors of one shape to one without the axis."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x - z + ε along the last axis.

    Args:
        p: of the norm.
        eps: ε, keeps the derivative finite where x = z.
        keepdim: keep the last axis, with length 1.
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """(*, M) and (*, M) to (*)."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
