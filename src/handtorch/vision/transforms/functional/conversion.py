"""From pictures to tensors and back, between element types, and to mean 0 and deviation 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError, ShapeError
from handtorch.from_data import from_numpy
from handtorch.tensor import Tensor
from handtorch.vision import images
from handtorch.vision.images import is_pil
from handtorch.vision.transforms.functional.kinds import picture_of, values_of


def to_tensor(pic: Any) -> Tensor:
    """A PIL image, or an array (H, W) or (H, W, C), as a tensor (C, H, W).

    uint8 and the modes of Pillow with 8 bits or one become floats of [0, 1]; other element types stay what they are.

    Raises:
        TypeError: something else.
        ValueError: an array with another number of axes.
    """
    if is_pil(pic):
        tensor: Any = images.pil_to_tensor(pic)
        if tensor.dtype == dtypes.bool:
            return tensor.to(dtypes.float32)
        return tensor / 255 if tensor.dtype == dtypes.uint8 else tensor
    if not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if pic.ndim not in (2, 3):
        raise ArgumentError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    values = np.ascontiguousarray(pic[None] if pic.ndim == 2 else pic.transpose(2, 0, 1))
    return from_numpy(values) / 255 if values.dtype == np.uint8 else from_numpy(values.copy())


def pil_to_tensor(pic: Any) -> Tensor:
    """A PIL image as a tensor (C, H, W) of its own element type, unscaled; int32 where a channel has 16 bits.

    Raises:
        TypeError: it is no PIL image.
    """
    return images.pil_to_tensor(pic)


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor (C, H, W) or (H, W), or an array (H, W, C) or (H, W), as a PIL image; floats are of [0, 1].

    Raises:
        TypeError: something else.
        DtypeError: an element type that Pillow does not have.
        ValueError: another number of axes or channels, or a mode that does not fit.
    """
    if isinstance(pic, Tensor):
        if pic.ndim not in (2, 3):
            raise ArgumentError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        values = pic.detach().numpy()
        values = values if pic.ndim == 2 else values.transpose(1, 2, 0)
        if values.dtype.kind == "f" and mode != "F":
            values = (values * 255).astype(np.uint8)
    elif isinstance(pic, np.ndarray):
        values = pic
        if values.ndim not in (2, 3):
            raise ArgumentError(f"pic should be 2/3 dimensional. Got {values.ndim} dimensions.")
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if values.ndim == 3 and values.shape[2] > 4:
        raise ArgumentError(f"pic should not have > 4 channels. Got {values.shape[2]} channels.")
    return images.to_pil(values, mode)


def convert_image_dtype(image: Tensor, dtype: Any = None) -> Tensor:
    """Change the element type and the scale with it: floats are of [0, 1], integers from 0 to their type's largest.

    Args:
        image: (..., C, H, W)
        dtype: of the result; the default is float32.

    Raises:
        RuntimeError: integers too large for the floats, or the other way about, to be told apart.
    """
    target = dtypes.float32 if dtype is None else dtype
    values = values_of(image)
    wanted = np.dtype(from_numpy(np.zeros(0)).to(target).numpy().dtype)
    if values.dtype == wanted:
        return image
    if values.dtype.kind == "f":
        if wanted.kind == "f":
            return picture_of(values.astype(wanted))
        largest = _largest(wanted)
        if wanted.itemsize >= 4 and not (values.dtype == np.float64 and wanted.itemsize == 4):
            raise RuntimeError(f"The cast from {image.dtype} to {target} cannot be performed safely")
        # An interval of equal width for each integer.
        return picture_of((values * (largest + 1.0 - 1e-3)).astype(wanted))
    largest = _largest(values.dtype)
    if wanted.kind == "f":
        return picture_of(values.astype(wanted) / wanted.type(largest))
    other = _largest(wanted)
    if largest > other:
        return picture_of((values // ((largest + 1) // (other + 1))).astype(wanted))
    return picture_of(values.astype(wanted) * wanted.type((other + 1) // (largest + 1)))


def _largest(kind: np.dtype[Any]) -> int:
    return 1 if kind.kind == "b" else int(np.iinfo(kind).max)


def normalize(tensor: Tensor, mean: Any, std: Any, inplace: bool = False) -> Tensor:
    """``(x - mean) / std`` of each channel.

    Args:
        tensor: (..., C, H, W) of floats.
        mean, std: one number, or C.
        inplace: write over ``tensor``.

    Raises:
        TypeError: no tensor, or one of integers.
        ValueError: fewer than three axes, or a deviation of 0.
        ShapeError: more means or deviations than channels, or fewer.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ArgumentError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tuple(tensor.shape)}"
        )
    kind = tensor.detach().numpy().dtype
    m, s = (np.asarray(v, kind).reshape(-1, 1, 1) for v in (mean, std))
    channels = tensor.shape[-3]
    if m.size not in (1, channels) or s.size not in (1, channels):
        raise ShapeError(f"expected mean and std as one number or {channels}, one a channel, got {m.size} and {s.size}")
    if (s == 0).any():
        raise ArgumentError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    if inplace:
        return tensor.sub_(from_numpy(m)).div_(from_numpy(s))
    return (tensor - from_numpy(m)) / from_numpy(s)
