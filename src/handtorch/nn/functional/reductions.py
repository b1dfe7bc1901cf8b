"""What losses share: what becomes of their terms (mean, sum, nothing), and checks of what they are given."""

from __future__ import annotations

import warnings
from typing import Any

from handtorch.errors import ArgumentError, BatchError, DtypeError

_REDUCTIONS = ("none", "mean", "sum")
_CALLER = 3  # the frame of whoever called the loss, for warnings


def reduction_of(reduction: str, size_average: Any = None, reduce: Any = None, extra: tuple[str, ...] = ()) -> str:
    """The reduction's name, also from PyTorch's old pair of flags, which win where they are given.

    Args:
        extra: names that this loss takes beside the usual three.

    Raises:
        ArgumentError: another name.
    """
    if size_average is not None or reduce is not None:
        name = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.",
            UserWarning,
            stacklevel=_CALLER,
        )
        return name
    if reduction in _REDUCTIONS or reduction in extra:
        return reduction
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated; write reduction='mean'", UserWarning, stacklevel=_CALLER
        )
        return "mean"
    raise ArgumentError(f"{reduction} is not a valid value for reduction; expected one of {(*_REDUCTIONS, *extra)}")


def reduced(losses: Any, reduction: str) -> Any:
    """The mean or the sum of losses, or all of them."""
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


def warn_if_broadcast(input: Any, target: Any) -> None:
    """Warn where input and target have different shapes: what broadcasting makes of them is rarely what is meant."""
    if input.array.shape != target.array.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}): they are "
            f"broadcast against each other, which is rarely meant; give both one shape",
            UserWarning,
            stacklevel=_CALLER,
        )


def need_one_shape(name: str, input: Any, target: Any, argument: str = "target") -> None:
    """Raise unless another argument has the shape of the input.

    Raises:
        BatchError: it has not.
    """
    if input.array.shape != target.array.shape:
        raise BatchError(
            f"{name}: expected {argument} of the input's shape {tuple(input.shape)}, got {tuple(target.shape)}"
        )


def need_real(name: str, **arguments: Any) -> None:
    """Raise unless every one of these arguments is floating point and real.

    Raises:
        DtypeError: one is not; the message says which.
    """
    for argument, tensor in arguments.items():
        if tensor.array.dtype.kind != "f":
            raise DtypeError(
                f"{name}: expected {argument} to be floating point, got {tensor.dtype}; "
                f"convert it with {argument}.float()"
            )


def need_same_dtype(name: str, input: Any, **arguments: Any) -> None:
    """Raise unless every one of these arguments has the element type of the input.

    Raises:
        DtypeError: one has not; the message says which.
    """
    for argument, tensor in arguments.items():
        if tensor is not None and tensor.array.dtype != input.array.dtype:
            raise DtypeError(
                f"{name}: expected {argument} in the input's element type {input.dtype}, got {tensor.dtype}; "
                f"convert it with {argument}.to(input.dtype)"
            )


def need_classes(name: str, target: Any) -> None:
    """Raise unless a target holds class numbers.

    Raises:
        DtypeError: its element type is neither int64 nor uint8.
    """
    if target.array.dtype.char not in "lqB":
        raise DtypeError(
            f"{name}: expected target dtype to be Long or Byte (the number of a class), got {target.dtype}; "
            f"convert it with target.long()"
        )
