"""The walk back: from a result to the leaves, each op once, deepest first, without recursion.

Along the way the engine does, once for all ops, what no op does for itself: it undoes broadcasting and type promotion,
adds gradients that meet, and lets go of what an op had saved as soon as it is used.

Plainly, ops run on NumPy arrays. With ``create_graph=True`` the same ``backward`` methods run on Tensors, whose NumPy
functions are Handtorch's ops: so the backward pass is recorded, and can be differentiated again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from handtorch import kernels
from handtorch.autograd import changes
from handtorch.autograd.hooks import run_hooks
from handtorch.autograd.mode import set_grad_enabled
from handtorch.autograd.origin import describe
from handtorch.errors import GradientError, ShapeError
from handtorch.ops import op as op_module
from handtorch.ops.op import Op, Pick
from handtorch.tensor import Tensor

_depth = attrgetter("depth")


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add dL/d(leaf) to ``leaf.grad`` for every leaf that the tensors depend on, where L is the sum of
    ``tensor * grad_tensor`` over all elements.

    Args:
        tensors: one tensor or several.
        grad_tensors: for each tensor a gradient of its shape; None means 1, for a single number only.
        retain_graph: keep the graph for another backward pass (default: as ``create_graph``).
        create_graph: record the backward pass too.
        inputs: add up gradients for these tensors only.

    Raises:
        GradientError: nothing requires a gradient, the graph was freed, or a saved value was changed in place.
        ShapeError: a gradient has another shape than its tensor.
    """
    if inputs is not None:
        inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        if not inputs:
            raise GradientError("'inputs' argument to backward() cannot be empty.")
    roots = _roots(tensors, grad_tensors, create_graph)
    _walk(roots, create_graph if retain_graph is None else retain_graph, create_graph, inputs, accumulate=True)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """dL/d(input) for every input, where L is the sum of ``output * grad_output``; no ``.grad`` is touched.

    Args:
        outputs, grad_outputs: as ``tensors`` and ``grad_tensors`` of :func:`backward`.
        inputs: the tensors to differentiate by, leaves or not.
        retain_graph, create_graph: as in :func:`backward`.
        allow_unused: return None for an input that the outputs do not depend on, instead of raising.
        materialize_grads: return zeros for such an input.
        only_inputs: kept for PyTorch's signature.
        is_grads_batched: a leading axis of ``grad_outputs`` counts several backward passes.

    Raises:
        GradientError: an input does not require a gradient or was not used.
    """
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    allow_unused = materialize_grads if allow_unused is None else allow_unused
    if is_grads_batched:
        return _batched(outputs, inputs, grad_outputs, create_graph, allow_unused, materialize_grads)
    roots = _roots(outputs, grad_outputs, create_graph)
    for x in inputs:
        if not x.needs_grad:
            raise GradientError("one of the differentiated Tensors does not require grad")
    found = _walk(roots, create_graph if retain_graph is None else retain_graph, create_graph, inputs, accumulate=False)
    for i, g in enumerate(found):
        if g is None and materialize_grads:
            found[i] = Tensor.of(np.zeros_like(inputs[i].array))
        elif g is None and not allow_unused:
            raise GradientError(
                "one of the differentiated Tensors appears to not have been used in the graph; "
                "set allow_unused=True if this is the desired behavior"
            )
    return tuple(found)


def _batched(outputs: Any, inputs: Any, grad_outputs: Any, create_graph: bool, *options: bool) -> tuple[Any, ...]:
    from handtorch.ops.joining import stack

    grads: list[Any] = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    rows = [
        grad(outputs, inputs, [g[i] for g in grads], True, create_graph, True, options[0], False, options[1])
        for i in range(len(grads[0]))
    ]
    return tuple(None if column[0] is None else stack(column) for column in zip(*rows, strict=True))


