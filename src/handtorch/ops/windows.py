"""Windows: which elements of an axis are pooled together."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from handtorch.ops.resampling import Taps


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of an axis: window o holds the elements first[o] + k step for k < count[o].

    Attributes:
        first, count: (O,); or (*, O) where the windows differ along the axes before, as in fractional pooling.
        step: from one element of a window to the next.
        length: of the axis.
    """

    first: np.ndarray
    count: np.ndarray
    step: int
    length: int

    @functools.cached_property
    def elements(self) -> list[np.ndarray]:
        """The place of the first element of each window, of the second ...; a short window repeats its last one."""
        most = int(self.count.max(initial=1))
        return [self.first + np.minimum(k, self.count - 1) * self.step for k in range(most)]

    @functools.cached_property
    def none_is_empty(self) -> bool:
        """Whether there are windows, and each holds an element."""
        return bool(self.count.size) and bool(self.count.min() > 0)


class Slide(NamedTuple):
    """How a window slides over an axis.

    Attributes:
        length: of the axis.
        size: how many elements the window holds.
        stride: how far it goes at a time.
        padding: how far it reaches beyond both ends.
        dilation: from one of its elements to the next.
        ceil_mode: the last one may reach beyond the padding, as long as it begins before it.
    """

    length: int
    size: int
    stride: int
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def number(self) -> int:
        """How many places the window has."""
        room = self.length + 2 * self.padding - self.dilation * (self.size - 1) - 1
        if not self.ceil_mode:
            return room // self.stride + 1
        count = -(-room // self.stride) + 1
        return count - 1 if (count - 1) * self.stride >= self.length + self.padding else count

    def divisors(self, with_padding: bool) -> np.ndarray:
        """How many elements the window has in each of its places, with those of the padding or without."""
        if not with_padding:
            return sliding(self).count
        begin = np.arange(self.number) * self.stride - self.padding
        return np.minimum(begin + self.size, self.length + self.padding) - begin


@functools.lru_cache(1024)
def sliding(slide: Slide) -> Windows:
    """What lies inside the axis of a window in each of its places."""
    n, size, stride, padding, dilation, _ = slide
    begin = np.arange(slide.number) * stride - padding
    ahead = -(np.minimum(begin, 0) // dilation)  # elements in the padding
    behind = np.maximum((begin + (size - 1) * dilation - n) // dilation + 1, 0)
    return Windows(begin + ahead * dilation, size - ahead - behind, dilation, n)


@functools.lru_cache(1024)
def adaptive(n: int, count: int) -> Windows:
    """Windows that share an axis of length n out as evenly as whole numbers allow; neighbours may overlap."""
    first = np.arange(count) * n // max(count, 1)
    end = -(-np.arange(1, count + 1) * n // max(count, 1))
    return Windows(first, end - first, 1, n)


def summing(windows: Windows, weights: Any) -> Taps:
    """The matrix that sums over windows, with a weight for each."""
    rows = np.repeat(np.arange(len(windows.first)), windows.count)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(windows.count) - windows.count, windows.count)
    columns = windows.first[rows] + within * windows.step
    return Taps(
        rows, columns, np.broadcast_to(weights, windows.count.shape)[rows], (len(windows.first), windows.length)
    )
