"""Normalisation layers."""

from __future__ import annotations

from typing import Any

from handtorch import dtypes
from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import ones, tensor, zeros
from handtorch.nn import functional as F
from handtorch.nn import init
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter


class _BatchNorm(Module):
    """Normalises each channel over the batch, and remembers running statistics for evaluation.

    Args:
        num_features: C, the length of axis 1.
        eps: added to the variance.
        momentum: how much of each batch enters the running statistics; None for their plain average.
        affine: whether γ is learned, and β if ``bias``.
        track_running_stats: whether there are running statistics; else every batch uses its own.
    """

    _version = 2

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", Parameter(ones(num_features, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features, dtype=dtype)) if affine and bias else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", tensor(0, dtype=dtypes.int64) if tracked else None)

    def reset_running_stats(self) -> None:
        """Forget the batches seen."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Start anew."""
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def _check_input_dim(self, input: Any) -> None:
        raise NotImplementedError

    def forward(self, input: Any) -> Any:
        """x (N, C, *) to the same shape."""
        self._check_input_dim(input)
        if input.array.shape[1] != self.num_features:
            raise ShapeError(
                f"expected input with {self.num_features} channels (axis 1, num_features), "
                f"got shape {tuple(input.shape)}"
            )
        batch = self.training or self.running_mean is None
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.array += 1
            if self.momentum is None:
                momentum = 1 / int(self.num_batches_tracked.array)
        tracked = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            self.weight,
            self.bias,
            batch,
            momentum,
            self.eps,
        )

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L). (Ioffe and Szegedy 2015)"""

    def _check_input_dim(self, input: Any) -> None:
        if input.array.ndim not in (2, 3):
            raise ArgumentError(f"expected 2D or 3D input (got {input.array.ndim}D input)")


class LayerNorm(Module):
    """Normalisation over the last axes of each sample. (Ba, Kiros and Hinton 2016)

    Args:
        normalized_shape: the lengths of those axes.
        eps: added to the variance.
        elementwise_affine: whether γ is learned, and β if ``bias``.
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape = self.normalized_shape
        self.register_parameter("weight", Parameter(ones(*shape, dtype=dtype)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(zeros(*shape, dtype=dtype)) if elementwise_affine and bias else None)

    def reset_parameters(self) -> None:
        """Start anew."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Any) -> Any:
        """x (*, normalized_shape) to the same shape."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )
