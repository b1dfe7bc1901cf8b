"""The loops of attention over blocks of scores, (queries, keys) in row-major memory; the last keys may not count."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.compile import exp, kernel, summing_kernel


@kernel
def hide(scores: Any, ahead: Any) -> None:
    """-Inf where query n would see a key after number n + ahead."""
    for n in range(len(scores)):
        scores[n, max(0, n + ahead + 1) :] = -np.inf


@summing_kernel
def _exponentials(row: Any, shift: Any) -> Any:
    """Replace x by e^(x - shift), and return their sum."""
    total = row.dtype.type(0)
    for c in range(row.size):
        row[c] = exp(row[c] - shift)
        total += row[c]
    return total


@kernel
def _drop(row: Any, kept: Any, scale: Any) -> None:
    """Scale what is kept, and set the rest to 0."""
    zero = row.dtype.type(0)
    for c in range(kept.size):
        row[c] *= scale if kept[c] else zero


@kernel
def weigh(scores: Any, count: Any, highest: Any, kept: Any, scale: Any, totals: Any) -> None:
    """Turn the first ``count`` scores of each query into e^(score - highest), the others into 0; note the sums.

    Afterwards those are dropped that are not ``kept``, unless this is None.
    """
    for n in range(len(scores)):
        row = scores[n, :count]
        totals[n] = _exponentials(row, highest[n])
        if kept is not None:
            _drop(row, kept[n], scale)
        scores[n, count:] = 0


@kernel
def _pull_row(row: Any, pull: Any, log_sum: Any, mean: Any) -> None:
    for c in range(row.size):
        row[c] = exp(row[c] - log_sum)
        pull[c] = row[c] * (pull[c] - mean)


@kernel
def pull(scores: Any, pulls: Any, count: Any, log_sums: Any, means: Any, kept: Any, scale: Any) -> None:
    """Turn the first ``count`` scores of each query into weights P, and dL/dP into dL/d(score) = P (dL/dP - mean).

    The others become 0, and so do afterwards the weights that are not ``kept``, unless this is None.
    """
    for n in range(len(scores)):
        row, to_row = scores[n, :count], pulls[n, :count]
        if kept is not None:
            _drop(to_row, kept[n], scale)
        _pull_row(row, to_row, log_sums[n], means[n])
        if kept is not None:
            _drop(row, kept[n], scale)
        scores[n, count:] = 0
        pulls[n, count:] = 0
