"""The idx format of MNIST: a few numbers that say type and shape, then the values.

::

    0 0 <type> <number of axes>   one byte each; type 8 is uint8, 9 int8, 11 int16, 12 int32, 13 float32, 14 float64
    <length of each axis>         four bytes each, most significant first
    <values>                      most significant byte first
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import FormatError, MissingFileError

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_LARGEST = 1 << 31  # bytes; a header that announces more lies


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read an idx file, compressed by gzip or not, whatever its name.

    Raises:
        MissingFileError: there is no such file.
        FormatError: it is of another format, cut short, or longer than it says.
    """
    name = os.fspath(path)
    if not Path(path).is_file():
        raise MissingFileError(f"expected an idx file at {name}, found no file; check the path")
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else open(path, "rb") as stream:
            head = stream.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES:
                raise FormatError(f"expected an idx file, which begins with 0 0 and a type, in {name}, got {head!r}")
            shape = np.frombuffer(stream.read(4 * head[3]), ">u4").tolist()
            dtype = np.dtype(_TYPES[head[2]])
            size = math.prod(shape) * dtype.itemsize
            if len(shape) != head[3] or size > _LARGEST:
                raise FormatError(f"{name} is cut short or announces {size:,} bytes; fetch it again")
            content = stream.read(size + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{name} is damaged or cut short ({error}); fetch it again") from None
    if len(content) != size:
        more = "fewer" if len(content) < size else "more"
        raise FormatError(f"{name} announces {size:,} bytes of values and holds {more}; fetch it again")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))
