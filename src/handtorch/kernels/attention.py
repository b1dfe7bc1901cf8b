"""Twin of attention: some queries at a time, whose scores stay in the processor's cache, on packed keys and values.

Forwards a block of queries meets all keys that it may see. Backwards, where the sums of the softmax are known, it meets
them a block at a time. The blocks of all heads are shared out among the threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handtorch.kernels import attention_loops as loops
from handtorch.kernels.layout import one_kind
from handtorch.kernels.panels import multiply, pack, room
from handtorch.kernels.threads import parallel_for
from handtorch.ops import attention
from handtorch.ops.attention import aligned
from handtorch.random.generator import resolve

_SCORES = 1 << 18  # that a thread works on at a time
_MOST, _FEWEST = 128, 32  # queries of a block
_KEYS = 512  # of a block, backwards
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
        y = _laid_out_like(heads.q, v.shape[-1])
        log_sums = np.empty(y.shape[:-1], q.dtype)
        block = max(_FEWEST, min(_MOST, _SCORES // k.shape[-2]))

        def attend(head: Head, rows: slice, kept: Any) -> None:
            keys, values = pack(heads.k[head]), pack(heads.v[head].T)
            for part in _blocks(rows.start, rows.stop, block):
                seen = slice(0, heads.seen_by(part))
                scores = heads.scores(head, part, seen, heads.queries(head, part), keys)
                highest = np.max(scores[:, seen], axis=1, initial=-np.inf)
                highest[highest == -np.inf] = 0
                totals = np.empty_like(highest)
                loops.weigh(scores, seen.stop, highest, _of(kept, rows, part, seen), heads.raised, totals)
                result = room(len(scores), values)
                multiply(scores, values, result)
                blind = totals == 0
                totals[blind] = 1
                np.divide(result[:, : v.shape[-1]], totals[:, None], out=y[head][part])
                log_sums[head][part] = np.where(blind, np.inf, highest + np.log(totals))

        heads.share_out(attend, block, generator)
        self.save(q, k, v, bias, y, log_sums)
        return y

    def backward(self, g: Any) -> Any:
        *inputs, y, log_sums = self.saved
        heads = _Heads(self, *inputs)
        dq, dk, dv = (_laid_out_like(x, x.shape[-1]) for x in (heads.q, heads.k, heads.v))
        db = np.zeros(heads.shape, dq.dtype) if len(self.parents) > 3 and self.needs(3) else None
        shares: dict[tuple[Head, int], tuple[np.ndarray, np.ndarray]] = {}

        def pull(head: Head, rows: slice, kept: Any) -> None:
            keys = _Keys(heads.k[head], heads.v[head])
            for part in _blocks(rows.start, rows.stop, _MOST):
                queries, up = heads.queries(head, part), np.ascontiguousarray(g[head][part])
                means = np.einsum("nd,nd->n", up, y[head][part])
                keys.meet(queries, up)
                for seen in _blocks(0, heads.seen_by(part), _KEYS):
                    scores, pulls = heads.scores(head, part, seen, queries, keys.panels), keys.pulls(up, seen)
                    count = seen.stop - seen.start
                    dropped = _of(kept, rows, part, seen), heads.raised
                    loops.pull(scores, pulls, count, log_sums[head][part], means, *dropped)
                    keys.add(scores, pulls, seen)
                    if db is not None:
                        db[head][part, seen] = pulls[:, :count]
                np.multiply(keys.to_queries[:, : queries.shape[1]], self.scale, out=dq[head][part])
            shares[head, rows.start] = keys.to_keys, keys.to_values

        heads.share_out(pull, _MOST, self.start.clone_state() if self.dropout_p else None)
        for head, start in sorted(shares):
            for total, share in zip((dk[head], dv[head]), shares.pop((head, start)), strict=True):
                own = share[: total.shape[0], : total.shape[1]]
                np.add(total, own, out=total) if start else np.copyto(total, own)
        return (dq, dk, dv, db)[: len(self.parents)]


class _Heads:
    """The operands head by head, and which of their scores count.

    Args:
        op: the attention.
        q, k, v, bias: what it is called with.
    """

    def __init__(self, op: attention.ScaledDotProductAttention, q: Any, k: Any, v: Any, bias: Any) -> None:
        (*inputs, bias, mask), self.shape = aligned(q, k, v, bias, op.mask)
        batch = self.shape[:-2]
        self.q, self.k, self.v = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in inputs)
        self.bias, self.mask = (x if x is None else np.broadcast_to(x, self.shape) for x in (bias, mask))
        self.op = op
        self.raised = q.dtype.type(1 / (1 - op.dropout_p) if op.dropout_p < 1 else 0)

    def seen_by(self, part: slice) -> int:
        """How many keys one of these queries may see at most."""
        keys = self.shape[-1]
        return min(keys, max(0, part.stop + self.op.offset)) if self.op.causal else keys

    def queries(self, head: Head, part: slice) -> np.ndarray:
        """s q."""
        return np.multiply(self.q[head][part], self.op.scale, order="C")

    def scores(self, head: Head, part: slice, seen: slice, queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """s q kᵀ + b of some queries and, at the least, those keys; -Inf where a query must not see a key.

        Args:
            queries: of :meth:`queries`.
            keys: all of the head's, packed.
        """
        panels = _of_panels(keys, seen)
        scores = room(len(queries), panels)
        multiply(queries, panels, scores)
        some = scores[:, : seen.stop - seen.start]
        if self.bias is not None:
            some += self.bias[head][part, seen]
        if self.mask is not None:
            np.copyto(some, -np.inf, where=~self.mask[head][part, seen])
        if self.op.causal:
            loops.hide(scores, part.start + self.op.offset - seen.start)
        return scores

    def share_out(self, work: Callable[[Head, slice, Any], None], block: int, generator: Any) -> None:
        """Call ``work(head, queries, kept)`` for all queries of all heads, at least a block at a time, on all threads.

        ``kept`` has a line for each of these queries: which weights stay, drawn in the order of the weights; or is
        None without dropout.
        """
        *batch, queries, keys = self.shape
        heads = list(np.ndindex(*batch))
        blocks = -(-queries // block)  # of a head
        worth = 1 + _WORTH_A_THREAD // (block * keys * self.q.shape[-1])

        def first_line(unit: int) -> int:
            head, number = divmod(unit, blocks)
            return head * queries + number * block

        together = max(1, _AT_ONCE // (block * keys)) if self.op.dropout_p else len(heads) * blocks
        for units in _blocks(0, len(heads) * blocks, together):
            begin = first_line(units.start)
            kept = self.op.kept((first_line(units.stop) - begin, keys), generator)

            def piece(low: int, high: int) -> None:
                while low < high:
                    head, number = divmod(low, blocks)
                    ...

            parallel_for(piece, units.stop - units.start, worth, finer=_FINER)


class _Keys:
    """The keys and values of a head on the way back, packed, and the sums of their gradients.

    Args:
        k: (S, E).
        v: (S, D).
    """

    def __init__(self, k: np.ndarray, v: np.ndarray) -> None:
        self.panels, self.values = pack(k), pack(v)
        self.back = [pack(k[part].T) for part in _blocks(0, len(k), _KEYS)]
        rows = self.panels.shape[0] * self.panels.shape[2]
        self.to_keys, self.to_values = (np.zeros((rows, _padded(x)), k.dtype) for x in (k, v))

    def meet(self, queries: np.ndarray, up: np.ndarray) -> None:
        """Begin with a block of queries and the gradients of their results."""
        self.queries, self.up = pack(queries.T), pack(up.T)
        self.to_queries = room(len(queries), self.back[0])
        self.to_queries[:] = 0

    def pulls(self, up: np.ndarray, seen: slice) -> np.ndarray:
        """dL/dP = g vᵀ of all queries and those keys."""
        panels = _of_panels(self.values, seen)
        pulls = room(len(up), panels)
        multiply(up, panels, pulls)
        return pulls

    def add(self, weights: np.ndarray, pulls: np.ndarray, seen: slice) -> None:
        """Add up the gradients that come from the block's weights, and from dL/d(score)."""
        some = slice(seen.start, seen.start + weights.shape[1])
        multiply(weights.T, self.up, self.to_values[some], True)
        multiply(pulls.T, self.queries, self.to_keys[some], True)
        multiply(pulls, self.back[seen.start // _KEYS], self.to_queries, True)
