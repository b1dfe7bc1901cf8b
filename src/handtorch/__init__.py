"""Handtorch: PyTorch's API on readable NumPy, with a fast twin behind what is hot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handtorch.autograd import gradcheck as _gradcheck  # the function, before its module takes the name
from handtorch.autograd.mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from handtorch.dtypes import bool as bool
from handtorch.dtypes import (
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    set_default_dtype,
    short,
    uint8,
)
from handtorch.dtypes import float as float
from handtorch.dtypes import int as int
from handtorch.factories import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from handtorch.kernels.threads import get_num_threads, set_num_threads
from handtorch.lazy import lazy_names
from handtorch.ops import activation as _activation
from handtorch.ops import arithmetic as _arithmetic
from handtorch.ops import indexing as _indexing
from handtorch.ops import linalg as _linalg
from handtorch.ops import reduction as _reduction
from handtorch.ops import sampling as _sampling
from handtorch.ops import shape as _shape
from handtorch.ops.activation import *  # noqa: F403
from handtorch.ops.arithmetic import *  # noqa: F403
from handtorch.ops.indexing import *  # noqa: F403
from handtorch.ops.linalg import *  # noqa: F403
from handtorch.ops.reduction import *  # noqa: F403
from handtorch.ops.sampling import *  # noqa: F403
from handtorch.ops.shape import *  # noqa: F403
from handtorch.random import (
    Generator,
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from handtorch.tensor import Size, Tensor, device
from handtorch.version import __version__

if TYPE_CHECKING:
    from handtorch.io.serialization import load, save
    from handtorch.printing import set_printoptions


def is_tensor(obj: Any) -> Any:
    """Whether ``obj`` is a Tensor."""
    return isinstance(obj, Tensor)


def numel(input: Any) -> Any:
    """The number of elements."""
    return input.numel()


__getattr__, __dir__, _ = lazy_names(
    __name__,
    {"io.serialization": ["load", "save"], "printing": ["set_printoptions"]},
    submodules=["audio", "autograd", "io", "kernels", "models", "nn", "optim", "random", "training", "utils"],
)

__all__ = [
    "Generator",
    "Size",
    "Tensor",
    "__version__",
    "arange",
    "as_tensor",
    "bool",
    "cdouble",
    "cfloat",
    "complex64",
    "complex128",
    "default_generator",
    "device",
    "double",
    "dtype",
    "empty",
    "empty_like",
    "enable_grad",
    "eye",
    "float",
    "float16",
    "float32",
    "float64",
    "fork_rng",
    "from_numpy",
    "full",
    "full_like",
    "get_default_dtype",
    "get_num_threads",
    "get_rng_state",
    "half",
    "inference_mode",
    "initial_seed",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "is_tensor",
    "linspace",
    "load",
    "long",
    "manual_seed",
    "no_grad",
    "numel",
    "ones",
    "ones_like",
    "promote_types",
    "save",
    "seed",
    "set_default_dtype",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "short",
    "tensor",
    "uint8",
    "zeros",
    "zeros_like",
]
__all__ += _activation.__all__
__all__ += _arithmetic.__all__
__all__ += _indexing.__all__
__all__ += _linalg.__all__
__all__ += _reduction.__all__
__all__ += _sampling.__all__
__all__ += _shape.__all__
