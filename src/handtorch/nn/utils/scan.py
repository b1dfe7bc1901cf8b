"""A scanning MLP is a CNN: an MLP that slides over windows, and the convolution that gives the same numbers.

Let an MLP see a window x[c, i + k] of C channels and K places as one vector. Its first layer computes at place i

    h[o] = b[o] + Σ_{c, k} W[o, (c, k)] x[c, i + k],

which is what a convolution with the kernel w[o, c, k] = W[o, (c, k)] computes at place i: the same weights in another
shape. From then on every layer looks at what the layer before has made at place i alone, so it is a convolution whose
kernel is one place long. The windows overlap, and the convolution has no need to cut them out.

    >>> mlp = nn.Sequential(nn.Linear(40 * 15, 256), nn.ReLU(), nn.Linear(256, 71))
    >>> cnn = convolution_of(mlp, channels=40, window=15)
    >>> cnn(x)  # the same as scan(mlp, x, window=15), for x (N, 40, T): (N, 71, T - 14)
"""

from __future__ import annotations

import copy
import math
from typing import Any

from handtorch import nn
from handtorch.errors import ArgumentError, ShapeError
from handtorch.nn import activation
from handtorch.nn.axes import for_each_axis

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def scan(mlp: Any, x: Any, window: Any, stride: Any = 1) -> Any:
    """Apply an MLP to every window, one after the other: the definition of what :func:`convolution_of` does at once.

    Args:
        mlp: from (N, C · ∏ window), the elements of a window with the channel first, to (N, O).
        x: (N, C, *), with as many further axes as ``window`` has numbers.
        window: the lengths of a window, one number for one axis.
        stride: from window to window, one number or one for each axis.

    Returns:
        (N, O, *), the results side by side as the windows are.

    Raises:
        ShapeError: x has another number of axes, or is shorter than a window.
    """
    lengths = for_each_axis(window, 1)
    axes, steps = len(lengths), for_each_axis(stride, len(lengths))
    if x.ndim != axes + 2 or any(n < k for n, k in zip(x.shape[2:], lengths, strict=True)):
        raise ShapeError(f"expected x (N, C, *) with a window {lengths} in its last {axes} axes, got {tuple(x.shape)}")
    windows = x
    for axis, (k, s) in enumerate(zip(lengths, steps, strict=True)):
        windows = windows.unfold(axis + 2, k, s)
    places = tuple(windows.shape[2 : axes + 2])
    channels_last = (0, *range(2, axes + 2), 1, *range(axes + 2, 2 * axes + 2))
    rows = windows.permute(channels_last).reshape(len(x) * math.prod(places), -1)
    return mlp(rows).reshape(len(x), *places, -1).movedim(-1, 1)


def convolution_of(mlp: Any, channels: int, window: Any, stride: Any = 1) -> Any:
    """The convolutions that give for all windows of a signal what an MLP gives for one.

    Args:
        mlp: a ``Sequential`` of ``Linear`` layers, the first of which takes C · ∏ window numbers, and of layers that
            act on each number alone (ReLU, Dropout ...).
        channels: C.
        window: the lengths of a window, one number for one axis; up to three.
        stride: from window to window, one number or one for each axis.

    Returns:
        A ``Sequential`` with a copy of the weights, from (N, C, *) to (N, O, *).

    Raises:
        ArgumentError: the MLP has other layers, or its first one does not take such a window.
    """
    lengths = for_each_axis(window, 1)
    if not 1 <= len(lengths) <= 3:
        raise ArgumentError(f"expected a window over one, two or three axes, got {lengths}")
    kind, one = _CONVOLUTIONS[len(lengths) - 1], (1,) * len(lengths)
    layers: list[Any] = []
    size, steps, inputs = lengths, for_each_axis(stride, len(lengths)), channels
    for layer in mlp:
        if not isinstance(layer, nn.Linear):
            layers.append(_acting_alone(layer))
            continue
        seen = inputs * math.prod(size)
        if layer.in_features != seen:
            raise ArgumentError(
                f"expected a layer that takes {seen} numbers ({inputs} channels of {size}), got {layer}"
            )
        made = kind(inputs, layer.out_features, size, steps, bias=layer.bias is not None, dtype=layer.weight.dtype)
        layers.append(_with_weights_of(layer, made))
        size, steps, inputs = one, one, layer.out_features
    return nn.Sequential(*layers)


def mlp_of(convolution: Any) -> Any:
    """The MLP that gives for one window what convolutions give for all: :func:`convolution_of` backwards.

    Args:
        convolution: a ``Sequential`` of convolutions without padding, dilation and groups, all but the first of which
            have kernels one place long, and of layers that act on each number alone.

    Returns:
        A ``Sequential`` with a copy of the weights, from (N, C · ∏ window) to (N, O).

    Raises:
        ArgumentError: a layer looks at more than its own place, or is no such layer.
    """
    layers: list[Any] = []
    first = True
    for layer in convolution:
        if not isinstance(layer, _CONVOLUTIONS):
            layers.append(_acting_alone(layer))
            continue
        one = (1,) * len(layer.kernel_size)
        if any(layer.padding) or layer.groups != 1 or (first and layer.dilation != one):
            raise ArgumentError(f"expected a convolution without padding, dilation and groups, got {layer}")
        if not first and (layer.kernel_size != one or layer.stride != one):
            raise ArgumentError(f"expected a kernel of one place after the first convolution, got {layer}")
        inputs = layer.in_channels * math.prod(layer.kernel_size)
        made = nn.Linear(inputs, layer.out_channels, bias=layer.bias is not None, dtype=layer.weight.dtype)
        layers.append(_with_weights_of(layer, made))
        first = False
    return nn.Sequential(*layers)


def _with_weights_of(source: Any, target: Any) -> Any:
    """The target, holding the source's weights in its own shape."""
    state = {name: value.reshape(target.state_dict()[name].shape) for name, value in source.state_dict().items()}
    target.load_state_dict(state)
    return target


def _acting_alone(layer: Any) -> Any:
    """A copy of a layer that acts on each number alone.

    Raises:
        ArgumentError: it does not, or nobody knows.
    """
    known = type(layer).__module__ == activation.__name__ and not hasattr(layer, "dim")
    if not known and not isinstance(layer, (nn.Dropout, nn.Identity)):
        raise ArgumentError(f"expected Linear layers and layers that act on each number alone, got {layer}")
    return copy.deepcopy(layer)
