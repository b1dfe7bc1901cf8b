"""Classification losses with a margin: a class must win by an angle, so that classes stay apart for people never seen.

With embeddings x and the weight w_j of class j both scaled to length 1, ``cos θ_j = x · w_j``. The logit of the right
class y is made smaller before the softmax:

    ArcFace      s cos(θ_y + m)          Deng et al. 2019, equation 3
    CosFace      s (cos θ_y - m)         Wang et al. 2018, equation 4
    SphereFace   ‖x‖ ψ(θ_y)              Liu et al. 2017, equation 7:  ψ(θ) = (-1)^k cos(m θ) - 2k,
                                          k such that θ is in [kπ/m, (k+1)π/m]

The loss is the cross-entropy of these logits. To recognise people, compare embeddings by their cosine.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import empty
from handtorch.from_data import from_numpy
from handtorch.nn import Module, Parameter, init
from handtorch.nn import functional as F


class MarginSoftmax(Module):
    """A classifier whose right class is handicapped.

    Args:
        in_features: D, length of the embeddings.
        num_classes: C.
        reduction: of the loss: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: as in :func:`handtorch.nn.functional.cross_entropy`.

    The weight is (C, D).
    """

    def __init__(
        self, in_features: int, num_classes: int, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        if in_features < 1 or num_classes < 1:
            raise ArgumentError(f"expected in_features and num_classes above 0, got {in_features} and {num_classes}")
        self.in_features, self.num_classes = in_features, num_classes
        self.reduction, self.label_smoothing = reduction, label_smoothing
        self.weight = Parameter(empty(num_classes, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot's initialisation; only the directions matter."""
        init.xavier_uniform_(self.weight)

    def cosines(self, embeddings: Any) -> Any:
        """``cos θ`` (N, C) of embeddings (N, D)."""
        if embeddings.ndim != 2 or embeddings.shape[1] != self.in_features:
            raise ShapeError(f"expected embeddings (N, {self.in_features}), got {tuple(embeddings.shape)}")
        return F.linear(F.normalize(embeddings), F.normalize(self.weight)).clamp(-1, 1)

    def logits(self, embeddings: Any, targets: Any = None) -> Any:
        """The logits (N, C), with the margin where targets (N,) are given and without it else."""
        cosines = self.cosines(embeddings)
        if targets is not None:
            if targets.shape != embeddings.shape[:1]:
                raise ShapeError(f"expected targets ({len(embeddings)},), got {tuple(targets.shape)}")
            index = targets.reshape(-1, 1)
            cosines = cosines.scatter(1, index, self.handicapped(cosines.gather(1, index)))
        return cosines * self.scale_of(embeddings)

    def handicapped(self, cosine: Any) -> Any:
        """What stands for ``cos θ_y`` (N, 1)."""
        raise NotImplementedError

    def scale_of(self, embeddings: Any) -> Any:
        """What cosines are multiplied by."""
        raise NotImplementedError

    def forward(self, embeddings: Any, targets: Any) -> Any:
        """The loss of embeddings (N, D) with numbers of classes (N,)."""
        logits = self.logits(embeddings, targets)
        return F.cross_entropy(logits, targets, reduction=self.reduction, label_smoothing=self.label_smoothing)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"in_features={self.in_features}, num_classes={self.num_classes}"


class _Scaled(MarginSoftmax):
    """A margin on top of one scale for all embeddings.

    Args:
        in_features: D, length of the embeddings.
        num_classes: C.
        scale: s; it must grow with the number of classes for the loss to come near 0.
        margin: m.
        reduction, label_smoothing: of the cross-entropy.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        scale: float = 64.0,
        margin: float = 0.5,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(in_features, num_classes, reduction, label_smoothing)
        if scale <= 0 or margin < 0:
            raise ArgumentError(f"expected scale > 0 and margin >= 0, got {scale} and {margin}")
        self.scale, self.margin = float(scale), float(margin)

    def scale_of(self, embeddings: Any) -> Any:
        return self.scale

    def extra_repr(self) -> str:
        """The sizes, the scale and the margin."""
        return f"{super().extra_repr()}, scale={self.scale}, margin={self.margin}"


class ArcFace(_Scaled):
    """``s cos(θ_y + m)``: the margin is an angle (Deng et al. 2019).

    Args:
        in_features: D, length of the embeddings.
        num_classes: C.
        scale: s.
        margin: m, radians, below π.
        reduction, label_smoothing: of the cross-entropy.

    Beyond ``θ = π - m``, where the cosine would rise again, ``cos θ - m sin m`` goes on falling.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        scale: float = 64.0,
        margin: float = 0.5,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(in_features, num_classes, scale, margin, reduction, label_smoothing)
        if margin >= math.pi:
            raise ArgumentError(f"expected a margin below π, got {margin}")

    def handicapped(self, cosine: Any) -> Any:
        # At θ = 0 the sine has no derivative; there the margin is all that is left.
        sine = (1 - cosine * cosine).clamp(min=1e-12).sqrt()
        turned = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = cosine - self.margin * math.sin(self.margin)
        return turned.where(cosine > math.cos(math.pi - self.margin), beyond)


