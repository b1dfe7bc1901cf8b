"""Generating: read a prompt, draw a token, read that, draw the next one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError
from handtorch.models.generation.sampling import Sampling, likeliest, log_probabilities
from handtorch.random import Generator
from handtorch.tensor import Tensor

Step = Callable[[Any, Any], tuple[Any, Any]]


@dataclass(frozen=True)
class Drawn:
    """One token more for each of the M prompts whose turn it is.

    Attributes:
        rows: (M) which prompts.
        tokens: (M) the tokens.
        log_probs: (M) how likely the model found each of them: ln softmax of its logits, before penalty, temperature
            and filters.
        ended: (M) why this was the last one: "stop" or "length", "" where it was not.
        alternatives: for each prompt the likeliest tokens with their log probabilities, the likeliest first.
    """

    rows: list[int]
    tokens: list[int]
    log_probs: list[float]
    ended: list[str]
    alternatives: list[list[tuple[int, float]]]


@dataclass(frozen=True)
class Generated:
    """What followed N prompts.

    Attributes:
        tokens: for each prompt those that followed; a stop token is the last one.
        log_probs: for each token how likely the model found it: ln softmax of its logits.
        ended: for each prompt "stop", if a stop token came, or "length".
        alternatives: for each token the likeliest ones at its place, if they were asked for.
    """

    tokens: list[list[int]]
    log_probs: list[list[float]]
    ended: list[str]
    alternatives: list[list[list[tuple[int, float]]]]


def generate(
    step: Step,
    prompt: Any,
    *,
    max_tokens: int = 100,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    repetition_penalty: float = 1.0,
    stop: Collection[int] = (),
    alternatives: int = 0,
    state: Any = None,
    generator: Generator | None = None,
) -> Generated:
    """Continue prompts.

    Args:
        step: (tokens, state) -> (logits, state), such as a language model, which should be in ``eval()``.
        prompt: token numbers (N, T), (T), or a list of N lists, which may differ in length.
        max_tokens: how many may follow each prompt.
        temperature, top_k, top_p, repetition_penalty: see :class:`~handtorch.models.generation.Sampling`; temperature 0
            takes the likeliest token, always. The penalty sees prompt and what followed.
        stop: tokens after which nothing follows.
        alternatives: how many of the likeliest tokens are told for each place.
        state: what was read before the prompts, such as ``model.start(x, lengths)`` of an encoder-decoder.
        generator: random numbers are drawn from it instead of the default one.

    Returns:
        what followed.

    Raises:
        ArgumentError: an empty prompt, or a setting outside its range.

    Example::

        model.eval()
        follows = generate(model, [tokenizer.encode("To be, ")], max_tokens=50, temperature=0.8, top_p=0.95)
        print(tokenizer.decode(follows.tokens[0]))
    """
    sampling = Sampling(temperature, top_k, top_p, repetition_penalty)
    prompts = as_prompts(prompt)
    found = Generated([[] for _ in prompts], [[] for _ in prompts], ["length"] * len(prompts), [[] for _ in prompts])
    for drawn in draws(step, prompts, sampling, max_tokens, stop, alternatives, state, generator):
        for i, row in enumerate(drawn.rows):
            found.tokens[row].append(drawn.tokens[i])
            found.log_probs[row].append(drawn.log_probs[i])
            if drawn.ended[i]:
                found.ended[row] = drawn.ended[i]
            if alternatives:
                found.alternatives[row].append(drawn.alternatives[i])
    return found


def stream(
    step: Step,
    prompt: Any,
    *,
    max_tokens: int = 100,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    repetition_penalty: float = 1.0,
    stop: Collection[int] = (),
    state: Any = None,
    generator: Generator | None = None,
) -> Iterator[int]:
    """Continue one prompt, token by token as they come; a stop token is the last one.

    Args as of :func:`generate`, but the prompt is (T), or (1, T).

    Raises:
        ArgumentError: no prompt or several, or a setting outside its range.
    """
    sampling = Sampling(temperature, top_k, top_p, repetition_penalty)
    prompts = as_prompts(prompt)
    if len(prompts) != 1:
        raise ArgumentError(f"expected one prompt, got {len(prompts)}; use draws for several at once")
    steps = draws(step, prompts, sampling, max_tokens, stop, 0, state, generator)
    return (drawn.tokens[0] for drawn in steps)


def draws(
    step: Step,
    prompt: Any,
    sampling: Sampling,
    max_tokens: int = 100,
    stop: Collection[int] = (),
    alternatives: int = 0,
    state: Any = None,
    generator: Generator | None = None,
) -> Iterator[Drawn]:
    """Continue prompts, one token each at a time. Args as of :func:`generate`.

    Prompts of different lengths are read from their beginnings, all in step, without padding: where the shortest ends,
    its next token is drawn, and the others read their own next one. Those that have ended are left out of the batch.
    """
    if max_tokens < 0:
        raise ArgumentError(f"expected max_tokens of 0 or more, got {max_tokens}")
    prompts = as_prompts(prompt)
    lengths = np.array([len(prompt) for prompt in prompts])
    given = np.zeros((len(prompts), lengths.max()), np.int64)
    for row, prompt in zip(given, prompts, strict=True):
        row[: len(prompt)] = prompt
    return _draw(step, given, lengths, sampling, max_tokens, frozenset(stop), alternatives, state, generator)


def _draw(
    step: Step,
    given: np.ndarray,
    lengths: np.ndarray,
    sampling: Sampling,
    max_tokens: int,
    stop: frozenset[int],
    alternatives: int,
    state: Any,
    generator: Generator | None,
) -> Iterator[Drawn]:
    rows = np.arange(len(given) if max_tokens else 0)
    position = int(lengths.min())  # how many tokens the rows have read
    tokens, seen = given[:, :position], None
    while len(rows):
        with no_grad():
            logits, state = step(Tensor.of(tokens), state)
        last = logits.array[:, -1]
        if sampling.repetition_penalty != 1:
            if seen is None:
                seen = np.zeros(last.shape, bool)
            np.put_along_axis(seen, tokens, True, -1)
        free = np.flatnonzero(lengths[rows] <= position)
        whole = len(free) == len(rows)
        own = last if whole else last[free]
        chosen = sampling.draw(own, seen if whole or seen is None else seen[free], generator)
        log_probs = log_probabilities(own)
        ended = [
            "stop" if token in stop else "length" if count else ""
            for token, count in zip(chosen.tolist(), position + 1 - lengths[rows[free]] >= max_tokens, strict=True)
        ]
        yield Drawn(
            rows[free].tolist(),
            chosen.tolist(),
            np.take_along_axis(log_probs, chosen[:, None], -1)[:, 0].tolist(),
            ended,
            likeliest(log_probs, alternatives) if alternatives else [],
        )
        following = chosen if whole else given[rows, np.minimum(position, given.shape[1] - 1)]
        following[free] = chosen
        tokens = following[:, None]
        position += 1
        if any(ended):
            left = np.delete(np.arange(len(rows)), free[[bool(why) for why in ended]])
            rows, tokens, state = rows[left], tokens[left], state.select(Tensor.of(left))
            seen = None if seen is None else seen[left]
            if len(rows) and lengths[rows].min() > position:  # all of them have more to read
                tokens = np.concatenate([tokens, given[rows, position : lengths[rows].min()]], 1)
                position = int(lengths[rows].min())


def as_prompts(prompt: Any) -> list[list[int]]:
    """Prompts (N, T), (T), or N lists as lists.

    Raises:
        ArgumentError: one is empty.
    """
    if isinstance(prompt, (Tensor, np.ndarray)):
        prompt = prompt.tolist()
    prompts = (
        [list(prompt)] if not len(prompt) or isinstance(prompt[0], (int, np.integer)) else [list(p) for p in prompt]
    )
    if not all(prompts):
        raise ArgumentError(
            "expected at least one token in every prompt, got none; begin with a token that begins texts"
        )
    return prompts
