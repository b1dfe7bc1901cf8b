"""How well a language model foresees a text: its perplexity by token, by word and by character."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch import autograd
from handtorch.errors import ArgumentError
from handtorch.from_data import from_numpy
from handtorch.nn import functional
from handtorch.text.tokenizers import Tokenizer
from handtorch.text.windows import as_tokens

_Nll = Callable[[Any, Any, Any], tuple[Any, Any]]


@dataclass(frozen=True)
class Perplexity:
    """What a model says of a text, and by what it is divided.

    With NLL the sum over all tokens of ``-ln p(token | tokens before it)``::

        token      exp(NLL / tokens)         only models with the same tokens can be compared
        word       exp(NLL / words)          words are what stands between blanks, however tokens are cut
        character  exp(NLL / characters)     of the text, however tokens are cut

    A model of tokens gives a text the probability of one way to cut it, so that its ``word`` and ``character`` are
    upper bounds of those of the text itself. Tokens for whatever is unknown make them too small; they mean something
    only where nothing, or the same for all models, is unknown.

    Sums of two are those of both texts together.
    """

    nll: float
    """NLL, in nats."""
    tokens: int
    words: int | None = None
    characters: int | None = None

    @property
    def token(self) -> float:
        """``exp(NLL / tokens)``; NaN of an empty text."""
        return _exp_of_mean(self.nll, self.tokens)

    @property
    def word(self) -> float:
        """``exp(NLL / words)``; NaN where there are none."""
        return _exp_of_mean(self.nll, self.words)

    @property
    def character(self) -> float:
        """``exp(NLL / characters)``; NaN where there are none."""
        return _exp_of_mean(self.nll, self.characters)

    @property
    def bits_per_character(self) -> float:
        """``NLL / (characters ln 2)``; NaN where there are none."""
        return self.nll / (self.characters * math.log(2)) if self.characters else math.nan

    @property
    def nll_per_token(self) -> float:
        """``NLL / tokens``, the loss that training reports; NaN of an empty text."""
        return self.nll / self.tokens if self.tokens else math.nan

    def __add__(self, other: Perplexity) -> Perplexity:
        return Perplexity(
            self.nll + other.nll,
            self.tokens + other.tokens,
            _sum_of_known(self.words, other.words),
            _sum_of_known(self.characters, other.characters),
        )


def perplexity(
    model: Any,
    text: str | npt.ArrayLike,
    tokenizer: Tokenizer | None = None,
    *,
    start: int | None = None,
    length: int = 256,
    stride: int | None = None,
    batch_size: int = 1,
    line_ends: bool = False,
) -> Perplexity:
    """Let a language model read a text, and sum up how little it foresaw each token.

    Args:
        model: called as ``logits, state = model(tokens, state)`` with tokens (N, T) and logits (N, T, V); where it has
            a method ``nll(tokens, targets, state) -> (nll (N, T), state)``, that is asked instead.
        text: the text, or its ids (L,).
        tokenizer: cuts the text; given with ids, it is what words and characters are counted with.
        start: the id of a token to put before the text. Without it the first token is foreseen from nothing, so it is
            not counted, neither as a token nor by its characters.
        length: T, tokens that the model reads at once.
        stride: None: every window begins with the state after the last one, so that a model looks back as far as it
            can. A number from 1 to ``length``: windows begin without a state, each so many tokens after the last one,
            and only their last ``stride`` tokens count (the first window's do all), so that each is foreseen from at
            least ``length - stride`` tokens before it; for models that look back a fixed number of tokens.
        batch_size: N, rows read side by side. With states they are parts of the text, each begun without a state, which
            is faster and foresees a little less.
        line_ends: whether the end of a line counts as a word, as is usual for WikiText.

    The model is read in ``eval()`` mode and put back.

    Raises:
        ArgumentError: a text without a tokenizer, nothing to foresee, or a stride beyond the length.
    """
    ids, words, characters = _counted(text, tokenizer, start, line_ends)
    if length < 1 or batch_size < 1 or not (stride is None or 1 <= stride <= length):
        raise ArgumentError(
            f"expected length and batch_size of at least 1 and stride from 1 to length, got {length}, {batch_size} "
            f"and {stride}"
        )
    nll = model.nll if hasattr(model, "nll") else _nll_of_logits(model)
    training = getattr(model, "training", False)
    if training:
        model.eval()
    try:
        with autograd.no_grad():
            if stride is None:
                total = _with_states(nll, ids, length, batch_size)
            else:
                total = _overlapping(nll, ids, length, stride, batch_size)
    finally:
        if training:
            model.train()
    return Perplexity(total, len(ids) - 1, words, characters)


def _counted(
    text: str | npt.ArrayLike, tokenizer: Tokenizer | None, start: int | None, line_ends: bool
) -> tuple[npt.NDArray[Any], int | None, int | None]:
    """Ids with the one to begin with, and the words and characters of those that are foreseen."""
    if isinstance(text, str):
        if tokenizer is None:
            raise ArgumentError("expected a tokenizer beside a text, got none; or give the ids of its tokens")
        ids = as_tokens(tokenizer.encode_array(text))
    else:
        ids = as_tokens(text)
    if start is not None:
        ids = np.concatenate([np.array([start], ids.dtype), ids])
    if len(ids) < 2:
        raise ArgumentError("expected at least one token to foresee, got none")
    if tokenizer is None:
        return ids, None, None
    foreseen = text if isinstance(text, str) and start is not None else tokenizer.decode(ids[1:])
    words = len(foreseen.split()) + (foreseen.count("\n") if line_ends else 0)
    return ids, words, len(foreseen)


def _with_states(nll: _Nll, ids: npt.NDArray[Any], length: int, rows: int) -> float:
    """The text in rows, each read from its start to its end; the last row may be shorter than the others."""
    rows = min(rows, len(ids) - 1)
    row_length = -(-(len(ids) - 1) // rows)
    rows = -(-(len(ids) - 1) // row_length)
    padded = np.zeros(rows * row_length + 1, np.int64)
    padded[: len(ids)] = ids
    tokens, targets = (padded[begin : begin + rows * row_length].reshape(rows, row_length) for begin in (0, 1))
    counts = (np.arange(rows * row_length) < len(ids) - 1).reshape(rows, row_length)
    total, state = 0.0, None
    for begin in range(0, row_length, length):
        part = slice(begin, begin + length)
        found, state = _asked(nll, tokens[:, part], targets[:, part], state)
        total += float(found[counts[:, part]].sum())
    return total


def _overlapping(nll: _Nll, ids: npt.NDArray[Any], length: int, stride: int, batch_size: int) -> float:
    total = 0.0
    for windows in _batches(ids, length, stride, batch_size):
        tokens, targets, counts = (np.stack(part) for part in zip(*windows, strict=True))
        found, _ = _asked(nll, tokens, targets, None)
        total += float(found[counts].sum())
    return total


_Row = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]


def _batches(ids: npt.NDArray[Any], length: int, stride: int, batch_size: int) -> Iterator[list[_Row]]:
    """Windows (tokens, targets, which of them count) in batches; every target counts in exactly one."""
    targets = len(ids) - 1
    length = min(length, targets)
    ends = [*range(length, targets, stride), targets]
    waiting: list[_Row] = []
    counted = 0
    for end in ends:
        part = ids[end - length : end + 1].astype(np.int64)
        waiting.append((part[:-1], part[1:], np.arange(end - length, end) >= counted))
        counted = end
        if len(waiting) == batch_size:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _asked(nll: _Nll, tokens: npt.NDArray[Any], targets: npt.NDArray[Any], state: Any) -> tuple[npt.NDArray[Any], Any]:
    read, wanted = (from_numpy(np.ascontiguousarray(part)) for part in (tokens, targets))
    found, state = nll(read, wanted, state)
    return found.numpy().astype(np.float64), state


def _nll_of_logits(model: Any) -> _Nll:
    def nll(tokens: Any, targets: Any, state: Any) -> tuple[Any, Any]:
        logits, state = model(tokens, state)
        found = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        return found.reshape(targets.shape), state

    return nll


def _exp_of_mean(nll: float, count: int | None) -> float:
    if not count:
        return math.nan
    mean = nll / count
    return math.exp(mean) if mean < 700 else math.inf


def _sum_of_known(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b
