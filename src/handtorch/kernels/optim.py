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

import numpy as np

from handtorch.kernels import threads
from handtorch.kernels.compile import kernel
from handtorch.optim.adam import adam_scales
from handtorch.optim.optimizer import full_like, to_scalar

#: Elements below which a second thread costs more than it saves.
GRAIN = 1 << 16


@kernel
def _sgd(p, g, b, sign, decay, momentum, share, nesterov, lr):
    for i in range(p.size):
        d = sign * g[i]
        if decay != 0:
            d += decay * p[i]
        if b is not None:
            b[i] = momentum * b[i] + share * d
            d = d + momentum * b[i] if nesterov else b[i]
        p[i] -= lr * d


@kernel
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


def sgd(params: list[Any], states: list[dict[str, Any]], group: dict[str, Any]) -> list[Any]:
    """One step of SGD.

    Args:
        params: tensors that have gradients.
        states: the state of each; with momentum, a first step puts its ``b`` there.
        group: the options.

    Returns:
        The parameters that were left alone, since their arrays are not plain float32 or float64 memory.
    """
    sign, momentum = (-1 if group["maximize"] else 1), group["momentum"]
    lr, decay = to_scalar(group["lr"]), to_scalar(group["weight_decay"])
    arrays, scalars, left = [], [], []
    for p, state in zip(params, states, strict=True):
        held = state.get("momentum_buffer") if momentum else None
        vectors = _vectors(p.array, p.grad.array, None if held is None else held.array)
        if vectors is None:
            left.append(p)
            continue
        share = 1 - group["dampening"]
        if momentum and held is None:
            state["momentum_buffer"] = full_like(p, 0)
            vectors = (*vectors[:2], state["momentum_buffer"].array.reshape(-1))
            share = 1  # zeros that take in all of g are the first b
        number = p.array.dtype.type
        arrays.append(vectors)
        scalars.append((*map(number, (sign, decay, momentum, share)), bool(group["nesterov"]), number(lr)))
        p._bump()
    _run(_sgd, arrays, scalars)
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
    decay, keep = to_scalar(group["weight_decay"]), 1.0
    if group["decoupled_weight_decay"]:
        decay, keep = 0, 1 - lr * decay
    arrays, scalars, left = [], [], []
    for p, state in zip(params, states, strict=True):
        largest = state["max_exp_avg_sq"].array if group["amsgrad"] else None
        vectors = _vectors(p.array, p.grad.array, state["exp_avg"].array, state["exp_avg_sq"].array, largest)
        if vectors is None:
            left.append(p)
            continue
        step = state["step"].array
        step += 1
        step_size, correction = adam_scales(float(step), lr, beta1, beta2)
        values = (sign, decay, keep, 1 - beta1, beta2, 1 - beta2, step_size, 1 / correction, group["eps"])
        arrays.append(vectors)
        scalars.append(tuple(map(p.array.dtype.type, values)))
        p._bump()
    _run(_adam, arrays, scalars)
    return left


def _vectors(*arrays: np.ndarray | None) -> tuple[np.ndarray | None, ...] | None:
    """The arrays as vectors on the same memory, or None unless all are contiguous floats of one type."""
    first = arrays[0]
    assert first is not None
    if first.dtype.char not in "fd":
        return None
    for array in arrays:
        if array is not None and not (array.dtype == first.dtype and array.flags.c_contiguous):
            return None
    return tuple(None if array is None else array.reshape(-1) for array in arrays)


def _run(loop: Callable[..., None], arrays: Sequence[tuple[Any, ...]], scalars: Sequence[tuple[Any, ...]]) -> None:
    """Call the loop on all tensors, laid end to end and cut into one piece a thread."""
    ends = list(accumulate(vectors[0].size for vectors in arrays))

    def piece(low: int, high: int) -> None:
        index = bisect_right(ends, low)
        while low < high:
            vectors = arrays[index]
            start, stop = ends[index] - vectors[0].size, min(ends[index], high)
            part = slice(low - start, stop - start)
            loop(*(None if vector is None else vector[part] for vector in vectors), *scalars[index])
            low, index = stop, index + 1

    threads.parallel_for(piece, ends[-1] if ends else 0, GRAIN)
