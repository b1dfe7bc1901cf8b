"""Products with a weight."""

from handtorch.ops.linalg import linear

__all__ = [
    "linear",
]
