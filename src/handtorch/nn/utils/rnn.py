"""Sequences of different lengths in one tensor: padded to the longest, or packed without any padding.

A packed batch holds step 0 of all sequences, then step 1 of those that have one, and so on: sequences a b c, d e and f
become a d f b e c with batch sizes 3 2 1. A recurrent network walks through it without computing on padding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from handtorch import dtypes
from handtorch.errors import ArgumentError, RangeError, ShapeError
from handtorch.factories import as_tensor, full
from handtorch.ops.joining import cat, stack
from handtorch.tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Fields(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Fields):
    """A packed batch of B sequences; made by :func:`pack_sequence` and :func:`pack_padded_sequence`.

    Attributes:
        data: (Σ lengths, *), step by step.
        batch_sizes: (longest length), how many sequences have each step; whole numbers that only fall.
        sorted_indices: (B), the order in which the sequences were put, longest first, or None if they came so.
        unsorted_indices: (B), the order that puts them back.
    """

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        if batch_sizes is None:
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, data: Any) -> PackedSequence:
        return self if data is self.data else type(self)(data, *self[1:])

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With ``data.to(...)``."""
        return self._with(self.data.to(*args, **kwargs))

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Itself."""
        return self._with(self.data.cpu(*args, **kwargs))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Raises DeviceError: Handtorch computes on the CPU."""
        return self._with(self.data.cuda(*args, **kwargs))

    def pin_memory(self) -> PackedSequence:
        """With ``data.pin_memory()``."""
        return self._with(self.data.pin_memory())

    def is_pinned(self) -> bool:
        """Whether its memory is pinned for a GPU."""
        return bool(self.data.is_pinned())

    @property
    def is_cuda(self) -> bool:
        """False."""
        return bool(self.data.is_cuda)


def _casting(kind: dtypes.dtype) -> Callable[[PackedSequence], PackedSequence]:
    def cast(self: PackedSequence) -> PackedSequence:
        return self.to(dtype=kind)

    cast.__doc__ = f"With elements of {str(kind).partition('.')[2]}."
    return cast


for _name, _kind in {
    "double": dtypes.float64,
    "float": dtypes.float32,
    "half": dtypes.float16,
    "long": dtypes.int64,
    "int": dtypes.int32,
    "short": dtypes.int16,
    "char": dtypes.int8,
    "byte": dtypes.uint8,
}.items():
    setattr(PackedSequence, _name, _casting(_kind))


def invert_permutation(permutation: Any) -> Any:
    """q with q[p[i]] = i, which undoes the order p (B); None for None."""
    return None if permutation is None else Tensor.of(np.argsort(permutation.array))


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Take the padding out of a batch.

    Args:
        input: (T, B, *), or (B, T, *) if ``batch_first``.
        lengths: (B), of each sequence, from 1 to T.
        enforce_sorted: whether they fall, as they come. With False any order goes: the batch is sorted here, and
            :func:`pad_packed_sequence` puts it back.

    Raises:
        ShapeError: the lengths are not one for each sequence, not within 1 to T, or not in order.
    """
    lengths = as_tensor(lengths, dtype=dtypes.int64).array
    if not input.array.size:
        raise ShapeError("Cannot pack empty tensors.")
    if batch_first:
        input = input.transpose(0, 1)
    order = None
    if not enforce_sorted:
        order = Tensor.of(np.argsort(-lengths, kind="stable"))
        lengths = lengths[order.array]
    _check_lengths(lengths, *input.array.shape[:2])
    sizes = np.count_nonzero(lengths[:, None] > np.arange(lengths[0]), axis=0)
    step, sequence = _places(sizes)
    if order is not None:
        sequence = order.array[sequence]
    return PackedSequence(input[Tensor.of(step), Tensor.of(sequence)], Tensor.of(sizes), order)


def _check_lengths(lengths: np.ndarray, steps: int, batch: int) -> None:
    if lengths.shape != (batch,):
        raise ShapeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {lengths.size} (batch_size={batch})"
        )
    if lengths[-1] <= 0:
        raise ShapeError(
            f"Length of all samples has to be greater than 0, but found an element in 'lengths' that is {lengths[-1]}"
        )
    if np.any(lengths[1:] > lengths[:-1]):
        raise ShapeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True; "
            "pass enforce_sorted=False for lengths in any order"
        )
    if lengths[0] > steps:
        raise ShapeError(f"Expected lengths up to the {steps} steps of the input, got {lengths[0]}")


def _places(batch_sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row of a packed batch its step, and its sequence among the sorted ones."""
    first = np.cumsum(batch_sizes) - batch_sizes
    step = np.repeat(np.arange(len(batch_sizes)), batch_sizes)
    return step, np.arange(len(step)) - first[step]


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Any]:
    """Put padding back: the inverse of :func:`pack_padded_sequence`.

    Args:
        sequence: the packed batch.
        batch_first: whether the result is (B, T, *) and not (T, B, *).
        padding_value: what stands after the end of a sequence.
        total_length: T; by default the longest length.

    Returns:
        the padded batch, and the lengths (B).

    Raises:
        ArgumentError: ``total_length`` is shorter than the longest sequence.
    """
    data, sizes = sequence.data, sequence.batch_sizes.array
    longest = len(sizes)
    if total_length is not None and total_length < longest:
        raise ArgumentError(
            f"Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    step, row = _places(sizes)
    lengths = np.count_nonzero(sizes > np.arange(sizes[0])[:, None], axis=1)
    if sequence.sorted_indices is not None:
        row = sequence.sorted_indices.array[row]
        lengths = lengths[sequence.unsorted_indices.array]
    shape = (total_length or longest, int(sizes[0]))
    where = (step, row)
    if batch_first:
        shape, where = shape[::-1], where[::-1]
    padded = full((*shape, *data.array.shape[1:]), padding_value, dtype=data.dtype)
    padded[tuple(Tensor.of(places) for places in where)] = data
    return padded, Tensor.of(lengths)


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Stack sequences (L_i, *) as one tensor (T, B, *), or (B, T, *) if ``batch_first``, with T the longest L.

    Args:
        sequences: a list of tensors, or one tensor of sequences of one length.
        padding_value: what fills the shorter ones up.
        padding_side: ``"right"``: after the end; ``"left"``: before the beginning.

    Raises:
        RangeError: no sequence, or another side.
        ShapeError: the sequences differ in other axes than the first.
    """
    if not isinstance(sequences, Iterable):
        raise RangeError(f"pad_sequence: Expected iterable for input sequences, but got arg of type: {sequences!r}")
    if padding_side not in ("left", "right"):
        raise RangeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    rows = list(sequences)
    if not rows:
        raise RangeError("received an empty list of sequences")
    longest = max(len(row) for row in rows)
    other = rows[0].array.shape[1:]
    padded = []
    for row in rows:
        if row.array.shape[1:] != other:
            raise ShapeError(
                f"pad_sequence: expected sequences (L, *) alike but for L, got {tuple(rows[0].shape)} and "
                f"{tuple(row.shape)}"
            )
        filling = full((longest - len(row), *other), padding_value, dtype=rows[0].dtype)
        padded.append(cat([filling, row] if padding_side == "left" else [row, filling]))
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The sequences (L_i, *) of a padded batch (T, B, *), or (B, T, *) if ``batch_first``; ``lengths`` (B) holds L."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[: int(length)] for row, length in zip(rows, lengths, strict=False)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (L_i, *); see :func:`pack_padded_sequence`."""
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The sequences (L_i, *) of a packed batch."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
