"""VGG: only 3 x 3 convolutions, many of them (Simonyan and Zisserman 2015, Very deep convolutional networks)."""

from __future__ import annotations

from typing import Any

from handtorch import nn
from handtorch.models.blocks import refuse_weights

# Channels of the convolutions of each stage; between stages the largest of 2 x 2 places is taken. The names are those
# of the paper's Table 1; the number of a network counts its convolutions and its three linear maps.
STAGES: dict[str, list[list[int]]] = {
    "A": [[64], [128], [256] * 2, [512] * 2, [512] * 2],
    "B": [[64] * 2, [128] * 2, [256] * 2, [512] * 2, [512] * 2],
    "D": [[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3],
    "E": [[64] * 2, [128] * 2, [256] * 4, [512] * 4, [512] * 4],
}


class VGG(nn.Module):
    """Convolutions, averages over 7 x 7 windows, and three linear maps with dropout.

    Two 3 x 3 convolutions see as far as one of 5 x 5, with fewer weights and one more nonlinearity.

    Args:
        features: pictures (N, 3, H, W) to features (N, 512, h, w): the convolutions, as from :func:`convolutions`.
        num_classes: C, how many classes there are.
        init_weights: draw the weights as in He et al. 2015, instead of as the layers do by themselves.
        dropout: probability that a hidden value of the classifier is dropped in training.
    """

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            self._draw_weights()

    def _draw_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Any) -> Any:
        """Pictures (N, 3, H, W) of at least 32 x 32 to logits (N, C)."""
        return self.classifier(self.flatten(self.avgpool(self.features(x))))


def convolutions(stages: list[list[int]], batch_norm: bool) -> nn.Sequential:
    """The convolutions of all stages, each with a ReLU, and the maxima behind each stage."""
    layers: list[nn.Module] = []
    channels = 3
    for stage in stages:
        for width in stage:
            layers.append(nn.Conv2d(channels, width, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def _vgg(name: str, stages: str, weights: Any, options: dict[str, Any]) -> VGG:
    refuse_weights(name, weights, options)
    return VGG(convolutions(STAGES[stages], name.endswith("_bn")), **options)


def vgg11(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG with 11 layers (configuration A). ``kwargs``: the arguments of :class:`VGG`."""
    return _vgg("vgg11", "A", weights, kwargs)


def vgg11_bn(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
    """:func:`vgg11` with a batch normalisation behind each convolution."""
    return _vgg("vgg11_bn", "A", weights, kwargs)


def vgg13(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG with 13 layers (configuration B). ``kwargs``: the arguments of :class:`VGG`."""
    return _vgg("vgg13", "B", weights, kwargs)


def vgg13_bn(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
    """:func:`vgg13` with a batch normalisation behind each convolution."""
    return _vgg("vgg13_bn", "B", weights, kwargs)


def vgg16(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG with 16 layers (configuration D). ``kwargs``: the arguments of :class:`VGG`."""
    return _vgg("vgg16", "D", weights, kwargs)


def vgg16_bn(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
    """:func:`vgg16` with a batch normalisation behind each convolution."""
    return _vgg("vgg16_bn", "D", weights, kwargs)


def vgg19(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG with 19 layers (configuration E). ``kwargs``: the arguments of :class:`VGG`."""
    return _vgg("vgg19", "E", weights, kwargs)


def vgg19_bn(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> VGG:
    """:func:`vgg19` with a batch normalisation behind each convolution."""
    return _vgg("vgg19_bn", "E", weights, kwargs)
