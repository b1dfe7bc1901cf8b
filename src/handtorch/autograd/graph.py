"""The graph behind a tensor as plain data: what drawing, replay and the ledger look at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handtorch.autograd.changes import owner
from handtorch.autograd.origin import describe
from handtorch.autograd.saving import save_on_cpu as save_on_cpu
from handtorch.autograd.saving import saved_tensors_hooks as saved_tensors_hooks
from handtorch.ops.op import Op, Pick
from handtorch.tensor import Tensor


@dataclass
class Node:
    """An op that ran, or a leaf.

    Attributes:
        number: its place in the order of the walk back; the result has 0.
        name: ``Linear``, ``ReLU`` ...; of a leaf the parameter's name, or ``leaf``.
        shape, dtype: of its result (of its first result, where there are several).
        formula: the first paragraph of the op's docstring: its maths.
        line: where in the program it ran.
        module: path of the module in whose forward it ran, where that was recorded.
        kept: bytes that it keeps for its backward and that no node before it in the walk keeps.
        inputs: numbers of the nodes that its inputs came from; None for constants.
        op: the op itself, or the leaf Tensor.
    """

    number: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    formula: str = ""
    line: str = ""
    module: str = ""
    kept: int = 0
    inputs: list[int | None] = field(default_factory=list)
    op: Any = None

    @property
    def is_leaf(self) -> bool:
        """Whether it is a tensor that the user made."""
        return isinstance(self.op, Tensor)


def nodes_of(tensor: Any, names: dict[int, str] | None = None) -> list[Node]:
    """The nodes that a tensor depends on, in the order in which ``backward`` visits them, leaves last.

    Args:
        tensor: a result.
        names: identity of a leaf Tensor -> its name, as from :func:`parameter_names`.
    """
    from handtorch.autograd.engine import _deepest_first

    start = tensor if tensor.op is None else tensor.op
    order, uses = _deepest_first([start])
    ops: list[Any] = [node for node in order if type(node) is not Pick]
    leaves = list(uses)
    numbers = {id(node): i for i, node in enumerate([*ops, *leaves])}
    seen: set[int] = set()
    found = [_of_op(op, numbers, seen) for op in ops]
    for leaf in leaves:
        name = (names or {}).get(id(leaf), "leaf")
        found.append(Node(numbers[id(leaf)], name, leaf.array.shape, str(leaf.array.dtype), op=leaf))
    return found


def parameter_names(model: Any) -> dict[int, str]:
    """Identity of a parameter -> its dotted name."""
    return {} if model is None else {id(p): name for name, p in model.named_parameters()}


def _of_op(op: Op, numbers: dict[int, int], seen: set[int]) -> Node:
    shape = op.shape[0] if isinstance(op.shape, list) else op.shape
    dtype = op.dtype[0] if isinstance(op.dtype, list) else op.dtype
    inputs = []
    for parent in op.parents:
        if type(parent) is Pick:
            parent = parent.parents[0]
        inputs.append(None if parent is None else numbers[id(parent)])
    return Node(
        numbers[id(op)],
        op.node_type.__name__,
        tuple(shape),
        str(dtype),
        formula_of(op),
        describe(op.origin),
        getattr(op, "module_path", ""),
        kept_by(op, seen),
        inputs,
        op,
    )


def formula_of(op: Op) -> str:
    """The first paragraph of an op's docstring."""
    text = (op.definition.__doc__ or "").strip()
    return re.sub(r"\s+", " ", text.split("\n\n")[0])


def kept_by(op: Op, seen: set[int]) -> int:
    """Bytes of the arrays that an op keeps, counting memory in ``seen`` not again."""
    total = 0
    for value in [*(op.saved or ()), *vars(op).values()]:
        array = value.array if isinstance(value, Tensor) else value
        if not isinstance(array, np.ndarray):
            continue
        root = owner(array)
        if id(root) not in seen:
            seen.add(id(root))
            total += root.nbytes
    return total


def human(size: float) -> str:
    """Bytes as people read them: ``1.5 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError
