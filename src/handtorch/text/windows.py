"""Batches for language models out of one long text: windows of tokens, and for each token the one that follows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, DtypeError, ShapeError
from handtorch.from_data import from_numpy
from handtorch.random import Generator
from handtorch.random.continuous import normal, uniform
from handtorch.random.discrete import randint, randperm

_SHORTEST = 5  # tokens: windows of random length are no shorter (Merity et al. 2018, section 4.1)
_SPREAD = 5  # tokens: the standard deviation of random lengths
_HALVED = 0.05  # how often the mean of random lengths is half as long


class Window(NamedTuple):
    """N rows of T tokens; ``tokens[n, t]`` is followed by ``targets[n, t]``."""

    tokens: Any
    """(N, T) int64."""
    targets: Any
    """(N, T) int64."""


class RunningWindows:
    """The text cut into N equal rows, read from left to right: each window goes on where the last one ended.

    So the state that a model has after one window is the state to begin the next one with::

        state = None
        for tokens, targets in RunningWindows(text, batch_size=32, length=64):
            nll, state = model.nll(tokens, targets, state)
            ...
            state = state.detach()

    Args:
        tokens: (L,) ids of the whole text.
        batch_size: N, rows.
        length: T, tokens of a window; the last window of a pass may be shorter.
        random_lengths: draw the length of each window anew, as in Merity et al. 2018, section 4.1: normally distributed
            around T, and around T / 2 once in 20 windows, with a standard deviation of 5, at least 5. So windows end
            elsewhere in every pass. They scale the learning rate of each step by ``tokens.shape[1] / length``.
        random_start: begin each pass at a random place, as though the text were a ring, so that rows begin elsewhere in
            every pass. One pair of tokens then follows each other that does not in the text.
        generator: where randomness comes from.

    A pass leaves out what does not fill N rows, at most N - 1 tokens. ``len`` is the number of windows of a pass, with
    random lengths about so many.

    Raises:
        ArgumentError: the text is too short for N rows.
    """

    def __init__(
        self,
        tokens: npt.ArrayLike,
        batch_size: int,
        length: int,
        *,
        random_lengths: bool = False,
        random_start: bool = False,
        generator: Generator | None = None,
    ) -> None:
        self._tokens = as_tokens(tokens)
        self.batch_size, self.length = batch_size, length
        self.random_lengths, self.random_start = random_lengths, random_start
        self.generator = generator
        _check_sizes(batch_size, length)
        self.row_length = (len(self._tokens) - 1) // batch_size
        """Tokens of a row that have a target."""
        if self.row_length < 1:
            raise ArgumentError(f"expected at least {batch_size + 1} tokens for {batch_size} rows, got {len(tokens)}")  # type: ignore[arg-type]

    def __len__(self) -> int:
        return -(-self.row_length // self.length)

    def __iter__(self) -> Iterator[Window]:
        tokens = self._tokens
        if self.random_start:
            tokens = np.roll(tokens, -int(randint(0, len(tokens), (), generator=self.generator)))
        used = self.batch_size * self.row_length
        rows, following = (tokens[start : start + used].reshape(self.batch_size, self.row_length) for start in (0, 1))
        begin = 0
        while begin < self.row_length:
            end = begin + self._next_length()
            yield _window(rows[:, begin:end], following[:, begin:end])
            begin = end

    def _next_length(self) -> int:
        if not self.random_lengths:
            return self.length
        halved = float(uniform((), generator=self.generator)) < _HALVED
        mean = self.length / 2 if halved else self.length
        return max(_SHORTEST, int(normal((), mean, _SPREAD, generator=self.generator)))


class ShuffledWindows:
    """Windows that know nothing of each other, in random order: each is read with nothing before it.

    Args:
        tokens: (L,) ids of the whole text.
        batch_size: N, windows of a batch.
        length: T, tokens of a window.
        generator: where randomness comes from.

    Each pass cuts the text anew, beginning at a random one of the first T tokens, and leaves out what does not fill a
    window there or a batch in the end. ``len`` is the number of batches of a pass.

    Raises:
        ArgumentError: the text is too short for one batch.
    """

    def __init__(
        self, tokens: npt.ArrayLike, batch_size: int, length: int, *, generator: Generator | None = None
    ) -> None:
        self._tokens = as_tokens(tokens)
        self.batch_size, self.length = batch_size, length
        self.generator = generator
        _check_sizes(batch_size, length)
        if len(self) < 1:
            raise ArgumentError(
                f"expected at least {(batch_size + 1) * length} tokens for {batch_size} windows of {length}, "
                f"got {len(self._tokens)}"
            )

    def __len__(self) -> int:
        return (len(self._tokens) // self.length - 1) // self.batch_size

    def __iter__(self) -> Iterator[Window]:
        start = int(randint(0, self.length, (), generator=self.generator))
        windows = (len(self._tokens) - 1 - start) // self.length
        rows, following = (
            self._tokens[begin : begin + windows * self.length].reshape(windows, self.length)
            for begin in (start, start + 1)
        )
        order = randperm(windows, generator=self.generator)
        for batch in range(len(self)):
            chosen = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield _window(rows[chosen], following[chosen])


def running_text(pieces: Iterable[npt.ArrayLike], *, before: int | None = None, after: int | None = None) -> Any:
    """One text out of many, as the windows take it.

    ::

        running_text(map(tokenizer.encode_array, texts), after=tokenizer.index["<eos>"])

    Args:
        pieces: (L_i,) ids of each text.
        before, after: ids of special tokens that begin and end each text.

    Returns:
        (L,) int32.
    """
    begin = [] if before is None else [np.array([before], np.int32)]
    end = [] if after is None else [np.array([after], np.int32)]
    parts = [part for piece in pieces for part in (*begin, as_tokens(piece), *end)]
    return np.concatenate(parts).astype(np.int32) if parts else np.zeros(0, np.int32)


def as_tokens(tokens: npt.ArrayLike) -> npt.NDArray[np.integer[Any]]:
    """Return ``tokens`` as an array (L,) of whole numbers.

    Raises:
        ShapeError: it has not exactly one axis.
        DtypeError: it holds other numbers.
    """
    array = np.asarray(tokens)
    if array.size == 0:
        array = array.astype(np.int32)
    if array.ndim != 1:
        raise ShapeError(f"expected tokens of shape (L,), got {array.shape}")
    if array.dtype.kind not in "iu":
        raise DtypeError(f"expected tokens as whole numbers, got {array.dtype}; encode text with a tokenizer first")
    return array


def _check_sizes(batch_size: int, length: int) -> None:
    if batch_size < 1 or length < 1:
        raise ArgumentError(f"expected batch_size and length of at least 1, got {batch_size} and {length}")


def _window(tokens: npt.NDArray[Any], targets: npt.NDArray[Any]) -> Window:
    return Window(*(from_numpy(np.ascontiguousarray(part, np.int64)) for part in (tokens, targets)))
