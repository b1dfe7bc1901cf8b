"""The names under which PyTorch shows the nodes of a graph, where they are not those of the ops here.

A printed tensor carries the name of its node, ``grad_fn=<AddmmBackward0>``; programs and tutorials show it. An op here
often stands for several nodes there, told apart by its settings or by the shape of its result. What cannot be told
apart (a ``view`` that only adds an axis and ``unsqueeze``) has the name of the more general one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def node_name(op: Any) -> str:
    """The name of an op's node in PyTorch."""
    own = op.definition.__name__
    name = _NAMES.get(own, own)
    if callable(name):
        name = name(op)
    return name if name == "CopySlices" or "Backward" in name else f"{name}Backward0"


def _linear(op: Any) -> str:
    with_bias = len(op.parents) == 3
    if len(op.shape) == 2:
        return "Addmm" if with_bias else "Mm"
    return "View" if with_bias else "SqueezeBackward4" if len(op.shape) == 1 else "UnsafeView"


def _product(op: Any) -> str:
    return ["Dot", "Mv", "Mm"][len(op.shape)] if len(op.shape) < 3 else "UnsafeView"


def _attention(op: Any) -> str:
    """PyTorch has one node for four axes and no dropout; otherwise the last of several is a product."""
    return "ScaledDotProductFlashAttentionForCpu" if len(op.shape) == 4 and not op.dropout_p else _product(op)


def _index(op: Any) -> str:
    """Named by what the last part of the key does; positions given by tensors outrank the rest."""
    parts = op.key if isinstance(op.key, tuple) else (op.key,)
    if any(isinstance(part, np.ndarray) and part.ndim for part in parts):
        return "Index"
    last = next((part for part in reversed(parts) if part is not Ellipsis and part != slice(None)), slice(None))
    return "Unsqueeze" if last is None else "Slice" if isinstance(last, slice) else "Select"


def _order(op: Any) -> str:
    moved = [i for i, axis in enumerate(op.order) if axis != i]
    return "Transpose" if len(moved) == 2 else "Permute"


def _reduced(name: str) -> Callable[[Any], str]:
    """A reduction of everything has the number 0, one along axes the number 1."""
    return lambda op: name if op.axes is None else f"{name}Backward1"


def _reduction_of(name: str) -> Callable[[Any], str]:
    """A loss that PyTorch composes shows the last thing done: its reduction, or itself."""
    return lambda op: {"mean": "Mean", "sum": "Sum"}.get(op.reduction, name)


_NAMES: dict[str, str | Callable[[Any], str]] = {
    "_Boundary": "BackwardHookFunctionBackward",
    "Amax": lambda op: "MaxBackward1" if op.axes is None else "Amax",
    "Amin": lambda op: "MinBackward1" if op.axes is None else "Amin",
    "AddItem": "ScatterAdd",
    "BatchNorm": "NativeBatchNorm",
    "Cast": "ToCopy",
    "Clamp": "ClampBackward1",
    "ConstantPad": "ConstantPadNd",
    "Contiguous": "Clone",
    "CrossEntropy": "NllLoss",
    "Det": "LinalgDet",
    "CumProd": "Cumprod",
    "CumSum": "Cumsum",
    "Dropout": "Mul",
    "ELU": "Elu",
    "EmbedDiagonal": "DiagEmbed",
    "ExtremeAt": lambda op: "Max" if op.function is np.argmax else "Min",
    "FrozenBatchNorm": "NativeBatchNorm",
    "GELU": "Gelu",
    "GLU": "Glu",
    "GroupNorm": "NativeGroupNorm",
    "Index": _index,
    "L1Loss": _reduction_of("Abs"),
    "Inverse": "LinalgInvEx",
    "LayerNorm": "NativeLayerNorm",
    "LeakyReLU": "LeakyRelu",
    "Linear": _linear,
    "LogCumSumExp": "Logcumsumexp",
    "LogSumExp": "Logsumexp",
    "MatMul": _product,
    "Mean": _reduced("Mean"),
    "MedianOfAll": "Median",
    "Norm": "LinalgVectorNorm",
    "PReLU": "PreluKernel",
    "Permute": _order,
    "Prod": lambda op: "Prod" if op.axis is None else "ProdBackward1",
    "ReLU": "Relu",
    "Region": "AsStrided",
    "Reshape": "View",
    "ScaledDotProductAttention": _attention,
    "SetItem": lambda op: "CopySlices" if op.in_place else "IndexPut",
    "SiLU": "Silu",
    "Square": "Pow",
    "Sum": _reduced("Sum"),
    "TanhGELU": "Gelu",
    "TopK": "Topk",
    "WholePower": "Pow",
    "WriteRegion": "CopySlices",
}
