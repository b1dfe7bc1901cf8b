"""MobileNetV2: convolutions a channel at a time, wide inside and narrow between the blocks (Sandler et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.models.blocks import ConvNormActivation, refuse_weights

# Table 2 of the paper: (expansion, channels, blocks, stride of the first block).
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """1 x 1 to more channels, 3 x 3 in each channel by itself, 1 x 1 back without activation; x is added if it fits.

    An activation that cuts off half of a narrow layer's values would lose what the layer knows, hence none at its end.

    Args:
        inp, oup: channels of x and of y.
        stride: 1 or 2, of the 3 x 3 convolution.
        expand_ratio: how many times wider than x it is inside.
        norm_layer: makes a normalisation from a number of channels; None for batch normalisation.

    Raises:
        ArgumentError: another stride.
    """

    def __init__(
        self, inp: int, oup: int, stride: int, expand_ratio: int, norm_layer: Callable[[int], nn.Module] | None = None
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ArgumentError(f"stride should be 1 or 2 instead of {stride}")
        norm = norm_layer or nn.BatchNorm2d
        hidden = round(inp * expand_ratio)
        layer = partial(ConvNormActivation, norm_layer=norm, activation_layer=nn.ReLU6)
        self.use_res_connect = stride == 1 and inp == oup
        self.conv = nn.Sequential(
            *([] if expand_ratio == 1 else [layer(inp, hidden, kernel_size=1)]),
            layer(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, oup, 1, bias=False),
            norm(oup),
        )

    def forward(self, x: Any) -> Any:
        """x (N, inp, H, W) to y (N, oup, H / stride, W / stride)."""
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """A convolution, 17 inverted residual blocks, a wide 1 x 1 convolution, a mean and a linear map.

    Args:
        num_classes: C, how many classes there are.
        width_mult: factor on all numbers of channels.
        inverted_residual_setting: for each stage (expansion, channels, blocks, stride); None for the paper's.
        round_nearest: numbers of channels are rounded to multiples of it.
        block: makes a block; None for :class:`InvertedResidual`.
        norm_layer: makes a normalisation from a number of channels; None for batch normalisation.
        dropout: probability that a feature is dropped in training before the linear map.

    Raises:
        ArgumentError: the stages are not given as four numbers each.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: Sequence[Sequence[int]] | None = None,
        round_nearest: int = 8,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[[int], nn.Module] | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        stages = STAGES if inverted_residual_setting is None else inverted_residual_setting
        if not stages or any(len(stage) != 4 for stage in stages):
            raise ArgumentError(f"inverted_residual_setting: expected (t, c, n, s) for each stage, got {stages}")
        block, norm = block or InvertedResidual, norm_layer or nn.BatchNorm2d
        layer = partial(ConvNormActivation, norm_layer=norm, activation_layer=nn.ReLU6)
        channels = rounded(32 * width_mult, round_nearest)
        self.last_channel = rounded(1280 * max(1.0, width_mult), round_nearest)
        features: list[nn.Module] = [layer(3, channels, stride=2)]
        for expansion, width, count, stride in stages:
            wide = rounded(width * width_mult, round_nearest)
            for i in range(count):
                features.append(block(channels, wide, 1 if i else stride, expand_ratio=expansion, norm_layer=norm))
                channels = wide
        features.append(layer(channels, self.last_channel, kernel_size=1))
        self.features = nn.Sequential(*features)
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.last_channel, num_classes))
        self._draw_weights()

    def _draw_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Any) -> Any:
        """Pictures (N, 3, H, W) to logits (N, C)."""
        return self.classifier(self.flatten(self.pool(self.features(x))))


def rounded(channels: float, nearest: int) -> int:
    """The nearest multiple, but not less than 9/10 of the number: rounding shall not cost capacity."""
    multiple = max(nearest, int(channels + nearest / 2) // nearest * nearest)
    return multiple if multiple >= 0.9 * channels else multiple + nearest


def mobilenet_v2(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> MobileNetV2:
    """MobileNetV2 of the paper's size. ``kwargs``: the arguments of :class:`MobileNetV2`."""
    refuse_weights("mobilenet_v2", weights, kwargs)
    return MobileNetV2(**kwargs)
