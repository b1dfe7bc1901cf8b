"""ledger: what each op of a graph costs - time forwards and back, and memory kept in between."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from handtorch.autograd.graph import Node, human, nodes_of, parameter_names
from handtorch.ops.op import Op
from handtorch.tensor import Tensor

_COLUMNS = ("op", "module", "shape", "forward ms", "backward ms", "kept", "line")


@dataclass
class Entry:
    """One op: its node, and seconds forwards (None unless it ran inside ``recording``) and back."""

    node: Node
    forward: float | None
    backward: float


class Ledger:
    """A table of the ops of a graph, in the order of the walk back.

    Attributes:
        entries: a row for each op.
    """

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries

    @property
    def kept(self) -> int:
        """Bytes that the graph keeps for going back, each piece of memory counted once."""
        return sum(entry.node.kept for entry in self.entries)

    @property
    def backward(self) -> float:
        """Seconds of all ops going back."""
        return sum(entry.backward for entry in self.entries)

    def costliest(self, count: int = 10) -> Ledger:
        """The ops that took the most time going back."""
        return Ledger(sorted(self.entries, key=lambda entry: -entry.backward)[:count])

    def _cells(self) -> list[list[str]]:
        return [
            [
                entry.node.name,
                entry.node.module,
                "×".join(map(str, entry.node.shape)) or "1",
                "" if entry.forward is None else f"{entry.forward * 1e3:.3f}",
                f"{entry.backward * 1e3:.3f}",
                human(entry.node.kept),
                entry.node.line.split(": ")[0].rsplit("/", 1)[-1],
            ]
            for entry in self.entries
        ]

    def to_csv(self) -> str:
        """Comma-separated rows with numbers in plain units: seconds and bytes."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["op", "module", "shape", "forward_seconds", "backward_seconds", "kept_bytes", "line"])
        for e in self.entries:
            shape = "x".join(map(str, e.node.shape))
            writer.writerow([e.node.name, e.node.module, shape, e.forward, e.backward, e.node.kept, e.node.line])
        return out.getvalue()

    def __str__(self) -> str:
        rows = [list(_COLUMNS), *self._cells()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
        align = [str.rjust if column in (3, 4, 5) else str.ljust for column in range(len(_COLUMNS))]
        lines = ["  ".join(a(c, w) for a, c, w in zip(align, row, widths, strict=True)) for row in rows]
        lines.insert(1, "  ".join("-" * width for width in widths))
        lines.append(f"{len(self.entries)} ops, {self.backward * 1e3:.3f} ms back, {human(self.kept)} kept")
        return "\n".join(line.rstrip() for line in lines)

    __repr__ = __str__


def ledger(tensor: Any, model: Any = None) -> Ledger:
    """Run each op of the graph behind ``tensor`` backwards once, and account for its time and memory.

    No ``.grad`` is touched and nothing is freed: ``tensor.backward()`` can follow. Module paths and the time going
    forward are known for what ran inside :func:`recording`.

    Args:
        tensor: a result.
        model: names its parameters.
    """
    nodes = [node for node in nodes_of(tensor, parameter_names(model)) if not node.is_leaf]
    seconds = _time_backwards(tensor)
    return Ledger(
        [Entry(node, getattr(node.op, "forward_seconds", None), seconds.get(id(node.op), 0.0)) for node in nodes]
    )


def _time_backwards(tensor: Any) -> dict[int, float]:
    """Seconds that each op's backward takes in a real walk."""
    from handtorch.autograd.engine import _deepest_first, grad

    order, uses = _deepest_first([tensor.op])
    seconds: dict[int, float] = {}
    for op in order:
        op.backward = _timed(op, seconds)  # type: ignore[method-assign]
    try:
        start = Tensor.of(np.ones_like(tensor.array))
        grad(tensor, list(uses), start, retain_graph=True, allow_unused=True)
    finally:
        for op in order:
            del op.backward
    return seconds


def _timed(op: Op, seconds: dict[int, float]) -> Any:
    plain = op.backward

    def backward(g: Any) -> Any:
        started = time.perf_counter()
        grads = plain(g)
        seconds[id(op)] = time.perf_counter() - started
        return grads

    return backward
