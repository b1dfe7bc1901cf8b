"""How far apart vectors are, or how alike their directions."""

from handtorch.ops.distance import cosine_similarity, pairwise_distance, pdist

__all__ = [
    "cosine_similarity",
    "pairwise_distance",
    "pdist",
]
