"""Samplers of whole numbers, permutations, coin flips and categories, equal to PyTorch's for the same seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handtorch.errors import DtypeError, ShapeError
from handtorch.random.arithmetic import libm
from handtorch.random.continuous import Shape, _of_units, _size, exponential
from handtorch.random.generator import Generator, SamplingError, resolve
from handtorch.random.order import in_order_of_memory, without_gaps
from handtorch.random.twins import twin

_INT64 = np.iinfo(np.int64)
_FLOAT64 = np.dtype(np.float64)
_TWO_WORDS_FROM = 1 << 28  # a range this wide takes 64 bits a number, so that the remainder stays nearly even
_FEW = 64  # so few swaps are made faster one by one
_MOST_CATEGORIES = 1 << 24


def randint(
    low: int,
    high: int | None,
    shape: Shape,
    dtype: DTypeLike = np.int64,
    generator: Generator | None = None,
) -> NDArray[Any]:
    """Whole numbers of [low, high): a word modulo ``high - low``, of 64 bits where the range has 2**28 or more.

    Args:
        low: smallest number.
        high: one above the largest; None for the largest that ``dtype`` holds (or counts to without a gap).
        shape: of the result.
        dtype: any real type; the bounds of a float type shrink to numbers that it holds.
        generator: drawn from instead of the default one.

    Returns:
        Array of ``shape`` and ``dtype``.

    Raises:
        SamplingError: an empty range, or one that ``dtype`` does not hold.
    """
    dtype = np.dtype(dtype)
    generator = resolve(generator)
    if high is None and low == _INT64.min:
        with generator.lock:
            return generator.long_words(_size(shape)).view(np.int64).astype(dtype).reshape(shape)
    low, end = _bounds(int(low), high, dtype)
    width = end - low
    with generator.lock:
        words = generator.long_words if width >= _TWO_WORDS_FROM else generator.words
        drawn = words(_size(shape))
    numbers = np.empty(drawn.shape, np.int64)
    if drawn.dtype == np.uint32 and (compiled := twin("generator", drawn.size)):
        compiled.remainders(drawn, width, low, numbers)
    else:
        drawn %= drawn.dtype.type(width)
        numbers[...] = drawn
        numbers += low
    return numbers.astype(dtype, copy=False).reshape(shape)


def _bounds(low: int, high: int | None, dtype: np.dtype) -> tuple[int, int]:
    """The range [low, end) that ``dtype`` can hold."""
    smallest, largest = _extremes(dtype)
    if dtype.kind == "f":
        counts_to = 1 << (np.finfo(dtype).nmant + 1)
        low = _round_up(low, dtype)
        end = counts_to + 1 if high is None else _round_down(int(high), dtype)
    else:
        end = largest + 1 if high is None else int(high)
    if low >= end:
        raise SamplingError(f"randint: expected low < high, got low={low}, high={end} in {dtype}")
    if low < smallest or end - 1 > largest:
        raise SamplingError(f"randint: expected numbers that {dtype} holds, got [{low}, {end})")
    return low, end


def _extremes(dtype: np.dtype) -> tuple[int, int]:
    """The smallest and the largest whole number of a type, as far as a signed 64-bit bound reaches."""
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind == "f":
        return int(np.finfo(dtype).min), int(np.finfo(dtype).max)
    if dtype.kind not in "iu":
        raise DtypeError(f"randint: expected an integer, float or bool type, got {dtype}")
    return int(np.iinfo(dtype).min), min(int(np.iinfo(dtype).max), _INT64.max)


def _most(dtype: np.dtype) -> int:
    """The whole number up to which a type holds them all."""
    return 1 << (np.finfo(dtype).nmant + 1) if dtype.kind == "f" else _extremes(dtype)[1]


def _round_up(low: int, dtype: np.dtype) -> int:
    """The lowest bound at or above ``low`` from which no number rounds to below it."""
    above = int(dtype.type(low + 1))
    if above >= low:
        return low
    return above + (1 << max((abs(low + 1)).bit_length() - np.finfo(dtype).nmant - 1, 0))


def _round_down(high: int, dtype: np.dtype) -> int:
    """The highest end at or below ``high`` to which no number under it rounds."""
    below = int(dtype.type(high - 1))
    if below < high:
        return high
    return below - (1 << max((abs(high - 1)).bit_length() - np.finfo(dtype).nmant - 1, 0))


def random_full(shape: Shape, dtype: DTypeLike = np.int64, generator: Generator | None = None) -> NDArray[Any]:
    """Whole numbers over all that a type counts to: [0, largest] of an integer type, [0, 2**mantissa] of a float one.

    Args:
        shape: of the result.
        dtype: any real type.
        generator: drawn from instead of the default one.

    Returns:
        Array of ``shape`` and ``dtype``.
    """
    dtype = np.dtype(dtype)
    generator = resolve(generator)
    largest = _most(dtype)
    with generator.lock:
        words = generator.long_words if dtype in (np.int64, np.float64) else generator.words
        drawn = words(_size(shape))
    if largest < np.iinfo(drawn.dtype).max:
        drawn %= drawn.dtype.type(largest + 1)
    return drawn.astype(dtype).reshape(shape)


def randperm(n: int, dtype: DTypeLike = np.int64, generator: Generator | None = None) -> NDArray[Any]:
    """The numbers 0 .. n-1 in random order: for i = 0 .. n-2, swap place i with place i + (word modulo n - i).

    Args:
        n: how many numbers.
        dtype: of the result.
        generator: drawn from instead of the default one.

    Returns:
        Array of shape (n,) and ``dtype``.

    Raises:
        SamplingError: ``n`` below zero, more than 2**32 - 1, or more than ``dtype`` counts to.

    Source: Fisher & Yates' shuffle as Durstenfeld (1964) does it in place.
    """
    if not 0 <= n < 1 << 32:
        raise SamplingError(f"randperm: expected 0 <= n < 2**32, got {n}")
    if n > _most(np.dtype(dtype)):
        raise SamplingError(f"randperm: expected n <= {_most(np.dtype(dtype))}, to which {dtype} counts, got {n}")
    generator = resolve(generator)
    with generator.lock:
        drawn = generator.words(max(n - 1, 0))
    places = np.arange(n, dtype=np.int64)
    if compiled := twin("generator", n):
        compiled.shuffle(drawn, places)
        return places.astype(dtype, copy=False)
    partners = places[: n - 1] + (drawn % np.arange(n, 1, -1, dtype=np.uint32)).astype(np.int64)
    order = _swap_in_turn(places, partners) if n <= _FEW else _swap_at_once(places, partners)
    return order.astype(dtype, copy=False)


def _swap_in_turn(places: NDArray[np.int64], partners: NDArray[np.int64]) -> NDArray[np.int64]:
    order = places.tolist()
    for i, j in enumerate(partners.tolist()):
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def _swap_at_once(places: NDArray[np.int64], partners: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same result with sorting and pointer doubling instead of a loop over the swaps.

    Let v(i) be the number at place i just before step i. Step i puts v(i) into its partner's place. So

    - v(i) = v(j) for the last step j < i whose partner was i, or i itself where there is none;
    - the number that step i leaves at place i for good is v(j) for the last step j < i with the same partner as i,
      or the partner's own number where there is none.
    """
    steps = len(partners)
    sender = places.copy()
    moved = partners != places[:steps]
    sender[partners[moved]] = places[:steps][moved]  # of several steps with one partner the last one stays
    while True:  # follow v(i) = v(sender) to its root; every round doubles the length of the paths
        further = sender[sender]
        if np.array_equal(further, sender):
            break
        sender = further
    keys = np.sort(partners.astype(np.uint64) << 32 | places[:steps].astype(np.uint64))
    step_of_key = (keys & 0xFFFFFFFF).astype(np.int64)
    partner_of_key = keys >> 32
    repeated = partner_of_key[1:] == partner_of_key[:-1]
    out = np.empty_like(places)
    out[:steps] = partners
    out[step_of_key[1:][repeated]] = sender[step_of_key[:-1][repeated]]
    out[-1] = sender[-1]
    return out


