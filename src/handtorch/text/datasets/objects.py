"""Arrays of arrays in ``.npy`` files, which are pickled: read without running anything that such a file could name."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from handtorch.errors import FormatError

# All that NumPy itself writes into an array of arrays and strings, under the names of NumPy 1 and 2.
_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy", "str_"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.numeric", "_frombuffer"),
}

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_arrays(path: Path, kinds: str) -> list[np.ndarray]:
    """The arrays in a file: of an array of objects its items, of any other the rows along its first axis.

    Args:
        path: a ``.npy`` file.
        kinds: letters of ``dtype.kind`` that the items may have.

    Raises:
        FormatError: it is damaged, holds items of other kinds, or names Python objects other than arrays.
    """
    try:
        array = _read(path)
    except (ValueError, EOFError, pickle.UnpicklingError, TypeError, AttributeError, IndexError) as error:
        raise FormatError(f"cannot read {path}: {error}") from None
    items = [np.asarray(item) for item in np.atleast_1d(array)]
    wrong = next((item for item in items if item.dtype.kind not in kinds), None)
    if wrong is not None:
        raise FormatError(f"expected arrays of kind {' or '.join(kinds)} in {path}, got {wrong.dtype}")
    return items


def _read(path: Path) -> Any:
    content = path.read_bytes()
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"its format is of version {version}")
    shape, _, dtype = _HEADERS[version](file)
    if not dtype.hasobject:
        return np.load(io.BytesIO(content), allow_pickle=False)
    return np.asarray(_ArraysOnly(file).load()).reshape(shape)


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no array and could run code")
        return super().find_class(module, name)
