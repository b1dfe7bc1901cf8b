"""Packed state comes back exactly, and what cannot be kept is named."""

import json
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handtorch
from handtorch.errors import ArgumentError, FormatError
from handtorch.io import safetensors
from handtorch.training.state import pack, unpack

keys = st.one_of(st.text(max_size=5), st.integers(), st.sampled_from(["$dict", "$float", ""]))
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(keys, inner, max_size=3)
    ),
)


def through_json(value):
    """Pack, write and read as a checkpoint does, and unpack."""
    tensors = {}
    text = json.dumps(pack(value, tensors), allow_nan=False)
    return unpack(json.loads(text), safetensors.load(safetensors.save(tensors)))


def identical(one, two):
    if isinstance(one, float):
        return type(two) is float and (one == two or (math.isnan(one) and math.isnan(two)))
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(identical(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(identical, one, two))
    return one == two


@given(trees)
def test_any_tree_of_plain_values_comes_back_with_its_types(tree):
    assert identical(tree, through_json(tree))


def test_tensors_arrays_and_scalars_come_back_as_what_they_were():
    state = {
        "state": {0: {"step": handtorch.tensor(3.0), "exp_avg": handtorch.randn(2, 3)}},
        "numbers": np.arange(4, dtype=np.uint32),
        "scalar": np.float32(0.1),
        "milestones": Counter({2: 1, 5: 2}),
    }
    back = through_json(state)
    assert isinstance(back["state"][0]["exp_avg"], handtorch.Tensor)
    assert np.array_equal(back["state"][0]["exp_avg"].numpy(), state["state"][0]["exp_avg"].numpy())
    assert back["state"][0]["step"].shape == ()
    assert back["numbers"].dtype == np.uint32 and np.array_equal(back["numbers"], state["numbers"])
    assert type(back["scalar"]) is np.float32 and back["scalar"] == np.float32(0.1)
    assert list(back["milestones"].elements()) == [2, 5, 5]


def test_an_object_that_cannot_be_kept_is_named_with_its_place():
    with pytest.raises(ArgumentError, match="cannot keep scheduler/fn in a checkpoint: a function"):
        pack({"scheduler": {"fn": lambda epoch: 1.0}}, {})


def test_a_state_without_its_tensor_is_a_format_error():
    with pytest.raises(FormatError, match="expected a tensor 'model/weight'"):
        unpack({"$tensor": "model/weight"}, {})
    with pytest.raises(FormatError, match="mark '\\$later'"):
        unpack({"$later": 1}, {})
