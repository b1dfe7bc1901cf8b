"""What is drawn for each family: mostly calls that PyTorch takes, some that it refuses."""

from __future__ import annotations

import math
from typing import Any

import torch

from tests.conformance.fuzz.attention import attention, heads, transformer_layer
from tests.conformance.fuzz.draw import FLOATS, Call, Dice

F = "nn.functional."


def _spatial(dice: Dice, axes: int | None = None, low: int = 1) -> tuple[int, tuple[int, ...]]:
    axes = dice.one_of(1, 2, 2, 3) if axes is None else axes
    lengths = dice.lengths(axes, low)
    return axes, (*lengths[:-1], 0) if dice.chance(0.02) else lengths


def _picture(dice: Dice, axes: int | None = None, **options: Any) -> tuple[int, torch.Tensor]:
    """How many axes, and a signal, picture or volume with channels and perhaps a batch."""
    axes, lengths = _spatial(dice, axes)
    return axes, dice.tensor(*dice.batch(), dice.one_of(1, 2, 3, 4, 6), *lengths, **options)


# -- convolutions -----------------------------------------------------------------------------------------------------


def _channels(dice: Dice) -> tuple[int, int, int]:
    """Channels before and after, and groups; often depthwise, sometimes many."""
    if dice.chance(0.15):
        return dice.one_of((16, 16, 1), (24, 32, 1), (32, 32, 32), (16, 32, 16), (16, 16, 4))
    groups = dice.one_of(1, 1, 2, 3)
    each = dice.one_of(1, 1, 2, 3)
    return groups * each, groups * dice.one_of(1, 1, 2, 3), groups


def _kernel(dice: Dice, axes: int) -> tuple[int, ...]:
    if dice.chance(0.2):
        return (3,) * axes
    return tuple(dice.one_of(1, 2, 3, 3, 4, 5, 7) if axes < 3 else dice.one_of(1, 2, 3) for _ in range(axes))


