"""Sampling: which token comes next, given the logits of all.

The functions take and give plain arrays (N, V): nobody asks for gradients of what was drawn. A token that is not to be
drawn gets the logit -inf. The order in which they are applied, and what they do with equal logits, is that of Hugging
Face's transformers: repetition penalty, temperature, top-k, top-p.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handtorch import random
from handtorch.errors import ArgumentError
from handtorch.random import Generator


def penalise_repetition(logits: np.ndarray, seen: np.ndarray, penalty: float) -> np.ndarray:
    """Logits of the tokens that have been seen, divided by the penalty where positive, else multiplied by it.

    (Keskar et al. 2019, "CTRL", section 4.1; negative logits as Hugging Face treats them)

    Args:
        logits: (N, V).
        seen: (N, V) bool, the tokens of the prompt and of what followed.
        penalty: 1 for none; 1.2 keeps a model from going round in circles.
    """
    return np.where(seen, np.where(logits > 0, logits / penalty, logits * penalty), logits)


def top_k(logits: np.ndarray, k: int) -> np.ndarray:
    """Only the k likeliest tokens, and those that are as likely as the k-th (Fan et al. 2018)."""
    if k >= logits.shape[-1]:
        return logits
    least = np.partition(logits, -k, axis=-1)[:, -k, None]
    return np.where(logits < least, -np.inf, logits)


def top_p(logits: np.ndarray, p: float) -> np.ndarray:
    """Only the likeliest tokens that together have a probability of p or more; as few as that takes, at least one.

    (Holtzman et al. 2020, "nucleus sampling")
    """
    kept = np.full_like(logits, -np.inf)
    for row, chosen in zip(logits, kept, strict=True):
        possible = np.flatnonzero(row > -np.inf)
        order = possible[np.argsort(-row[possible], kind="stable")]
        weights = np.exp(row[order].astype(np.float64) - row[order[0]])
        sums = np.cumsum(weights)
        nucleus = order[: 1 + np.searchsorted(sums[:-1], p * sums[-1])]
        chosen[nucleus] = row[nucleus]
    return kept


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """ln softmax of each row of logits (N, V)."""
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn.

    Args:
        temperature: logits are divided by it: below 1 likely tokens become likelier; 0 takes the likeliest, always.
        top_k: how many of the likeliest tokens may be drawn; None for all.
        top_p: the probability that the tokens which may be drawn have together; None for all.
        repetition_penalty: see :func:`penalise_repetition`.

    Raises:
        ArgumentError: a number outside its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ArgumentError(f"expected a temperature of 0 or more, got {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ArgumentError(f"expected top_k of at least 1, or None for all tokens, got {self.top_k}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ArgumentError(f"expected top_p in (0, 1], got {self.top_p}")
        if not 0 < self.repetition_penalty < float("inf"):
            raise ArgumentError(f"expected a repetition_penalty above 0, got {self.repetition_penalty}")

    def filtered(self, logits: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
        """The logits (N, V) of the distribution to draw from; at temperature 0 those that the largest is taken of."""
        if self.repetition_penalty != 1 and seen is not None:
            logits = penalise_repetition(logits, seen, self.repetition_penalty)
        if not self.temperature:
            return logits
        if self.temperature != 1:
            logits = logits / self.temperature
        if self.top_k is not None:
            logits = top_k(logits, self.top_k)
        return logits if self.top_p is None or self.top_p == 1 else top_p(logits, self.top_p)

    def draw(
        self, logits: np.ndarray, seen: np.ndarray | None = None, generator: Generator | None = None
    ) -> np.ndarray:
        """A token for each row: the first whose probability, added to those of all before it, exceeds a uniform number.

        Args:
            logits: (N, V).
            seen: (N, V) bool, for the repetition penalty.
            generator: drawn from instead of the default one, one number a row.

        Returns:
            tokens (N), int64.

        Raises:
            ArgumentError: logits that are no distribution: NaN, or -inf for all tokens.
        """
        logits = self.filtered(logits, seen)
        highest = logits.max(-1, keepdims=True)
        if not np.isfinite(highest).all():
            raise ArgumentError("expected logits of which the largest is finite, got NaN or infinity; has it diverged?")
        if not self.temperature:
            return logits.argmax(-1)
        sums = np.cumsum(np.exp(logits - highest), -1, dtype=np.float64)
        drawn = random.uniform((len(sums), 1), dtype=np.float64, generator=generator) * sums[:, -1:]
        return (sums <= drawn).sum(-1)


def likeliest(log_probs: np.ndarray, count: int) -> list[list[tuple[int, float]]]:
    """For each row of log_probs (N, V) the ``count`` likeliest tokens with theirs, the likeliest first."""
    count = min(count, log_probs.shape[-1])
    places = np.argpartition(-log_probs, count - 1, axis=-1)[:, :count]
    order = np.argsort(-np.take_along_axis(log_probs, places, -1), axis=-1, kind="stable")
    places = np.take_along_axis(places, order, -1)
    values = np.take_along_axis(log_probs, places, -1)
    return [list(zip(p, v, strict=True)) for p, v in zip(places.tolist(), values.tolist(), strict=True)]
