"""The loops of convolution by channel: one tap of a kernel is a shift along a run of memory.

As many taps as fit into registers go over the run together: the result is read and written once for all of them.
"""

from __future__ import annotations

from typing import Any

from handtorch.kernels.compile import kernel, summing_kernel


@kernel
def slide(source: Any, starts: Any, taps: Any, weights: Any, out: Any) -> None:
    """out[i] += Σ weights[taps[k]] source[starts[k] + i]."""
    n, k = out.size, 0
    while k + 8 <= starts.size:
        w0, w1, w2, w3 = weights[taps[k]], weights[taps[k + 1]], weights[taps[k + 2]], weights[taps[k + 3]]
        w4, w5, w6, w7 = weights[taps[k + 4]], weights[taps[k + 5]], weights[taps[k + 6]], weights[taps[k + 7]]
        s0, s1 = source[starts[k] : starts[k] + n], source[starts[k + 1] : starts[k + 1] + n]
        s2, s3 = source[starts[k + 2] : starts[k + 2] + n], source[starts[k + 3] : starts[k + 3] + n]
        s4, s5 = source[starts[k + 4] : starts[k + 4] + n], source[starts[k + 5] : starts[k + 5] + n]
        s6, s7 = source[starts[k + 6] : starts[k + 6] + n], source[starts[k + 7] : starts[k + 7] + n]
        for i in range(n):
            a = w0 * s0[i] + w1 * s1[i] + w2 * s2[i] + w3 * s3[i]
            out[i] += a + (w4 * s4[i] + w5 * s5[i] + w6 * s6[i] + w7 * s7[i])
        k += 8
    while k + 4 <= starts.size:
        w0, w1, w2, w3 = weights[taps[k]], weights[taps[k + 1]], weights[taps[k + 2]], weights[taps[k + 3]]
        s0, s1 = source[starts[k] : starts[k] + n], source[starts[k + 1] : starts[k + 1] + n]
        s2, s3 = source[starts[k + 2] : starts[k + 2] + n], source[starts[k + 3] : starts[k + 3] + n]
        for i in range(n):
            out[i] += w0 * s0[i] + w1 * s1[i] + w2 * s2[i] + w3 * s3[i]
        k += 4
    while k < starts.size:
        w0, s0 = weights[taps[k]], source[starts[k] : starts[k] + n]
        for i in range(n):
            out[i] += w0 * s0[i]
        k += 1


@summing_kernel
def dots(source: Any, starts: Any, taps: Any, g: Any, sums: Any) -> None:
    """sums[taps[k]] += Σ g[i] source[starts[k] + i]."""
    n, k, zero = g.size, 0, g.dtype.type(0)
    while k + 4 <= starts.size:
        s0, s1 = source[starts[k] : starts[k] + n], source[starts[k + 1] : starts[k + 1] + n]
        s2, s3 = source[starts[k + 2] : starts[k + 2] + n], source[starts[k + 3] : starts[k + 3] + n]
        a0, a1, a2, a3 = zero, zero, zero, zero
        for i in range(n):
            a0 += g[i] * s0[i]
            a1 += g[i] * s1[i]
            a2 += g[i] * s2[i]
            a3 += g[i] * s3[i]
        sums[taps[k]] += a0
        sums[taps[k + 1]] += a1
        sums[taps[k + 2]] += a2
        sums[taps[k + 3]] += a3
        k += 4
    while k < starts.size:
        s0, a0 = source[starts[k] : starts[k] + n], zero
        for i in range(n):
            a0 += g[i] * s0[i]
        sums[taps[k]] += a0
        k += 1
