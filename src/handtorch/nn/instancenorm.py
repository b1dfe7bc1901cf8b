"""Instance normalisation layers: each channel of each sample by itself."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from handtorch.errors import ArgumentError
from handtorch.nn import functional as F
from handtorch.nn.batchnorm import _LazyNormBase, _NormBase


class _InstanceNorm(_NormBase):
    """Normalises each channel of each sample by itself. (Ulyanov, Vedaldi and Lempitsky 2016)

    Args:
        num_features, eps, momentum: as for batch normalisation.
        affine: whether γ is learned, and β if ``bias``; not by default.
        track_running_stats: whether running statistics are kept and used in evaluation; not by default.
    """

    unbatched: ClassVar[int]  # how many axes a single sample has

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _check_input_dim(self, input: Any) -> None:
        if input.array.ndim not in (self.unbatched, self.unbatched + 1):
            raise ArgumentError(
                f"expected {self.unbatched}D or {self.unbatched + 1}D input (got {input.array.ndim}D input)"
            )

    def forward(self, input: Any) -> Any:
        """x (N, C, *), or a single sample (C, *), to the same shape."""
        self._check_input_dim(input)
        axis = input.array.ndim - self.unbatched
        if input.array.shape[axis] != self.num_features:
            if self.affine:
                raise ArgumentError(
                    f"expected input's size at dim={axis} to match num_features ({self.num_features}), but got: "
                    f"{input.array.shape[axis]}."
                )
            warnings.warn(
                f"input's size at dim={axis} does not match num_features. You can silence this warning by not passing "
                f"in num_features, which is not used because affine=False",
                stacklevel=2,
            )
        return self._normalised(input) if axis else self._normalised(input.unsqueeze(0)).squeeze(0)

    def _normalised(self, input: Any) -> Any:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L)."""

    unbatched = 2


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of pictures (N, C, H, W) or (C, H, W)."""

    unbatched = 3


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes (N, C, D, H, W) or (C, D, H, W)."""

    unbatched = 4


class LazyInstanceNorm1d(_LazyNormBase, InstanceNorm1d):
    """:class:`InstanceNorm1d` that learns ``num_features`` from the first input."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNormBase, InstanceNorm2d):
    """:class:`InstanceNorm2d` that learns ``num_features`` from the first input."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNormBase, InstanceNorm3d):
    """:class:`InstanceNorm3d` that learns ``num_features`` from the first input."""

    cls_to_become = InstanceNorm3d