def _roots(tensors: Any, grads: Any, create_graph: bool) -> list[tuple[Tensor, Any]]:
    """Pair every tensor with its starting gradient."""
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    grads = [grads] * len(tensors) if grads is None else [grads] if isinstance(grads, Tensor) else list(grads)
    if len(grads) != len(tensors):
        raise GradientError(f"expected a gradient for each of {len(tensors)} tensors, got {len(grads)}")
    roots = []
    for tensor, g in zip(tensors, grads, strict=True):
        if not tensor.needs_grad:
            raise GradientError(
                "element 0 of tensors does not require grad and does not have a grad_fn; "
                "set requires_grad on a leaf that it depends on, and look for detach() and no_grad() on the way"
            )
        if g is None:
            if tensor.array.size != 1:
                raise GradientError(
                    f"grad can be implicitly created only for scalar outputs, got shape {tuple(tensor.shape)}; "
                    f"reduce it first, or pass a gradient of that shape"
                )
            g = Tensor.of(np.ones_like(tensor.array))
        elif g.array.shape != tensor.array.shape:
            raise ShapeError(
                f"Mismatch in shape: grad_output has a shape of {tuple(g.shape)} and output of {tuple(tensor.shape)}"
            )
        roots.append((tensor, g if create_graph else g.array))
    return roots


def _walk(
    roots: list[tuple[Tensor, Any]], keep: bool, create_graph: bool, inputs: list[Tensor] | None, accumulate: bool
) -> list[Any]:
    """Go back from the roots; add to the tensors' ``grad``, or return the gradients of ``inputs``."""
    order, uses = _deepest_first([_node(tensor) for tensor, _ in roots])
    found: list[Any] = [None] * len(inputs or ())
    wanted: dict[int, int] | None = None
    ends: set[int] = set()
    if inputs is not None:
        wanted = {id(_node(x)): i for i, x in enumerate(inputs)}
        order, ends = _that_lead_to(wanted, order)
    flow = _Flow(create_graph)

    def arrive(node: Any, g: Any, shared: bool) -> Any:
        """All of a node's gradient is known: run its hooks, keep it where it is wanted."""
        if node.hooks:
            g = flow.hooked(node, g)
        if wanted is not None:
            i = wanted.get(id(node))
            if i is not None:
                found[i] = g if create_graph else Tensor.of(np.asarray(g))
                if accumulate:
                    flow.gather(inputs[i], g, True)  # type: ignore[index]
        elif isinstance(node, Tensor):
            flow.gather(node, g, shared)
        return g

    def send(parent: Any, g: Any, shared: bool) -> None:
        """Give a parent its share; a leaf that has all of its shares is done."""
        if g is not None:
            flow.add(parent, g, shared)
        if isinstance(parent, Tensor):
            uses[parent] -= 1
            if not uses[parent] and parent in flow.pending:
                arrive(parent, *flow.take(parent))

    with set_grad_enabled(create_graph), np.errstate(all="ignore"):
        for tensor, g in roots:
            send(_node(tensor), g, True)
        for node in order:
            if node not in flow.pending:
                continue
            g, shared = flow.take(node)
            if type(node) is not Pick and type(node.shape) is list:
                g = tuple(g)  # one gradient for each result
            else:
                g = arrive(node, g, shared)
            if id(node) in ends:
                continue
            if type(node) is Pick:
                flow.put(node, g)
                continue
            if node.before:
                g = flow.before(node, g)
            while node.restore is not None:
                node.restore(node)
            if node.saved is None:
                raise GradientError(
                    "trying to backward through the graph a second time: what it saved was freed by the first pass; "
                    "pass retain_graph=True to the first backward()"
                )
            if node.time < changes.now:
                node.check_unchanged()
            try:
                grads = node.backward_on_tensors(g) if create_graph else node.backward(g)
            except Exception as error:
                error.add_note(f"in backward of {node.name()}, whose forward call was at {describe(node.origin)}")
                raise
            if not keep:
                node.release()
            if type(grads) is not tuple:
                grads = (grads,)
            if node.after:
                grads = flow.after(node, grads, g)
            if op_module.look_at_gradients is not None:
                op_module.look_at_gradients(node, g, grads)
            for parent, share in zip(node.parents, grads, strict=True):
                if parent is not None:
                    send(parent, share, share is g or sum(share is other for other in grads) > 1)
        for leaf in [node for node in flow.pending if isinstance(node, Tensor)]:
            arrive(leaf, *flow.take(leaf))  # some of its uses never got a gradient
    return found


