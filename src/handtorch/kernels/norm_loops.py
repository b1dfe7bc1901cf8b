"""The loops of normalisation, over rows, columns and segments from a lower to an upper bound.

The bounds are unsigned: for a signed index Numba would ask at every element whether it counts from the end, and such a
loop does not vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.compile import kernel, summing_kernel


@summing_kernel
def _sum(row: Any) -> Any:
    total = row.dtype.type(0)
    for j in range(row.size):
        total += row[j]
    return total


@summing_kernel
def _sum_square(row: Any, mean: Any) -> Any:
    total = row.dtype.type(0)
    for j in range(row.size):
        d = row[j] - mean
        total += d * d
    return total


@kernel
def rows(
    x: Any, weight: Any, bias: Any, eps: Any, centred: Any, low: Any, high: Any, mean: Any, var: Any, y: Any
) -> None:
    """Statistics and result of the rows from low to high; RMS norm takes 0 for the mean."""
    one, small, length = x.dtype.type(1), x.dtype.type(eps), x.dtype.type(x.shape[1])
    for i in range(low, high):
        row, out = x[i], y[i]
        m = _sum(row) / length if centred else x.dtype.type(0)
        v = _sum_square(row, m) / length
        scale = one / np.sqrt(v + small)
        mean[i], var[i] = m, v
        for j in range(row.size):
            out[j] = (row[j] - m) * scale * weight[j] + bias[j]


@summing_kernel
def _pulls(row: Any, g: Any, weight: Any, mean: Any) -> Any:
    """The means of h = γ g and of h (x - μ) over a row."""
    total, along = row.dtype.type(0), row.dtype.type(0)
    for j in range(row.size):
        h = g[j] * weight[j]
        total += h
        along += h * (row[j] - mean)
    n = row.dtype.type(row.size)
    return total / n, along / n


@kernel
def _add_shares(row: Any, g: Any, mean: Any, rstd: Any, dw: Any, db: Any) -> None:
    """dw += g x̂ and db += g. A loop by itself: with more arrays in it LLVM would not vectorise it."""
    for j in range(row.size):
        dw[j] += g[j] * ((row[j] - mean) * rstd)
        db[j] += g[j]


@kernel
def rows_backward(
    x: Any, g: Any, weight: Any, centred: Any, low: Any, high: Any, mean: Any, rstd: Any, dx: Any, dw: Any, db: Any
) -> None:
    """dL/dx of the rows from low to high; their shares of dL/dγ and dL/dβ are added to dw and db."""
    for i in range(low, high):
        row, pull, out = x[i], g[i], dx[i]
        m, r = mean[i], rstd[i]
        total, along = _pulls(row, pull, weight, m)
        if not centred:
            total = x.dtype.type(0)
        slope = along * r * r
        for j in range(row.size):
            out[j] = r * (pull[j] * weight[j] - total - (row[j] - m) * slope)
        _add_shares(row, pull, m, r, dw, db)


@kernel
def column_statistics(x: Any, low: Any, high: Any, mean: Any, var: Any) -> None:
    """Mean and biased variance of the channels from low to high, in two passes (the second around the mean)."""
    rows, zero = x.shape[0], x.dtype.type(0)
    for c in range(low, high):
        mean[c] = zero
        var[c] = zero
    scale = x.dtype.type(1) / x.dtype.type(rows)
    for n in range(rows):
        for c in range(low, high):
            mean[c] += x[n, c]
    for c in range(low, high):
        mean[c] *= scale
    for n in range(rows):
        for c in range(low, high):
            d = x[n, c] - mean[c]
            var[c] += d * d
    for c in range(low, high):
        var[c] *= scale


@kernel
def stretch_columns(x: Any, low: Any, high: Any, mean: Any, scale: Any, shift: Any, y: Any) -> None:
    """The result for the columns from low to high."""
    for n in range(x.shape[0]):
        for c in range(low, high):
            y[n, c] = (x[n, c] - mean[c]) * scale[c] + shift[c]


@kernel
def column_sums(x: Any, g: Any, low: Any, high: Any, mean: Any, rstd: Any, dw: Any, db: Any) -> None:
    """Σ g x̂ and Σ g of the channels from low to high."""
    zero = x.dtype.type(0)
    for c in range(low, high):
        dw[c] = zero
        db[c] = zero
    for n in range(x.shape[0]):
        for c in range(low, high):
            db[c] += g[n, c]
            dw[c] += g[n, c] * (x[n, c] - mean[c])
    for c in range(low, high):
        dw[c] *= rstd[c]


@kernel
def pull_columns(
    x: Any, g: Any, low: Any, high: Any, mean: Any, rstd: Any, scale: Any, dw: Any, db: Any, dx: Any
) -> None:
    """dL/dx of the columns from low to high."""
    one_nth = x.dtype.type(1) / x.dtype.type(x.shape[0])
    for n in range(x.shape[0]):
        for c in range(low, high):
            normed = (x[n, c] - mean[c]) * rstd[c]
            dx[n, c] = scale[c] * (g[n, c] - one_nth * (db[c] + normed * dw[c]))


@summing_kernel
def _sums(row: Any, g: Any, mean: Any) -> Any:
    """Σ g and Σ g (x - μ)."""
    total, along = row.dtype.type(0), row.dtype.type(0)
    for j in range(row.size):
        total += g[j]
        along += g[j] * (row[j] - mean)
    return total, along


@kernel
def _stretch(row: Any, mean: Any, scale: Any, shift: Any, y: Any) -> None:
    for j in range(row.size):
        y[j] = (row[j] - mean) * scale + shift


@kernel
def segments(
    x: Any, weight: Any, bias: Any, eps: Any, ahead: Any, step: Any, count: Any, low: Any, high: Any, mean: Any,
    var: Any, y: Any,
) -> None:  # fmt: skip
    """Statistics and result of the groups from low to high; group q begins at segment q · ahead."""
    kind = x.dtype.type
    channels, n = weight.size, count * x.shape[1]
    for q in range(low, high):
        first = q * ahead
        total = 0.0
        for i in range(count):
            total += _sum(x[first + i * step])
        m = kind(total / n)
        total = 0.0
        for i in range(count):
            total += _sum_square(x[first + i * step], m)
        mean[q], var[q] = m, kind(total / n)
        r = 1 / np.sqrt(total / n + eps)
        for i in range(count):
            s = first + i * step
            c = s % channels
            _stretch(x[s], m, kind(r * weight[c]), bias[c], y[s])


@kernel
def _pull(row: Any, g: Any, mean: Any, scale: Any, slope: Any, shift: Any, dx: Any) -> None:
    for j in range(row.size):
        dx[j] = g[j] * scale - (row[j] - mean) * slope - shift


@kernel
def segments_backward(
    x: Any, g: Any, weight: Any, ahead: Any, step: Any, count: Any, low: Any, high: Any, mean: Any, rstd: Any, dx: Any,
    dw: Any, db: Any,
) -> None:  # fmt: skip
    """dL/dx of the groups from low to high; dw and db hold the Σ g x̂ and Σ g of each segment."""
    kind = x.dtype.type
    channels, n = weight.size, count * x.shape[1]
    for q in range(low, high):
        first = q * ahead
        total, along = 0.0, 0.0
        for i in range(count):
            s = first + i * step
            db[s], dw[s] = _sums(x[s], g[s], mean[q])
            total += db[s] * weight[s % channels]
            along += dw[s] * weight[s % channels]
            dw[s] *= rstd[q]
        r = rstd[q]
        slope, shift = kind(along / n * r * r * r), kind(total / n * r)
        for i in range(count):
            s = first + i * step
            _pull(x[s], g[s], mean[q], r * weight[s % channels], slope, shift, dx[s])


@kernel
def stretch_segments(x: Any, mean: Any, scale: Any, shift: Any, low: Any, high: Any, y: Any) -> None:
    """y = (x - μ) scale + shift for the segments from low to high, with the statistics of their channels."""
    for s in range(low, high):
        c = s % mean.size
        _stretch(x[s], mean[c], scale[c], shift[c], y[s])


@kernel
def stretch_segments_backward(
    x: Any, g: Any, mean: Any, scale: Any, low: Any, high: Any, dx: Any, dw: Any, db: Any
) -> None:
    """dL/dx of the segments from low to high; dw and db hold the Σ g (x - μ) and Σ g of each."""
    zero = x.dtype.type(0)
    for s in range(low, high):
        c = s % mean.size
        db[s], dw[s] = _sums(x[s], g[s], mean[c])
        _stretch(g[s], zero, scale[c], zero, dx[s])
