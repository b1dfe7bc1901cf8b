"""What the transforms do, as functions, under the names of torchvision.transforms.v2.functional."""

from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.from_data import from_numpy
from handtorch.tensor import Tensor
from handtorch.vision.images import is_pil
from handtorch.vision.transforms.functional import *  # noqa: F403
from handtorch.vision.transforms.functional import convert_image_dtype, hflip, pil_to_tensor, vflip

horizontal_flip, vertical_flip = hflip, vflip


def to_image(inpt: Any) -> Tensor:
    """A PIL image, an array (H, W) or (H, W, C), or a tensor, as a tensor (C, H, W) of its own element type.

    Raises:
        TypeError: something else.
    """
    if is_pil(inpt):
        return pil_to_tensor(inpt)
    if isinstance(inpt, np.ndarray):
        planes = inpt[None] if inpt.ndim == 2 else np.moveaxis(inpt, -1, -3)
        return from_numpy(np.array(planes))
    if isinstance(inpt, Tensor):
        return inpt.unsqueeze(0) if inpt.ndim == 2 else inpt
    raise TypeError(f"Input can either be a pure Tensor, a numpy array, or a PIL image, but got {type(inpt)} instead.")


def to_dtype(inpt: Tensor, dtype: Any = dtypes.float32, scale: bool = False) -> Tensor:
    """Another element type; with ``scale`` as :func:`convert_image_dtype` makes it, else the same values.

    Raises:
        TypeError: no tensor.
    """
    if not isinstance(inpt, Tensor):
        raise TypeError(f"expected a tensor, got {type(inpt)}; ToImage makes one")
    return convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)
