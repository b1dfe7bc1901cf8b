"""All parameters of a model as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from handtorch.errors import ShapeError
from handtorch.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, one after the other, as a Tensor (sum of sizes,); gradients flow through it."""
    from handtorch import cat

    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Cut a vector into the parameters, in their order; they share its memory afterwards.

    Raises:
        TypeError: ``vec`` is not a Tensor.
        ShapeError: ``vec`` has fewer elements than the parameters.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected a Tensor, got {type(vec).__name__}")
    flat = vec.array.reshape(-1)
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        if end > flat.size:
            raise ShapeError(f"expected a vector of at least {end} elements, got {flat.size}")
        parameter.data = Tensor.of(flat[start:end].reshape(parameter.shape))
        start = end
