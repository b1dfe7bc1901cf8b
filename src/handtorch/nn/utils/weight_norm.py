"""Weight normalisation: w = g v / |v|, recomputed before every forward."""

from __future__ import annotations

import warnings
from typing import Any

from handtorch.errors import ArgumentError, RangeError
from handtorch.nn.parameter import Parameter, is_lazy
from handtorch.ops.norms import norm_except_dim

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]


def weight_of(v: Any, g: Any, dim: int) -> Any:
    """v scaled to the lengths g: w = g v / |v|. (Salimans and Kingma 2016, equation 2)"""
    return v * (g / norm_except_dim(v, 2, dim))


class WeightNorm:
    """The hook that computes the weight.

    Args:
        name: of the weight.
        dim: the axis whose slices have lengths of their own; -1 for one length.
    """

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, -1 if dim is None else dim

    def compute_weight(self, module: Any) -> Any:
        """w = g v / |v| of the module's g and v."""
        return weight_of(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)

    def remove(self, module: Any) -> None:
        """Make the weight a parameter again, with the value that it has now."""
        weight = self.compute_weight(module)
        for name in (self.name, f"{self.name}_g", f"{self.name}_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Learn the length and the direction of a weight apart: w = g v / |v|. (Salimans and Kingma 2016)

    The parameter ``weight`` gives way to ``weight_g`` and ``weight_v``; a hook computes ``weight`` before every call.

    Args:
        module: whose weight it is.
        name: of the weight.
        dim: the axis whose slices have lengths of their own; None for one length.

    Returns:
        the module.

    Raises:
        RangeError: the weight is normalised already.
        ArgumentError: the weight has no shape yet.
    """
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    if any(isinstance(hook, WeightNorm) and hook.name == name for hook in module._forward_pre_hooks.values()):
        raise RangeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ArgumentError(
            "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the dummy forward "
            "before applying weight normalization"
        )
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight, 2, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Undo :func:`weight_norm`: the weight is a parameter again.

    Raises:
        ArgumentError: the weight is not normalised.
    """
    return remove_hook(module, WeightNorm, name)


def remove_hook(module: Any, kind: type, name: str) -> Any:
    """Take the hook of this kind for this weight away, after it has put the weight back."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:  # type: ignore[attr-defined]
            hook.remove(module)  # type: ignore[attr-defined]
            del module._forward_pre_hooks[key]
            return module
    raise ArgumentError(f"{kind.__name__} of '{name}' not found in {module}")
