"""Positions: what tells a Transformer where in a sequence a step stands, as attention itself does not.

========================  ============================================================================================
``SinusoidalPositions``   waves of many lengths, added to the features; nothing to learn, no longest sequence
``LearnedPositions``      a learned row for each position, added to the features
``RotaryPositions``       queries and keys turned by their position; only distances matter
``RelativePositions``     a learned number for each head and distance, added to the scores
``RelativeScores``        Transformer-XL's: how much a query cares about each distance, added to the scores
========================  ============================================================================================

``start`` counts the steps before the first one that is given: a network that reads a text in pieces continues where it
was. None of these is in PyTorch.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import empty
from handtorch.nn import functional as F
from handtorch.nn import init
from handtorch.nn.linear import Linear
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter
from handtorch.ops.positions import AddPositions, Turn
from handtorch.tensor import Tensor

__all__ = [
    "LearnedPositions",
    "RelativePositions",
    "RelativeScores",
    "RotaryPositions",
    "SinusoidalPositions",
    "sinusoids",
]


def sinusoids(positions: Any, width: int, base: float = 10_000.0) -> np.ndarray:
    """sin(p / base^(2i/D)) in place 2i and cos(p / base^(2i/D)) in place 2i + 1, float64 (Vaswani et al. 2017).

    Args:
        positions: p (T), of any sign.
        width: D.
    """
    angles = np.asarray(positions)[:, None] / base ** (np.arange(0, width, 2) / width)
    waves = np.stack([np.sin(angles), np.cos(angles)], -1)
    return waves.reshape(len(angles), -1)[:, :width]


@cache
def _waves(rows: int, width: int, base: float, dtype: Any) -> Any:
    return Tensor.of(sinusoids(np.arange(rows), width, base).astype(dtype))


class SinusoidalPositions(Module):
    """y_t = x_t + P_t, where P_t holds sine and cosine of t at D/2 speeds (Vaswani et al. 2017, section 3.5).

    Args:
        width: D.
        base: the slowest wave has a length of about 2π base steps.

    Raises:
        ArgumentError: a width below 1.
    """

    def __init__(self, width: int, base: float = 10_000.0) -> None:
        super().__init__()
        _need_positive(width=width)
        self.width, self.base = width, base

    def forward(self, x: Any, start: int = 0) -> Any:
        """x (..., T, D), of which the first step is at position ``start``, to the same shape."""
        rows = 1 << max(start + x.shape[-2] - 1, 255).bit_length()  # so that few different tables are made
        return AddPositions(start)(x, _waves(rows, self.width, self.base, x.array.dtype))

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.width}, base={self.base}"


class LearnedPositions(Module):
    """y_t = x_t + P_t with a learned row P_t for each position (Gehring et al. 2017; GPT-2).

    Args:
        max_length: S, the positions that there are.
        width: D.

    Attributes:
        weight: P (S, D), normal with deviation 0.02 at first.

    Raises:
        ArgumentError: a size below 1.
    """

    def __init__(self, max_length: int, width: int) -> None:
        super().__init__()
        _need_positive(max_length=max_length, width=width)
        self.max_length, self.width = max_length, width
        self.weight = Parameter(empty(max_length, width))
        init.normal_(self.weight, std=0.02)

    def forward(self, x: Any, start: int = 0) -> Any:
        """x (..., T, D), of which the first step is at position ``start``, to the same shape.

        Raises:
            ShapeError: there are no positions for so many steps.
        """
        return AddPositions(start)(x, self.weight)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.max_length}, {self.width}"


class RotaryPositions(Module):
    """Turn queries and keys by their position, each pair of features (i, i + E/2) at a speed of its own.

    The score of a query at i and a key at j then depends on i - j (Su et al. 2021). For E features of a head, after
    the heads are apart, and for queries and keys alike::

        scores = rotary(q, start) @ rotary(k).mT

    Args:
        base: of the speeds base^(-2i/E); larger for longer texts.
    """

    def __init__(self, base: float = 10_000.0) -> None:
        super().__init__()
        self.base = base

    def forward(self, x: Any, start: int = 0) -> Any:
        """x (..., T, E), of which the first step is at position ``start``, to the same shape.

        Raises:
            ShapeError: E is odd.
        """
        return Turn(start, self.base)(x)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"base={self.base}"


class RelativePositions(Module):
    """A learned number for each head and distance, to be added to the scores of attention: ``bias[h, i, j] = w[b, h]``.

    b is the bucket of the distance i - j. Without ``buckets`` every distance up to ``max_distance`` has its own, and
    all beyond share the last (Shaw et al. 2018, with numbers in the place of vectors). With ``buckets`` half of them
    are for small distances, one each, and the others grow in width up to ``max_distance`` as logarithms do, the last
    being for all beyond (Raffel et al. 2020, "T5")::

        F.scaled_dot_product_attention(q, k, v, relative(q.shape[-2], k.shape[-2]))

    Args:
        heads: H.
        max_distance: from which on distances are all alike.
        buckets: B; None for one for each distance.
        bidirectional: whether keys behind the query have buckets of their own, half of all; else they share one with
            the query's own position, for a causal network, which does not see them.

    Attributes:
        weight: w (B, H), 0 at first: a network that does not know of distances.

    Raises:
        ArgumentError: a size below 1, or buckets that cannot be halved or leave none beyond the small distances.
    """

    def __init__(
        self, heads: int, max_distance: int = 128, buckets: int | None = None, bidirectional: bool = True
    ) -> None:
        super().__init__()
        _need_positive(heads=heads, max_distance=max_distance)
        sides = 1 + bidirectional
        if buckets is not None and (buckets % (2 * sides) or not 0 < buckets // (2 * sides) < max_distance):
            raise ArgumentError(
                f"expected buckets a multiple of {2 * sides} and below {2 * sides} max_distance, got {buckets} "
                f"for max_distance {max_distance}"
            )
        self.heads, self.max_distance, self.buckets = heads, max_distance, buckets
        self.bidirectional = bidirectional
        rows = buckets if buckets is not None else sides * max_distance + 1
        self.weight = Parameter(empty(rows, heads))
        init.zeros_(self.weight)

    def bucket(self, distance: np.ndarray) -> np.ndarray:
        """The bucket of each distance i - j of a query at i to a key at j."""
        if self.buckets is None:
            low = -self.max_distance if self.bidirectional else 0
            return np.clip(distance, low, self.max_distance) - low
        count = self.buckets // 2 if self.bidirectional else self.buckets
        behind = count * (distance < 0) if self.bidirectional else 0
        distance = np.abs(distance) if self.bidirectional else np.maximum(distance, 0)
        near = count // 2
        share = np.log(np.maximum(distance, near) / near) / math.log(self.max_distance / near)
        far = np.minimum(near + (share * (count - near)).astype(np.int64), count - 1)
        return behind + np.where(distance < near, distance, far)

    def forward(self, queries: int, keys: int) -> Any:
        """The bias (H, L, S) for L queries and S keys; the last query stands at the last key."""
        distance = np.arange(keys - queries, keys)[:, None] - np.arange(keys)
        return F.embedding(Tensor.of(self.bucket(distance)), self.weight).permute(2, 0, 1)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        settings = f"{self.heads}, max_distance={self.max_distance}, buckets={self.buckets}"
        return f"{settings}, bidirectional={self.bidirectional}"


class RelativeScores(Module):
    """Attention by content and by distance apart (Dai et al. 2019, "Transformer-XL", section 3.3).

    ``score[i, j] = ((q_i + u) · k_j + (q_i + v) · W R_{i-j}) / √E``

    R_d are the sinusoids of the distance d, of either sign, W (H E, D) makes a vector of each for every head, and u and
    v (H, E) say what a head looks for whatever the query. The second term is the bias that goes with the queries::

        q, bias = relative(q, k.shape[-2])
        F.scaled_dot_product_attention(q, k, v, bias)

    Args:
        width: D, of the sinusoids.
        heads: H.
        head_dim: E; D / H by default.

    Attributes:
        project: W.
        content, distance: u and v (H, E), 0 at first.

    Raises:
        ArgumentError: a size below 1, or a width that the heads do not divide.
    """

    def __init__(self, width: int, heads: int, head_dim: int | None = None) -> None:
        super().__init__()
        _need_positive(width=width, heads=heads)
        if head_dim is None and width % heads:
            raise ArgumentError(f"expected a width that {heads} heads divide, got {width}; or give head_dim")
        self.width, self.heads, self.head_dim = width, heads, head_dim or width // heads
        self.project = Linear(width, heads * self.head_dim, bias=False)
        self.content = Parameter(empty(heads, self.head_dim))
        self.distance = Parameter(empty(heads, self.head_dim))
        init.zeros_(self.content)
        init.zeros_(self.distance)

    def forward(self, q: Any, keys: int) -> tuple[Any, Any]:
        """q (N, H, L, E), the last of which stands at the last of S keys, to q + u and the bias (N, H, L, S).

        Raises:
            ShapeError: q has other heads, or more queries than keys.
        """
        if q.ndim != 4 or (q.shape[1], q.shape[3]) != (self.heads, self.head_dim) or q.shape[2] > keys:
            raise ShapeError(
                f"expected q (N, {self.heads}, L, {self.head_dim}) with L at most {keys} keys, got {tuple(q.shape)}"
            )
        queries = q.shape[2]
        waves = sinusoids(np.arange(keys - 1, -queries, -1), self.width)  # from the farthest distance back down
        r = self.project(Tensor.of(waves.astype(q.array.dtype))).reshape(-1, self.heads, self.head_dim)
        by_distance = (q + self.distance.unsqueeze(1)) @ r.permute(1, 2, 0)  # (N, H, L, L + S - 1)
        return q + self.content.unsqueeze(1), _shifted(by_distance, keys) / math.sqrt(self.head_dim)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return f"{self.width}, {self.heads}, head_dim={self.head_dim}"


def _shifted(x: Any, keys: int) -> Any:
    """y[..., i, j] = x[..., i, j + L - 1 - i]: each row of x (..., L, L + S - 1) one place further left than the next.

    One zero behind each row of x, read as rows of one place less, does it without an index.
    """
    *batch, queries, width = x.shape
    if queries == 1:
        return x
    padded = F.pad(x, (0, 1)).reshape(*batch, queries * (width + 1))
    moved = padded[..., queries - 1 : queries - 1 + queries * width].reshape(*batch, queries, width)
    return moved[..., :keys]


def _need_positive(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ArgumentError(f"expected {name} of at least 1, got {size}")
