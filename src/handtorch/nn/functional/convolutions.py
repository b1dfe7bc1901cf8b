"""Convolutions, their transposes, and windows as columns."""

from handtorch.ops.convolving import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from handtorch.ops.patches import fold, unfold

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "unfold",
]