def _node(tensor: Tensor) -> Any:
    """Where a tensor's gradient goes: the op that made it, or the leaf itself."""
    return tensor if tensor.op is None else tensor.op


def _deepest_first(starts: list[Any]) -> tuple[list[Op], dict[Tensor, int]]:
    """All ops that the starts depend on, deepest first, and for every leaf how often it is used."""
    uses: dict[Tensor, int] = {}
    seen: dict[Op, None] = {}  # a dict, because its order is the same in every run
    stack = list(starts)
    while stack:
        node = stack.pop()
        if isinstance(node, Tensor):
            uses[node] = uses.get(node, 0) + 1
        elif node not in seen:
            seen[node] = None
            stack.extend([parent for parent in node.parents if parent is not None])
    return sorted(seen, key=_depth, reverse=True), uses


def depends_on(tensors: list[Any], is_wanted: Callable[[Tensor], bool]) -> bool:
    """Whether gradients flow from one of the tensors to a leaf of some kind."""
    _, uses = _deepest_first([_node(tensor) for tensor in tensors if tensor.needs_grad])
    return any(is_wanted(leaf) for leaf in uses)


def _that_lead_to(wanted: dict[int, int], order: list[Op]) -> tuple[list[Op], set[int]]:
    """The ops of ``order`` that a gradient must reach for the sake of a wanted node, and the ends of these ways.

    An op at an end is wanted itself, and no wanted one comes after it: it is not run, and keeps what it has saved.
    """
    passed: set[int] = set()
    for node in reversed(order):
        if any(parent is not None and (id(parent) in wanted or id(parent) in passed) for parent in node.parents):
            passed.add(id(node))
    return [node for node in order if id(node) in wanted or id(node) in passed], wanted.keys() - passed


