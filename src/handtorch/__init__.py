"""Handtorch: PyTorch's API on readable NumPy, with a fast twin behind what is hot."""

from __future__ import annotations

from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

from handtorch import in_place as _in_place
from handtorch.autograd import gradcheck as _gradcheck  # the function, before its module takes the name
from handtorch.autograd.mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from handtorch.dtypes import (
    bfloat16,
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
from handtorch.dtypes import bool as bool
from handtorch.dtypes import float as float
from handtorch.dtypes import int as int
from handtorch.factories import (
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    empty_permuted,
    empty_strided,
    eye,
    from_dlpack,
    from_numpy,
    frombuffer,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    to_dlpack,
    zeros,
    zeros_like,
)
from handtorch.factories import inclusive_range as range
from handtorch.in_place import *  # noqa: F403
from handtorch.kernels.threads import get_num_threads, set_num_threads
from handtorch.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    sparse_coo,
    strided,
)
from handtorch.lazy import lazy_names
from handtorch.ops import activation as _activation
from handtorch.ops import added_products as _added_products
from handtorch.ops import arithmetic as _arithmetic
from handtorch.ops import axes as _axes
from handtorch.ops import bessel as _bessel
from handtorch.ops import bitwise as _bitwise
from handtorch.ops import chains as _chains
from handtorch.ops import choice as _choice
from handtorch.ops import comparison as _comparison
from handtorch.ops import complex as _complex
from handtorch.ops import conversion as _conversion
from handtorch.ops import convolving as _convolving
from handtorch.ops import copies as _copies
from handtorch.ops import ctc as _ctc
from handtorch.ops import cumulative as _cumulative
from handtorch.ops import diagonals as _diagonals
from handtorch.ops import differences as _differences
from handtorch.ops import distance as _distance
from handtorch.ops import einsum as _einsum
from handtorch.ops import embedding as _embedding
from handtorch.ops import error_function as _error_function
from handtorch.ops import exponential as _exponential
from handtorch.ops import extremes as _extremes
from handtorch.ops import gamma as _gamma
from handtorch.ops import gathering as _gathering
from handtorch.ops import grids as _grids
from handtorch.ops import histogram as _histogram
from handtorch.ops import indexing as _indexing
from handtorch.ops import joining as _joining
from handtorch.ops import linalg as _linalg
from handtorch.ops import masking as _masking
from handtorch.ops import matrix_functions as _matrix_functions
from handtorch.ops import normalizing as _normalizing
from handtorch.ops import norms as _norms
from handtorch.ops import older_linalg as _older_linalg
from handtorch.ops import padding as _padding
from handtorch.ops import pathwise as _pathwise
from handtorch.ops import piecewise as _piecewise
from handtorch.ops import pooling as _pooling
from handtorch.ops import products as _products
from handtorch.ops import queries as _queries
from handtorch.ops import random as _random
from handtorch.ops import rearranging as _rearranging
from handtorch.ops import recurrent_layers as _recurrent_layers
from handtorch.ops import reduction as _reduction
from handtorch.ops import rounding as _rounding
from handtorch.ops import sampling as _sampling
from handtorch.ops import scattering as _scattering
from handtorch.ops import shape as _shape
from handtorch.ops import shuffling as _shuffling
from handtorch.ops import sign as _sign
from handtorch.ops import softmax as _softmax
from handtorch.ops import sorting as _sorting
from handtorch.ops import splitting as _splitting
from handtorch.ops import statistics as _statistics
from handtorch.ops import stft as _stft
from handtorch.ops import striding as _striding
from handtorch.ops import trigonometry as _trigonometry
from handtorch.ops.activation import *  # noqa: F403
from handtorch.ops.added_products import *  # noqa: F403
from handtorch.ops.arithmetic import *  # noqa: F403
from handtorch.ops.axes import *  # noqa: F403
from handtorch.ops.bessel import *  # noqa: F403
from handtorch.ops.bitwise import *  # noqa: F403
from handtorch.ops.chains import *  # noqa: F403
from handtorch.ops.choice import *  # noqa: F403
from handtorch.ops.comparison import *  # noqa: F403
from handtorch.ops.complex import *  # noqa: F403
from handtorch.ops.conversion import *  # noqa: F403
from handtorch.ops.convolving import *  # noqa: F403
from handtorch.ops.copies import *  # noqa: F403
from handtorch.ops.ctc import *  # noqa: F403
from handtorch.ops.cumulative import *  # noqa: F403
from handtorch.ops.diagonals import *  # noqa: F403
from handtorch.ops.differences import *  # noqa: F403
from handtorch.ops.distance import *  # noqa: F403
from handtorch.ops.einsum import *  # noqa: F403
from handtorch.ops.embedding import *  # noqa: F403
from handtorch.ops.error_function import *  # noqa: F403
from handtorch.ops.exponential import *  # noqa: F403
from handtorch.ops.extremes import *  # noqa: F403
from handtorch.ops.gamma import *  # noqa: F403
from handtorch.ops.gathering import *  # noqa: F403
from handtorch.ops.grids import *  # noqa: F403
from handtorch.ops.histogram import *  # noqa: F403
from handtorch.ops.indexing import *  # noqa: F403
from handtorch.ops.joining import *  # noqa: F403
from handtorch.ops.linalg import *  # noqa: F403
from handtorch.ops.masking import *  # noqa: F403
from handtorch.ops.matrix_functions import *  # noqa: F403
from handtorch.ops.normalizing import *  # noqa: F403
from handtorch.ops.norms import *  # noqa: F403
from handtorch.ops.older_linalg import *  # noqa: F403
from handtorch.ops.padding import *  # noqa: F403
from handtorch.ops.pathwise import *  # noqa: F403
from handtorch.ops.piecewise import *  # noqa: F403
from handtorch.ops.pooling import *  # noqa: F403
from handtorch.ops.products import *  # noqa: F403
from handtorch.ops.queries import *  # noqa: F403
from handtorch.ops.random import *  # noqa: F403
from handtorch.ops.rearranging import *  # noqa: F403
from handtorch.ops.recurrent_layers import *  # noqa: F403
from handtorch.ops.reduction import *  # noqa: F403
from handtorch.ops.rounding import *  # noqa: F403
from handtorch.ops.sampling import *  # noqa: F403
from handtorch.ops.scattering import *  # noqa: F403
from handtorch.ops.shape import *  # noqa: F403
from handtorch.ops.shuffling import *  # noqa: F403
from handtorch.ops.sign import *  # noqa: F403
from handtorch.ops.softmax import *  # noqa: F403
from handtorch.ops.sorting import *  # noqa: F403
from handtorch.ops.splitting import *  # noqa: F403
from handtorch.ops.statistics import *  # noqa: F403
from handtorch.ops.stft import *  # noqa: F403
from handtorch.ops.striding import *  # noqa: F403
from handtorch.ops.trigonometry import *  # noqa: F403
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
from handtorch.random_factories import normal, rand, rand_like, randint, randint_like, randn, randn_like, randperm
from handtorch.tensor import Size, Tensor, device
from handtorch.version import __version__

