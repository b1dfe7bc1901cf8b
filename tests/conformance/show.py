"""How arguments and results are shown to a person."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import handtorch

_FEW = 40  # elements of an argument that are still printed whole


def call(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> str:
    """A call as one would write it: ``add(float32 (2, 3), 2.0, alpha=0.5)``."""
    parts = [argument(value) for value in args]
    parts += [f"{key}={argument(value)}" for key, value in options.items()]
    return f"{name}({', '.join(parts)})"


def argument(value: Any) -> str:
    """An argument: its shape and type, and its values when they are few."""
    if isinstance(value, torch.Tensor):
        return _tensor(value)
    if isinstance(value, (list, tuple)):
        inside = ", ".join(argument(item) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {argument(item)}" for key, item in value.items()) + "}"
    if isinstance(value, torch.nn.Module):
        return type(value).__name__
    return repr(value)


def _tensor(value: torch.Tensor) -> str:
    text = f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if value.layout == torch.strided and not value.is_contiguous():
        text += f" strides {value.stride()}"
    if value.layout == torch.strided and value.numel() <= _FEW:
        text += f" {value.detach().resolve_conj().tolist()}"
    return f"<{text}{' requires_grad' if value.requires_grad else ''}>"


def result(value: Any) -> str:
    """A result of either framework in the same form, long arrays shortened in the middle."""
    if isinstance(value, torch.Tensor):
        array = value.numpy(force=True) if value.layout == torch.strided else value
    elif isinstance(value, handtorch.Tensor):
        array = value.array
    elif isinstance(value, (tuple, list)):
        return f"{type(value).__name__} of {len(value)}\n" + "\n".join(result(item) for item in value)
    elif isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    else:
        return repr(value)
    with np.printoptions(threshold=200, precision=8, linewidth=110):
        return f"{array.dtype} {tuple(array.shape)}\n{array}"
