"""Products with a weight."""

from __future__ import annotations

from typing import Any

from handtorch.errors import DimensionError, ShapeError
from handtorch.ops.einsum import einsum
from handtorch.ops.linalg import linear

__all__ = [
    "bilinear",
    "linear",
]


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """y_o = Σ_ij x_i W_oij z_j + b_o.

    Args:
        input1: x (*, I).
        input2: z (*, J), with the same leading axes.
        weight: W (O, I, J).
        bias: b (O).

    Returns:
        y (*, O).

    Raises:
        ShapeError: lengths do not go together.
    """
    _check_bilinear(*(x if x is None else tuple(x.array.shape) for x in (input1, input2, weight, bias)))
    y = einsum("...i,oij,...j->...o", input1, weight, input2)
    return y if bias is None else y + bias


def _check_bilinear(x: Any, z: Any, weight: Any, bias: Any) -> None:
    if len(weight) != 3:
        raise DimensionError(f"bilinear(): expected weight (O, I, J), got {weight}")
    if len(x) != len(z) or not x:
        raise ShapeError(f"bilinear(): input dimensions do not match: got {len(x)} and {len(z)}")
    for axis, (n, m) in enumerate(zip(x[:-1], z[:-1], strict=True)):
        if n != m:
            raise ShapeError(f"bilinear(): input batch dimensions do not match at dim {axis}: got {n} and {m}")
    for i, shape in ((1, x), (2, z)):
        if shape[-1] != weight[i]:
            raise ShapeError(
                f"bilinear(): input{i} size does not match weight size: got {shape[-1]} but expected {weight[i]}"
            )
    if bias is not None and bias != weight[:1]:
        raise ShapeError(f"bilinear(): bias size does not match weight size: got {bias} but expected {weight[:1]}")
