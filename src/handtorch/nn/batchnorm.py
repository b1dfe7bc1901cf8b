"""Batch normalisation layers, and what they share with instance normalisation."""

from __future__ import annotations

from typing import Any

from handtorch import dtypes
from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import ones, tensor, zeros
from handtorch.nn import functional as F
from handtorch.nn import init
from handtorch.nn.lazy import LazyModuleMixin
from handtorch.nn.module import Module
from handtorch.nn.parameter import Parameter, UninitializedBuffer, UninitializedParameter


class _NormBase(Module):
    """A normalisation by channel: γ and β, and running statistics for evaluation.

    Args:
        num_features: C, the number of channels.
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

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *others: Any) -> None:
        """States of version 1 and before do not count the batches: the count stays, or starts at 0."""
        version = local_metadata.get("version")
        key = f"{prefix}num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            count = self.num_batches_tracked
            state_dict[key] = tensor(0, dtype=dtypes.int64) if count is None else count
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *others)

    def extra_repr(self) -> str:
        """The settings, as printed."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    """Normalises each channel over the batch, and remembers running statistics for evaluation."""

    def forward(self, input: Any) -> Any:
        """x (N, C, *) to the same shape."""
        self._check_input_dim(input)
        used = self.affine or self.running_mean is not None
        if used and input.array.shape[1] != self.num_features:
            raise ShapeError(
                f"expected input with {self.num_features} channels (axis 1, num_features), "
                f"got shape {tuple(input.shape)}"
            )
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
            self.training or self.running_mean is None,
            momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L). (Ioffe and Szegedy 2015)"""

    def _check_input_dim(self, input: Any) -> None:
        _need_axes(input, (2, 3))


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of pictures (N, C, H, W). (Ioffe and Szegedy 2015)"""

    def _check_input_dim(self, input: Any) -> None:
        _need_axes(input, (4,))


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes (N, C, D, H, W). (Ioffe and Szegedy 2015)"""

    def _check_input_dim(self, input: Any) -> None:
        _need_axes(input, (5,))


def _need_axes(input: Any, allowed: tuple[int, ...]) -> None:
    if input.array.ndim not in allowed:
        expected = " or ".join(f"{n}D" for n in allowed)
        raise ArgumentError(f"expected {expected} input (got {input.array.ndim}D input)")


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation of (N, C, *) with statistics over all processes: here, over the one process that there is.

    Args:
        process_group: kept for PyTorch's signature.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Any) -> None:
        if input.array.ndim < 2:
            raise ArgumentError(f"expected at least 2D input (got {input.array.ndim}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Any, process_group: Any = None) -> Any:
        """The module with every batch normalisation in it replaced by a ``SyncBatchNorm`` with the same state."""
        converted = module
        if isinstance(module, _BatchNorm):
            converted = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(converted, name, getattr(module, name))
            converted.training = module.training
        for name, child in module.named_children():
            converted.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return converted


class _LazyNormBase(LazyModuleMixin, _NormBase):
    """A normalisation that learns the number of its channels from the first input."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False)
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self.weight = UninitializedParameter(dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(dtype=dtype)
            self.running_var = UninitializedBuffer(dtype=dtype)
            self.num_batches_tracked = tensor(0, dtype=dtypes.int64)

    def reset_parameters(self) -> None:
        """Start anew, if the shapes are known."""
        if not self.has_uninitialized_params() and self.num_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Any) -> None:  # type: ignore[override]
        """Take the number of channels from axis 1."""
        self.num_features = input.shape[1]
        if not self.has_uninitialized_params():
            return
        for name in ("weight", "bias", "running_mean", "running_var"):
            vector = getattr(self, name)
            if vector is not None:
                vector.materialize((self.num_features,))
        self.reset_parameters()


class LazyBatchNorm1d(_LazyNormBase, BatchNorm1d):
    """:class:`BatchNorm1d` that learns ``num_features`` from the first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormBase, BatchNorm2d):
    """:class:`BatchNorm2d` that learns ``num_features`` from the first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormBase, BatchNorm3d):
    """:class:`BatchNorm3d` that learns ``num_features`` from the first input."""

    cls_to_become = BatchNorm3d
