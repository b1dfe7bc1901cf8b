"""Pictures on disk and in memory: PIL images, NumPy arrays and tensors.

A picture is a tensor (C, H, W) of uint8, or an array (H, W, C) or (H, W) of uint8, or a PIL image.
"""

from __future__ import annotations

import enum
import os
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, DtypeError, FormatError, MissingFileError, ShapeError, require
from handtorch.from_data import from_numpy
from handtorch.io.atomic import atomic_write
from handtorch.tensor import Tensor

MAX_PIXELS = 1 << 26
"""A picture with more pixels than this (8,192 x 8,192) is refused before it is decoded: 200 MB in memory."""


class ImageReadMode(enum.Enum):
    """How many channels a picture is read with."""

    UNCHANGED = ""
    GRAY = "L"
    GRAY_ALPHA = "LA"
    RGB = "RGB"
    RGB_ALPHA = "RGBA"


def open_image(path: str | os.PathLike[str], mode: str | None = "RGB", *, max_pixels: int = MAX_PIXELS) -> Any:
    """Read a picture as a PIL image.

    Args:
        path: a file of any format that Pillow reads, told apart by what is in it.
        mode: Pillow's mode to change it to; ``None`` keeps that of the file.
        max_pixels: refuse what has more.

    Returns:
        the PIL image, decoded whole, with the file closed. Where a camera noted which side is up, it is turned so.

    Raises:
        MissingFileError: there is no such file.
        FormatError: the file is empty, cut short, too large or no picture.
        MissingExtraError: Pillow is not installed.
    """
    name = os.fspath(path)
    if not Path(path).is_file():
        raise MissingFileError(f"expected a picture at {name}, found no file; check the path")
    if Path(path).stat().st_size == 0:
        raise FormatError(f"expected a picture at {name}, the file is empty (0 bytes); fetch it again")
    pillow, operations = require("PIL.Image", extra="vision"), require("PIL.ImageOps", extra="vision")
    try:
        with warnings.catch_warnings():
            # The header is looked at first, and our limit is the one that counts.
            warnings.simplefilter("ignore", pillow.DecompressionBombWarning)
            with pillow.open(path) as file:
                if file.width * file.height > max_pixels:
                    raise FormatError(
                        f"{name} has {file.width} x {file.height} pixels, more than {max_pixels:,}; "
                        "make it smaller, or raise max_pixels if you trust it"
                    )
                picture = operations.exif_transpose(file)
                return picture.copy() if mode is None else picture.convert(mode)
    except pillow.UnidentifiedImageError:
        raise FormatError(f"expected a picture at {name}, it is of no format that Pillow knows") from None
    except pillow.DecompressionBombError as error:
        raise FormatError(f"{name} is too large to read ({error})") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{name} is damaged or cut short ({error}); fetch it again") from None


def read_image(
    path: str | os.PathLike[str], mode: ImageReadMode | str = ImageReadMode.UNCHANGED, *, max_pixels: int = MAX_PIXELS
) -> Tensor:
    """Read a picture as a tensor, as ``torchvision.io.read_image`` does.

    Args:
        path: a file of any format that Pillow reads.
        mode: an :class:`ImageReadMode` or its name; by default the channels of the file, where a palette counts as RGB.
        max_pixels: refuse what has more.

    Returns:
        (C, H, W) uint8, or int32 from 0 to 65,535 where a channel has 16 bits and the mode is unchanged.

    Raises:
        MissingFileError, FormatError, MissingExtraError: as :func:`open_image`.
    """
    wanted = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    picture = open_image(path, wanted.value or None, max_pixels=max_pixels)
    if picture.mode not in ("L", "LA", "RGB", "RGBA") and not picture.mode.startswith("I;16"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    return pil_to_tensor(picture)


def write_image(path: str | os.PathLike[str], picture: Any) -> None:
    """Write a picture; the file appears whole or not at all.

    Args:
        path: its ending says the format, such as ``.png`` or ``.jpg``.
        picture: a PIL image, a uint8 tensor (C, H, W) or a uint8 array (H, W, C) or (H, W).

    Raises:
        ArgumentError: an ending that Pillow does not know.
    """
    pillow = require("PIL.Image", extra="vision")
    suffix = Path(path).suffix.lower()
    kind = pillow.registered_extensions().get(suffix)
    if kind not in pillow.SAVE:
        raise ArgumentError(f"expected a name ending in .png, .jpg or the like, got {os.fspath(path)!r}")
    if isinstance(picture, Tensor):
        picture = picture.numpy().transpose(1, 2, 0)
    with atomic_write(path) as file:
        (to_pil(picture) if isinstance(picture, np.ndarray) else picture).save(file, kind)


def is_pil(picture: Any) -> bool:
    """Whether this is a PIL image; Pillow is not imported to find out."""
    return any(base.__module__ == "PIL.Image" and base.__name__ == "Image" for base in type(picture).__mro__)


def to_pil(array: npt.NDArray[Any], mode: str | None = None) -> Any:
    """A PIL image of an array (H, W) or (H, W, C): uint8, or of one channel of int16, int32 or float32.

    Raises:
        ShapeError: another number of axes or channels.
        DtypeError: an element type that no mode of Pillow has.
    """
    pillow = require("PIL.Image", extra="vision")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (2, 3, 4)):
        raise ShapeError(f"expected a picture (H, W) or (H, W, C) of 1 to 4 channels, got {array.shape}")
    if array.ndim == 2:
        modes = {"uint8": "L", "int16": "I;16", "uint16": "I;16", "int32": "I", "float32": "F"}
        natural = modes.get(array.dtype.name)
    else:
        natural = {2: "LA", 3: "RGB", 4: "RGBA"}[array.shape[2]] if array.dtype == np.uint8 else None
    if natural is None:
        raise DtypeError(f"expected a picture of uint8, got {array.dtype} {array.shape}; Pillow has no mode for it")
    image = pillow.fromarray(np.ascontiguousarray(array))
    if mode is None or mode == image.mode:
        return image
    same_channels = {"LA": ("LA",), "RGB": ("RGB", "YCbCr", "HSV"), "RGBA": ("RGBA", "CMYK", "RGBX")}
    if mode not in same_channels.get(natural, (natural,)):
        raise ArgumentError(f"expected a mode for {natural} pictures, got {mode!r}")
    return pillow.frombytes(mode, image.size, image.tobytes())


def pil_to_tensor(picture: Any) -> Tensor:
    """A PIL image as a tensor (C, H, W) of its own element type, unscaled; int32 where a channel has 16 bits.

    Raises:
        TypeError: it is no PIL image.
    """
    if not is_pil(picture):
        raise TypeError(f"pic should be PIL Image. Got {type(picture)}")
    array = np.array(picture, copy=True)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        array = array.astype(np.int32)  # there is no uint16, and int16 would make bright pixels negative
    return from_numpy(np.ascontiguousarray(array[None] if array.ndim == 2 else array.transpose(2, 0, 1)))
