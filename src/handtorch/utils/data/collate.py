"""How samples become a batch: the same nesting, with a tensor wherever there was a number, an array or a tensor."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from handtorch import dtypes
from handtorch.errors import ShapeError
from handtorch.factories import as_tensor, tensor
from handtorch.ops.joining import stack
from handtorch.tensor import Tensor

CollateMap = dict[type | tuple[type, ...], Callable[..., Any]]

_NOT_NUMBERS = "SUO"  # NumPy's kinds of bytes, text and objects


def default_convert(data: Any) -> Any:
    """Make every NumPy array in a nesting of dicts and sequences a tensor and leave everything else as it is.

    What a ``DataLoader`` does to each sample when it makes no batches (``batch_size=None``).
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in _NOT_NUMBERS else as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild_sequence(data, [default_convert(item) for item in data])
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """Make one batch of a list of samples.

    Tensors and arrays ``(...)`` are stacked to ``(N, ...)``; ``float``, ``int`` and ``bool`` become a tensor ``(N,)``
    (a Python ``float`` becomes ``float64``); text stays a list; dicts, lists, tuples and named tuples are collated
    item by item. Other types can be taught through ``default_collate_fn_map``.

    Args:
        batch: ``N`` samples of one structure.

    Raises:
        TypeError: a sample holds something that cannot be collated.
        ShapeError: tensors or sequences of different lengths.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def collate(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """Make one batch of a list of samples, with the given functions for the given types.

    Args:
        batch: ``N`` samples of one structure.
        collate_fn_map: maps a type to ``function(batch, *, collate_fn_map)``. The exact type goes first, then the first
            entry of which the sample is an instance.

    Raises:
        TypeError: a sample holds something that cannot be collated.
        ShapeError: sequences of different lengths.
    """
    sample = batch[0]
    function = _function_for(type(sample), collate_fn_map or {})
    if function is not None:
        return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(sample, Mapping):
        columns = {key: collate([each[key] for each in batch], collate_fn_map=collate_fn_map) for key in sample}
        return _rebuild_mapping(sample, columns)
    if isinstance(sample, Sequence):
        return _collate_sequences(batch, collate_fn_map)
    raise TypeError(_cannot(type(sample)))


def _function_for(kind: type, functions: CollateMap) -> Callable[..., Any] | None:
    if kind in functions:
        return functions[kind]
    return next((function for types, function in functions.items() if issubclass(kind, types)), None)


def _collate_sequences(batch: Sequence[Any], functions: CollateMap | None) -> Any:
    lengths = {len(sample) for sample in batch}
    if len(lengths) > 1:
        raise ShapeError(
            f"each element in list of batch should be of equal size, got lengths {sorted(lengths)}; "
            "pad them, or pass a collate_fn that does"
        )
    columns = [collate(column, collate_fn_map=functions) for column in zip(*batch, strict=True)]
    return _rebuild_sequence(batch[0], columns)


def _rebuild_mapping(like: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """The items in the type of ``like``, with whatever else that type carries; a plain dict where it cannot be made."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(items)
            return clone
        return type(like)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def _rebuild_sequence(like: Sequence[Any], items: list[Any]) -> Any:
    """The items in the type of ``like``; a tuple becomes a list, as in PyTorch, unless its fields have names."""
    if isinstance(like, tuple):
        return type(like)(*items) if hasattr(like, "_fields") else items
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for position, item in enumerate(items):
                clone[position] = item
            return clone
        return type(like)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def _cannot(found: Any) -> str:
    return (
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {found}; convert it in the dataset, or pass a collate_fn"
    )


def _collate_tensors(batch: Sequence[Tensor], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    first = batch[0].array
    for sample in batch:
        if sample.requires_grad or sample.array.shape != first.shape or sample.array.dtype != first.dtype:
            return stack(batch, 0)  # which records, promotes, or says what does not fit
    return Tensor.of(np.array([sample.array for sample in batch]))  # the same numbers, without an op for every sample


def _collate_arrays(batch: Sequence[np.ndarray], *, collate_fn_map: CollateMap | None = None) -> Any:
    if batch[0].dtype.kind in _NOT_NUMBERS:
        raise TypeError(_cannot(batch[0].dtype))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def _collate_array_scalars(batch: Iterable[Any], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return as_tensor(np.array(list(batch)))


def _collate_floats(batch: Sequence[float], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return tensor(batch, dtype=dtypes.float64)


def _collate_ints(batch: Sequence[int], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return tensor(batch)


def _keep(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Sequence[Any]:
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: _collate_tensors,
    np.ndarray: _collate_arrays,
    (np.bool_, np.number, np.object_): _collate_array_scalars,
    float: _collate_floats,
    int: _collate_ints,
    str: _keep,
    bytes: _keep,
}


def stacks_tensors(collate_fn: Callable[..., Any]) -> bool:
    """Whether collating tensors means stacking them, so that a dataset may hand over a batch already stacked."""
    return collate_fn is default_collate and default_collate_fn_map.get(Tensor) is _collate_tensors