class _Flow:
    """The gradients on their way: for each node the sum of what has reached it so far."""

    def __init__(self, create_graph: bool) -> None:
        self.create_graph = create_graph
        self.pending: dict[Any, Any] = {}
        self.shared: set[Any] = set()  # nodes whose pending array somebody else holds too

    def add(self, node: Any, g: Any, shared: bool) -> None:
        """Add a gradient; the second sum of a node is written over the first, without another copy."""
        if isinstance(node, Tensor):
            shape, dtype = node.array.shape, node.array.dtype
        else:
            shape, dtype = node.shape, node.dtype
        if g.shape != shape:
            g, shared = unbroadcast(g, shape), False
        if not self.create_graph and g.dtype != dtype:
            g, shared = (g.real if g.dtype.kind == "c" and dtype.kind != "c" else g).astype(dtype), False
        elif self.create_graph and g.array.dtype != dtype:
            g = np.astype(np.real(g) if g.array.dtype.kind == "c" and dtype.kind != "c" else g, dtype)
        held = self.pending.get(node)
        if held is None:
            self.pending[node] = g
            if shared or self.create_graph or not isinstance(g, np.ndarray) or not _is_alone(g):
                self.shared.add(node)
        elif node in self.shared:
            self.pending[node] = _added(held, g)
            if not self.create_graph and isinstance(self.pending[node], np.ndarray):
                self.shared.discard(node)
        else:
            _added(held, g, out=held)

    def put(self, pick: Pick, g: Any) -> None:
        """Put the gradient of one result of an op into its slot.

        A recorded backward pass that uses the result again has hung it on a pick of its own: then two come here.
        """
        op = pick.parents[0]
        slots = self.pending.setdefault(op, [None] * len(op.shape))
        held = slots[pick.index]
        slots[pick.index] = g if held is None else held + g

    def take(self, node: Any) -> tuple[Any, bool]:
        """Take out what has come for a node, and whether somebody else holds that array too."""
        shared = node in self.shared
        self.shared.discard(node)
        return self.pending.pop(node), shared

    def hooked(self, node: Any, g: Any) -> Any:
        """Pass a gradient through the hooks of a node."""
        if self.create_graph:
            return run_hooks(node.hooks, g)
        return run_hooks(node.hooks, Tensor.of(np.asarray(g))).array

    def before(self, node: Op, g: Any) -> Any:
        """Pass the gradients of a node's results through the hooks that come before its backward."""
        grads = self.as_tensors(g)
        for hook in list(node.before.values()):  # type: ignore[union-attr]
            grads = _changed(grads, hook(grads))
        given = self.from_tensors(grads)
        return given if isinstance(g, tuple) else given[0]

    def after(self, node: Op, grads: tuple[Any, ...], g: Any) -> tuple[Any, ...]:
        """Pass the gradients of a node's inputs through the hooks that come after its backward."""
        shares = self.as_tensors(
            tuple(
                None if parent is None or share is None else unbroadcast(share, _shape(parent))
                for parent, share in zip(node.parents, grads, strict=True)
            )
        )
        for hook in list(node.after.values()):  # type: ignore[union-attr]
            shares = _changed(shares, hook(shares, self.as_tensors(g)))
        return self.from_tensors(shares)

    def as_tensors(self, g: Any) -> tuple[Any, ...]:
        """Gradients as hooks see them."""
        grads = g if isinstance(g, tuple) else (g,)
        return grads if self.create_graph else tuple(None if x is None else Tensor.of(np.asarray(x)) for x in grads)

    def from_tensors(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """What hooks have left of them, for the walk."""
        return grads if self.create_graph else tuple(None if x is None else x.array for x in grads)

    def gather(self, tensor: Tensor, g: Any, shared: bool) -> None:
        """Add to ``tensor.grad``, taking the array itself where nobody else holds it."""
        held = tensor._grad
        if self.create_graph:
            tensor._grad = g if held is None else held + g
        elif held is None:
            tensor._grad = Tensor.of(np.array(g, order="C") if shared else np.asarray(g))
        elif held.needs_grad or not held.array.flags.writeable:
            tensor._grad = Tensor.of(held.array + g)
        else:
            held.array += g
        if tensor.post_hooks:
            for hook in list(tensor.post_hooks.values()):
                hook(tensor)


_LARGE = 1 << 16  # elements from which a sum is worth all threads


def _added(a: Any, b: Any, out: Any = None) -> Any:
    """a + b, of arrays of one shape, or of Tensors."""
    if isinstance(a, np.ndarray) and a.size >= _LARGE and kernels.enabled():
        from handtorch.kernels import arithmetic

        if arithmetic.suits(a, b):
            return arithmetic.by_piece(np.add, a, b, out)
    return a + b if out is None else np.add(a, b, out=out)


def _is_alone(g: np.ndarray) -> bool:
    """Whether nobody else can see the memory of an array: it owns it, or is all that is left of what does."""
    if g.base is None:
        return True
    whole = isinstance(g.base, np.ndarray) and g.base.size == g.size and g.flags.c_contiguous and g.flags.writeable
    return whole and sys.getrefcount(g.base) == 2  # held by g, and by this call


def _changed(grads: tuple[Any, ...], returned: Any) -> tuple[Any, ...]:
    """Gradients after a hook: what it returned, or the same if that was None."""
    return grads if returned is None else returned if isinstance(returned, tuple) else (returned,)


def _shape(node: Any) -> tuple[int, ...]:
    return node.array.shape if isinstance(node, Tensor) else node.shape


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which its input was repeated, so that it gets the input's shape."""
    extra = g.ndim - len(shape)
    if extra > 0:
        g = g.sum(axis=tuple(range(extra)))
    axes = tuple(i for i, length in enumerate(shape) if length == 1 and g.shape[i] != 1)
    if axes:
        g = g.sum(axis=axes, keepdims=True)
    if tuple(g.shape) != shape:
        raise ShapeError(f"a backward returned a gradient of shape {tuple(g.shape)} for an input of shape {shape}")
    return g