class CosFace(_Scaled):
    """``s (cos θ_y - m)``: the margin is a cosine (Wang et al. 2018; also AM-Softmax).

    Args:
        in_features: D, length of the embeddings.
        num_classes: C.
        scale: s.
        margin: m.
        reduction, label_smoothing: of the cross-entropy.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        scale: float = 64.0,
        margin: float = 0.35,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(in_features, num_classes, scale, margin, reduction, label_smoothing)

    def handicapped(self, cosine: Any) -> Any:
        return cosine - self.margin


class SphereFace(MarginSoftmax):
    """``‖x‖ ψ(θ_y)``: the angle counts m times (Liu et al. 2017).

    Args:
        in_features: D, length of the embeddings.
        num_classes: C.
        margin: m, a whole number from 1 to 5.
        blend: λ at the start; see below.
        blend_decay: how fast λ falls.
        least_blend: λ in the end.
        reduction, label_smoothing: of the cross-entropy.

    ψ alone hardly trains from scratch, so the authors mix it with the plain cosine, ``(λ cos θ + ψ(θ)) / (1 + λ)``, and
    let λ fall in training: ``λ = max(least_blend, blend / (1 + blend_decay t))`` after t batches. t is the buffer
    ``batches``. ``cos(m θ)`` is Chebyshev's polynomial T_m(cos θ), which has a derivative everywhere.
    """

    batches: Any

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        margin: int = 4,
        blend: float = 1000.0,
        blend_decay: float = 0.1,
        least_blend: float = 5.0,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(in_features, num_classes, reduction, label_smoothing)
        if not isinstance(margin, int) or not 1 <= margin <= 5:
            raise ArgumentError(f"expected margin as a whole number from 1 to 5, got {margin!r}")
        if min(blend, blend_decay, least_blend) < 0:
            raise ArgumentError("expected blend, blend_decay and least_blend of at least 0")
        self.margin = margin
        self.blend, self.blend_decay, self.least_blend = blend, blend_decay, least_blend
        self.register_buffer("batches", from_numpy(np.array(0)))

    @property
    def present_blend(self) -> float:
        """λ now."""
        return max(self.least_blend, self.blend / (1 + self.blend_decay * int(self.batches)))

    def scale_of(self, embeddings: Any) -> Any:
        return embeddings.norm(dim=1, keepdim=True)

    def handicapped(self, cosine: Any) -> Any:
        angle = np.arccos(np.clip(cosine.detach().numpy(), -1, 1))
        k = np.minimum(np.floor(self.margin * angle / math.pi), self.margin - 1)
        sign = from_numpy((1 - 2 * (k % 2)).astype(angle.dtype))
        before: Any = 1.0
        multiple = cosine
        for _ in range(self.margin - 1):
            before, multiple = multiple, 2 * cosine * multiple - before
        psi = sign * multiple - from_numpy((2 * k).astype(angle.dtype))
        blend = self.present_blend
        return (blend * cosine + psi) / (1 + blend)

    def forward(self, embeddings: Any, targets: Any) -> Any:
        """The loss of embeddings (N, D) with numbers of classes (N,); in training, λ falls by it."""
        if self.training:
            self.batches += 1
        return super().forward(embeddings, targets)

    def extra_repr(self) -> str:
        """The sizes and the margin."""
        return f"{super().extra_repr()}, margin={self.margin}"
