"""The names of torchvision.transforms.v2, for programs that are written with those.

They are the transforms of :mod:`handtorch.vision.transforms`: one picture goes in, and one comes out. Boxes, masks and
videos beside it are not taken. ``ToImage`` and then ``ToDtype(float32, scale=True)`` is v2's way to say ``ToTensor``.
"""

from typing import Any

from handtorch.nn import Identity, Module
from handtorch.tensor import Tensor
from handtorch.vision import transforms as _transforms
from handtorch.vision.transforms import *  # noqa: F403
from handtorch.vision.transforms.v2 import functional  # type: ignore[no-redef]
from handtorch.vision.transforms.v2.functional import to_dtype, to_image

__all__ = [*_transforms.__all__, "Identity", "ToDtype", "ToImage", "functional"]


class ToImage(Module):
    """A PIL image, an array (H, W) or (H, W, C), or a tensor, as a tensor (C, H, W); the values stay what they are."""

    def forward(self, inpt: Any) -> Tensor:
        """The tensor; see :func:`handtorch.vision.transforms.v2.functional.to_image`."""
        return to_image(inpt)


class ToDtype(Module):
    """Another element type.

    Args:
        dtype: of the result.
        scale: change the scale with it, to [0, 1] for floats and to the whole range of integers.
    """

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        if isinstance(dtype, dict):
            raise TypeError("expected one dtype for pictures, got a dict: boxes and masks are not taken")
        self.dtype, self.scale = dtype, scale

    def forward(self, inpt: Any) -> Tensor:
        """The tensor; see :func:`handtorch.vision.transforms.v2.functional.to_dtype`."""
        return to_dtype(inpt, self.dtype, self.scale)

    def extra_repr(self) -> str:
        return f"dtype={self.dtype}, scale={self.scale}"
