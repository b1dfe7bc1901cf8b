"""Weight and spectral normalisation as parametrizations, beside :func:`orthogonal`."""

from __future__ import annotations

from typing import Any

from handtorch.autograd.mode import no_grad
from handtorch.errors import ArgumentError, DimensionError
from handtorch.nn import functional as F
from handtorch.nn.module import Module
from handtorch.nn.utils.orthogonal import orthogonal
from handtorch.nn.utils.parametrize import register_parametrization
from handtorch.nn.utils.spectral_norm import as_matrix, output_axis, random_direction
from handtorch.nn.utils.weight_norm import weight_of
from handtorch.ops.norms import norm_except_dim
from handtorch.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

_FIRST_STEPS = 15  # of the power iteration, as in PyTorch


class _WeightNorm(Module):
    """w = g v / |v|."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        """The weight of these lengths and directions."""
        return weight_of(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """The lengths of a weight, and itself for the directions."""
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Learn the length and the direction of a weight apart: w = g v / |v|. (Salimans and Kingma 2016)

    g is ``module.parametrizations.weight.original0`` and v ``original1``. States that were saved with
    :func:`handtorch.nn.utils.weight_norm` can be loaded.

    Args:
        module: whose weight it is.
        name: of the weight.
        dim: the axis whose slices have lengths of their own; None for one length.

    Returns:
        the module.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def take_older_names(state_dict: Any, prefix: str, *_: Any) -> None:
        if f"{prefix}{name}_g" in state_dict and f"{prefix}{name}_v" in state_dict:
            for i, part in enumerate("gv"):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(f"{prefix}{name}_{part}")

    module._register_load_state_dict_pre_hook(take_older_names)
    return module


class _SpectralNorm(Module):
    """W / σ with σ = uᵀ W v, where u and v come closer to the singular vectors each time in training."""

    def __init__(self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise DimensionError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, {weight.ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ArgumentError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps = dim % weight.ndim, eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            u, v = (random_direction(matrix, length, eps) for length in matrix.shape)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            self._step(matrix, _FIRST_STEPS)

    def _step(self, matrix: Any, times: int) -> None:
        with no_grad():
            for _ in range(times):
                self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=self.eps))
                self._v.copy_(F.normalize(matrix.t() @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Any) -> Any:
        """W / σ; a vector is scaled to length 1."""
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._step(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the graph keeps these; the buffers move on
        return weight / (u * (matrix @ v)).sum()

    def right_inverse(self, value: Any) -> Any:
        """The value itself: dividing it again changes nothing, up to rounding."""
        return value


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Divide a weight by its largest singular value, which a power iteration estimates. (Miyato et al. 2018)

    Args:
        module: whose weight it is.
        name: of the weight.
        n_power_iterations: steps each time the weight is read in training.
        eps: keeps divisors away from 0.
        dim: the axis that counts the outputs; by default 0, for transposed convolutions 1.

    Returns:
        the module.

    Raises:
        ArgumentError: there is no such tensor.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ArgumentError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    axis = output_axis(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, axis, eps))
