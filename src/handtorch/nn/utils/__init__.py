"""Tools around modules: clipping, parameters as one vector, normalised weights, parametrizations, pruning, packing."""

from handtorch.nn.utils import parametrizations, parametrize, prune, rnn, scan, stateless
from handtorch.nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from handtorch.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from handtorch.nn.utils.init import skip_init
from handtorch.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from handtorch.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "prune",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "scan",
    "stateless",
    "vector_to_parameters",
    "weight_norm",
]
