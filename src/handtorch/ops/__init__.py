"""Every operation, one class each, a family a file; importing this attaches the methods to Tensor."""

from handtorch.ops import (
    activation,
    arithmetic,
    conversion,
    indexing,
    linalg,
    loss,
    normalization,
    random,
    reduction,
    sampling,
    shape,
    writing,
)

__all__ = [
    "activation",
    "arithmetic",
    "conversion",
    "indexing",
    "linalg",
    "loss",
    "normalization",
    "random",
    "reduction",
    "sampling",
    "shape",
    "writing",
]
