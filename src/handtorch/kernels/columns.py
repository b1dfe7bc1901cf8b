"""Convolution as products of matrices over blocks of columns: each column is what the kernel sees from one place.

Channels are the innermost axis of everything in between. So a column is a few long runs of memory, one for each row of
the kernel, and its transpose - adding columns up where their places overlap - is the same loop with a plus sign:

    y = columns(x) wᵀ,        x = columnsᵀ(y w),        w = yᵀ columns(x).

A block is a range of planes, or of rows of a plane, or of places of a row: so large that its products are quick, and so
small that its columns stay within the cache and within the workspace.

Arrays have three axes besides batch and channels here: (N, C, D, H, W). A plane is one place of N and D of the result.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from handtorch.kernels.compile import kernel
from handtorch.kernels.threads import get_num_threads, parallel_for
from handtorch.kernels.winograd import added

_BLOCK = 1 << 20  # bytes of columns that stay within a core's cache beside the rest
_SQUARE = 16  # places and channels that change places at once, so that all of a cache line is used
_SHORT = 64  # numbers of a column up to which a slower product into y costs less than a copy of its rows
_FINER = 4  # pieces for each thread
_NARROWEST = 256  # places that make a product worth its weights' way from memory


@kernel
def _inside(origin: Any, step: Any, count: Any, length: Any) -> tuple[Any, Any]:
    """Which of the places origin, origin + step, ... are on an axis of this length: the first, and where they end."""
    first = min(max(0, -(origin // step)), count)
    return first, max(first, min(count, (length - 1 - origin) // step + 1))


@kernel
def _read(x: Any, low: Any, planes: Any, pace: Any, origin: Any, step: Any, part: Any) -> None:
    """Part (planes, D, H, W, C) of x (N, C, D, H, W), channels last, with zeros where there is no x.

    Args:
        low, planes: the first plane, and how many planes a picture has.
        pace: from plane to plane.
        origin, step: for each axis, where the part begins, and how far its places are from each other.
    """
    zero = x.dtype.type(0)
    top, bottom = _inside(origin[1], step[1], part.shape[2], x.shape[3])
    left, right = _inside(origin[2], step[2], part.shape[3], x.shape[4])
    for u in range(part.shape[0]):
        n, ahead = (low + u) // planes, (low + u) % planes * pace + origin[0]
        for d in range(part.shape[1]):
            z, plane = ahead + d * step[0], part[u, d]
            if z < 0 or z >= x.shape[2]:
                plane[:] = zero
                continue
            plane[:top] = zero
            plane[bottom:] = zero
            plane[top:bottom, :left] = zero
            plane[top:bottom, right:] = zero
            for c in range(0, x.shape[1], _SQUARE):
                for r in range(top, bottom):
                    for m in range(left, right, _SQUARE):
                        square = plane[r, m : min(m + _SQUARE, right), c : c + _SQUARE]
                        start = origin[2] + m * step[2]
                        for k in range(square.shape[1]):
                            source = x[n, c + k, z, origin[1] + r * step[1], start :: step[2]]
                            for i in range(square.shape[0]):
                                square[i, k] = source[i]


@kernel
def _write(part: Any, low: Any, planes: Any, pace: Any, origin: Any, step: Any, bias: Any, fresh: Any, x: Any) -> None:
    """The transpose of :func:`_read`: part into x, plus bias (C), if x is ``fresh``; else part is added to x."""
    top, bottom = _inside(origin[1], step[1], part.shape[2], x.shape[3])
    left, right = _inside(origin[2], step[2], part.shape[3], x.shape[4])
    for u in range(part.shape[0]):
        n, ahead = (low + u) // planes, (low + u) % planes * pace + origin[0]
        for d in range(part.shape[1]):
            z, plane = ahead + d * step[0], part[u, d]
            if z < 0 or z >= x.shape[2]:
                continue
            for c in range(0, x.shape[1], _SQUARE):
                for r in range(top, bottom):
                    for m in range(left, right, _SQUARE):
                        square = plane[r, m : min(m + _SQUARE, right), c : c + _SQUARE]
                        start = origin[2] + m * step[2]
                        for k in range(square.shape[1]):
                            target, b = x[n, c + k, z, origin[1] + r * step[1], start :: step[2]], bias[c + k]
                            if fresh:
                                for i in range(square.shape[0]):
                                    target[i] = square[i, k] + b
                            else:
                                for i in range(square.shape[0]):
                                    target[i] += square[i, k]


@kernel
def _gather(part: Any, taps: Any, stride: Any, columns: Any) -> None:
    """Columns (G, planes, H, W, taps, C / G) of a part (planes, D, Hx, Wx, C).

    Args:
        taps: where they are, counted from the place (D, H, W). For taps that are side by side only the first one is
            given, and instead of C / G numbers as many as all of them have.
        stride: from place to place along H and W.
    """
    flat, size = part.reshape(-1), part[0].size
    width, channels = part.shape[3], part.shape[4]
    groups, length = columns.shape[0], columns.shape[5]
    starts = ((taps[:, 0] * part.shape[2] + taps[:, 1]) * width + taps[:, 2]) * channels
    for g in range(groups):
        for u in range(columns.shape[1]):
            for i in range(columns.shape[2]):
                for j in range(columns.shape[3]):
                    at = u * size + (i * stride[0] * width + j * stride[1]) * channels + g * length
                    for r in range(starts.size):
                        source, target = flat[at + starts[r] : at + starts[r] + length], columns[g, u, i, j, r]
                        for c in range(length):
                            target[c] = source[c]


@kernel
def _scatter(columns: Any, taps: Any, stride: Any, part: Any) -> None:
    """The transpose of :func:`_gather`: columns added up in part, which is overwritten."""
    part[:] = 0
    flat, size = part.reshape(-1), part[0].size
    width, channels = part.shape[3], part.shape[4]
    groups, length = columns.shape[0], columns.shape[5]
    starts = ((taps[:, 0] * part.shape[2] + taps[:, 1]) * width + taps[:, 2]) * channels
    for g in range(groups):
        for u in range(columns.shape[1]):
            for i in range(columns.shape[2]):
                for j in range(columns.shape[3]):
                    at = u * size + (i * stride[0] * width + j * stride[1]) * channels + g * length
                    for r in range(starts.size):
                        target, source = flat[at + starts[r] : at + starts[r] + length], columns[g, u, i, j, r]
                        for c in range(length):
                            target[c] += source[c]


def _even(count: int, most: int) -> int:
    """The length of equal pieces of so many, none longer than ``most``."""
    return -(-count // -(-count // max(most, 1)))


def _meet(x: int, y: int, stride: int, shift: int) -> bool:
    """Whether stride · i + shift is one of x places for any of y places i."""
    first = max(0, -(shift // stride))
    return first < y and stride * first + shift < x


def _span(taps: list[int]) -> range:
    """From the first to the last of some taps, and one at least."""
    return range(taps[0], taps[-1] + 1) if taps else range(1)


class _Block(NamedTuple):
    """Which planes, which rows of a plane, and which places of a row."""

    plane: int
    planes: int
    row: int
    rows: int
    place: int
    wide: int

    @property
    def places(self) -> int:
        return self.planes * self.rows * self.wide


class Columns:
    """A convolution by columns: y of x and w, x of y and w, and w of x and y.

    Args:
        stride, padding, dilation: for each axis.
        x, kernel, y: lengths along the axes.
        channels, outputs: of x and of y.
        groups: of the channels.
        dtype: of all numbers.
        room: bytes that a thread may take.
    """

    def __init__(
        self,
        stride: Any,
        padding: Any,
        dilation: Any,
        x: Any,
        kernel: Any,
        y: Any,
        channels: int,
        outputs: int,
        groups: int,
        dtype: Any,
        room: int,
    ) -> None:
        self.x, self.kernel, self.y, self.pace, self.dilation = x, kernel, y, stride, dilation
        self.channels, self.outputs, self.groups, self.dtype = channels, outputs, groups, dtype
        # A tap that never meets x makes nothing but zeros.
        self.used = [
            _span([k for k in range(count) if _meet(n, m, s, d * k - p)])
            for count, s, p, d, n, m in zip(kernel, stride, padding, dilation, x, y, strict=True)
        ]
        self.first = tuple(d * used[0] - p for used, d, p in zip(self.used, dilation, padding, strict=True))
        self.reach = tuple(d * (len(used) - 1) + 1 for used, d in zip(self.used, dilation, strict=True))
        # Under a single tap, what lies between the places that it sees is not even read.
        self.step = tuple(s if r == 1 else 1 for s, r in zip(stride, self.reach, strict=True))
        self.stride = tuple(1 if r == 1 else s for s, r in zip(stride, self.reach, strict=True))
        self.column = math.prod(map(len, self.used)) * channels
        self._choose_blocks(room)

    def _choose_blocks(self, room: int) -> None:
        """How many planes, rows and places of a row make a block."""
        around = self.reach[0] * math.prod(self.stride[1:]) * self.channels
        size = self.dtype.itemsize
        fit = room // 2 // ((self.column + around + self.outputs) * size)
        most = min(max(_NARROWEST, _BLOCK // ((self.column + self.outputs) * size)), fit)
        _, rows, wide = self.y
        planes = 1 if rows * wide >= _NARROWEST else max(1, most // (rows * wide))
        self.block = (planes, _even(rows, most // wide), _even(wide, most))

    def blocks(self, low: int, high: int) -> list[_Block]:
        """The blocks of a range of planes, enough for all threads."""
        planes, rows, wide = min(self.block[0], -(-(high - low) // get_num_threads())), *self.block[1:]
        return [
            _Block(u, min(planes, high - u), i, min(rows, self.y[1] - i), j, min(wide, self.y[2] - j))
            for u in range(low, high, planes)
            for i in range(0, self.y[1], rows)
            for j in range(0, self.y[2], wide)
        ]

    def _covers_pictures(self) -> bool:
        """Whether what a block sees is pictures, whole and with all their places."""
        return (
            self.y[0] == 1
            and self.block[1:] == self.y[1:]
            and all(
                f <= 0 and f + s * (n - 1) + r >= m and (r > 1 or s == 1)
                for f, s, n, r, m in zip(self.first, self.pace, self.y, self.reach, self.x, strict=True)
            )
        )

    def _matrix(self, w: np.ndarray) -> np.ndarray:
        """A weight (O, C / G, *kernel) as (G, O / G, numbers of a column)."""
        used = np.moveaxis(w, 1, -1)[(slice(None), *(slice(span[0], span[-1] + 1) for span in self.used))]
        return used.reshape(self.groups, self.outputs // self.groups, self.column // self.groups)

    def _weight(self, matrix: np.ndarray) -> np.ndarray:
        """The transpose of :meth:`_matrix`."""
        w = np.zeros((self.outputs, self.channels // self.groups, *self.kernel), self.dtype)
        used = np.moveaxis(w, 1, -1)[(slice(None), *(slice(span[0], span[-1] + 1) for span in self.used))]
        used[:] = matrix.reshape(used.shape)
        return w

    def forward(self, x: np.ndarray, w: np.ndarray, bias: Any) -> np.ndarray:
        """y (N, O, *) of x (N, C, *) and w (O, C / G, *)."""
        y = np.empty((len(x), self.outputs, *self.y), self.dtype)
        bias = np.zeros(self.outputs, self.dtype) if bias is None else bias
        matrix = np.ascontiguousarray(self._matrix(w).swapaxes(1, 2))
        blocks = self.blocks(0, len(x) * self.y[0])

        def some(low: int, high: int) -> None:
            room = _Room(self, blocks)
            for block in blocks[low:high]:
                columns = room.read_columns(block, x)
                if block.planes == 1 and self.column <= _SHORT:
                    rows = np.matmul(columns, matrix, out=room.rows_within(block, y))
                    rows += bias.reshape(self.groups, 1, -1)
                else:
                    np.matmul(columns, matrix, out=room.rows(block))
                    room.write_rows(block, bias, y)

        parallel_for(some, len(blocks), finer=_FINER)
        return y

    def transpose(self, y: np.ndarray, w: np.ndarray, bias: Any) -> np.ndarray:
        """x (N, C, *) of y (N, O, *) and w (O, C / G, *)."""
        x = np.empty((len(y), self.channels, *self.x), self.dtype)
        bias = np.zeros(self.channels, self.dtype) if bias is None else bias
        matrix = self._matrix(w)
        fresh = self._covers_pictures()

        def pictures(low: int, high: int) -> None:
            blocks = self.blocks(low * self.y[0], high * self.y[0])
            if not fresh:
                x[low:high] = bias.reshape(-1, 1, 1, 1)
            room = _Room(self, blocks)
            for block in blocks:
                np.matmul(room.read_rows(block, y), matrix, out=room.columns(block))
                room.write_columns(block, bias, fresh, x)

        parallel_for(pictures, len(x))
        return x

    def pull(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """w (O, C / G, *) of x (N, C, *) and y (N, O, *)."""
        blocks = self.blocks(0, len(x) * self.y[0])
        sums: dict[int, np.ndarray] = {}

        def some(low: int, high: int) -> None:
            room = _Room(self, blocks)
            total: Any = None
            part: Any = None
            for block in blocks[low:high]:
                rows, columns = room.read_rows(block, y).swapaxes(1, 2), room.read_columns(block, x)
                if total is None:
                    total = np.matmul(rows, columns)
                else:
                    part = np.matmul(rows, columns, out=part)
                    total += part
            sums[low] = total

        parallel_for(some, len(blocks))
        return self._weight(added(sums))


class _Room:
    """What a thread needs for a block: the part of x that it sees, its columns, and its rows of y.

    Columns and rows are matrices (G, places, *) here, with the places one below the other.
    """

    def __init__(self, plan: Columns, blocks: list[_Block]) -> None:
        self.plan = plan
        # Taps along a row lie side by side where nothing is between them.
        together = len(plan.used[2]) if plan.groups == plan.dilation[2] == 1 else 1
        taps = [range(0, reach, d) for reach, d in zip(plan.reach, plan.dilation, strict=True)]
        self.taps = np.array(list(itertools.product(taps[0], taps[1], taps[2][::together])))
        self.length = together * plan.channels // plan.groups
        self.direct = len(self.taps) == 1 == together
        first = blocks[0]  # none is larger
        self._part = np.empty(math.prod(self._part_shape(first)), plan.dtype)
        self._columns = np.empty(0 if self.direct else math.prod(self._columns_shape(first)), plan.dtype)
        self._rows = np.empty(first.places * plan.outputs, plan.dtype)

    def _part_shape(self, block: _Block) -> tuple[int, ...]:
        plan = self.plan
        high = (block.rows - 1) * plan.stride[1] + plan.reach[1]
        wide = (block.wide - 1) * plan.stride[2] + plan.reach[2]
        return block.planes, plan.reach[0], high, wide, plan.channels

    def _columns_shape(self, block: _Block) -> tuple[int, ...]:
        return self.plan.groups, block.planes, block.rows, block.wide, len(self.taps), self.length

    def _part_of(self, block: _Block) -> tuple[np.ndarray, tuple[Any, ...]]:
        """The part of x, and where that is."""
        plan, shape = self.plan, self._part_shape(block)
        origin = (
            plan.first[0],
            *(f + s * at for f, s, at in zip(plan.first[1:], plan.pace[1:], block[2::2], strict=True)),
        )
        return self._part[: math.prod(shape)].reshape(shape), (block.plane, plan.y[0], plan.pace[0], origin, plan.step)

    def _rows_of(self, block: _Block) -> tuple[np.ndarray, tuple[Any, ...]]:
        """The rows of y as one row of a picture, and where that is."""
        plan = self.plan
        shape = (block.planes, 1, 1, block.rows * block.wide, plan.outputs)
        origin = (0, 0, block.row * plan.y[2] + block.place)
        return self._rows[: math.prod(shape)].reshape(shape), (block.plane, plan.y[0], 1, origin, (1, 1, 1))

    def _grouped(self, a: np.ndarray) -> np.ndarray:
        """(..., C) as (G, places, C / G)."""
        return a.reshape(-1, self.plan.groups, a.shape[-1] // self.plan.groups).swapaxes(0, 1)

    def columns(self, block: _Block) -> np.ndarray:
        """Room for columns."""
        if self.direct:
            return self._grouped(self._part_of(block)[0])
        shape = self._columns_shape(block)
        return self._columns[: math.prod(shape)].reshape(shape[0], block.places, shape[-2] * shape[-1])

    def rows(self, block: _Block) -> np.ndarray:
        """Room for rows."""
        return self._grouped(self._rows_of(block)[0])

    def rows_within(self, block: _Block, y: np.ndarray) -> np.ndarray:
        """The rows where they lie in y, of a block that is within one plane."""
        plan = self.plan
        n, z = divmod(block.plane, plan.y[0])
        first = block.row * plan.y[2] + block.place
        places = y[n].reshape(plan.groups, plan.outputs // plan.groups, plan.y[0], -1)[:, :, z]
        return places[..., first : first + block.places].swapaxes(1, 2)

    def read_columns(self, block: _Block, x: np.ndarray) -> np.ndarray:
        """The columns of x."""
        part, place = self._part_of(block)
        _read(x, *place, part)
        columns = self.columns(block)
        if not self.direct:
            _gather(part, self.taps, self.plan.stride[1:], columns.reshape(self._columns_shape(block)))
        return columns

    def write_columns(self, block: _Block, bias: np.ndarray, fresh: bool, x: np.ndarray) -> None:
        """Write the columns, plus bias (C), into x if that is ``fresh``; else add them."""
        part, place = self._part_of(block)
        if not self.direct:
            _scatter(self.columns(block).reshape(self._columns_shape(block)), self.taps, self.plan.stride[1:], part)
        _write(part, *place, bias, fresh, x)

    def read_rows(self, block: _Block, y: np.ndarray) -> np.ndarray:
        """The rows of y."""
        if block.planes == 1:
            return self.rows_within(block, y)
        rows, place = self._rows_of(block)
        _read(_flat(y), *place, rows)
        return self._grouped(rows)

    def write_rows(self, block: _Block, bias: np.ndarray, y: np.ndarray) -> None:
        """Write the rows, plus bias (O), into y."""
        rows, place = self._rows_of(block)
        _write(rows, *place, bias, True, _flat(y))


def _flat(y: np.ndarray) -> np.ndarray:
    """(N, O, D, H, W) as (N, O, D, 1, H · W)."""
    return y.reshape(*y.shape[:3], 1, -1)
