"""Twin of attention: some queries at a time, whose scores stay in the processor's cache, on packed keys and values.

Forwards a block of queries meets all keys that it may see. Backwards, where the sums of the softmax are known, it meets
them a block at a time. The blocks of all heads are shared out among the threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from handtorch.kernels.attention_loops import Rules, attend, attend_back
from handtorch.kernels.layout import one_kind
from handtorch.kernels.panels import width
from handtorch.kernels.threads import parallel_for
from handtorch.ops import attention
from handtorch.ops.attention import aligned
from handtorch.random.generator import resolve

_BLOCK = 64  # queries
_FEWEST = 16  # queries that are worth packing the keys for
_FINER = 4  # pieces for each thread: with a causal mask later queries take longer
_WORTH_A_THREAD = 1_000_000  # multiplications
_AT_ONCE = 1 << 24  # weights of which one thing each may be in memory: whether it stays, or its gradient

Head = tuple[int, ...]


class ScaledDotProductAttention(attention.ScaledDotProductAttention):
    """Head by head, in blocks of queries. Kept for backward are y too and, for each query, ln Σ e^score."""

    def accepts(self, q: Any, k: Any, v: Any, bias: Any = None) -> bool:  # type: ignore[override]
        given = [q, k, v] if bias is None else [q, k, v, bias]
        return (
            one_kind(*given)
            and all(a.size for a in given)
            and q.shape[-2] >= _FEWEST
            and q.shape[-1] == k.shape[-1]
            and k.shape[-2] == v.shape[-2]
            and (bias is None or not self.needs(3) or q.size // q.shape[-1] * k.shape[-2] <= _AT_ONCE)
        )

    def forward(self, q: Any, k: Any, v: Any, bias: Any = None) -> Any:
        if self.scale is None:
            self.scale = 1 / math.sqrt(q.shape[-1])
        generator = resolve(self.generator)
        if self.dropout_p:
            self.start = generator.clone_state()
        heads = _Heads(self, q, k, v, bias)
        y = _laid_out_like(heads.inputs[0], v.shape[-1])
        log_sums = np.empty(y.shape[:-1], q.dtype)
        results = _behind(y), _behind(log_sums)

        def some(head: Head, first: int, last: int, kept: Any) -> None:
            attend(*heads.of(head), kept, rules, first, last, *[x[:, *head] for x in results])

        rules = heads.rules()
        heads.share_out(some, generator)
        self.save(q, k, v, bias, y, log_sums)
        return y

    def backward(self, g: Any) -> Any:
        *inputs, y, log_sums = self.saved
        heads = _Heads(self, *inputs)
        grads = [_laid_out_like(x, x.shape[-1]) for x in heads.inputs]
        wanted = len(self.parents) > 3 and self.needs(3)
        db = np.zeros(heads.shape, y.dtype) if wanted else np.empty((*heads.shape[:-2], 1, 1), y.dtype)
        known = [_behind(x) for x in (y, log_sums, g)]
        to_q, to_k, to_v, to_bias = (_behind(x) for x in (*grads, db))
        shares: dict[tuple[Head, int], list[np.ndarray]] = {}

        def some(head: Head, first: int, last: int, kept: Any) -> None:
            own = to_k[:, *head], to_v[:, *head]
            if last - first < heads.shape[-2]:
                shares[head, first] = [np.empty(x.shape[1:], x.dtype) for x in own]
                own = tuple(_behind(x) for x in shares[head, first])
            attend_back(
                *heads.of(head), kept, rules, first, last, *[x[:, *head] for x in (*known, to_q)], *own,
                to_bias[:, *head],
            )  # fmt: skip

        rules = heads.rules(wanted)
        heads.share_out(some, self.start.clone_state() if self.dropout_p else None)
        for head, first in sorted(shares):
            for total, share in zip(grads[1:], shares.pop((head, first)), strict=True):
                np.add(total[head] if first else 0, share, out=total[head])
        return (*grads, db)[: len(self.parents)]


class _Heads:
    """The operands of attention, head by head.

    Args:
        op: the attention.
        q, k, v, bias: what it is called with.
    """

    def __init__(self, op: attention.ScaledDotProductAttention, q: Any, k: Any, v: Any, bias: Any) -> None:
        self.op = op
        (*inputs, bias, mask), self.shape = aligned(q, k, v, bias, op.mask)
        batch = self.shape[:-2]
        self.inputs = [np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in inputs]
        self.given = bias is not None, mask is not None
        nothing = (*batch, 1, 1)
        bias = np.broadcast_to(np.empty(1, q.dtype), nothing) if bias is None else np.broadcast_to(bias, self.shape)
        mask = np.broadcast_to(True, nothing) if mask is None else np.broadcast_to(mask, self.shape)
        self._operands = [_behind(x, False) for x in (*self.inputs, bias, mask)]

    def rules(self, to_bias: bool = False) -> Rules:
        """How scores become weights."""
        op, dtype = self.op, self.inputs[0].dtype
        raised = 1 / (1 - op.dropout_p) if op.dropout_p < 1 else 0
        dropped = bool(op.dropout_p)
        numbers = dtype.type(op.scale), dtype.type(raised)
        return Rules(*numbers, bool(op.causal), op.offset, *self.given, dropped, to_bias, _BLOCK, width(dtype))

    def of(self, head: Head) -> list[np.ndarray]:
        """q, k, v, bias and mask of a head, as the loops take them."""
        return [x[:, *head] for x in self._operands]

    def share_out(self, work: Callable[[Head, int, int, Any], None], generator: Any) -> None:
        """Call ``work(head, first, last, kept)`` on ranges of queries of all heads, on all threads.

        Ranges begin with a block. ``kept`` has a line for each query: which of its weights are not dropped,
        in the order in which PyTorch draws that for all of them.
        """
        *batch, queries, keys = self.shape
        heads = list(np.ndindex(*batch))
        block = _BLOCK
        blocks = -(-queries // block)  # of a head
        worth = 1 + _WORTH_A_THREAD // (block * keys * self.inputs[0].shape[-1])
        nothing = _behind(np.empty((1, 1), bool), False)

        def line_of(unit: int) -> int:
            number, before = divmod(unit, blocks)
            return number * queries + before * block

        together = max(1, _AT_ONCE // (block * keys)) if self.op.dropout_p else len(heads) * blocks
        for start in range(0, len(heads) * blocks, together):
            stop = min(start + together, len(heads) * blocks)
            begin = line_of(start)
            drawn = self.op.kept((line_of(stop) - begin, keys), generator)
            lines = None if drawn is None else _behind(drawn, False)

            def piece(low: int, high: int, start: int = start, begin: int = begin, lines: Any = lines) -> None:
                low, high = start + low, start + high
                for number in range(low // blocks, -(-high // blocks)):
                    first, last = (min(max(unit - number * blocks, 0), blocks) for unit in (low, high))
                    rows = first * block, min(last * block, queries)
                    at = number * queries - begin
                    work(heads[number], *rows, nothing if lines is None else lines[:, at + rows[0] : at + rows[1]])

            parallel_for(piece, stop - start, worth, finer=_FINER)


def _behind(x: np.ndarray, writeable: bool = True) -> np.ndarray:
    """x behind an axis of no meaning, as the loops take arrays."""
    return as_strided(x, (2, *x.shape), (0, *x.strides), writeable=writeable)


def _laid_out_like(x: np.ndarray, length: int) -> np.ndarray:
    """A new array whose axes are in memory in the order of those of x, with another length of the last axis."""
    order = sorted(range(x.ndim - 1), key=lambda axis: -abs(x.strides[axis]))
    shape = [x.shape[axis] for axis in order]
    return np.empty((*shape, length), x.dtype).transpose(*np.argsort(order), x.ndim - 1)
