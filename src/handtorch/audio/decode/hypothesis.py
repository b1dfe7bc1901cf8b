"""What a decoder answers: one sequence of symbols, how good it is, and when each symbol was said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Hypothesis:
    """One answer of a decoder; n-best lists hold them best first.

    Attributes:
        symbols: the symbols, without blanks.
        score: what the answers are ranked by, in nats: ``log_prob`` and all that a guide has added.
        log_prob: the natural logarithm of the probability of the symbols given the frames. Beam search sums all paths
            that its beam kept, greedy search has one path.
        times: for every symbol its first frame and the one after its last, on the likeliest path that says these
            symbols; multiply by the hop and divide by the sample rate for seconds.
        states: the guide's state after every symbol; empty without a guide.
    """

    symbols: tuple[int, ...]
    score: float
    log_prob: float
    times: tuple[tuple[int, int], ...]
    states: tuple[Any, ...] = field(default=(), repr=False, compare=False)
