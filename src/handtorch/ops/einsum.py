"""Einstein's summation: products of tensors whose axes carry letters, summed over the letters the result leaves out."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Collection, Sequence
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

from handtorch.errors import ArgumentError, RangeError, ShapeError
from handtorch.ops.axes import Permute
from handtorch.ops.diagonals import diagonal
from handtorch.ops.linalg import matmul
from handtorch.ops.reduction import sum as total
from handtorch.ops.shape import Reshape
from handtorch.tensor import Tensor

__all__ = ["einsum"]

Labels = tuple[Any, ...]  # one for each axis: a letter, or a number below 0 for an axis under the ellipsis
Term = tuple[Any, Labels]  # a tensor and the labels of its axes


def einsum(*args: Any) -> Any:
    """y[output] = Σ Π x[labels], over all labels that are not in the output.

    ``einsum("bhqd,bhkd->bhqk", q, k)`` is y_bhqk = Σ_d q_bhqd k_bhkd. A letter twice in one term takes the diagonal;
    ``...`` stands for any number of axes, broadcast against each other; an axis of length 1 goes with any length.
    Without ``->`` the output has the axes of the ellipsis and then, in alphabetical order, the letters that occur once.

    Two tensors at a time are multiplied as batches of matrices, beginning with those whose product saves most memory.

    Args:
        args: an equation and the tensors; or, as NumPy takes them, each tensor followed by a list of numbers from 0 to
            51 (and ``...``) instead of letters, and at the end perhaps such a list for the output.

    Raises:
        RangeError: the equation is malformed, or does not go with the tensors.
        ShapeError: axes of one letter have different lengths.
    """
    equation, operands = _equation(args)
    for i, x in enumerate(operands):
        if not isinstance(x, Tensor):
            raise TypeError(f"einsum(): expected a Tensor as operand {i}, got {type(x).__name__}")
    inputs, output = _read(equation, tuple([x.array.ndim for x in operands]))
    terms = zip(operands, inputs, strict=True)
    return contract(_broadcast([_without_repeats(i, x, labels) for i, (x, labels) in enumerate(terms)]), output)


# -- reading --------------------------------------------------------------------------------------------------------


def _equation(args: Sequence[Any]) -> tuple[str, list[Any]]:
    """The equation in letters and the tensors, of either form of call."""
    if len(args) < 2:
        raise ArgumentError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if isinstance(args[0], str):
        equation, *operands = args
        return equation, list(operands[0]) if isinstance(operands[0], (list, tuple)) else operands
    terms = ",".join(map(_letters, args[1::2]))
    operands = list(args[: len(args) // 2 * 2 : 2])
    return f"{terms}->{_letters(args[-1])}" if len(args) % 2 else terms, operands


def _letters(numbers: Any) -> str:
    """A list of numbers (and ``...``) as letters, in the order of Python's characters."""
    alphabet = ascii_uppercase + ascii_lowercase
    for number in numbers:
        if number is not Ellipsis and not 0 <= number < len(alphabet):
            raise ArgumentError(
                f"einsum(): subscript in subscript list is not within the valid range [0, 52), got {number}"
            )
    return "".join("..." if number is Ellipsis else alphabet[number] for number in numbers)


@functools.lru_cache(maxsize=256)
def _read(equation: str, ndims: tuple[int, ...]) -> tuple[list[Labels], Labels]:
    """The labels of every operand and of the result.

    Args:
        ndims: how many axes each operand has.
    """
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        which = "fewer" if len(terms) > len(ndims) else "more"
        raise RangeError(
            f"einsum(): {which} operands were provided than specified in the equation: "
            f"{len(ndims)} for the {len(terms)} terms of '{left}'"
        )
    inputs = []
    for i, (term, ndim) in enumerate(zip(terms, ndims, strict=True)):
        letters = _split(term, f"operand {i}")
        dots = Ellipsis in letters
        hidden = ndim - len(letters) + dots
        if hidden < 0 or (hidden and not dots):
            raise RangeError(
                f"einsum(): the number of subscripts in the equation ({len(letters) - dots}) "
                f"{'is more than' if dots else 'does not match'} the number of dimensions "
                f"({ndim}) for operand {i}{'' if dots else ' and no ellipsis was given'}"
            )
        inputs.append(_spelled_out(letters, hidden))
    return inputs, _output(right, inputs) if arrow else _implicit_output(inputs)


def _split(term: str, where: str) -> list[Any]:
    """The letters of a term, with one Ellipsis for its three dots."""
    letters: list[Any] = []
    for i, part in enumerate(term.replace("...", "…")):
        if part == "…":
            if Ellipsis in letters:
                raise RangeError(f"einsum(): found '.' for {where} for which an ellipsis was already found")
            letters.append(Ellipsis)
        elif part == ".":
            raise RangeError(f"einsum(): found '.' for {where} that is not part of any ellipsis (...)")
        elif part in ascii_letters:
            letters.append(part)
        elif part != " ":
            raise RangeError(
                f"einsum(): invalid subscript '{part}' given at index {i} of {where} ('{term}'), subscripts must be in "
                f"[a-zA-Z]"
            )
    return letters


def _spelled_out(letters: list[Any], hidden: int) -> Labels:
    """Letters with the ellipsis as ``hidden`` labels: -1 for the last of its axes, -2 for the one before it ..."""
    if Ellipsis not in letters:
        return tuple(letters)
    at = letters.index(Ellipsis)
    return (*letters[:at], *range(-hidden, 0), *letters[at + 1 :])


def _hidden_axes(inputs: list[Labels]) -> int:
    return -min((label for labels in inputs for label in labels if isinstance(label, int)), default=0)


