"""ConvNeXt: a ResNet with what made transformers good at pictures (Liu et al. 2022, A ConvNet for the 2020s)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.models.blocks import ConvNormActivation, LayerNorm2d, Permute, StochasticDepth, refuse_weights


@dataclass
class CNBlockConfig:
    """A stage.

    Attributes:
        input_channels: channels of its blocks.
        out_channels: channels after the 2 x 2 convolution behind them, that halves the size; None for none.
        num_layers: how many blocks it has.
    """

    input_channels: int
    out_channels: int | None
    num_layers: int


class CNBlock(nn.Module):
    """y = x + λ f(x): 7 x 7 in each channel by itself, then at each place an MLP over the channels.

    λ has an entry for each channel and starts near 0, so that a deep network begins as the identity (LayerScale,
    Touvron et al. 2021). The channels stand last for the MLP, because then it is one matrix product.

    Args:
        dim: C, channels of x.
        layer_scale: what λ starts with.
        stochastic_depth_prob: probability that the block adds nothing to a sample, in training.
        norm_layer: makes a normalisation of the last axis; None for layer normalisation.
    """

    def __init__(
        self,
        dim: int,
        layer_scale: float,
        stochastic_depth_prob: float,
        norm_layer: Callable[[int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, 7, padding=3, groups=dim),
            Permute([0, 2, 3, 1]),
            norm(dim),
            nn.Linear(dim, 4 * dim),
            nn.GELU(),
            nn.Linear(4 * dim, dim),
            Permute([0, 3, 1, 2]),
        )
        self.layer_scale = nn.Parameter(handtorch.full((dim, 1, 1), layer_scale))
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Any) -> Any:
        """x (N, C, H, W) to y of the same shape."""
        return input + self.stochastic_depth(self.layer_scale * self.block(input))


class ConvNeXt(nn.Module):
    """The picture in patches, stages of blocks with convolutions between that halve the size, a mean, a linear map.

    Args:
        block_setting: the stages, a :class:`CNBlockConfig` each.
        stochastic_depth_prob: probability that the last block adds nothing; it grows from 0 at the first one.
        layer_scale: what every block's λ starts with.
        num_classes: C, how many classes there are.
        block: makes a block; None for :class:`CNBlock`.
        norm_layer: makes a normalisation of the channels (N, C, H, W); None for :class:`LayerNorm2d`.
        patch_size: side of a patch, in pixels. 4, as in the paper, is for pictures of about 224 x 224; 2 suits
            64 x 64 and smaller. Handtorch's own.

    Raises:
        ArgumentError: no stage, or one that is no :class:`CNBlockConfig`.
    """

    def __init__(
        self,
        block_setting: Sequence[CNBlockConfig],
        stochastic_depth_prob: float = 0.0,
        layer_scale: float = 1e-6,
        num_classes: int = 1000,
        block: Callable[[int, float, float], nn.Module] | None = None,
        norm_layer: Callable[[int], nn.Module] | None = None,
        *,
        patch_size: int = 4,
    ) -> None:
        super().__init__()
        if not block_setting or not all(isinstance(stage, CNBlockConfig) for stage in block_setting):
            raise ArgumentError(f"block_setting: expected at least one CNBlockConfig, got {block_setting!r}")
        block, norm = block or CNBlock, norm_layer or partial(LayerNorm2d, eps=1e-6)
        first, last = block_setting[0], block_setting[-1]
        stem = partial(ConvNormActivation, 3, first.input_channels, patch_size, patch_size, 0)
        layers: list[nn.Module] = [stem(norm_layer=norm, activation_layer=None, bias=True)]
        depth = sum(stage.num_layers for stage in block_setting)
        number = 0
        for stage in block_setting:
            blocks = []
            for _ in range(stage.num_layers):
                left_out = stochastic_depth_prob * number / max(depth - 1, 1)
                blocks.append(block(stage.input_channels, layer_scale, left_out))
                number += 1
            layers.append(nn.Sequential(*blocks))
            if stage.out_channels is not None:
                halving = nn.Conv2d(stage.input_channels, stage.out_channels, 2, 2)
                layers.append(nn.Sequential(norm(stage.input_channels), halving))
        width = last.input_channels if last.out_channels is None else last.out_channels
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(norm(width), nn.Flatten(1), nn.Linear(width, num_classes))
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, x: Any) -> Any:
        """Pictures (N, 3, H, W) to logits (N, C)."""
        return self.classifier(self.avgpool(self.features(x)))


def stages(widths: Sequence[int], depths: Sequence[int]) -> list[CNBlockConfig]:
    """Stages of these widths with so many blocks each."""
    following: list[int | None] = [*widths[1:], None]
    return [CNBlockConfig(*setting) for setting in zip(widths, following, depths, strict=True)]


def _convnext(
    name: str, widths: Sequence[int], depths: Sequence[int], depth_prob: float, weights: Any, options: dict[str, Any]
) -> ConvNeXt:
    refuse_weights(name, weights, options)
    return ConvNeXt(stages(widths, depths), **{"stochastic_depth_prob": depth_prob, **options})


def convnext_atto(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ConvNeXt:
    """The smallest ConvNeXt, 3.4 million parameters without the classifier: with ``patch_size=2`` for 64 x 64 pictures.

    The size is that of Woo et al. 2023, Table 9; torchvision has none so small. ``kwargs``: the arguments of
    :class:`ConvNeXt` after ``block_setting``.
    """
    return _convnext("convnext_atto", (40, 80, 160, 320), (2, 2, 6, 2), 0.0, weights, kwargs)


def convnext_tiny(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ConvNeXt:
    """ConvNeXt-T. ``kwargs``: the arguments of :class:`ConvNeXt` after ``block_setting``."""
    return _convnext("convnext_tiny", (96, 192, 384, 768), (3, 3, 9, 3), 0.1, weights, kwargs)


def convnext_small(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ConvNeXt:
    """ConvNeXt-S. ``kwargs``: the arguments of :class:`ConvNeXt` after ``block_setting``."""
    return _convnext("convnext_small", (96, 192, 384, 768), (3, 3, 27, 3), 0.4, weights, kwargs)


def convnext_base(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ConvNeXt:
    """ConvNeXt-B. ``kwargs``: the arguments of :class:`ConvNeXt` after ``block_setting``."""
    return _convnext("convnext_base", (128, 256, 512, 1024), (3, 3, 27, 3), 0.5, weights, kwargs)
