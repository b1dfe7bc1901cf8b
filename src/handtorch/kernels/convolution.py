"""Twins of the convolutions: by Winograd, channel by channel, place by place, or as products over blocks of columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch import kernels
from handtorch.kernels import pointwise, winograd
from handtorch.kernels.columns import Columns
from handtorch.kernels.depthwise import Runs, depthwise
from handtorch.kernels.layout import one_kind, row_major
from handtorch.kernels.side_by_side import SideBySide
from handtorch.kernels.sums import over_batch_and_places
from handtorch.kernels.threads import get_num_threads
from handtorch.ops import convolution


def _room() -> int:
    """Bytes of workspace for each thread."""
    return kernels.get_workspace() // get_num_threads()


def _by_tiles(op: Any, x: Any, w: Any, y: Any) -> bool:
    """Whether Winograd's way is open.

    Args:
        x, w, y: the shapes of the arrays.
    """
    return (
        len(x) == 4
        and w[2:] == (3, 3)
        and op.stride == op.dilation == (1, 1)
        and op.groups == 1
        and winograd.suits(w, op.padding, x[2:])
        and winograd.suits(w, op.padding, y[2:])
    )


def _three(op: Any, x: Any, w: Any, y: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Stride, padding, dilation, and the lengths of arrays of these shapes, along three axes."""
    missing = 5 - len(x)
    settings = [(value,) * missing + given for value, given in ((1, op.stride), (0, op.padding), (1, op.dilation))]
    return (*settings, *((1,) * missing + tuple(shape[2:]) for shape in (x, w, y)))  # type: ignore[return-value]


def _runs(op: Any, x: Any, w: Any, y: Any) -> Runs | SideBySide:
    return depthwise(*_three(op, x, w, y), x[0])


def _columns(op: Any, x: Any, w: Any, y: Any, dtype: Any) -> Columns:
    return Columns(*_three(op, x, w, y), x[1], y[1], op.groups, dtype, _room())


def _deep(a: np.ndarray) -> np.ndarray:
    """An array with three axes besides batch and channels."""
    return a.reshape(*a.shape[:2], *(1,) * (5 - a.ndim), *a.shape[2:])


def forward(op: Any, x: Any, w: Any, b: Any, size: Any) -> Any:
    """y of x and w."""
    shape = (len(x), len(w), *size)
    if _by_tiles(op, x.shape, w.shape, shape):
        return winograd.convolved(x, w.swapaxes(0, 1), b, op.padding, size, _room())
    if w.shape[1] == 1 < op.groups:
        return _runs(op, x.shape, w.shape, shape).forward(_deep(x), _deep(w), b).reshape(shape)
    if pointwise.suits(op, w.shape, shape):
        matrix = w.reshape(op.groups, -1, w.shape[1])
        return pointwise.product(matrix, x, b, np.empty(shape, x.dtype))
    return _columns(op, x.shape, w.shape, shape, x.dtype).forward(_deep(x), _deep(w), b).reshape(shape)


def transpose(op: Any, y: Any, w: Any, b: Any, size: Any) -> Any:
    """x of y and w."""
    shape = (len(y), op.groups * w.shape[1], *size)
    if _by_tiles(op, shape, w.shape, y.shape):
        padding = tuple(2 - p for p in op.padding)
        turned = w[:, :, ::-1, ::-1]
        return winograd.convolved(y, turned, b, padding, size, _room())
    if w.shape[1] == 1 < op.groups:
        return _runs(op, shape, w.shape, y.shape).transpose(_deep(y), _deep(w), b, shape[1]).reshape(shape)
    if pointwise.suits(op, w.shape, y.shape):
        matrix = w.reshape(op.groups, -1, w.shape[1]).swapaxes(1, 2)
        return pointwise.product(matrix, y, b, np.empty(shape, y.dtype))
    return _columns(op, shape, w.shape, y.shape, y.dtype).transpose(_deep(y), _deep(w), b).reshape(shape)


def weight(op: Any, x: Any, y: Any, size: Any) -> Any:
    """w of x and y."""
    shape = (y.shape[1], x.shape[1] // op.groups, *size)
    if _by_tiles(op, x.shape, shape, y.shape):
        return winograd.weight(x, y, op.padding, _room())
    if shape[1] == 1 < op.groups:
        return _runs(op, x.shape, shape, y.shape).pull(_deep(x), _deep(y)).reshape(shape)
    if pointwise.suits(op, shape, y.shape):
        return pointwise.pull(x, y, op.groups).reshape(shape)
    return _columns(op, x.shape, shape, y.shape, x.dtype).pull(_deep(x), _deep(y)).reshape(shape)


def _fit(op: Any, x: Any, channels: int, out: int, b: Any) -> bool:
    return (
        x.ndim <= 5
        and x.size > 0
        and x.shape[1] == channels
        and out % op.groups == channels % op.groups == 0
        and (b is None or b.shape == (out,))
    )


class Convolution(convolution.Convolution):
    """The quickest of four ways."""

    def accepts(self, x: Any, w: Any, b: Any = None) -> bool:  # type: ignore[override]
        given = [a for a in (x, w, b) if a is not None]
        return one_kind(*given) and _fit(self, x, self.groups * w.shape[1], len(w), b)

    def forward(self, x: Any, w: Any, b: Any = None) -> Any:
        self.save(x, w)
        return forward(self, row_major(x), row_major(w), b, self.size)

    def backward(self, g: Any) -> Any:
        x, w, g = map(row_major, (*self.saved, g))
        dx = transpose(self, g, w, None, x.shape[2:]) if self.needs(0) else None
        dw = weight(self, x, g, w.shape[2:]) if self.needs(1) else None
        if len(self.parents) == 2:
            return dx, dw
        return dx, dw, over_batch_and_places(g) if self.needs(2) else None


class ConvolutionTranspose(convolution.ConvolutionTranspose):
    """The quickest of four ways."""

    def accepts(self, x: Any, w: Any, b: Any = None) -> bool:  # type: ignore[override]
        given = [a for a in (x, w, b) if a is not None]
        return one_kind(*given) and _fit(self, x, len(w), self.groups * w.shape[1], b)

    def forward(self, x: Any, w: Any, b: Any = None) -> Any:
        self.save(x, w)
        return transpose(self, row_major(x), row_major(w), b, self.size)

    def backward(self, g: Any) -> Any:
        x, w, g = map(row_major, (*self.saved, g))
        dx = forward(self, g, w, None, x.shape[2:]) if self.needs(0) else None
        dw = weight(self, g, x, w.shape[2:]) if self.needs(1) else None
        if len(self.parents) == 2:
            return dx, dw
        return dx, dw, over_batch_and_places(g) if self.needs(2) else None
