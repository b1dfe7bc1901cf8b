"""Compiled twins of the update rules of SGD and Adam: one pass over memory, all parameters of a group at once.

The plain rules in :mod:`handtorch.optim` go over each array about ten times. A step is bound by memory, so the twins
read every number once and write it once: 28 bytes an element for Adam in float32.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numba
import numpy as np

from handtorch.kernels import threads
from handtorch.optim.adam import adam_scales
from handtorch.optim.optimizer import to_scalar

#: Elements below which a second thread costs more than it saves.
GRAIN = 1 << 16

# Fused multiply-adds are allowed and nothing else: NaN and infinity have to come out as in the plain rule.
_compile = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})


@_compile
def _sgd(p, g, b, sign, decay, momentum, share, nesterov, lr):
    for i in range(p.size):
        d = sign * g[i]
        if decay != 0:
            d += decay * p[i]
        if b is not None:
            b[i] = momentum * b[i] + share * d
            d = d + momentum * b[i] if nesterov else b[i]
        p[i] -= lr * d


@_compile
def _adam(p, g, m, v, v_max, sign, decay, keep, w1, beta2, w2, step_size, scale, eps):
    for i in range(p.size):
        d = sign * g[i]
        if decay != 0:
            d += decay * p[i]
        m[i] += w1 * (d - m[i])
        v[i] = beta2 * v[i] + w2 * d * d
        largest = v[i]
        if v_max is not None:
            if v_max[i] > largest:
                largest = v_max[i]
            v_max[i] = largest
        p[i] = keep * p[i] - step_size * m[i] / (math.sqrt(largest) * scale + eps)


def sgd(params: list[Any], buffers: list[tuple[np.ndarray | None, bool]], group: dict[str, Any]) -> list[Any]:
    """One step of SGD.

    Args:
        params: tensors that have gradients.
        buffers: for each, the array of ``b`` or None, and whether this is its first step.
        group: the options.

    Returns:
        The parameters that were left alone, since their arrays are not plain float32 or float64 memory.
    """
    sign, momentum = (-1 if group["maximize"] else 1), group["momentum"]
    lr, decay = to_scalar(group["lr"]), to_scalar(group["weight_decay"])
    arrays, scalars, done, left = [], [], [], []
    for p, (buffer, is_new) in zip(params, buffers, strict=True):
        flat = _flat(p.array, p.grad.array, buffer)
        if flat is None:
            left.append(p)
            continue
        number = p.array.dtype.type
        share = 1 if is_new else 1 - group["dampening"]  # a new b is zeros and takes in all of g
        arrays.append(flat)
        scalars.append((*map(number, (sign, decay, momentum, share)), bool(group["nesterov"]), number(lr)))
        done.append(p)
    _run(_sgd, arrays, scalars)
    _bump(done)
    return left


def adam(params: list[Any], states: list[dict[str, Any]], group: dict[str, Any]) -> list[Any]:
    """One step of Adam or AdamW.

    Args:
        params: tensors that have gradients.
        states: the state of each.
        group: the options.

    Returns:
        The parameters that were left alone, since their arrays are not plain float32 or float64 memory.
    """
    beta1, beta2 = map(to_scalar, group["betas"])
    lr, sign = to_scalar(group["lr"]), (-1 if group["maximize"] else 1)
    decay, keep = group["weight_decay"], 1.0
    if group["decoupled_weight_decay"]:
        decay, keep = 0, 1 - lr * decay
    arrays, scalars, done, left = [], [], [], []
    for p, state in zip(params, states, strict=True):
        largest = state["max_exp_avg_sq"].array if group["amsgrad"] else None
        flat = _flat(p.array, p.grad.array, state["exp_avg"].array, state["exp_avg_sq"].array, largest)
        if flat is None:
            left.append(p)
            continue
        step = state["step"].array
        step += 1
        step_size, correction = adam_scales(float(step), lr, beta1, beta2)
        values = (sign, decay, keep, 1 - beta1, beta2, 1 - beta2, step_size, 1 / correction, group["eps"])
        arrays.append(flat)
        scalars.append(tuple(map(p.array.dtype.type, values)))
        done.append(p)
    _run(_adam, arrays, scalars)
    _bump(done)
    return left


def _flat(*arrays: np.ndarray | None) -> tuple[np.ndarray | None, ...] | None:
    """The arrays as vectors on the same memory, or None unless all are contiguous floats of one type."""
    first = arrays[0]
    assert first is not None
    if first.dtype.char not in "fd":
        return None
    for array in arrays:
        if array is not None and not (array.dtype == first.dtype and array.flags.c_contiguous):
            return None
    return tuple(None if array is None else array.reshape(-1) for array in arrays)


def _run(kernel: Callable[..., None], arrays: Sequence[tuple[Any, ...]], scalars: Sequence[tuple[Any, ...]]) -> None:
    """Call the kernel on all tensors, laid end to end and cut into one piece a thread."""
    ends = list(accumulate(vectors[0].size for vectors in arrays))

    def piece(low: int, high: int) -> None:
        index = bisect_right(ends, low)
        while low < high:
            vectors = arrays[index]
            start, stop = ends[index] - vectors[0].size, min(ends[index], high)
            part = slice(low - start, stop - start)
            kernel(*(None if vector is None else vector[part] for vector in vectors), *scalars[index])
            low, index = stop, index + 1

    threads.parallel_for(piece, ends[-1] if ends else 0, GRAIN)


def _bump(params: list[Any]) -> None:
    for p in params:
        p._bump()
