"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handtorch
from handtorch import nn


class Mark(nn.Module):
    """A module that adds its number to what it gets, so that chains can be told apart."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: list[int]) -> list[int]:
        return [*x, self.number]

    def extra_repr(self) -> str:
        return str(self.number)


def marks(*numbers: int) -> list[Mark]:
    return [Mark(number) for number in numbers]


def numbers(modules: Any) -> list[int]:
    return [module.number for module in modules]


def names(container: nn.Module) -> list[str]:
    return [name for name, _ in container.named_children()]


def test_a_chain_passes_on_what_the_module_before_returned() -> None:
    assert nn.Sequential(*marks(1, 2, 3))([]) == [1, 2, 3]
    assert nn.Sequential()("x") == "x"


def test_a_named_chain_keeps_its_names_in_slices_and_numbers_itself_after_a_deletion() -> None:
    chain = nn.Sequential(OrderedDict(a=Mark(1), b=Mark(2), c=Mark(3)))
    assert chain.b.number == 2
    assert names(chain[1:]) == ["b", "c"]
    del chain[0]
    assert names(chain) == ["0", "1"]
    assert not hasattr(chain, "c")


indices = st.integers(-6, 6)
operations = st.one_of(
    st.tuples(st.just("append"), indices),
    st.tuples(st.just("insert"), indices, indices),
    st.tuples(st.just("pop"), indices),
    st.tuples(st.just("set"), indices, indices),
    st.tuples(st.just("del"), indices),
    st.tuples(st.just("del slice"), indices, indices, st.sampled_from([1, 2, -1])),
    st.tuples(st.just("get slice"), indices, indices, st.sampled_from([1, 2, -1])),
    st.tuples(st.just("extend"), st.lists(indices, max_size=3)),
)


@pytest.mark.parametrize("kind", [nn.Sequential, nn.ModuleList])
@given(st.lists(operations, max_size=8))
def test_a_row_of_modules_behaves_as_a_list(kind: Any, steps: list[Any]) -> None:
    row = kind(*marks(1, 2, 3)) if kind is nn.Sequential else kind(marks(1, 2, 3))
    model = [1, 2, 3]
    for name, *args in steps:
        outcome = attempt(lambda name=name, args=args, model=model: on_list(model, name, *args))
        if name == "insert" and not -len(row) <= args[0] <= len(row):
            outcome = IndexError
        assert attempt(lambda name=name, args=args: on_row(row, name, *args)) == outcome
        if outcome is IndexError and name == "insert":
            del model[:]
            model += numbers(row)
        assert numbers(row) == model
        assert [row[i].number for i in range(-len(row), len(row))] == model * 2
        assert names(row) == [str(i) for i in range(len(model))]
        assert sorted(key for key in vars(row) if key.isdigit()) == sorted(names(row))


def attempt(call: Any) -> Any:
    try:
        return call()
    except IndexError:
        return IndexError


def on_list(row: list[int], name: str, *args: Any) -> Any:
    match name, args:
        case "append", (number,):
            row.append(number)
        case "insert", (index, number):
            row.insert(index, number)
        case "pop", (index,):
            return row.pop(index)
        case "set", (index, number):
            row[index] = number
        case "del", (index,):
            del row[index]
        case "del slice", (start, stop, step):
            del row[start:stop:step]
        case "get slice", (start, stop, step):
            return row[start:stop:step]
        case "extend", (more,):
            row.extend(more)


def on_row(row: Any, name: str, *args: Any) -> Any:
    match name, args:
        case "append", (number,):
            row.append(Mark(number))
        case "insert", (index, number):
            row.insert(index, Mark(number))
        case "pop", (index,):
            return row.pop(index).number
        case "set", (index, number):
            row[index] = Mark(number)
        case "del", (index,):
            del row[index]
        case "del slice", (start, stop, step):
            del row[start:stop:step]
        case "get slice", (start, stop, step):
            return numbers(row[start:stop:step])
        case "extend", (more,):
            row.extend(marks(*more))


def test_chains_are_added_and_multiplied() -> None:
    a, b = nn.Sequential(*marks(1, 2)), nn.Sequential(*marks(3))
    assert numbers(a + b) == [1, 2, 3]
    assert numbers(a * 2) == numbers(2 * a) == [1, 2, 1, 2]
    a += b
    a *= 2
    assert numbers(a) == [1, 2, 3, 1, 2, 3]
    assert a[0] is a[3]
    for wrong in (lambda: a + 1, lambda: a * 0):
        with pytest.raises(ValueError, match=r"Sequential class|Non-positive"):
            wrong()
    with pytest.raises(TypeError, match="unsupported operand"):
        a * 1.5


def test_lists_are_added() -> None:
    row = nn.ModuleList(marks(1)) + marks(2)
    row += marks(3)
    assert numbers(row) == [1, 2, 3]
    assert numbers(nn.ModuleList(row)) == [1, 2, 3]


def test_only_modules_go_into_rows() -> None:
    for call in (
        lambda: nn.Sequential(3),
        lambda: nn.ModuleList([3]),
        lambda: nn.ModuleList().append(3),
        lambda: nn.ModuleList().insert(0, 3),
        lambda: nn.ModuleList().extend(3),
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(IndexError, match="index 5 is out of range; there are 1 modules"):
        nn.ModuleList(marks(1))[5]
    with pytest.raises(NotImplementedError):
        nn.ModuleList()(1)


def test_equal_neighbours_in_a_list_are_shown_once() -> None:
    assert repr(nn.ModuleList([*marks(1, 1, 2), nn.Sequential(*marks(3))])) == (
        "ModuleList(\n  (0-1): 2 x Mark(1)\n  (2): Mark(2)\n  (3): Sequential(\n    (0): Mark(3)\n  )\n)"
    )
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_a_module_dict_behaves_as_a_dict() -> None:
    d = nn.ModuleDict({"b": Mark(1), "a": Mark(2)})
    d["c"] = Mark(3)
    d.update([("a", Mark(4))])
    d.update(nn.ModuleDict({"d": Mark(5)}))
    assert (list(d), list(d.keys()), numbers(d.values()), len(d)) == (["b", "a", "c", "d"], list(d), [1, 4, 3, 5], 4)
    assert dict(d.items())["c"] is d["c"] is d.c
    assert "a" in d
    assert d.pop("a").number == 4
    del d["b"]
    assert list(d) == ["c", "d"]
    assert not hasattr(d, "a")
    d.clear()
    assert len(d) == 0
    with pytest.raises(KeyError):
        d["c"]


@pytest.mark.parametrize("container", [nn.ModuleDict, nn.ParameterDict])
def test_what_is_no_mapping_is_refused(container: Any) -> None:
    with pytest.raises(TypeError, match="iterable of key/value pairs, but got int"):
        container(3)
    with pytest.raises(TypeError, match="#0 should be Iterable; is int"):
        container([3])
    with pytest.raises(ValueError, match="#1 has length 3; 2 is required"):
        container([("a", nn.Identity()), (1, 2, 3)])


def test_a_module_dict_refuses_names_that_are_taken() -> None:
    with pytest.raises(KeyError, match="attribute 'keys' already exists"):
        nn.ModuleDict({"keys": Mark(1)})


# -- parameters -----------------------------------------------------------------------------------------------------


def test_tensors_in_a_parameter_list_become_parameters() -> None:
    p = nn.ParameterList([handtorch.zeros(2), "text"])
    p.append(handtorch.zeros(3)).extend([nn.Parameter(handtorch.zeros(4))])
    p += [handtorch.zeros(5)]
    p[0] = handtorch.ones(6)
    assert [name for name, _ in p.named_parameters()] == ["0", "2", "3", "4"]
    assert [tuple(v.shape) for v in p if isinstance(v, nn.Parameter)] == [(6,), (3,), (4,), (5,)]
    assert p[1] == "text"
    assert p[-1].shape == (5,)
    assert [v.shape for v in p[2:4]] == [(3,), (4,)]
    assert len(p) == 5
    with pytest.raises(IndexError, match="index 5 is out of range; there are 5 values"):
        p[5]
    with pytest.raises(TypeError, match="but got Tensor"):
        p.extend(handtorch.zeros(1))
    with pytest.raises(RuntimeError, match="ParameterList should not be called"):
        p(1)


def test_a_parameter_dict_behaves_as_a_dict() -> None:
    p = nn.ParameterDict({"b": handtorch.zeros(1), "a": handtorch.zeros(2)})
    assert list(p) == ["a", "b"]  # a plain mapping is taken in sorted order
    p.update(OrderedDict(z=handtorch.zeros(3), y=7))
    assert list(reversed(p)) == ["y", "z", "b", "a"]
    assert (p["y"], p.get("q", 5), p.setdefault("y", 1), "z" in p, len(p)) == (7, 5, 7, True, 4)
    assert [name for name, _ in p.named_parameters()] == ["a", "b", "z"]
    assert list(p | {"k": handtorch.zeros(1)}) == ["a", "b", "z", "y", "k"]
    assert list({"k": 1} | p) == ["k", "a", "b", "z", "y"]
    assert list(p.fromkeys(["u"], 3).items()) == [("u", 3)]
    p |= {"m": handtorch.zeros(1)}
    assert isinstance(p["m"], nn.Parameter)
    assert p.popitem()[0] == "m"
    assert p.pop("z").shape == (3,)
    assert p.copy()["a"] is p["a"]
    p.clear()
    assert list(p.parameters()) == list(p.keys()) == list(p.values()) == []
    with pytest.raises(KeyError):
        p.popitem()
    with pytest.raises(TypeError, match="not a string"):
        p[3]
    with pytest.raises(RuntimeError, match="ParameterDict should not be called"):
        p(1)


def test_parameter_containers_show_types_and_sizes() -> None:
    values = {"a": handtorch.zeros(2, 3), "b": handtorch.zeros(4, dtype=handtorch.float64), "c": 3}
    assert repr(nn.ParameterDict(values)).splitlines()[1:-1] == [
        "    (a): Parameter containing: [handtorch.FloatTensor of size 2x3]",
        "    (b): Parameter containing: [handtorch.DoubleTensor of size 4]",
        "    (c): Object of type: int",
    ]
    assert "(0): Parameter containing: [handtorch.float32 of size 2x3]" in repr(nn.ParameterList([values["a"]]))


def test_containers_load_into_each_other_by_number() -> None:
    a, b = nn.Sequential(nn.Linear(2, 2)), nn.ModuleList([nn.Linear(2, 2)])
    b.load_state_dict(a.state_dict())
    np.testing.assert_array_equal(a[0].weight.detach().numpy(), b[0].weight.detach().numpy())
