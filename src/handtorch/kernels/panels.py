"""Products with one matrix many times over: it is packed into panels once, and BLAS would pack it at every call.

y = x wᵀ with x (N, K) of few rows, or in few pieces, and w (M, K). A panel holds two vector registers' width of rows of
w, transposed: (K, width), one run of memory. For a block of rows of x and a panel, all sums stay in registers while k
runs::

    y[n, :] += x[n, k] panel[k, :]

The loop over k is written in LLVM's own language, since Numba keeps no array in registers.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from handtorch.kernels.compile import kernel

_WIDE = binding.get_host_cpu_features().get("avx512f", False)
_VECTOR = 64 if _WIDE else 32  # bytes
_VECTORS = 2  # in the width of a panel
_ROWS = 8 if _WIDE else 4  # with _VECTORS these fill half of the registers with sums


def width(dtype: Any) -> int:
    """How many columns of a result a panel makes."""
    return _VECTORS * _VECTOR // np.dtype(dtype).itemsize


def pack(w: np.ndarray) -> np.ndarray:
    """The panels (M / width, K, width) of w (M, K), whose rows are filled up with zeros; w may be a transposed view."""
    rows, depth = w.shape
    wide = width(w.dtype)
    panels = (np.zeros if rows % wide else np.empty)((-(-rows // wide), depth, wide), w.dtype)
    lay(w, panels)
    return panels


@kernel
def lay(w: Any, panels: Any) -> None:
    """Write w (M, K) into panels (M / width, K, width); what no row of w reaches stays."""
    wide = panels.shape[2]
    for p in range(len(panels)):
        rows = w[p * wide : (p + 1) * wide]
        for k in range(w.shape[1]):
            line = panels[p, k]
            for j in range(len(rows)):
                line[j] = rows[j, k]


def room(rows: int, panels: np.ndarray) -> np.ndarray:
    """An array for the product of so many rows with these panels: its last columns may belong to no row of w."""
    return np.empty((rows, panels.shape[0] * panels.shape[2]), panels.dtype)


def _tile(rows: int, together: int = 1) -> Any:
    """The function that fills ``y[:rows]`` with the products of ``x[:rows]`` and so many panels, side by side.

    If ``onto``, they are added to what y holds. Rows of y are runs of memory.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *args, onto = args
        x, panels, y = (context.make_array(t)(context, builder, a) for t, a in zip(signature.args, args, strict=False))
        kind = context.get_data_type(signature.args[0].dtype)
        lanes = _VECTOR // context.get_abi_sizeof(kind)
        vector = ir.VectorType(kind, lanes)
        nothing = ir.Constant(vector, ir.Undefined)
        number = partial(context.get_constant, types.intp)
        first = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)

        def row(array: Any, n: Any) -> Any:
            return cgutils.pointer_add(builder, array.data, builder.mul(n, builder.extract_value(array.strides, 0)))

        def part(start: Any, v: int) -> Any:
            return builder.bitcast(
                builder.gep(start, [context.get_constant(types.intp, v * lanes)]), vector.as_pointer()
            )

        def in_all_lanes(value: Any) -> Any:
            alone = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
            return builder.shuffle_vector(alone, nothing, first)

        xs, ys = ([row(a, number(n)) for n in range(rows)] for a in (x, y))
        zero = ir.Constant(vector, None)
        sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(together * _VECTORS)] for _ in range(rows)]
        with builder.if_then(onto):
            for n in range(rows):
                for v, total in enumerate(sums[n]):
                    builder.store(builder.load(part(ys[n], v), align=4), total)
        depth, width = builder.extract_value(panels.shape, 1), builder.extract_value(x.shape, 1)
        depth = builder.select(builder.icmp_signed("<", depth, width), depth, width)
        starts = [row(panels, number(p)) for p in range(together)]
        along = builder.extract_value(x.strides, 1)
        with cgutils.for_range(builder, depth) as loop:
            k = builder.mul(loop.index, number(_VECTORS * lanes))
            weights = [
                builder.load(part(builder.gep(start, [k]), v), align=4) for start in starts for v in range(_VECTORS)
            ]
            for n in range(rows):
                place = cgutils.pointer_add(builder, xs[n], builder.mul(loop.index, along))
                factor = in_all_lanes(builder.load(place))
                for total, weight in zip(sums[n], weights, strict=True):
                    product = builder.fmul(factor, weight, flags=("contract",))
                    builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
        for n in range(rows):
            for v, total in enumerate(sums[n]):
                builder.store(builder.load(total), part(ys[n], v), align=4)
        return context.get_dummy_value()

    def tile(context: Any, x: Any, panels: Any, y: Any, onto: Any) -> Any:
        """Known to Numba by its types."""
        return types.none(x, panels, y, types.boolean), generate

    return intrinsic(tile)


_whole, _half, _quarter, _single = (_tile(rows) for rows in (_ROWS, _ROWS // 2, _ROWS // 4, 1))
_TOGETHER = 4  # a single row has too few sums in one panel: each would wait for the one before
_single_wide = _tile(1, _TOGETHER)


@kernel
def multiply(x: Any, panels: Any, y: Any, onto: Any = False) -> None:
    """Fill y (N, all panels' columns) with x (N, K) times the packed matrix's transpose, or add that to y if ``onto``.

    x may be a transposed view. Where it and the panels differ in depth, the shallower one counts.
    """
    wide = panels.shape[2]
    few = len(x) // (_ROWS // 4) * (_ROWS // 4)  # the rows up to here are taken several at a time
    for p in range(len(panels)):
        n, panel, column = 0, panels[p:], p * wide
        while n + _ROWS <= few:
            _whole(x[n:], panel, y[n:, column:], onto)
            n += _ROWS
        if n + _ROWS // 2 <= few:
            _half(x[n:], panel, y[n:, column:], onto)
            n += _ROWS // 2
        if n < few:
            _quarter(x[n:], panel, y[n:, column:], onto)
    for n in range(few, len(x)):
        p = 0
        while p + _TOGETHER <= len(panels):
            _single_wide(x[n:], panels[p:], y[n:, p * wide :], onto)
            p += _TOGETHER
        while p < len(panels):
            _single(x[n:], panels[p:], y[n:, p * wide :], onto)
            p += 1
