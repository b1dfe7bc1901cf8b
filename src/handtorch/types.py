"""The names of types that programs write into annotations, as ``torch.types`` has them."""

from __future__ import annotations

import os
from builtins import bool as _bool
from builtins import bytes as _bytes
from builtins import float as _float
from builtins import int as _int
from builtins import str as _str
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from handtorch.dtypes import dtype as _dtype
from handtorch.layout import layout as _layout
from handtorch.tensor import Size, Tensor
from handtorch.tensor import device as _device

__all__ = ["Device", "FileLike", "Number", "Size", "Tensor", "_dtype", "_layout", "_size"]

#: A Python number; ``isinstance`` takes the second one.
Number: TypeAlias = _int | _float | _bool
_Number = (_bool, _int, _float)

Device: TypeAlias = _device | _str | _int | None
FileLike: TypeAlias = _str | os.PathLike[_str] | IO[_bytes]
_size: TypeAlias = Size | list[_int] | tuple[_int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
Storage: TypeAlias = Any
