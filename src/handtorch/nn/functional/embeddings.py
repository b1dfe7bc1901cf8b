"""Whole numbers to vectors: one-hot rows and tables of embeddings."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, DtypeError, RangeError
from handtorch.ops import embedding as tables
from handtorch.tensor import Tensor

__all__ = [
    "embedding",
    "embedding_bag",
    "one_hot",
]

_MODES = ("sum", "mean", "max")


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Rows of zeros with a one at the class: (*) to (*, C).

    Args:
        tensor: int64 (*), each in [0, C).
        num_classes: C; by default the largest class and 1.

    Raises:
        DtypeError: classes of another type.
        RangeError: a class outside [0, C), or no C.
    """
    classes = tensor.array
    if classes.dtype != np.int64:
        raise DtypeError(f"one_hot is only applicable to index tensor of type LongTensor, got {tensor.dtype}")
    if not classes.size and num_classes <= 0:
        raise RangeError("Can not infer total number of classes from empty tensor.")
    if num_classes < 1 and num_classes != -1:
        raise RangeError(f"num_classes should be positive, got {num_classes}")
    if classes.size and classes.min() < 0:
        raise RangeError(f"Class values must be non-negative, got {classes.min()}")
    if num_classes == -1:
        num_classes = int(classes.max()) + 1
    elif classes.size and classes.max() >= num_classes:
        raise RangeError(f"Class values must be smaller than num_classes, got {classes.max()} for {num_classes}")
    return Tensor.of((classes[..., None] == np.arange(num_classes)).astype(np.int64))


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """Rows of a table, by number.

    Args:
        input: whole numbers (*), in [0, V).
        weight: the table (V, D).
        padding_idx: the row that gets no gradient.
        max_norm: scale the rows that are used down to this length first, in the table itself.
        norm_type: the p of that length.
        scale_grad_by_freq: divide a row's gradient by how often the row was used.
        sparse: accepted; the gradient is dense, with the same numbers.

    Returns:
        (*, D).

    Raises:
        ArgumentError: the padding is no row of the table.
    """
    if padding_idx is not None:
        padding_idx = row_of_padding(padding_idx, weight.array.shape[0])
    if max_norm is not None:
        tables.embedding_renorm_(weight, input, max_norm, norm_type)
    return tables.embedding(weight, input, -1 if padding_idx is None else padding_idx, scale_grad_by_freq, sparse)


def row_of_padding(padding_idx: int, rows: int) -> int:
    """The row that is the padding, counted from the front."""
    if not -rows <= padding_idx < max(rows, 1):
        raise ArgumentError(
            f"padding_idx must be within num_embeddings: expected one of {rows} rows, got {padding_idx}"
        )
    return padding_idx % max(rows, 1)


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """Rows of a table, reduced in bags, without keeping the rows.

    Args:
        input: whole numbers in [0, V): bags of one length (B, L); or (n), the bags one after the other.
        weight: the table (V, D).
        offsets: for an ``input`` (n), where each bag begins (B).
        mode: "sum", "mean" or "max".
        per_sample_weights: of the shape of ``input``, what each row is multiplied with; for "sum" only.
        include_last_offset: the last offset is the end of the last bag, and begins none.
        padding_idx: the row that counts for nothing.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for :func:`embedding`.

    Returns:
        (B, D); an empty bag is 0.

    Raises:
        ArgumentError: arguments that do not fit together.
        NotImplementedError: weights for another mode than "sum", as in PyTorch.
    """
    if weight.array.dtype == np.int64 and input.array.dtype.kind == "f":
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is "
            "deprecated, and should now be `embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        weight, input = input, weight
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise ArgumentError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
            f"same shape as the input ({input.shape})"
        )
    if weight.array.ndim != 2:
        raise ArgumentError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.array.ndim}")
    if input.array.ndim == 2:
        if offsets is not None:
            raise ArgumentError(
                f"if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        bags, length = input.array.shape
        offsets, include_last_offset = Tensor.of(np.arange(bags) * length), False
        input = input.reshape(-1)
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
    elif input.array.ndim != 1:
        raise ArgumentError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.array.ndim}")
    elif offsets is None or offsets.array.ndim != 1:
        raise ArgumentError("offsets has to be a 1D Tensor" + (" but got None" if offsets is None else ""))
    if mode not in _MODES:
        raise ArgumentError(f"mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ArgumentError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ArgumentError("max mode does not support sparse weights")
    if max_norm is not None:
        tables.embedding_renorm_(weight, input, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}')."
        )
    return tables.embedding_bag(
        weight,
        input,
        offsets,
        scale_grad_by_freq,
        _MODES.index(mode),
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )[0]
