"""Nests of containers taken apart into their leaves and put together again, under PyTorch's names.

A tree is a nest of dicts, lists, tuples, named tuples, deques and classes that were registered; everything else, None
among it, is a leaf. PyTorch marks the module as private; much of what is written for PyTorch uses it all the same.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from handtorch.errors import ArgumentError

__all__ = [
    "SUPPORTED_NODES",
    "TreeSpec",
    "register_pytree_node",
    "tree_all",
    "tree_any",
    "tree_flatten",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_structure",
    "tree_unflatten",
]

PyTree = Any
Context = Any
IsLeaf = Callable[[Any], bool] | None


@dataclass(frozen=True)
class NodeDef:
    """How containers of one class are taken apart and put together.

    Attributes:
        flatten_fn: container -> its children, and what else is needed to build it again.
        unflatten_fn: children and that context -> container.
    """

    type: type
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Context]]
    unflatten_fn: Callable[[Iterable[Any], Context], Any]


def _values(mapping: Any) -> tuple[list[Any], list[Any]]:
    return list(mapping.values()), list(mapping)


_NAMED = NodeDef(tuple, lambda x: (list(x), type(x)), lambda children, kind: kind(*children))

#: Class -> how its containers are taken apart.
SUPPORTED_NODES: dict[type, NodeDef] = {
    kind: NodeDef(kind, flatten, unflatten)
    for kind, flatten, unflatten in (
        (tuple, lambda x: (list(x), None), lambda children, _: tuple(children)),
        (list, lambda x: (x, None), lambda children, _: list(children)),
        (dict, _values, lambda children, keys: dict(zip(keys, children, strict=True))),
        (OrderedDict, _values, lambda children, keys: OrderedDict(zip(keys, children, strict=True))),
        (
            defaultdict,
            lambda x: (list(x.values()), [x.default_factory, list(x)]),
            lambda children, context: defaultdict(context[0], zip(context[1], children, strict=True)),
        ),
        (deque, lambda x: (list(x), x.maxlen), lambda children, maxlen: deque(children, maxlen)),
    )
}


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Context]],
    unflatten_fn: Callable[[Iterable[Any], Context], Any],
    **others: Any,
) -> None:
    """Let objects of a class be containers from now on.

    Args:
        flatten_fn: container -> its children, and what else is needed to build it again.
        unflatten_fn: children and that context -> container.
        others: what PyTorch uses to write trees to files.

    Raises:
        ArgumentError: the class is registered already.
    """
    if cls in SUPPORTED_NODES:
        raise ArgumentError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn)


@dataclass
class TreeSpec:
    """The structure of a tree without its leaves.

    Attributes:
        type: the class of the container; None for a leaf.
        context: what is needed to build it again, next to its children.
        children_specs: the structures of the children.
    """

    type: Any
    context: Context
    children_specs: list[TreeSpec]

    def __post_init__(self) -> None:
        self.num_children = len(self.children_specs)
        self.num_leaves: int = 1 if self.is_leaf() else sum(child.num_leaves for child in self.children_specs)

    def is_leaf(self) -> bool:
        """Whether it stands for a leaf."""
        return self.type is None

    def unflatten(self, leaves: Iterable[Any]) -> PyTree:
        """The tree with these leaves.

        Raises:
            ArgumentError: more or fewer leaves than there are places.
        """
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            raise ArgumentError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a pytree that "
                f"holds {self.num_leaves} items"
            )
        return self._built(iter(leaves))

    def _built(self, leaves: Any) -> PyTree:
        if self.is_leaf():
            return next(leaves)
        children = [child._built(leaves) for child in self.children_specs]
        return _definition(self.type).unflatten_fn(children, self.context)

    def flatten_up_to(self, tree: PyTree) -> list[Any]:
        """The parts of a tree that stand at the places of the leaves of this structure.

        Raises:
            ArgumentError: the tree has another structure above those places.
        """
        if self.is_leaf():
            return [tree]
        definition = None if type(tree) is not self.type else _definition(self.type)
        children, context = ((), None) if definition is None else definition.flatten_fn(tree)
        children = list(children)
        if definition is None or context != self.context or len(children) != self.num_children:
            raise ArgumentError(f"expected a {self.type.__name__} with context {self.context}, got {tree!r}")
        return [
            leaf
            for spec, child in zip(self.children_specs, children, strict=True)
            for leaf in spec.flatten_up_to(child)
        ]

    def __repr__(self, indent: int = 0) -> str:
        if self.is_leaf():
            return "*"
        parts = [child.__repr__(indent + 2) for child in self.children_specs]
        inner = parts[0] if parts else ""
        gap = ",\n" + " " * (indent + 2)
        if len(parts) > 1:
            inner += gap + gap.join(parts[1:])
        return f"TreeSpec({self.type.__name__}, {self.context}, [{inner}])"


_LEAF = TreeSpec(None, None, [])


def _definition(kind: type) -> Any:
    """How containers of a class are taken apart, None for leaves."""
    if kind in SUPPORTED_NODES:
        return SUPPORTED_NODES[kind]
    return _NAMED if issubclass(kind, tuple) and hasattr(kind, "_fields") else None


def tree_is_leaf(tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether a tree is a single leaf; ``is_leaf`` may declare more objects to be leaves."""
    return (is_leaf is not None and is_leaf(tree)) or _definition(type(tree)) is None


def tree_flatten(tree: PyTree, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree from left to right, and its structure.

    Example::

        tree_flatten({"x": 1, "y": (2, 3)})  # [1, 2, 3], and what tree_unflatten needs
    """
    leaves: list[Any] = []
    return leaves, _taken_apart(tree, leaves, is_leaf)


def _taken_apart(tree: PyTree, leaves: list[Any], is_leaf: IsLeaf) -> TreeSpec:
    if tree_is_leaf(tree, is_leaf):
        leaves.append(tree)
        return _LEAF
    children, context = _definition(type(tree)).flatten_fn(tree)
    return TreeSpec(type(tree), context, [_taken_apart(child, leaves, is_leaf) for child in children])


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """The tree with these leaves: what :func:`tree_flatten` took apart."""
    return treespec.unflatten(leaves)


def tree_leaves(tree: PyTree, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves of a tree from left to right."""
    return tree_flatten(tree, is_leaf)[0]


def tree_iter(tree: PyTree, is_leaf: IsLeaf = None) -> Iterable[Any]:
    """The leaves of a tree, one after the other."""
    return iter(tree_leaves(tree, is_leaf))


def tree_structure(tree: PyTree, is_leaf: IsLeaf = None) -> TreeSpec:
    """The structure of a tree."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """The tree of ``func(leaf, *rest)``, where each rest is what stands at the leaf's place in another tree."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others: Sequence[list[Any]] = [spec.flatten_up_to(rest) for rest in rests]
    return spec.unflatten(map(func, leaves, *others))


def tree_map_(func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """Call ``func(leaf, *rest)`` for every leaf, and return the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """As :func:`tree_map`, for leaves of a class (or of one of several, or that satisfy a condition); others stay."""
    concerns = kind if callable(kind) and not isinstance(kind, type) else lambda leaf: isinstance(leaf, kind)
    return tree_map(lambda leaf: func(leaf) if concerns(leaf) else leaf, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether all leaves satisfy a condition."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """Whether a leaf satisfies a condition."""
    return any(map(pred, tree_leaves(tree, is_leaf)))
