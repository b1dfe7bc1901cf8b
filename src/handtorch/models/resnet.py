"""ResNet: layers that learn what to add to their input (He, Zhang, Ren and Sun 2016, Deep residual learning)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from handtorch import nn
from handtorch.errors import ArgumentError
from handtorch.models.blocks import refuse_weights

NormLayer = Callable[[int], nn.Module]


class Residual(nn.Module):
    """y = ReLU(branch(x) + shortcut(x)), the shortcut being x itself wherever the shapes agree.

    A subclass gives ``branch`` and ``expansion``, how many times ``planes`` its result is wide.

    Args:
        inplanes: channels of x.
        planes: channels of the 3 x 3 convolutions.
        stride: of the branch, and of the shortcut then.
        downsample: the shortcut where the shapes differ; None for x itself.
        groups: in how many groups the channels of a 3 x 3 convolution are cut.
        base_width: channels of a group where ``planes`` is 64.
        dilation: of the 3 x 3 convolutions.
        norm_layer: makes a normalisation from a number of channels; None for batch normalisation.
    """

    expansion: ClassVar[int]

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: NormLayer | None = None,
    ) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self._build(inplanes, planes, stride, groups, base_width, dilation, norm_layer or nn.BatchNorm2d)
        self.downsample = downsample

    def _build(
        self, inplanes: int, planes: int, stride: int, groups: int, base_width: int, dilation: int, norm: NormLayer
    ) -> None:
        raise NotImplementedError

    def branch(self, x: Any) -> Any:
        """What is added to the input."""
        raise NotImplementedError

    def forward(self, x: Any) -> Any:
        """x (N, inplanes, H, W) to y (N, planes · expansion, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.branch(x) + shortcut)


class BasicBlock(Residual):
    """Two 3 x 3 convolutions: the branch of ResNet-18 and -34."""

    expansion = 1

    def _build(
        self, inplanes: int, planes: int, stride: int, groups: int, base_width: int, dilation: int, norm: NormLayer
    ) -> None:
        if groups != 1 or base_width != 64 or dilation != 1:
            raise ArgumentError(
                f"BasicBlock only supports groups=1, base_width=64 and dilation=1, got {groups}, {base_width} and "
                f"{dilation}; use Bottleneck"
            )
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm(planes)

    def branch(self, x: Any) -> Any:
        return self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))


class Bottleneck(Residual):
    """1 x 1 to fewer channels, 3 x 3 there, 1 x 1 back: the branch of ResNet-50 and deeper.

    The 3 x 3 convolution has the stride, not the first one as in the paper: so no place of x is skipped.
    """

    expansion = 4

    def _build(
        self, inplanes: int, planes: int, stride: int, groups: int, base_width: int, dilation: int, norm: NormLayer
    ) -> None:
        width = planes * base_width // 64 * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)

    def branch(self, x: Any) -> Any:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))


