"""Spectral normalisation: a weight divided by its largest singular value, recomputed before every forward."""

from __future__ import annotations

from typing import Any

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError, RangeError
from handtorch.nn import functional as F
from handtorch.nn.parameter import Parameter, is_lazy
from handtorch.nn.utils.weight_norm import remove_hook

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]


def as_matrix(weight: Any, dim: int) -> Any:
    """The weight with a row for each output (axis ``dim``)."""
    if dim != 0:
        weight = weight.permute(dim, *(d for d in range(weight.dim()) if d != dim))
    return weight.reshape(weight.shape[0], -1)


def random_direction(weight: Any, length: int, eps: float) -> Any:
    """A random vector of length 1, of the weight's type."""
    return F.normalize(weight.new_empty(length).normal_(0, 1), dim=0, eps=eps)


def output_axis(module: Any) -> int:
    """The axis of a module's weight that counts its outputs: 1 for a transposed convolution, else 0."""
    return 1 if getattr(module, "transposed", False) else 0


class SpectralNorm:
    """The hook that computes the weight: W / σ with σ = uᵀ W v, where u and v come closer to the singular vectors.

    Args:
        name: of the weight.
        n_power_iterations: steps of u and v for every forward in training.
        dim: the axis that counts the outputs.
        eps: keeps divisors away from 0.
    """

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ArgumentError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Any:
        """W / σ; the buffers u and v are moved on first, if asked for."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(matrix.t() @ u, dim=0, eps=self.eps))
                    u.copy_(F.normalize(matrix @ v, dim=0, eps=self.eps))
        u, v = u.clone(), v.clone()  # the graph keeps these; the buffers move on
        return weight / (u * (matrix @ v)).sum()

    def remove(self, module: Any) -> None:
        """Make the weight a parameter again, with the value that it has now."""
        with no_grad():
            weight = self.compute_weight(module, False)
        for suffix in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + suffix)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Divide a weight by its largest singular value. (Miyato et al. 2018)

    The parameter ``weight`` gives way to ``weight_orig``, with buffers ``weight_u`` and ``weight_v``; a hook computes
    ``weight`` before every forward, after a step of the power iteration in training.

    Args:
        module: whose weight it is.
        name: of the weight.
        n_power_iterations: steps for every forward in training.
        eps: keeps divisors away from 0.
        dim: the axis that counts the outputs; by default 0, for transposed convolutions 1.

    Returns:
        the module.

    Raises:
        RangeError: the weight is normalised already.
        ArgumentError: there is no weight, or it has no shape yet.
    """
    if any(isinstance(hook, SpectralNorm) and hook.name == name for hook in module._forward_pre_hooks.values()):
        raise RangeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, output_axis(module) if dim is None else dim, eps)
    weight = module._parameters[name]
    if weight is None or is_lazy(weight):
        raise ArgumentError(
            f"`SpectralNorm` cannot be applied as parameter `{name}` is None"
            if weight is None
            else "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to run the dummy "
            "forward before applying spectral normalization"
        )
    with no_grad():
        u, v = (random_direction(weight, length, eps) for length in as_matrix(weight, hook.dim).shape)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Undo :func:`spectral_norm`: the weight is a parameter again.

    Raises:
        ArgumentError: the weight is not normalised.
    """
    return remove_hook(module, SpectralNorm, name)
