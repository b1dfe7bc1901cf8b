"""``save`` and ``load``: what goes in comes out."""

import collections
import io
import json
import math
import os
import zipfile

import numpy as np
import pytest
import safetensors.numpy as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from handtorch import nn
from handtorch.errors import ArgumentError, DeviceError, DtypeError, FormatError
from handtorch.factories import from_numpy, tensor
from handtorch.io import nested
from handtorch.io.pt import writing as pt
from handtorch.io.safetensors import save as save_tensors
from handtorch.io.serialization import load, save
from handtorch.tensor import Tensor

BOTH = pytest.mark.parametrize("write", [nested.write, pt.write], ids=["safetensors", "pt"])


def round_trip(obj, write):
    file = io.BytesIO()
    write(file, obj)
    file.seek(0)
    return load(file)


def same(a, b):
    """Equal in value and in type, with NaN equal to NaN and -0.0 not to 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Tensor):
        return a.array.dtype == b.array.dtype and a.shape == b.shape and a.array.tobytes() == b.array.tobytes()
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items(), strict=True))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return a == b


CHECKPOINT = {
    "model": {"fc.weight": tensor([[1.0, 2.0]]), "fc.bias": tensor([0.5])},
    "optimizer": {"state": {0: {"step": tensor(3), "exp_avg": tensor([1.0])}}, "groups": [{"betas": (0.9, 0.999)}]},
    "epoch": 12,
    "best": math.inf,
    "name": "große Schrift",
    "none": None,
    "flags": [True, False, 1, 1.0],
    ("a", 1): (),
}


@pytest.mark.parametrize("name", ["checkpoint.pt", "checkpoint.safetensors", "checkpoint"])
def test_a_checkpoint_comes_back_as_it_was(tmp_path, name):
    save(CHECKPOINT, tmp_path / "deep" / name)
    assert same(load(tmp_path / "deep" / name), CHECKPOINT)
    assert os.listdir(tmp_path / "deep") == [name]
    assert zipfile.is_zipfile(tmp_path / "deep" / name) == (name != "checkpoint.safetensors")


keys = st.one_of(st.text(), st.integers(), st.floats(allow_nan=False), st.booleans(), st.none())
leaves = st.one_of(
    keys,
    st.floats(),
    st.sampled_from(["float32", "int64", "bool", "complex64", "float16"]).flatmap(
        lambda dtype: st.lists(st.integers(0, 3), max_size=3).map(
            lambda shape: from_numpy(np.ones(shape, dtype)),
        )
    ),
)
nests = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(keys, st.tuples(keys, keys)), inner, max_size=4),
    ),
    max_leaves=12,
)


@BOTH
@settings(max_examples=100, deadline=None)
@given(obj=nests)
def test_anything_nested_comes_back_with_its_types(write, obj):
    assert same(round_trip(obj, write), obj)


def test_a_state_dict_is_a_file_that_other_tools_read(tmp_path):
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    save(model.state_dict(), tmp_path / "model.safetensors")
    arrays = reference.load_file(tmp_path / "model.safetensors")
    assert sorted(arrays) == ["0.bias", "0.weight", "1.bias", "1.weight"]
    np.testing.assert_array_equal(arrays["0.weight"], model[0].weight.detach().numpy())
    other = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    other.load_state_dict(load(tmp_path / "model.safetensors"))
    np.testing.assert_array_equal(other[1].weight.array, model[1].weight.array)


def test_a_file_of_another_tool_is_loaded_as_a_dict_of_tensors(tmp_path):
    reference.save_file({"b": np.ones(2), "a": np.zeros(1)}, tmp_path / "file", {"format": "np"})
    loaded = load(tmp_path / "file")
    assert sorted(loaded) == ["a", "b"]
    assert loaded["b"].tolist() == [1.0, 1.0]


@BOTH
def test_tensors_keep_whether_they_require_gradients_and_are_parameters(write):
    loaded = round_trip([tensor([1.0], requires_grad=True), nn.Parameter(tensor([2.0])), tensor([3.0])], write)
    assert [t.requires_grad for t in loaded] == [True, True, False]
    assert [isinstance(t, nn.Parameter) for t in loaded] == [False, True, False]
    assert loaded[0].is_leaf


def test_one_tensor_in_two_places_is_one_tensor_again():
    shared = tensor([1.0])
    file = io.BytesIO()
    nested.write(file, {"encoder": shared, "decoder": shared})
    assert list(reference.load(file.getvalue())) == ["encoder"]
    file.seek(0)
    loaded = load(file)
    assert loaded["encoder"] is loaded["decoder"]


@BOTH
def test_names_that_would_fall_together_do_not(write):
    obj = {"a.b": tensor(1), "a": {"b": tensor(2)}, 0: tensor(3), "0": tensor(4), "__metadata__": tensor(5)}
    assert same(round_trip(obj, write), obj)
    assert same(round_trip(tensor(6), write), tensor(6))


def test_numpy_numbers_and_ordered_dicts_become_plain():
    loaded = round_trip(collections.OrderedDict(a=np.float32(0.5), b=np.int64(3), c=np.bool_(True)), nested.write)
    assert same(loaded, {"a": 0.5, "b": 3, "c": True})


def test_a_tensor_that_the_structure_does_not_name_is_not_dropped_silently():
    with pytest.raises(FormatError, match=r"others as well: \['x'\]"):
        load(io.BytesIO(save_tensors({"x": np.arange(3)}, {"handtorch": json.dumps(root(1))})))


@BOTH
def test_a_file_object_is_read_from_where_it_stands_to_its_end(write):
    file = io.BytesIO()
    file.write(b"before")
    write(file, [1, tensor([2.0])])
    file.seek(6)
    assert same(load(file), [1, tensor([2.0])])


class Model:
    pass


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"a": [0, Model()]}, r"got Model at obj\['a'\]\[1\]"),
        (Model(), "got Model;"),
        ({"a": np.zeros(2)}, r"got ndarray at obj\['a'\]"),
        ([1 + 2j], r"got complex at obj\[0\]"),
        ({1}, "got set"),
        (collections.namedtuple("Point", "x")(1), "got Point"),
        ({tensor(1): 1}, "as keys, got Tensor"),
        ({b"x": 1}, "as keys, got bytes"),
    ],
)
def test_what_cannot_be_saved_is_named_with_its_place(tmp_path, obj, message):
    with pytest.raises(TypeError, match=message):
        save(obj, tmp_path / "file.safetensors")
    assert os.listdir(tmp_path) == []


@BOTH
def test_containers_in_each_other_without_end_are_refused(write):
    deep = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(ArgumentError, match="contain itself"):
        write(io.BytesIO(), deep)


def test_a_type_that_the_format_has_not_is_refused():
    with pytest.raises(DtypeError, match=r"'a\.b'.*complex128"):
        nested.write(io.BytesIO(), {"a": {"b": from_numpy(np.zeros(1, complex))}})


@pytest.mark.parametrize("where", [None, "cpu", "cpu:0", lambda storage, place: storage, {"cuda:0": "cpu"}])
def test_everything_is_on_the_cpu(where):
    file = io.BytesIO()
    save([1], file)
    file.seek(0)
    assert load(file, where, weights_only=True) == [1]


def test_another_device_is_an_error():
    with pytest.raises(DeviceError, match="cuda"):
        load(io.BytesIO(), map_location="cuda:0")


@pytest.mark.parametrize("not_a_file", [3, None, ["a"]])
def test_what_is_no_file_is_refused(not_a_file):
    with pytest.raises(TypeError, match="expected a path or a file opened for reading"):
        load(not_a_file)
    with pytest.raises(TypeError, match="expected a path or a file opened for writing"):
        save({}, not_a_file)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "an empty file"),
        (b"PK\x05\x06" + bytes(18), "a zip archive that is damaged"),
        (b"\x80\x04\x95", "a pickle of something else"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"hello, world", "begins with b'hello, world'"),
    ],
)
def test_a_file_of_another_kind_is_named(data, kind):
    with pytest.raises(FormatError, match=f"expected a file of torch.save or a safetensors file, got .*{kind}"):
        load(io.BytesIO(data))


def root(value):
    return {"version": 1, "root": value}


@pytest.mark.parametrize(
    "structure",
    [
        "no json",
        "3",
        "{}",
        {"version": 2, "root": 1},
        root({}),
        root({"set": [1]}),
        root({"dict": 3}),
        root({"dict": [[1]]}),
        root({"dict": [["a", 1], ["a", 2]]}),
        root({"dict": [[[1], 2]]}),
        root({"tuple": 3}),
        root({"float": "x"}),
        root({"float": None}),
        root({"tensor": "missing"}),
        root({"tensor": ["x"]}),
        root({"tensor": "x", "requires_grad": True}),
        "[" * 100_000,
    ],
)
def test_a_structure_that_lies_is_a_format_error(structure):
    text = structure if isinstance(structure, str) else json.dumps(structure)
    data = save_tensors({"x": np.arange(3)} if '"x"' in text else {}, {"handtorch": text})
    with pytest.raises(FormatError, match="expected"):
        load(io.BytesIO(data))