if TYPE_CHECKING:
    from handtorch.io.serialization import load, save
    from handtorch.printing import set_printoptions
    from handtorch.signal.periodic import bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window


newaxis = None  # between brackets: a new axis of length 1


def is_tensor(obj: Any) -> Any:
    """Whether ``obj`` is a Tensor."""
    return isinstance(obj, Tensor)


def is_inference(input: Any) -> Any:
    """Whether an operation made it in ``inference_mode``."""
    return input.is_inference()


def numel(input: Any) -> Any:
    """The number of elements."""
    return input.numel()


def typename(obj: Any) -> str:
    """The name of an object's type, of a Tensor that of its former class: ``"torch.FloatTensor"``."""
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


_KINDS_OF_OLD = "Float Double Half Long Int Short Char Byte Bool ComplexFloat ComplexDouble"

__getattr__, __dir__, _ = lazy_names(
    __name__,
    {
        "autograd.anomaly": ["is_anomaly_check_nan_enabled", "is_anomaly_enabled"],
        "compat.amp": ["GradScaler", "autocast"],
        "compat.former_classes": [
            "set_default_tensor_type",
            *(f"{kind}{what}" for what in ("Tensor", "Storage") for kind in _KINDS_OF_OLD.split()),
        ],
        "compat.settings": [
            "are_deterministic_algorithms_enabled",
            "compiled_with_cxx11_abi",
            "get_default_device",
            "get_float32_matmul_precision",
            "get_num_interop_threads",
            "is_autocast_enabled",
            "is_deterministic_algorithms_warn_only_enabled",
            "is_warn_always_enabled",
            "set_default_device",
            "set_deterministic_debug_mode",
            "set_float32_matmul_precision",
            "set_flush_denormal",
            "set_num_interop_threads",
            "set_warn_always",
            "use_deterministic_algorithms",
        ],
        "limits": ["finfo", "iinfo"],
        "storage": ["TypedStorage", "UntypedStorage", "is_storage"],
        "compat.jit": ["compile"],
        "batching": ["vmap"],
        "io.serialization": ["load", "save"],
        "printing": ["set_printoptions"],
        "signal.periodic": ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"],
    },
    submodules={
        **{
            name: name
            for name in (
                "audio",
                "autograd",
                "compat",
                "distributions",
                "fft",
                "func",
                "io",
                "kernels",
                "linalg",
                "models",
                "nn",
                "onnx",
                "optim",
                "random",
                "return_types",
                "signal",
                "special",
                "storage",
                "testing",
                "training",
                "types",
                "utils",
                "vision",
            )
        },
        **{
            name: f"compat.{name}"
            for name in (
                "accelerator",
                "amp",
                "backends",
                "compiler",
                "cuda",
                "distributed",
                "hub",
                "jit",
                "mps",
                "multiprocessing",
                "profiler",
                "version",
            )
        },
        "_C": "compat.c_part",
        "__config__": "compat.config",
        "serialization": "io.serialization",
    },
)

