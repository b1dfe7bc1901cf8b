"""Handtorch: PyTorch's API on readable NumPy, with a fast twin behind what is hot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handtorch import ops as _ops  # attaches the methods of Tensor
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
from handtorch.ops.activation import erf, log_softmax, relu, sigmoid, softmax, tanh
from handtorch.ops.arithmetic import (
    abs,
    add,
    clamp,
    clone,
    cos,
    div,
    eq,
    exp,
    ge,
    gt,
    le,
    log,
    lt,
    maximum,
    minimum,
    mul,
    ne,
    neg,
    pow,
    sign,
    sin,
    sqrt,
    square,
    sub,
    where,
)
from handtorch.ops.indexing import gather
from handtorch.ops.linalg import bmm, matmul, mm
from handtorch.ops.reduction import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    mean,
    std,
    sum,
    var,
)
from handtorch.ops.sampling import bernoulli, multinomial, rand, rand_like, randint, randn, randn_like, randperm
from handtorch.ops.shape import (
    cat,
    chunk,
    flatten,
    permute,
    reshape,
    split,
    squeeze,
    stack,
    t,
    transpose,
    unbind,
    unsqueeze,
)
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


def is_tensor(obj: Any) -> Any:
    """Whether ``obj`` is a Tensor."""
    return isinstance(obj, Tensor)


def numel(input: Any) -> Any:
    """The number of elements."""
    return input.numel()


__getattr__, __dir__, _lazy = lazy_names(
    __name__,
    {"io.serialization": ["load", "save"], "printing": ["set_printoptions"]},
    submodules=["audio", "autograd", "io", "kernels", "nn", "optim", "random", "training", "utils"],
)
__all__ = sorted(
    {name for name in globals() if not name.startswith("_")} - {"annotations", "TYPE_CHECKING", "lazy_names"}
    | set(_lazy)
)
