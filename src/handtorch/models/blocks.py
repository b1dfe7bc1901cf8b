"""Pieces that several networks for pictures are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError


class ConvNormActivation(nn.Sequential):
    """A convolution that keeps the picture's size where its stride is 1, then a normalisation and an activation.

    Args:
        in_channels, out_channels, kernel_size, stride, groups: of the convolution (N, C, H, W).
        padding: zeros around the picture; None for half the kernel.
        norm_layer: makes the normalisation from the number of channels.
        activation_layer: makes the activation; None for none.
        bias: whether the convolution has one; a batch normalisation behind it brings its own.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        norm_layer: Callable[[int], nn.Module] = nn.BatchNorm2d,
        activation_layer: Callable[[], nn.Module] | None = nn.ReLU,
        bias: bool = False,
    ) -> None:
        around = (kernel_size - 1) // 2 if padding is None else padding
        layers = [
            nn.Conv2d(in_channels, out_channels, kernel_size, stride, around, groups=groups, bias=bias),
            norm_layer(out_channels),
        ]
        super().__init__(*layers, *([] if activation_layer is None else [activation_layer()]))


class Permute(nn.Module):
    """The axes in another order: (N, C, H, W) to (N, H, W, C) with ``[0, 2, 3, 1]``."""

    def __init__(self, dims: list[int]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Any) -> Any:
        """x with its axes in the order ``dims``."""
        return x.permute(self.dims)


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation of the channels at each place of a picture (N, C, H, W)."""

    def forward(self, input: Any) -> Any:
        """x (N, C, H, W) to y of the same shape."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class StochasticDepth(nn.Module):
    """Leave out what a residual branch adds, for a random part of the batch: y = x m / (1 - p), m 0 with probability p.

    The expected result is that of the whole network, and gradients reach the first layers through fewer others.
    (Huang et al. 2016, Deep networks with stochastic depth)

    Args:
        p: the probability with which a branch is left out, in training.
        mode: ``"row"`` draws for each sample of the batch, ``"batch"`` once for all.

    Raises:
        ArgumentError: p is no probability, or another mode.
    """

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"drop probability has to be between 0 and 1, but got {p}")
        if mode not in ("row", "batch"):
            raise ArgumentError(f"mode has to be either 'batch' or 'row', but got {mode!r}")
        self.p, self.mode = p, mode

    def forward(self, x: Any) -> Any:
        """x (N, *) to y of the same shape."""
        if not self.training or self.p == 0:
            return x
        kept = 1 - self.p
        drawn = handtorch.empty((len(x) if self.mode == "row" else 1, *(1,) * (x.ndim - 1)), dtype=x.dtype)
        drawn.bernoulli_(kept)
        return x * (drawn / kept if kept else drawn)

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.p}, mode={self.mode}"


def refuse_weights(name: str, weights: Any, options: dict[str, Any]) -> None:
    """Raise where trained weights are asked for by name: nothing is downloaded here.

    Raises:
        ArgumentError: ``weights`` is not None, or ``options`` has the older way to say so, ``pretrained=True``.
    """
    weights = weights or options.pop("pretrained", False) or None
    if weights is not None:
        raise ArgumentError(
            f"{name}: expected weights=None, got {weights!r}; nothing is downloaded. Download the checkpoint that "
            f"torchvision publishes, and load it with model.load_state_dict(handtorch.load('{name}.pth'))"
        )