__all__ = [
    "Generator",
    "Size",
    "Tensor",
    "__version__",
    "arange",
    "as_tensor",
    "asarray",
    "bartlett_window",
    "bfloat16",
    "blackman_window",
    "bool",
    "cdouble",
    "cfloat",
    "channels_last",
    "channels_last_3d",
    "complex64",
    "complex128",
    "contiguous_format",
    "default_generator",
    "device",
    "double",
    "dtype",
    "e",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "enable_grad",
    "eye",
    "float",
    "float16",
    "float32",
    "float64",
    "fork_rng",
    "from_dlpack",
    "from_numpy",
    "frombuffer",
    "full",
    "full_like",
    "get_default_dtype",
    "get_num_threads",
    "get_rng_state",
    "half",
    "hamming_window",
    "hann_window",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "is_inference",
    "is_inference_mode_enabled",
    "is_tensor",
    "kaiser_window",
    "layout",
    "linspace",
    "load",
    "logspace",
    "long",
    "manual_seed",
    "memory_format",
    "nan",
    "newaxis",
    "no_grad",
    "normal",
    "numel",
    "ones",
    "ones_like",
    "pi",
    "preserve_format",
    "promote_types",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "range",
    "save",
    "scalar_tensor",
    "seed",
    "set_default_dtype",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "short",
    "sparse_coo",
    "strided",
    "tensor",
    "to_dlpack",
    "typename",
    "uint8",
    "zeros",
    "zeros_like",
]
__all__ += _in_place.__all__
__all__ += _activation.__all__
__all__ += _added_products.__all__
__all__ += _arithmetic.__all__
__all__ += _axes.__all__
__all__ += _bessel.__all__
__all__ += _bitwise.__all__
__all__ += _chains.__all__
__all__ += _choice.__all__
__all__ += _comparison.__all__
__all__ += _complex.__all__
__all__ += _conversion.__all__
__all__ += _convolving.__all__
__all__ += _copies.__all__
__all__ += _ctc.__all__
__all__ += _cumulative.__all__
__all__ += _diagonals.__all__
__all__ += _differences.__all__
__all__ += _einsum.__all__
__all__ += _distance.__all__
__all__ += _embedding.__all__
__all__ += _error_function.__all__
__all__ += _exponential.__all__
__all__ += _extremes.__all__
__all__ += _gamma.__all__
__all__ += _gathering.__all__
__all__ += _grids.__all__
__all__ += _histogram.__all__
__all__ += _indexing.__all__
__all__ += _joining.__all__
__all__ += _linalg.__all__
__all__ += _masking.__all__
__all__ += _matrix_functions.__all__
__all__ += _normalizing.__all__
__all__ += _norms.__all__
__all__ += _padding.__all__
__all__ += _pathwise.__all__
__all__ += _piecewise.__all__
__all__ += _pooling.__all__
__all__ += _products.__all__
__all__ += _older_linalg.__all__
__all__ += _queries.__all__
__all__ += _random.__all__
__all__ += _rearranging.__all__
__all__ += _recurrent_layers.__all__
__all__ += _reduction.__all__
__all__ += _rounding.__all__
__all__ += _sampling.__all__
__all__ += _scattering.__all__
__all__ += _shape.__all__
__all__ += _shuffling.__all__
__all__ += _sign.__all__
__all__ += _softmax.__all__
__all__ += _sorting.__all__
__all__ += _splitting.__all__
__all__ += _statistics.__all__
__all__ += _stft.__all__
__all__ += _striding.__all__
__all__ += _trigonometry.__all__