def convolution(dice: Dice) -> Call:
    """conv1d, conv2d, conv3d."""
    dice.any_type()
    axes, lengths = _spatial(dice)
    before, after, groups = _channels(dice)
    x = dice.tensor(*dice.batch(), before, *lengths)
    other = dice.one_of(*FLOATS) if dice.chance(0.02) else dice.dtype
    w = dice.tensor(after, before // groups + dice.chance(0.02), *_kernel(dice, axes), dtype=other)
    b = dice.tensor(after + dice.chance(0.02)) if dice.chance(0.6) else None
    options = dice.some(
        stride=lambda: dice.per_axis(axes, 1 - dice.chance(0.03), 3),
        padding=lambda: (
            dice.one_of("same", "valid") if dice.chance(0.3) else dice.per_axis(axes, -dice.chance(0.03), 4)
        ),
        dilation=lambda: dice.per_axis(axes, 1 - dice.chance(0.03), 3),
    )
    if groups > 1 or dice.chance(0.02):
        options["groups"] = groups + dice.chance(0.03)
    return Call(f"{F}conv{axes}d", (x, w, b), options)


def transposed_convolution(dice: Dice) -> Call:
    """conv_transpose1d, conv_transpose2d, conv_transpose3d."""
    dice.any_type()
    axes, lengths = _spatial(dice)
    before, after, groups = _channels(dice)
    x = dice.tensor(*dice.batch(), before, *lengths)
    kernel = _kernel(dice, axes)
    w = dice.tensor(before + dice.chance(0.02), after // groups, *kernel)
    b = dice.tensor(after) if dice.chance(0.6) else None
    options = dice.some(
        stride=lambda: dice.per_axis(axes, 1, 3),
        padding=lambda: dice.per_axis(axes, -dice.chance(0.03), 3 if min(lengths) > 7 else (min(kernel) - 1) // 2),
        output_padding=lambda: dice.per_axis(axes, 0, 1 + dice.chance(0.2)) if x.numel() else 0,
        dilation=lambda: dice.per_axis(axes, 1, 3),
    )
    return Call(f"{F}conv_transpose{axes}d", (x, w, b), {**options, "groups": groups})


def convolution_layer(dice: Dice) -> Call:
    """Conv, ConvTranspose, and both lazily."""
    axes, lengths = _spatial(dice)
    before, after, groups = _channels(dice)
    batch = dice.batch() if 0 not in lengths else (2,)
    x, kernel = dice.tensor(*batch, before, *lengths), _kernel(dice, axes)
    lazy, turned = dice.chance(0.4), dice.chance(0.4)
    options = dice.some(
        stride=lambda: dice.per_axis(axes, 1, 3),
        padding=lambda: (
            dice.one_of("same", "valid")
            if not turned and dice.chance(0.2)
            else dice.whole(0, (min(kernel) - 1) // 2 if turned else 3)
        ),
        dilation=lambda: dice.per_axis(axes, 1, 2),
        bias=lambda: dice.chance(0.5),
        padding_mode=lambda: "zeros" if turned else dice.one_of("zeros", "reflect", "replicate", "circular", "odd"),
    )
    if turned and x.numel() and dice.chance(0.3):
        options["output_padding"] = dice.per_axis(axes, 0, 1)
    name = f"nn.{'Lazy' if lazy else ''}Conv{'Transpose' if turned else ''}{axes}d"
    made = (*(() if lazy else (before,)), after, kernel)
    call: dict[str, Any] = {}
    if turned and dice.chance(0.3):
        call["output_size"] = [2 * n + dice.whole(-1, 2) for n in lengths]
        options["stride"] = 2
    return Call(name, (x,), call, (made, {**options, "groups": groups}))


def folding(dice: Dice) -> Call:
    """unfold and fold."""
    dice.any_type(half=0.1)
    _, lengths = _spatial(dice, 2, low=3)
    kernel = tuple(dice.whole(1, 3) for _ in lengths)
    options = dice.some(
        dilation=lambda: dice.per_axis(2, 1 - dice.chance(0.03), 2),
        padding=lambda: dice.per_axis(2, -dice.chance(0.03), 2),
        stride=lambda: dice.per_axis(2, 1, 3),
    )
    given = dice.one_of(kernel, kernel[0])
    if dice.chance(0.5):
        return Call(F + "unfold", (dice.tensor(*dice.batch(), dice.whole(1, 3), *lengths), given), options)
    try:
        columns = torch.nn.functional.unfold(torch.zeros(1, 1, *lengths), given, **options).shape
    except Exception:
        columns = torch.Size((1, math.prod(kernel), 4))
    x = dice.tensor(*dice.batch(), columns[1] * dice.whole(1, 3), columns[2] + dice.chance(0.03))
    return Call(F + "fold", (x, lengths, given), options)


# -- pooling ----------------------------------------------------------------------------------------------------------


def _ints(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _windows(dice: Dice, axes: int) -> tuple[Any, dict[str, Any]]:
    kernel = dice.per_axis(axes, 1 - dice.chance(0.02), 4)
    least = min(kernel) if isinstance(kernel, (tuple, list)) else kernel
    options = dice.some(
        stride=lambda: dice.per_axis(axes, 1 - dice.chance(0.02), 4),
        padding=lambda: dice.per_axis(axes, -dice.chance(0.03), least // 2 + dice.chance(0.05)),
        ceil_mode=lambda: dice.chance(0.7),
    )
    return kernel, options


def max_pooling(dice: Dice) -> Call:
    """max_pool, as a function and as a layer."""
    dice.any_type(whole=0.2, half=0.1)
    axes, x = _picture(dice)
    kernel, options = _windows(dice, axes)
    options |= dice.some(dilation=lambda: dice.per_axis(axes, 1, 3), return_indices=lambda: dice.chance(0.7))
    if "dilation" in options and min(x.shape[-axes:]) < 4:
        options["padding"] = 0  # else PyTorch may find -Inf in windows that lie in the padding alone
    if dice.chance(0.3):
        return Call(f"nn.MaxPool{axes}d", (x,), {}, ((kernel,), options))
    return Call(f"{F}max_pool{axes}d", (x, kernel), options)


def mean_pooling(dice: Dice) -> Call:
    """avg_pool, as a function and as a layer."""
    dice.any_type(whole=0.1, half=0.1)
    axes, x = _picture(dice)
    kernel, options = _windows(dice, axes)
    options |= dice.some(count_include_pad=lambda: dice.chance(0.5))
    if axes > 1 and dice.chance(0.3):
        options["divisor_override"] = dice.one_of(None, 1, 3, -2, 0)
    if dice.chance(0.3):
        return Call(f"nn.AvgPool{axes}d", (x,), {}, ((kernel,), options))
    return Call(f"{F}avg_pool{axes}d", (x, kernel), options)


def adaptive_pooling(dice: Dice) -> Call:
    """Adaptive mean and maximum."""
    dice.any_type(whole=0.1, complex_=0.0, half=0.1)
    axes, x = _picture(dice)
    size: Any = dice.per_axis(axes, 0 if dice.chance(0.05) else 1, 9)
    if isinstance(size, tuple) and axes > 1 and dice.chance(0.3):
        size = (None, *size[1:])
    name = dice.one_of("avg", "max")
    options = dice.some(return_indices=lambda: dice.chance(0.7)) if name == "max" else {}
    if dice.chance(0.3):
        return Call(f"nn.Adaptive{name.title()}Pool{axes}d", (x,), {}, ((size,), options))
    return Call(f"{F}adaptive_{name}_pool{axes}d", (x, size), options)


def norm_pooling(dice: Dice) -> Call:
    """lp_pool."""
    dice.any_type(half=0.1)
    axes, x = _picture(dice)
    kernel, options = _windows(dice, axes)
    options.pop("padding", None)
    if (isinstance(kernel, (tuple, list)) and len(kernel) == 1) or axes == 1:
        kernel = 3  # PyTorch multiplies by it
    return Call(f"{F}lp_pool{axes}d", (x, dice.one_of(1, 2, 4, float("inf")), kernel), options)


def fractional_pooling(dice: Dice) -> Call:
    """fractional_max_pool."""
    axes, x = _picture(dice, dice.one_of(2, 3))
    if dice.chance(0.5):
        wanted: dict[str, Any] = {"output_size": dice.whole(0, 4) if dice.chance(0.5) else (3, 2, 1)[:axes]}
    else:
        wanted = {"output_ratio": dice.one_of((0.5,) * axes, (0.4, 0.7, 0.6)[:axes])}
    options = dice.some(return_indices=lambda: True)
    kernel = dice.one_of(1, 2, 3, (2, 3, 1)[:axes])
    return Call(f"{F}fractional_max_pool{axes}d", (x, kernel), {**wanted, **options})


def unpooling(dice: Dice) -> Call:
    """max_unpool, of what max_pool found, and of any places."""
    axes, lengths = dice.one_of((1, (9,)), (2, (5, 7)), (3, (4, 6, 5)))
    x = dice.tensor(*dice.batch(), dice.whole(1, 3), *lengths, grad=0)
    kernel, options = _windows(dice, axes)
    options.pop("ceil_mode", None)
    for name, value in {"kernel_size": kernel, **options}.items():
        if isinstance(value, (tuple, list)) and len(value) < axes:  # PyTorch takes them for those of one axis
            kernel, options[name] = (value[0], value[0]) if name == "kernel_size" else (kernel, value[0])
    options.pop("kernel_size", None)
    if 0 in (*_ints(kernel), *_ints(options.get("stride", 1))):  # PyTorch looks only at those of three axes
        kernel, options = 2, {}
    try:
        pool = getattr(torch.nn.functional, f"max_pool{axes}d")
        y, places = pool(x.double(), kernel, **options, return_indices=True)
    except Exception:
        y, places = x, torch.zeros(x.shape, dtype=torch.int64)
    if dice.chance(0.1) and places.numel():
        places = places + dice.whole(-1, 1)
    y = dice.tensor(*y.shape)
    if dice.chance(0.4):
        options["output_size"] = [*x.shape[-axes:]] if dice.chance(0.7) else [*x.shape]
    if dice.chance(0.3):
        made = {name: options.pop(name) for name in ("stride", "padding") if name in options}
        return Call(f"nn.MaxUnpool{axes}d", (y, places), options, ((kernel,), made))
    return Call(f"{F}max_unpool{axes}d", (y, places, kernel), options)


# -- resampling -------------------------------------------------------------------------------------------------------

MODES = ("nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic", "trilinear", "lanczos")


def _target(lengths: tuple[int, ...], size: Any = None, scale_factor: Any = None, **_: Any) -> list[int]:
    """The lengths after interpolation."""
    given = size if scale_factor is None else scale_factor
    values = [*given] if isinstance(given, (tuple, list)) else [given]
    values *= len(lengths) // len(values)
    return [m if scale_factor is None else int(n * m) for n, m in zip(lengths, values, strict=True)]


def interpolation(dice: Dice) -> Call:
    """interpolate and Upsample."""
    dice.any_type(whole=0.1, complex_=0.0, half=0.05)
    axes, lengths = _spatial(dice)
    x = dice.tensor(*(dice.batch() or (1,)), dice.whole(1, 4), *lengths)
    fitting = {1: ("linear",), 2: ("bilinear", "bicubic", "bilinear", "bicubic", "lanczos"), 3: ("trilinear",)}[axes]
    options: dict[str, Any] = {"mode": dice.one_of(*MODES[:3], *fitting)}
    if dice.chance(0.02):
        options["mode"] = dice.one_of(*MODES)
    if dice.chance(0.5):
        options["size"] = dice.one_of(dice.whole(1 - dice.chance(0.03), 14), [dice.whole(1, 14) for _ in lengths])
    else:
        factors = tuple(dice.one_of(0.3, 0.5, 0.71, 1.0, 1.4, 2, 2.6, 3.0) for _ in range(axes))
        options["scale_factor"] = dice.one_of(factors, [*factors], factors[0])
        options |= dice.some(recompute_scale_factor=lambda: dice.one_of(True, False, None))
    if dice.chance(0.5) and (options["mode"] not in MODES[:3] or dice.chance(0.05)):
        options["align_corners"] = dice.one_of(True, False, None)
    target = _target(lengths, **options)
    if options["mode"].startswith("nearest") and any(m in (n, 2 * n) for n, m in zip(lengths, target, strict=True)):
        options.pop("scale_factor", None)  # PyTorch's gradient would be that of the factors 1 and 2
        options["size"] = target
        options.pop("recompute_scale_factor", None)
    wide = 1 not in target  # where one is 1, PyTorch takes the picture for one with the channels last
    if options["mode"] == "lanczos" and not wide:
        options["mode"] = "bicubic"
    if options["mode"] == "lanczos" or (
        wide and axes == 2 and options["mode"] in ("bilinear", "bicubic") and dice.chance(0.4)
    ):
        options["antialias"] = True
    if dice.chance(0.2) and not options.get("antialias"):
        return Call("nn.Upsample", (x,), {}, ((), options))
    return Call(F + "interpolate", (x,), options)


def shuffling(dice: Dice) -> Call:
    """pixel_shuffle, pixel_unshuffle, channel_shuffle."""
    dice.any_type(whole=0.2)
    r = dice.whole(1, 3) - dice.chance(0.03)
    h, w = dice.whole(1, 4), dice.whole(1, 4)
    name = dice.one_of("pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
    channels = dice.whole(1, 3) * (1 if name == "pixel_unshuffle" else r * r) + dice.chance(0.05)
    if name == "pixel_unshuffle":
        h, w = h * r, w * r + dice.chance(0.05)
    batch = (dice.batch() or (2,)) + (() if name == "channel_shuffle" else dice.one_of((), (), (2,)))
    if name == "pixel_unshuffle" and 0 in batch:  # PyTorch returns what is empty as it is
        batch = ()
    return Call(F + name, (dice.tensor(*batch, channels, h, w), r))


def grid_sampling(dice: Dice) -> Call:
    """grid_sample."""
    dice.any_type(half=0.0)
    axes, lengths = _spatial(dice, dice.one_of(2, 2, 3))
    n = dice.one_of(1, 2, 3)
    if dice.chance(0.05) and dice.dtype in FLOATS:  # PyTorch checks no types where there is nothing to do
        n = 0
    x = dice.tensor(n, dice.whole(0 if dice.chance(0.05) else 1, 3), *lengths)
    other = dice.one_of(*FLOATS) if dice.chance(0.02) else dice.dtype
    grid = dice.tensor(
        n + dice.chance(0.02), *dice.lengths(axes), axes, spread=dice.one_of(0.5, 1.5, 30.0), dtype=other, ties=0.0
    )
    modes = ("bilinear", "nearest", "bicubic") if axes == 2 or dice.chance(0.05) else ("bilinear", "nearest")
    options = dice.some(
        mode=lambda: dice.one_of(*modes),
        padding_mode=lambda: dice.one_of("zeros", "border", "reflection", "other" if dice.chance(0.1) else "zeros"),
        align_corners=lambda: dice.one_of(True, False, None),
    )
    return Call(F + "grid_sample", (x, grid), options)


def affine_grids(dice: Dice) -> Call:
    """affine_grid."""
    dice.any_type()
    axes = dice.one_of(2, 3)
    n = dice.one_of(0, 1, 2)
    size = [
        n + dice.chance(0.03),
        dice.whole(1, 3),
        *(dice.whole(0 if dice.chance(0.05) else 1, 6) for _ in range(axes)),
    ]
    theta = dice.tensor(n, axes, axes + 1 + dice.chance(0.03))
    return Call(F + "affine_grid", (theta, size), dice.some(align_corners=lambda: dice.one_of(True, False)))


def padding(dice: Dice) -> Call:
    """pad of every mode, and the layers."""
    dice.any_type(whole=0.15, half=0.1)
    axes, x = _picture(dice)
    mode = dice.one_of("constant", "reflect", "replicate", "circular", "constant", "reflect", "replicate", "circular")
    count = axes if mode != "constant" or dice.chance(0.5) else dice.whole(0, x.ndim)
    if dice.chance(0.03):
        count = dice.whole(0, 4)
    low = -2 if dice.chance(0.3) else 0
    widths = [dice.whole(low, dice.one_of(1, 2, 3)) for _ in range(2 * count + dice.chance(0.03))]
    value = dice.one_of(None, 0, 1, 2.5) if mode == "constant" or dice.chance(0.05) else None
    if mode == "circular" or (axes > 1 and mode != "constant" and min(widths, default=0) < 0):
        # PyTorch may read what was never written; and of two or three axes it lets one end up empty
        widths = [abs(width) for width in widths]
    if dice.chance(0.3):
        kind = {"constant": "Constant", "reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}[
            mode
        ]
        made = (tuple(widths) if dice.chance(0.7) else dice.whole(0, 3), *((1.5,) if mode == "constant" else ()))
        return Call(f"nn.{kind}Pad{axes}d", (x,), {}, (made, {}))
    return Call(F + "pad", (x, dice.one_of(tuple, list)(widths), mode, value))


# -- normalisation and dropout ----------------------------------------------------------------------------------------


def _vectors(dice: Dice, channels: int, p: float) -> tuple[Any, Any]:
    """Weight and bias, one after the other in memory: PyTorch reads them so wherever they stand."""
    made = [dice.tensor(channels + dice.chance(0.01)) if dice.chance(p) else None for _ in range(2)]
    return tuple(v if v is None else _dense(v) for v in made)


def _dense(x: torch.Tensor) -> torch.Tensor:
    return x.detach().contiguous().requires_grad_(x.requires_grad)


def _running(dice: Dice, channels: int, p: float) -> tuple[Any, Any]:
    if not dice.chance(p):
        return None, None
    return tuple(torch.linspace(first, 2, channels).to(dice.dtype) for first in (-1, 0.5))


def normalising(dice: Dice) -> Call:
    """batch_norm, instance_norm, group_norm, local_response_norm."""
    dice.any_type(half=0.05)
    name = dice.one_of("batch_norm", "batch_norm", "instance_norm", "group_norm", "local_response_norm")
    axes = dice.one_of(0, 1, 2, 3) if name in ("batch_norm", "group_norm") else dice.one_of(1, 2, 3)
    lengths = dice.lengths(axes) if axes else ()
    channels = dice.one_of(1, 2, 3, 4, 6)
    x = dice.tensor(0 if name == "batch_norm" and dice.chance(0.05) else dice.whole(1, 4), channels, *lengths)
    if name == "local_response_norm":
        options = dice.some(alpha=lambda: 0.3, beta=lambda: dice.one_of(0.5, 1.0, 2), k=lambda: 2.0)
        return Call(F + name, (x, dice.whole(1 - dice.chance(0.05), 5)), options)
    weight, bias = _vectors(dice, channels, 0.6)
    options = {"weight": weight, "bias": bias, **dice.some(eps=lambda: 1e-3)}
    if name == "group_norm":
        if 1 in x.shape:  # PyTorch may take them for the channels, last in memory, and read beyond its memory
            x = _dense(x)
        return Call(F + name, (x, dice.one_of(1, 2, 3, channels)), options)
    training = dice.chance(0.6)
    running = _running(dice, channels, 0.5 if training else 0.95)
    options |= dice.some(momentum=lambda: dice.one_of(0.0, 0.3, 1.0))
    options["training" if name == "batch_norm" else "use_input_stats"] = training
    return Call(F + name, (x, *running), options)


def normalising_layer(dice: Dice) -> Call:
    """BatchNorm, InstanceNorm, and both lazily; GroupNorm, LocalResponseNorm."""
    axes = dice.one_of(1, 2, 3)
    name = dice.one_of("BatchNorm", "InstanceNorm", "LazyBatchNorm", "LazyInstanceNorm", "GroupNorm")
    channels = dice.one_of(1, 2, 3, 4, 6)
    batch = dice.batch() if "Instance" in name else (dice.one_of(1, 2, 3),)
    lengths = () if axes == 1 and "Batch" in name and dice.chance(0.4) else dice.lengths(axes)
    x = dice.tensor(*batch, channels, *lengths)
    options = dice.some(eps=lambda: 1e-3, affine=lambda: dice.chance(0.5))
    if name == "GroupNorm":
        return Call("nn.GroupNorm", (x,), {}, ((dice.one_of(1, 2, 3), channels), options))
    options |= dice.some(momentum=lambda: dice.one_of(None, 0.3), track_running_stats=lambda: dice.chance(0.5))
    if "Instance" in name and batch == (0,):  # PyTorch looks for a first sample
        options["affine"] = False
    made = () if name.startswith("Lazy") else (channels + (batch != (1,) and dice.chance(0.03)),)
    # not (False, True): PyTorch's backward pass of the first call would use the statistics that the second one moved
    modes = dice.one_of((True,), (False,), (True, True, False))
    return Call(f"nn.{name}{axes}d", (x,), {}, (made, options), modes)


def dropping(dice: Dice) -> Call:
    """dropout of elements and of channels."""
    dice.any_type(whole=0.0, complex_=0.0, half=0.1)
    axes, x = _picture(dice)
    name = dice.one_of("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
    if name[-1] == "d":
        name = f"dropout{axes}d" if dice.chance(0.9) else name
    p = dice.one_of(0.0, 0.2, 0.5, 0.9, 1.0, -0.1 if dice.chance(0.1) else 0.3)
    return Call(F + name, (x,), {"p": p, **dice.some(training=lambda: dice.chance(0.8))})


def dropping_in_place(dice: Dice) -> Call:
    """Dropout that writes to its input."""
    call = dropping(dice)
    x = call.args[0].detach().clone(memory_format=torch.contiguous_format)
    return Call(call.name, (x,), {**call.options, "inplace": True})


FAMILIES = {
    family.__name__: family
    for family in (
        convolution,
        transposed_convolution,
        convolution_layer,
        folding,
        max_pooling,
        mean_pooling,
        adaptive_pooling,
        norm_pooling,
        fractional_pooling,
        unpooling,
        interpolation,
        shuffling,
        grid_sampling,
        affine_grids,
        padding,
        normalising,
        normalising_layer,
        dropping,
        dropping_in_place,
        attention,
        heads,
        transformer_layer,
    )
}
