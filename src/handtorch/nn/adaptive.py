"""Softmax over very many classes, of which few are frequent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from handtorch.errors import ArgumentError, BatchError, DimensionError, ShapeError
from handtorch.nn.containers import ModuleList, Sequential
from handtorch.nn.functional import cross_entropy, log_softmax
from handtorch.nn.linear import Linear
from handtorch.nn.module import Module
from handtorch.ops.joining import cat
from handtorch.tensor import Tensor


class _ASMoutput(NamedTuple):
    """What :class:`AdaptiveLogSoftmaxWithLoss` returns."""

    output: Any
    loss: Any


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log softmax in two steps: over the frequent classes and clusters of rare ones, then within a cluster.

    ln p(c) = ln p_head(c) for a frequent class, and ln p_head(cluster of c) + ln p_cluster(c) for a rare one. Most rows
    need the small head only. Classes have to be numbered from the most frequent down. (Grave et al. 2017)

    Args:
        in_features: I.
        n_classes: C.
        cutoffs: where clusters begin, rising, in [1, C - 1]; below the first are the frequent classes.
        div_value: cluster i sees its input through ⌊I / div_value^i⌋ features, i = 1, 2, ...
        head_bias: whether the head has a bias.

    Attributes:
        head: from I features to the frequent classes and the clusters.
        tail: for each cluster, from I features to few, and from those to its classes.

    Raises:
        ArgumentError: the cutoffs are not as said.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ArgumentError("cutoffs should be a sequence of length larger than 0")
        if any(int(c) != c for c in cutoffs) or any(a >= b for a, b in pairwise([0, *cutoffs, n_classes])):
            raise ArgumentError(
                f"cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                f"value is between 1 and n_classes-1 = {n_classes - 1}, got {cutoffs}"
            )
        self.in_features, self.n_classes, self.div_value, self.head_bias = in_features, n_classes, div_value, head_bias
        self.cutoffs = [*cutoffs, n_classes]
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(pairwise(self.cutoffs)):
            features = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, features, False, device, dtype),
                    Linear(features, high - low, False, device, dtype),
                )
            )

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        self.head.reset_parameters()
        for narrow, wide in self.tail:
            narrow.reset_parameters()
            wide.reset_parameters()

    def forward(self, input_: Any, target_: Any) -> _ASMoutput:
        """The log probability of each row's target, and minus their mean.

        Args:
            input_: (N, I) or (I).
            target_: classes (N) or ().

        Raises:
            ShapeError, BatchError: the shapes do not fit together.
            DimensionError: a target is no class.
        """
        self._check(input_, target_)
        rows = input_ if target_.ndim else input_.unsqueeze(0)
        targets = target_.array.reshape(-1)
        cluster = np.searchsorted(self.cutoffs, targets, side="right")  # 0 for the frequent classes
        in_head = np.where(cluster == 0, targets, self.shortlist_size + cluster - 1)
        nll = cross_entropy(self.head(rows), Tensor.of(in_head), reduction="none")
        for i in range(self.n_clusters):
            members = np.flatnonzero(cluster == i + 1)
            if len(members):
                places, in_cluster = Tensor.of(members), Tensor.of(targets[members] - self.cutoffs[i])
                within = cross_entropy(self.tail[i](rows[places]), in_cluster, reduction="none")
                nll = nll.index_add(0, places, within)
        return _ASMoutput(-nll if target_.ndim else -nll.squeeze(0), nll.mean())

    def _check(self, input: Any, target: Any) -> None:
        if target.ndim > 1:
            raise ShapeError(f"0D or 1D target tensor expected, multi-target not supported, got {tuple(target.shape)}")
        if input.ndim != target.ndim + 1:
            raise ShapeError(
                f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with size "
                f"{tuple(input.shape)}"
            )
        if target.ndim and len(input) != len(target):
            raise BatchError(
                f"Input and target should have the same size in the batch dimension, got {tuple(input.shape)} and "
                f"{tuple(target.shape)}"
            )
        numbers = target.array
        if numbers.size and (numbers.min() < 0 or numbers.max() >= self.n_classes):
            raise DimensionError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{numbers.min()}, {numbers.max()}] were found."
            )

    def log_prob(self, input: Any) -> Any:
        """The log probabilities (N, C) of all classes, for input (N, I)."""
        head = log_softmax(self.head(input), dim=1)
        clusters = [
            head[:, self.shortlist_size + i, None] + log_softmax(layer(input), dim=1)
            for i, layer in enumerate(self.tail)
        ]
        return cat([head[:, : self.shortlist_size], *clusters], 1)

    def predict(self, input: Any) -> Any:
        """The most probable class (N) of each row of input (N, I).

        A row whose head prefers a frequent class needs no cluster: no class is more probable than its cluster.
        """
        best = self.head(input).argmax(1)
        rare = np.flatnonzero(best.array >= self.shortlist_size)
        if len(rare):
            best[Tensor.of(rare)] = self.log_prob(input[Tensor.of(rare)]).argmax(1)
        return best