def bernoulli(
    p: float | NDArray[Any],
    shape: Shape | None = None,
    dtype: DTypeLike | None = None,
    generator: Generator | None = None,
) -> NDArray[Any]:
    """Coin flips: ``u < p``.

    A single probability is compared with units of 53 bits (``Tensor.bernoulli_(p)``, and dropout with the probability
    of keeping). An array of probabilities is compared with units of its own precision (``torch.bernoulli(probs)``).

    Args:
        p: probability of a one; a number, or an array that broadcasts to ``shape``.
        shape: of the result; that of ``p`` by default.
        dtype: of the result; by default that of an array ``p``, else float32. Ask for bool to get a mask cheaply.
        generator: drawn from instead of the default one.

    Returns:
        Array of ``shape`` and ``dtype``, ones and zeros.

    Raises:
        SamplingError: a probability outside [0, 1].
        DtypeError: ``p`` is an array of a type that is no float.
    """
    generator = resolve(generator)
    if isinstance(p, np.ndarray):
        return _bernoulli_array(p, p.shape if shape is None else shape, p.dtype if dtype is None else dtype, generator)
    if not 0 <= p <= 1:
        raise SamplingError(f"bernoulli: expected 0 <= p <= 1, got {p}")
    shape = () if shape is None else shape
    with generator.lock:
        # whole numbers k: k 2**-53 < p exactly where k < ceil(p 2**53)
        flips = generator.below(math.ceil(p * 2.0**53), _size(shape))
    return flips.astype(np.float32 if dtype is None else dtype, copy=False).reshape(shape)


