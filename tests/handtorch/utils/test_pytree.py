"""Trees: taken apart and put together again, mapped, with containers of the user's own."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handtorch
from handtorch.errors import ArgumentError
from handtorch.utils import _pytree
from handtorch.utils._pytree import tree_flatten, tree_map, tree_map_only, tree_unflatten

Point = namedtuple("Point", "x y")

trees = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda children: (
        st.lists(children, max_size=3)
        | st.tuples(children, children)
        | st.dictionaries(st.text(max_size=2), children, max_size=3)
        | st.builds(Point, children, children)
        | st.lists(children, max_size=3).map(deque)
    ),
    max_leaves=12,
)


@given(trees)
def test_a_tree_is_put_together_as_it_was(tree):
    leaves, spec = tree_flatten(tree)
    rebuilt = tree_unflatten(leaves, spec)
    assert rebuilt == tree
    assert type(rebuilt) is type(tree)
    assert spec.num_leaves == len(leaves)
    assert tree_flatten(rebuilt)[1] == spec


def test_leaves_come_from_left_to_right_and_none_is_one():
    tree = {"b": [1, (2, None)], "a": OrderedDict(z=3)}
    assert _pytree.tree_leaves(tree) == [1, 2, None, 3]


def test_other_dicts_keep_what_makes_them():
    tree = defaultdict(list, a=1)
    assert tree_map(lambda x: x + 1, tree).default_factory is list
    assert tree_map(str, deque([1], maxlen=4)).maxlen == 4


def test_several_trees_are_mapped_together_down_to_the_leaves_of_the_first():
    assert tree_map(lambda a, b: (a, b), {"x": 1, "y": [2]}, {"x": [5, 6], "y": [7]}) == {
        "x": (1, [5, 6]),
        "y": [(2, 7)],
    }
    for other in ({"x": 1}, {"x": 1, "y": [2, 3]}, [1, [2]]):
        with pytest.raises(ArgumentError, match="expected a"):
            tree_map(lambda a, b: a, {"x": 1, "y": [2]}, other)


def test_only_leaves_of_a_class_are_mapped():
    x = handtorch.ones(2)
    moved = tree_map_only(handtorch.Tensor, lambda t: t.double(), {"x": x, "n": 3, "s": ("a", x)})
    assert (moved["x"].dtype, moved["s"][1].dtype) == (handtorch.float64, handtorch.float64)
    assert (moved["n"], moved["s"][0]) == (3, "a")
    assert tree_map_only((int, str), str, [1, 2.0, "a"]) == ["1", 2.0, "a"]
    assert tree_map_only(lambda leaf: leaf > 1, lambda leaf: -leaf, [1, 2, 3]) == [1, -2, -3]


def test_a_condition_makes_leaves_of_containers():
    assert tree_map(len, [(1, 2), (3,)], is_leaf=lambda x: isinstance(x, tuple)) == [2, 1]
    assert _pytree.tree_all(lambda leaf: leaf > 0, [1, [2]]) is True
    assert _pytree.tree_any(lambda leaf: leaf > 2, [1, [2]]) is False


def test_a_class_becomes_a_container_once_it_is_registered(monkeypatch):
    class Pair:
        def __init__(self, a, b, note):
            self.a, self.b, self.note = a, b, note

    monkeypatch.setattr(_pytree, "SUPPORTED_NODES", dict(_pytree.SUPPORTED_NODES))
    pair = Pair(1, [2, 3], "kept")
    assert _pytree.tree_is_leaf(pair)
    _pytree.register_pytree_node(Pair, lambda p: ([p.a, p.b], p.note), lambda children, note: Pair(*children, note))
    mapped = tree_map(lambda leaf: leaf * 10, pair)
    assert (mapped.a, mapped.b, mapped.note) == (10, [20, 30], "kept")
    with pytest.raises(ArgumentError, match="already registered"):
        _pytree.register_pytree_node(Pair, list, list)


def test_leaves_that_are_too_few_or_too_many_are_refused():
    spec = _pytree.tree_structure([1, 2])
    with pytest.raises(ArgumentError, match=r"length 1 .* 2 items"):
        spec.unflatten([1])


def test_a_structure_is_printed_as_pytorch_does():
    assert repr(_pytree.tree_structure({"a": 1, "b": [2, (3, None)]})) == (
        "TreeSpec(dict, ['a', 'b'], [*,\n  TreeSpec(list, None, [*,\n    TreeSpec(tuple, None, [*,\n      *])])])"
    )
