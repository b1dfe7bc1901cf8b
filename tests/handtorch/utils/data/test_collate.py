"""What becomes of samples in a batch."""

from collections import OrderedDict, UserDict, deque, namedtuple
from types import MappingProxyType

import numpy as np
import pytest

from handtorch import dtypes
from handtorch.errors import ShapeError
from handtorch.factories import from_numpy, tensor
from handtorch.tensor import Tensor
from handtorch.utils.data import DataLoader, TensorDataset, default_collate, default_convert
from handtorch.utils.data.collate import default_collate_fn_map

Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("sample", "dtype"),
    [
        (3, dtypes.int64),
        (True, dtypes.bool),
        (1.5, dtypes.float64),
        (np.float32(1.5), dtypes.float32),
        (np.float64(1.5), dtypes.float64),
        (np.int16(3), dtypes.int16),
        (np.bool_(True), dtypes.bool),
        (np.array(2.0), dtypes.float64),
    ],
)
def test_numbers_become_a_row_of_their_type(sample, dtype):
    batch = default_collate([sample, sample])
    assert batch.dtype is dtype
    assert batch.tolist() == [sample, sample]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
@pytest.mark.parametrize("wrap", [from_numpy, np.asarray])
def test_arrays_and_tensors_are_stacked(shape, wrap):
    arrays = [np.random.default_rng(i).standard_normal(shape).astype(np.float32) for i in range(4)]
    batch = default_collate([wrap(np.asarray(array)) for array in arrays])
    assert isinstance(batch, Tensor)
    np.testing.assert_array_equal(batch.numpy(), np.stack(arrays))
    assert batch.dtype is dtypes.float32


def test_rows_that_are_not_contiguous_are_stacked():
    arrays = [np.arange(12).reshape(3, 4)[:, i] for i in range(4)]
    np.testing.assert_array_equal(default_collate(arrays).numpy(), np.arange(12).reshape(3, 4).T)


def test_tensors_that_require_gradients_stay_connected():
    rows = [tensor([1.0, 2.0], requires_grad=True), tensor([3.0, 4.0])]
    (default_collate(rows) * tensor([10.0, 1.0])).sum().backward()
    assert rows[0].grad.tolist() == [10.0, 1.0]


def test_nesting_stays():
    sample = {"a": [1, (2.0, "x")], "p": Point(1, np.ones(2))}
    batch = default_collate([sample, sample])
    assert batch["a"][0].tolist() == [1, 1]
    assert batch["a"][1][1] == ("x", "x")  # text is left as it is
    assert type(batch["p"]) is Point
    assert batch["p"].y.shape == (2, 2)


def test_a_tuple_becomes_a_list_of_columns():
    batch = default_collate([(1, "a"), (2, "b")])
    assert type(batch) is list
    assert batch[1] == ("a", "b")


@pytest.mark.parametrize("make", [OrderedDict, UserDict, MappingProxyType])
def test_the_type_of_a_mapping_stays_where_it_can(make):
    batch = default_collate([make({"k": 1}), make({"k": 2})])
    assert type(batch) is make
    assert batch["k"].tolist() == [1, 2]


def test_the_type_of_a_sequence_stays_where_it_can():
    assert type(default_collate([deque([1]), deque([2])])) is deque
    assert type(default_collate([range(2), range(2)])) is list


def test_what_a_mapping_carries_besides_its_items_stays():
    class Labelled(UserDict):
        source = None

    sample = Labelled(a=1)
    sample.source = "disk"
    assert default_collate([sample]).source == "disk"


@pytest.mark.parametrize("sample", [None, {1, 2}, object(), 1 + 2j, np.array(["text"]), np.array([None])])
def test_what_cannot_be_collated_is_named(sample):
    with pytest.raises(TypeError, match=r"default_collate: batch must contain .*; found .*collate_fn"):
        default_collate([sample])


def test_samples_of_different_sizes_are_refused():
    with pytest.raises(ShapeError, match=r"equal size, got lengths \[1, 2\]"):
        default_collate([[1], [1, 2]])
    with pytest.raises(ShapeError, match=r"\[2\].*\[3\]"):
        default_collate([np.ones(2), np.ones(3)])
    with pytest.raises(KeyError):
        default_collate([{"a": 1}, {"b": 1}])


def test_a_new_type_can_be_taught(monkeypatch):
    monkeypatch.setitem(default_collate_fn_map, set, lambda batch, *, collate_fn_map=None: set.union(*batch))
    assert default_collate([{"x": {1}}, {"x": {2}}]) == {"x": {1, 2}}


def test_a_new_meaning_for_tensors_holds_for_tensor_datasets_too(monkeypatch):
    monkeypatch.setitem(default_collate_fn_map, Tensor, lambda batch, *, collate_fn_map=None: "mine")
    assert list(DataLoader(TensorDataset(tensor([1, 2])), batch_size=2)) == [["mine"]]
    assert default_collate([np.ones(2)]) == "mine"


def test_conversion_turns_arrays_into_tensors_and_nothing_else():
    array = np.arange(3)
    converted = default_convert({"a": array, "b": ("x", np.float32(2)), "c": 1, "d": np.array(["s"]), "e": None})
    assert converted["a"].numpy() is array
    assert converted["b"][0] == "x"
    assert converted["b"][1].dtype is dtypes.float32
    assert type(converted["b"]) is list
    assert converted["c"] == 1
    assert isinstance(converted["d"], np.ndarray)
    assert converted["e"] is None
    point = default_convert(Point(array, 1))
    assert type(point) is Point
    assert isinstance(point.x, Tensor)
