"""Packing and padding against PyTorch's: the same program, the same values, gradients and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.programs import numbers, programs, raises

pytest.importorskip("torch.nn.utils.rnn")

program, test_both_libraries_do_the_same = programs()


def sequences(lib: Any, *lengths: int) -> list[Any]:
    return [numbers(lib, n, 3, seed=i).requires_grad_() for i, n in enumerate(lengths)]


def rnn(lib: Any) -> Any:
    return lib.nn.utils.rnn


@program
def a_padded_batch_is_packed_and_padded_again(lib: Any) -> Any:
    seen = []
    for batch_first in (False, True):
        for lengths, enforce in (([5, 3, 3, 1], True), ([3, 5, 1, 3], False), (lib.tensor([2, 2]), True)):
            size = (len(lengths), 6, 2) if batch_first else (6, len(lengths), 2)
            x = numbers(lib, *size).requires_grad_()
            packed = rnn(lib).pack_padded_sequence(x, lengths, batch_first, enforce)
            for options in ({}, {"batch_first": True, "padding_value": -1.5}, {"total_length": 7}):
                padded, found = rnn(lib).pad_packed_sequence(packed, **options)
                (padded * padded).sum().backward(retain_graph=True)
                seen += [padded, found]
            seen += [*packed, x.grad]
    return seen


@program
def sequences_are_stacked_packed_and_taken_apart(lib: Any) -> Any:
    rows = sequences(lib, 2, 4, 1)
    seen = [
        rnn(lib).pad_sequence(rows, batch_first, -2.0, side)
        for batch_first in (False, True)
        for side in ("left", "right")
    ]
    packed = rnn(lib).pack_sequence(rows, enforce_sorted=False)
    parts = rnn(lib).unpack_sequence(packed)
    sum((part * part).sum() for part in parts).backward()
    # A copy: PyTorch transposes the argument itself.
    apart = rnn(lib).unpad_sequence(seen[1].clone(), lib.tensor([2, 4, 1]))
    return seen, packed, parts, apart, [row.grad for row in rows]


@program
def sequences_without_further_axes_and_whole_numbers_are_padded(lib: Any) -> Any:
    rows = [lib.arange(n) for n in (3, 1, 2)]
    packed = rnn(lib).pack_sequence(rows, enforce_sorted=False)
    return rnn(lib).pad_sequence(rows), packed, rnn(lib).pad_packed_sequence(packed, padding_value=9)


@program
def a_packed_batch_is_converted(lib: Any) -> Any:
    packed = rnn(lib).pack_sequence(sequences(lib, 3, 2))
    casts = [getattr(packed, n)() for n in ("double", "float", "half", "long", "int", "short", "char", "byte", "cpu")]
    again = rnn(lib).PackedSequence(packed.data, packed.batch_sizes, lib.tensor([1, 0]))
    return casts, again, packed.to(lib.float64), packed.is_cuda, packed.float() is packed


@program
def an_order_is_undone(lib: Any) -> Any:
    return rnn(lib).invert_permutation(lib.tensor([2, 0, 3, 1])), rnn(lib).invert_permutation(None)


@program
def what_does_not_fit_is_refused(lib: Any) -> Any:
    x = numbers(lib, 4, 2, 3)
    pack, packed = rnn(lib).pack_padded_sequence, rnn(lib).pack_sequence(sequences(lib, 3, 2))
    return [
        raises(RuntimeError, lambda: pack(x, [2, 4])),
        raises(RuntimeError, lambda: pack(x, [2, 0])),
        raises(RuntimeError, lambda: pack(x, [2])),
        raises(RuntimeError, lambda: pack(x[:0], [2, 2])),
        raises(ValueError, lambda: rnn(lib).pad_packed_sequence(packed, total_length=2)),
        raises(RuntimeError, lambda: rnn(lib).pad_sequence([x], padding_side="both")),
        raises(RuntimeError, lambda: rnn(lib).pad_sequence([])),
    ]
