"""Fractional pooling: the largest element of each of as many windows as wanted, at random places."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.errors import RangeError, ShapeError
from handtorch.ops.pooling import check_lengths, largest, need_kind, sizes
from handtorch.ops.windows import Windows
from handtorch.random_factories import rand


def fractional_max_pool(
    name: str, axes: int, input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any
) -> tuple[Any, Any]:
    """The largest element of each window, and its place. (Graham 2014, Fractional Max-Pooling)

    Args:
        input: (C, *) or (N, C, *), with ``axes`` axes *.
        output_size, output_ratio: how many windows; or how many for each element of the input.
        samples: (N or more, C, axes), a random number in [0, 1) for each axis of each plane; None draws them.

    Raises:
        RangeError: neither ``output_size`` nor ``output_ratio`` is given.
        ShapeError: the windows do not fit, or there are not as many samples as planes.
    """
    lengths = check_lengths(name, need_kind(name, input), axes)
    counts = _counts(name, lengths, output_size, output_ratio)
    kernel = sizes(name, "kernel_size", kernel_size, axes)
    for axis, (n, size, count) in enumerate(zip(lengths, kernel, counts, strict=True)):
        # PyTorch wants room to move over three axes, but not over two
        if count < 0 or size < 1 or count + size - 1 > n - (axes == 3):
            raise ShapeError(
                f"{name}(): expected output_size + kernel_size - 1 to be {'less than' if axes == 3 else 'at most'} the "
                f"length of the axis, got {count} windows of length {size} for dimension {axis - axes} of "
                f"{list(input.array.shape)}"
            )
    planes = input.array.shape[: input.array.ndim - axes]
    batch, channels = (1, *planes)[-2:]
    if samples is None:
        samples = rand(batch, channels, axes, dtype=input.dtype)
    given = samples.array.shape
    if len(given) != 3 or given[0] < batch or given[1:] != (channels, axes):
        raise ShapeError(
            f"{name}(): expected _random_samples ({batch}, {channels}, {axes}), for (N, C, axes), with input "
            f"{list(input.array.shape)}, got {given}"
        )
    numbers = samples.array[:batch].reshape(*planes, axes)
    if axes == 2:  # PyTorch's first number is for the last axis here, and for the first one in three dimensions
        numbers = numbers[..., ::-1]
    settings = zip(lengths, kernel, counts, strict=True)
    return largest(input, [_scattered(*setting, numbers[..., i]) for i, setting in enumerate(settings)])


def _counts(name: str, lengths: tuple[int, ...], output_size: Any, output_ratio: Any) -> tuple[int, ...]:
    if output_size is not None:
        return sizes(name, "output_size", output_size, len(lengths))
    if output_ratio is None:
        raise RangeError(f"{name} requires specifying either an output_size or an output_ratio")
    ratios = tuple(output_ratio) if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * len(lengths)
    if len(ratios) != len(lengths):
        raise RangeError(f"{name} requires output_ratio to either be a single number or {len(lengths)}, got {ratios}")
    return tuple(int(n * ratio) for n, ratio in zip(lengths, ratios, strict=True))


def _scattered(n: int, size: int, count: int, samples: np.ndarray) -> Windows:
    """Windows about α = (n - size) / (count - 1) apart: ⌊(i + u) α⌋ - ⌊u α⌋ for a random u; the last one at the end.

    PyTorch computes them in the type of the input, and so does this.
    """
    kind = samples.dtype.type
    first = np.full((*samples.shape, count), n - size)
    if count > 1:
        alpha = kind(n - size) / kind(count - 1)
        u = samples[..., None]
        first[..., :-1] = np.trunc((np.arange(count - 1, dtype=kind) + u) * alpha) - np.trunc(u * alpha)
    return Windows(first, np.full(first.shape, size), 1, n)
