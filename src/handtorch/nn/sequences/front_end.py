"""Convolutions between features and a recurrent network: they see a neighbourhood, and may join frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import as_tensor
from handtorch.nn.activation import GELU
from handtorch.nn.containers import ModuleList
from handtorch.nn.conv import Conv1d, Conv2d
from handtorch.nn.module import Module
from handtorch.nn.sequences.locked_dropout import LockedDropout
from handtorch.nn.sequences.norm import SequenceNorm
from handtorch.nn.sequences.padding import as_lengths, zero_padding
from handtorch.tensor import Tensor


class _FrontEnd(Module):
    """Convolution, normalisation and activation in turn, with zeros after the ends of the sequences in between."""

    convolution: ClassVar[Callable[..., Module]]

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int],
        kernel_size: int,
        strides: list[Any],
        batch_norm: bool,
        activation: Callable[[], Module],
        dropout: float,
    ) -> None:
        super().__init__()
        if not channels:
            raise ArgumentError("expected the channels of at least one convolution, got none")
        if kernel_size % 2 == 0:
            raise ArgumentError(f"expected an odd kernel_size, which has a middle, got {kernel_size}")
        self.input_size = input_size
        self.time_stride = math.prod(stride if isinstance(stride, int) else stride[0] for stride in strides)
        """Input frames from one output frame to the next."""
        widths = [self._first_channels(input_size), *channels]
        self.convolutions = ModuleList(
            type(self).convolution(before, after, kernel_size, stride, kernel_size // 2, bias=not batch_norm)
            for before, after, stride in zip(widths, channels, strides, strict=False)
        )
        self.norms = ModuleList(SequenceNorm(width) for width in channels) if batch_norm else None
        self.activation = activation()
        self.dropout = LockedDropout(dropout)

    def _first_channels(self, input_size: int) -> int:
        raise NotImplementedError

    def output_lengths(self, lengths: Any) -> Any:
        """(N) how many frames come out of sequences of ``lengths`` (N) frames: one for each stride begun."""
        ends = as_tensor(lengths).array
        return Tensor.of(-(-ends // self.time_stride))

    def forward(self, x: Any, lengths: Any) -> tuple[Any, Any]:
        """x (N, T, F) and lengths (N) to y (N, T', output_size), 0 after the ends, and their lengths (N)."""
        if len(x.shape) != 3 or x.shape[2] != self.input_size:
            raise ShapeError(f"expected x (N, T, {self.input_size}), got {tuple(x.shape)}; axis 2 is input_size")
        ends = as_lengths(lengths, *x.shape[:2])
        y = self._to_channels(zero_padding(x, ends))
        for number, convolution in enumerate(self.convolutions):
            y = convolution(y)
            stride = convolution.stride[0]  # type: ignore[index]
            ends = -(-ends // stride)
            y = y if self.norms is None else self.norms[number](y, ends)
            y = zero_padding(self.activation(y), ends, time_axis=2)
        return self.dropout(y.transpose(1, 2).flatten(2)), Tensor.of(ends)

    def _to_channels(self, x: Any) -> Any:
        raise NotImplementedError


class ConvFrontEnd(_FrontEnd):
    """Convolutions over time: each frame with its neighbours, all features at once.

    A layer is convolution (zeros before the beginning and after the end), batch normalisation over the frames that are
    there, activation. The padding of the batch is set to zero before each layer, so a sequence gets the results that it
    gets alone, and has ``ceil(length / stride)`` frames after each layer. Dropout follows the last.

    Before a recurrent network, which takes the result packed::

        front = ConvFrontEnd(40, channels=(256, 256), stride=(1, 2))
        lstm = nn.LSTM(front.output_size, 256, bidirectional=True)
        y, lengths = front(x, lengths)
        output, _ = lstm(pack_padded_sequence(y, lengths, batch_first=True, enforce_sorted=False))

    Args:
        input_size: F, features of a frame.
        channels: features after each layer.
        kernel_size: frames that each layer sees at once, an odd number.
        stride: frames from one result to the next, one number for each layer or one for all.
        batch_norm: whether there is normalisation; without, convolutions have a bias.
        activation: makes the activation, the same after every layer.
        dropout: the probability of :class:`~handtorch.nn.sequences.LockedDropout` at the end.

    Attributes:
        output_size: features of a frame that comes out, the last of ``channels``.
        time_stride: input frames from one output frame to the next.

    Raises:
        ArgumentError: no channels, an even kernel, or not one stride for each layer.
    """

    convolution = Conv1d

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (256, 256),
        kernel_size: int = 5,
        stride: int | Sequence[int] = 1,
        *,
        batch_norm: bool = True,
        activation: Callable[[], Module] = GELU,
        dropout: float = 0.0,
    ) -> None:
        strides = _for_each_layer("stride", stride, len(channels))
        super().__init__(input_size, channels, kernel_size, strides, batch_norm, activation, dropout)
        self.output_size = channels[-1]

    def _first_channels(self, input_size: int) -> int:
        return input_size

    def _to_channels(self, x: Any) -> Any:
        return x.transpose(1, 2)


class ConvFrontEnd2d(_FrontEnd):
    """Convolutions over time and frequency: the same pattern is found at any height, as with another voice.

    As :class:`ConvFrontEnd`, but the features of a frame are neighbours too, such as mel bands (Amodei et al. 2016).

    Args:
        input_size: F, bands of a frame.
        channels: of each layer; the first layer has one channel in.
        kernel_size: frames, and bands, that each layer sees at once, an odd number.
        stride: frames from one result to the next, one number for each layer or one for all.
        frequency_stride: the same for bands.
        batch_norm: whether there is normalisation; without, convolutions have a bias.
        activation: makes the activation, the same after every layer.
        dropout: the probability of :class:`~handtorch.nn.sequences.LockedDropout` at the end.

    Attributes:
        output_size: features of a frame that comes out: the last of ``channels`` times the bands that are left.
        time_stride: input frames from one output frame to the next.

    Raises:
        ArgumentError: no channels, an even kernel, or not one stride for each layer.
    """

    convolution = Conv2d

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (32, 32),
        kernel_size: int = 3,
        stride: int | Sequence[int] = 1,
        frequency_stride: int | Sequence[int] = 2,
        *,
        batch_norm: bool = True,
        activation: Callable[[], Module] = GELU,
        dropout: float = 0.0,
    ) -> None:
        in_frequency = _for_each_layer("frequency_stride", frequency_stride, len(channels))
        strides = list(zip(_for_each_layer("stride", stride, len(channels)), in_frequency, strict=True))
        super().__init__(input_size, channels, kernel_size, strides, batch_norm, activation, dropout)
        bands = input_size
        for step in in_frequency:
            bands = -(-bands // step)
        self.output_size = channels[-1] * bands

    def _first_channels(self, input_size: int) -> int:
        return 1

    def _to_channels(self, x: Any) -> Any:
        return x.unsqueeze(1)


def _for_each_layer(name: str, value: int | Sequence[int], layers: int) -> list[int]:
    values = [value] * layers if isinstance(value, int) else list(value)
    if len(values) != layers or any(each < 1 for each in values):
        raise ArgumentError(f"expected {name} of at least 1 for each of {layers} layers, got {value}")
    return values