def conv3x3(inplanes: int, planes: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution; the normalisation behind it brings the bias."""
    return nn.Conv2d(inplanes, planes, 3, stride, dilation, dilation, groups, bias=False)


def conv1x1(inplanes: int, planes: int, stride: int = 1) -> nn.Conv2d:
    """A 1 x 1 convolution: the same linear map at every place."""
    return nn.Conv2d(inplanes, planes, 1, stride, bias=False)


class ResNet(nn.Module):
    """A stem, four stages of residual blocks, each half as high and wide as the one before, a mean and a linear map.

    Args:
        block: :class:`BasicBlock` or :class:`Bottleneck`.
        layers: how many blocks each of the four stages has.
        num_classes: C, how many classes there are.
        zero_init_residual: start with branches that add nothing (Goyal et al. 2017).
        groups, width_per_group: of the 3 x 3 convolutions of bottlenecks (ResNeXt, Xie et al. 2017).
        replace_stride_with_dilation: for each of the last three stages whether it keeps its size and looks further
            instead.
        norm_layer: makes a normalisation from a number of channels; None for batch normalisation.
        stem_stride: how many pixels one place of the first stage stands for. 4, as in the paper, is for pictures of
            about 224 x 224: a 7 x 7 convolution and 3 x 3 maxima. 2 suits 64 x 64 and 1 suits 32 x 32: a 3 x 3
            convolution with that stride, without maxima, as for CIFAR in the paper. Handtorch's own.

    Raises:
        ArgumentError: a setting that is none of these.
    """

    def __init__(
        self,
        block: type[Residual],
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: NormLayer | None = None,
        *,
        stem_stride: int = 4,
    ) -> None:
        super().__init__()
        dilated = [False, False, False] if replace_stride_with_dilation is None else replace_stride_with_dilation
        if len(dilated) != 3:
            raise ArgumentError(f"expected replace_stride_with_dilation to be None or 3 truth values, got {dilated}")
        if stem_stride not in (1, 2, 4):
            raise ArgumentError(f"expected stem_stride 1, 2 or 4, got {stem_stride}")
        self.norm_layer = norm_layer or nn.BatchNorm2d
        self.groups, self.base_width = groups, width_per_group
        self.inplanes, self.dilation = 64, 1
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False) if stem_stride == 4 else conv3x3(3, 64, stem_stride)
        self.bn1 = self.norm_layer(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if stem_stride == 4 else nn.Identity()
        self.layer1 = self._stage(block, 64, layers[0])
        self.layer2 = self._stage(block, 128, layers[1], 2, dilated[0])
        self.layer3 = self._stage(block, 256, layers[2], 2, dilated[1])
        self.layer4 = self._stage(block, 512, layers[3], 2, dilated[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        self._draw_weights(zero_init_residual)

    def _stage(
        self, block: type[Residual], planes: int, count: int, stride: int = 1, dilate: bool = False
    ) -> nn.Sequential:
        """So many blocks, of which the first changes the size and the number of channels."""
        before = self.dilation
        if dilate:
            self.dilation, stride = self.dilation * stride, 1
        width = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != width:
            downsample = nn.Sequential(conv1x1(self.inplanes, width, stride), self.norm_layer(width))
        common = (self.groups, self.base_width)
        blocks = [block(self.inplanes, planes, stride, downsample, *common, before, self.norm_layer)]
        self.inplanes = width
        for _ in range(1, count):
            blocks.append(block(width, planes, 1, None, *common, self.dilation, self.norm_layer))
        return nn.Sequential(*blocks)

    def _draw_weights(self, zero_init_residual: bool) -> None:
        """He et al. 2015: the variance of the gradients stays the same from layer to layer."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if zero_init_residual:
            for module in self.modules():
                last = module.bn3 if isinstance(module, Bottleneck) else getattr(module, "bn2", None)
                if last is not None and last.weight is not None:
                    nn.init.zeros_(last.weight)

    def forward(self, x: Any) -> Any:
        """Pictures (N, 3, H, W) to logits (N, C)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.flatten(self.avgpool(x)))


def _resnet(name: str, block: type[Residual], layers: Sequence[int], weights: Any, options: dict[str, Any]) -> ResNet:
    refuse_weights(name, weights, options)
    return ResNet(block, layers, **options)


def resnet18(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet with 18 layers. ``kwargs``: the arguments of :class:`ResNet` after ``layers``."""
    return _resnet("resnet18", BasicBlock, (2, 2, 2, 2), weights, kwargs)


def resnet34(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet with 34 layers. ``kwargs``: the arguments of :class:`ResNet` after ``layers``."""
    return _resnet("resnet34", BasicBlock, (3, 4, 6, 3), weights, kwargs)


def resnet50(*, weights: Any = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet with 50 layers. ``kwargs``: the arguments of :class:`ResNet` after ``layers``."""
    return _resnet("resnet50", Bottleneck, (3, 4, 6, 3), weights, kwargs)