def _bernoulli_array(p: NDArray[Any], shape: Shape, dtype: DTypeLike, generator: Generator) -> NDArray[Any]:
    if p.dtype.kind != "f":
        raise DtypeError(f"bernoulli: expected probabilities of a float type, got {p.dtype}")
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise SamplingError(f"bernoulli: expected 0 <= p <= 1, got p from {p.min()} to {p.max()}")
    with generator.lock:
        units = generator.units64(_size(shape)) if p.dtype == np.float64 else generator.units32(_size(shape))
    return (units.reshape(shape) < p).astype(dtype, copy=False)


def geometric(
    shape: Shape,
    p: float,
    dtype: DTypeLike = np.float32,
    generator: Generator | None = None,
) -> NDArray[Any]:
    """Trials up to the first success: ``ceil(log(u) / log(1 - p))``.

    Args:
        shape: of the result.
        p: probability of success in one trial.
        dtype: any real type.
        generator: drawn from instead of the default one.

    Returns:
        Array of ``shape`` and ``dtype``.

    Raises:
        SamplingError: ``p`` not between 0 and 1.
    """
    if not 0 < p < 1:
        raise SamplingError(f"geometric: expected 0 < p < 1, got {p}")
    log_failure = math.log1p(-p)
    return _of_units(
        shape, np.dtype(dtype), generator, lambda units: np.ceil(libm("log", units, _FLOAT64) / log_failure)
    )


def multinomial(
    weights: ArrayLike,
    num_samples: int,
    replacement: bool = False,
    generator: Generator | None = None,
) -> NDArray[np.int64]:
    """Categories drawn in proportion to their weights.

    Without replacement, and for a single draw, the ``num_samples`` largest of ``weight / e`` are taken, e exponential:
    the first of racing waiting times (Efraimidis & Spirakis 2006). Several draws with replacement are looked up in the
    cumulative distribution.

    Args:
        weights: shape (categories,) or (rows, categories), float32 or float64, not negative; need not sum to one.
        num_samples: draws of each row.
        replacement: whether a category can be drawn twice in a row.
        generator: drawn from instead of the default one.

    Returns:
        Indices, shape (num_samples,) or (rows, num_samples), int64.

    Raises:
        ShapeError: ``weights`` has not one or two axes.
        DtypeError: ``weights`` is of no float type.
        SamplingError: more draws than categories without replacement, or weights that are no distribution.
    """
    weights = np.asarray(weights)
    _check_weights(weights, num_samples, replacement)
    if not replacement or num_samples == 1:
        waiting = in_order_of_memory(
            without_gaps(weights), lambda shape: exponential(shape, 1.0, weights.dtype, generator)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return _largest(weights / waiting, num_samples)
    generator = resolve(generator)
    rows = np.atleast_2d(weights)
    precision = np.float64 if weights.dtype == np.float64 else np.float32
    with generator.lock:
        units = generator.units64(len(rows) * num_samples).reshape(len(rows), num_samples)
    cumulative: NDArray[Any] = np.cumsum(rows, axis=1, dtype=precision)
    cumulative = cumulative / cumulative[:, -1:]
    cumulative[:, -1] = 1
    chosen = np.stack([np.searchsorted(row, drawn) for row, drawn in zip(cumulative, units, strict=True)])
    return chosen.reshape(*weights.shape[:-1], num_samples).astype(np.int64, copy=False)


def _largest(scores: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Indices of the ``count`` largest scores of each row, the largest first."""
    if count == 1:
        return np.argmax(scores, axis=-1, keepdims=True)
    return np.argsort(-scores, axis=-1, kind="stable")[..., :count]


def _check_weights(weights: NDArray[Any], num_samples: int, replacement: bool) -> None:
    if weights.dtype.kind != "f":
        raise DtypeError(f"multinomial: expected weights of a float type, got {weights.dtype}")
    if weights.ndim not in (1, 2):
        raise ShapeError(f"multinomial: expected weights (categories,) or (rows, categories), got {weights.shape}")
    categories = weights.shape[-1]
    if not 0 < categories <= _MOST_CATEGORIES:
        raise SamplingError(f"multinomial: expected 1 to 2**24 categories, got {categories}")
    if num_samples < 1 or (not replacement and num_samples > categories):
        limit = "" if replacement else f" and at most the {categories} categories without replacement"
        raise SamplingError(f"multinomial: expected num_samples >= 1{limit}, got {num_samples}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights.sum(axis=-1) > 0).all()):
        raise SamplingError("multinomial: expected finite weights >= 0 of which each row has one > 0")
