"""Transforms between pictures and tensors."""

from __future__ import annotations

from typing import Any

from handtorch.nn import Module
from handtorch.vision.transforms import functional as F


class ToTensor:
    """A PIL image or an array (H, W, C) of uint8 as a float tensor (C, H, W) of [0, 1]."""

    def __call__(self, pic: Any) -> Any:
        """The tensor; see :func:`handtorch.vision.transforms.functional.to_tensor`."""
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor:
    """A PIL image as a tensor (C, H, W) of its own element type."""

    def __call__(self, pic: Any) -> Any:
        """The tensor; see :func:`handtorch.vision.transforms.functional.pil_to_tensor`."""
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ToPILImage:
    """A tensor (C, H, W) or an array (H, W, C) as a PIL image.

    Args:
        mode: Pillow's mode; by default what fits the channels.
    """

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        """The image; see :func:`handtorch.vision.transforms.functional.to_pil_image`."""
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class ConvertImageDtype(Module):
    """Another element type, and the scale that goes with it.

    Args:
        dtype: of the result.
    """

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Any) -> Any:
        """The tensor; see :func:`handtorch.vision.transforms.functional.convert_image_dtype`."""
        return F.convert_image_dtype(image, self.dtype)


class Normalize(Module):
    """``(x - mean) / std`` of each channel of a float tensor (..., C, H, W).

    Args:
        mean, std: one number for each channel.
        inplace: write over the tensor.
    """

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Any) -> Any:
        """The tensor; see :func:`handtorch.vision.transforms.functional.normalize`."""
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"