def _output(right: str, inputs: list[Labels]) -> Labels:
    """The labels of the result, from the equation."""
    letters = _split(right, "output")
    present = set(itertools.chain(*inputs))
    for letter in letters:
        if letters.count(letter) > 1:
            raise RangeError(f"einsum(): output subscript {letter} appears more than once in the output")
        if letter is not Ellipsis and letter not in present:
            raise RangeError(
                f"einsum(): output subscript {letter} does not appear in the equation for any input operand"
            )
    return _spelled_out(letters, _hidden_axes(inputs))


def _implicit_output(inputs: list[Labels]) -> Labels:
    """The labels of the result where the equation does not name them."""
    letters = [label for labels in inputs for label in labels if isinstance(label, str)]
    once = sorted(letter for letter in letters if letters.count(letter) == 1)
    return (*range(-_hidden_axes(inputs), 0), *once)


# -- bringing every label to one axis and one length ----------------------------------------------------------------


def _without_repeats(i: int, x: Any, labels: Labels) -> Term:
    """Operand i with the diagonal for a label that it has twice."""
    if len(set(labels)) == len(labels):
        return x, labels
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            n, m = x.array.shape[first], x.array.shape[second]
            if n != m:
                raise ShapeError(
                    f"einsum(): subscript {label} is repeated for operand {i} but the sizes don't match, {m} != {n}"
                )
            x = diagonal(x, 0, first, second)
            labels = (*(other for k, other in enumerate(labels) if k not in (first, second)), label)
    return x, labels


def _broadcast(terms: list[Term]) -> list[Term]:
    """The terms without those axes of length 1 that are longer in another term."""
    length: dict[Any, int] = {}
    for i, (x, labels) in enumerate(terms):
        for label, n in zip(labels, x.array.shape, strict=True):
            known = length.setdefault(label, n)
            if known == 1:
                length[label] = n
            elif n not in (1, known):
                raise ShapeError(
                    f"einsum(): subscript {'...' if isinstance(label, int) else label} has size {n} for operand {i} "
                    f"which does not broadcast with previously seen size {known}"
                )
    result = []
    for x, labels in terms:
        kept = tuple([label for label, n in zip(labels, x.array.shape, strict=True) if n == length[label]])
        result.append((x if kept == labels else Reshape(tuple(length[label] for label in kept))(x), kept))
    return result


# -- computing ------------------------------------------------------------------------------------------------------


def contract(terms: list[Term], output: Labels) -> Any:
    """The sum of the product of all terms, with the labels of the output in that order.

    Args:
        terms: tensors with labels for their axes; axes of one label have one length.
    """
    is_product = len(terms) > 1
    while len(terms) > 1:
        i, j = _best_pair(terms, output) if len(terms) > 2 else (0, 1)
        others = [term for k, term in enumerate(terms) if k not in (i, j)]
        terms = [*others, _product(terms[i], terms[j], _labels(others, output))]
    x, labels = _summed(terms[0], output)
    return x if is_product and labels == output else Permute(tuple(map(labels.index, output)))(x)


def _labels(terms: list[Term], output: Labels) -> set[Any]:
    return {*output, *(label for _, labels in terms for label in labels)}


def _best_pair(terms: list[Term], output: Labels) -> tuple[int, int]:
    """The places of the two terms whose product is largest by the fewest numbers, compared with the two of them."""

    def growth(pair: tuple[int, int]) -> int:
        (a, ours), (b, theirs) = (terms[k] for k in pair)
        kept = _labels([term for k, term in enumerate(terms) if k not in pair], output)
        length = dict(zip(ours + theirs, a.array.shape + b.array.shape, strict=True))
        return math.prod(n for label, n in length.items() if label in kept) - a.array.size - b.array.size

    return min(itertools.combinations(range(len(terms)), 2), key=growth)


def _summed(term: Term, kept: Collection[Any]) -> Term:
    """A term, summed over the labels that are not kept."""
    x, labels = term
    axes = tuple([i for i, label in enumerate(labels) if label not in kept])
    return (total(x, axes), tuple([label for label in labels if label in kept])) if axes else term


def _product(a: Term, b: Term, kept: set[Any]) -> Term:
    """The product of two terms, summed over the labels that are not kept.

    It is one of matrices, (batch, own, shared) times (batch, shared, other): the labels of both terms are a batch where
    they are kept, and summed over where they are not.
    """
    x, ours = _summed(a, kept.union(b[1]))
    y, theirs = _summed(b, kept.union(a[1]))
    batch = [label for label in ours if label in theirs and label in kept]
    shared = [label for label in ours if label in theirs and label not in kept]
    own = [label for label in ours if label not in theirs]
    other = [label for label in theirs if label not in ours]
    length = dict(zip(ours + theirs, x.array.shape + y.array.shape, strict=True))
    x, y = _as_matrices(x, ours, batch, own, shared), _as_matrices(y, theirs, batch, shared, other)
    labels = (*batch, *own, *other)
    return _reshaped(matmul(x, y) if shared else x * y, [length[label] for label in labels]), labels


def _as_matrices(x: Any, labels: Labels, batch: list[Any], rows: list[Any], columns: list[Any]) -> Any:
    """A tensor as a batch of matrices, the labels of whose rows and of whose columns run as one index each."""
    order = tuple([labels.index(label) for label in (*batch, *rows, *columns)])
    if order != tuple(range(len(order))):
        x = Permute(order)(x)
    shape, start, stop = x.array.shape, len(batch), len(batch) + len(rows)
    return _reshaped(x, [*shape[:start], math.prod(shape[start:stop]), math.prod(shape[stop:])])


def _reshaped(x: Any, shape: list[int]) -> Any:
    return x if x.array.shape == tuple(shape) else Reshape(tuple(shape))(x)
