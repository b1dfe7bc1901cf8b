"""Nested state as flat tensors and JSON, and back to the bit, without pickle.

A state dict is dicts and lists down to numbers and tensors. :func:`pack` takes the tensors out under a path
(``optimizer/state/0/exp_avg``) and leaves a tree that JSON can write; what JSON cannot say (tuples, dicts with numbers
as keys, Infinity) becomes a dict whose first key starts with ``$``.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, FormatError
from handtorch.tensor import Tensor
from handtorch.training.metrics import as_array


def pack(value: Any, tensors: dict[str, Any], path: str = "") -> Any:
    """The JSON tree of ``value``; its tensors and arrays are put into ``tensors`` under their paths.

    Raises:
        ArgumentError: something in it is neither number, text, list, tuple, dict, array nor tensor.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, Tensor):
        tensors[path] = value
        return {"$tensor": path}
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        # safetensors as PyTorch reads it has no wide unsigned numbers: their bits are kept as signed ones.
        wide = array.dtype.kind == "u" and array.itemsize > 1
        tensors[path] = array.view(f"i{array.itemsize}") if wide else array
        return {"$array" if isinstance(value, np.ndarray) else "$scalar": path, "dtype": array.dtype.str}
    if isinstance(value, list | tuple):
        items = [pack(item, tensors, f"{path}/{number}") for number, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, dict):
        return _pack_dict(value, tensors, path)
    raise ArgumentError(
        f"cannot keep {path or 'this state'} in a checkpoint: a {type(value).__name__} is neither a number, text, "
        "list, tuple, dict, array nor tensor; leave it out of state_dict()"
    )


def _pack_dict(value: dict[Any, Any], tensors: dict[str, Any], path: str) -> Any:
    items = [(key, pack(item, tensors, f"{path}/{key}" if path else str(key))) for key, item in value.items()]
    if isinstance(value, Counter):
        return {"$counter": [[pack(key, tensors, path), item] for key, item in items]}
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return dict(items)
    return {"$dict": [[pack(key, tensors, path), item] for key, item in items]}


def unpack(tree: Any, tensors: dict[str, Any]) -> Any:
    """What :func:`pack` was given.

    Raises:
        FormatError: a tensor that the tree names is missing, or the tree has a mark that nobody writes.
    """
    if isinstance(tree, list):
        return [unpack(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    mark = next(iter(tree), "")
    if not mark.startswith("$"):
        return {key: unpack(item, tensors) for key, item in tree.items()}
    content = tree[mark]
    if mark in ("$tensor", "$array", "$scalar"):
        return _take(mark, content, tree.get("dtype", ""), tensors)
    if mark == "$float":
        return float(content)
    if mark == "$tuple":
        return tuple(unpack(content, tensors))
    if mark in ("$dict", "$counter"):
        pairs = {unpack(key, tensors): unpack(item, tensors) for key, item in content}
        return pairs if mark == "$dict" else Counter(pairs)
    raise FormatError(f"expected a state that this version writes, got the mark {mark!r}; try: a newer Handtorch")


def _take(mark: str, path: str, dtype: str, tensors: dict[str, Any]) -> Any:
    if path not in tensors:
        raise FormatError(f"expected a tensor {path!r} beside the state, but the file has none")
    value = tensors[path]
    if mark == "$tensor":
        return value
    array = as_array(value).view(dtype)
    return array if mark == "$array" else array[()]
