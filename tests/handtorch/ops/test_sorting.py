"""Sorting, selecting, finding the different ones, searching."""

import bisect
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import handtorch
from handtorch import from_numpy
from handtorch.errors import RangeError, ShapeError

FEW = arrays(np.int64, array_shapes(min_dims=1, max_dims=3, max_side=20), elements=st.integers(-3, 3))


@given(FEW, st.booleans(), st.integers(-3, 2))
def test_stable_sort_is_pythons(x, descending, dim):
    dim %= x.ndim
    values, indices = from_numpy(x).sort(dim=dim, descending=descending, stable=True)
    rows = np.moveaxis(x, dim, -1).reshape(-1, x.shape[dim]).tolist()
    want = [sorted(range(len(row)), key=lambda i, row=row: -row[i] if descending else row[i]) for row in rows]
    assert np.moveaxis(indices.array, dim, -1).reshape(len(rows), -1).tolist() == want
    np.testing.assert_array_equal(values.array, np.take_along_axis(x, indices.array, dim))
    same = from_numpy(x).argsort(dim, descending=descending, stable=True)
    np.testing.assert_array_equal(same.array, indices.array)


@given(FEW, st.data())
def test_topk_and_kthvalue_are_parts_of_the_sorted_row(x, data):
    k = data.draw(st.integers(1, x.shape[-1]))
    ordered = np.sort(x)
    largest, smallest = from_numpy(x).topk(k), from_numpy(x).topk(k, largest=False)
    np.testing.assert_array_equal(largest.values.array, ordered[..., ::-1][..., :k])
    np.testing.assert_array_equal(smallest.values.array, ordered[..., :k])
    for found in (largest, smallest, from_numpy(x).kthvalue(k, keepdim=True)):
        np.testing.assert_array_equal(np.take_along_axis(x, found.indices.array, -1), found.values.array)
        places = np.sort(found.indices.array)
        assert (places[..., 1:] != places[..., :-1]).all()
    np.testing.assert_array_equal(from_numpy(x).kthvalue(k).values.array, ordered[..., k - 1])


def test_nan_is_above_all_numbers():
    x = handtorch.tensor([2.0, float("nan"), 1.0])
    assert x.argsort().tolist() == [2, 0, 1]
    assert x.argsort(descending=True).tolist() == [1, 0, 2]
    assert x.topk(1).indices.tolist() == [1]


def test_more_than_there_are_cannot_be_chosen():
    x = handtorch.zeros(2, 3)
    for choose in (lambda: x.topk(4), lambda: x.kthvalue(0), lambda: x.kthvalue(4), lambda: x.topk(-1)):
        with pytest.raises(RangeError, match="out of range"):
            choose()


@given(FEW)
def test_unique_counts_and_finds_back(x):
    values, inverse, counts = from_numpy(x).unique(return_inverse=True, return_counts=True)
    assert values.tolist() == sorted(set(x.ravel().tolist()))
    np.testing.assert_array_equal(values.array[inverse.array], x)
    assert counts.tolist() == [x.ravel().tolist().count(v) for v in values.tolist()]


def test_unique_of_slices_and_of_nan():
    rows = handtorch.tensor([[2, 1], [0, 5], [2, 1]])
    values, inverse = handtorch.unique(rows, dim=0, return_inverse=True)
    assert (values.tolist(), inverse.tolist()) == ([[0, 5], [2, 1]], [1, 0, 1])
    assert len(handtorch.tensor([float("nan"), float("nan"), 1.0]).unique()) == 3


@given(arrays(np.int64, st.integers(0, 30), elements=st.integers(0, 2)))
def test_unique_consecutive_groups_like_itertools(x):
    values, inverse, counts = from_numpy(x).unique_consecutive(return_inverse=True, return_counts=True)
    groups = [(key, len(list(members))) for key, members in itertools.groupby(x.tolist())]
    assert list(zip(values.tolist(), counts.tolist(), strict=True)) == groups
    np.testing.assert_array_equal(values.array[inverse.array], x)


@given(
    arrays(np.int64, st.integers(1, 20), elements=st.integers(-5, 5)),
    arrays(np.int64, st.tuples(st.integers(0, 4), st.integers(0, 4)), elements=st.integers(-6, 6)),
)
def test_searchsorted_and_bucketize_bisect(sequence, values):
    ordered = np.sort(sequence)
    for right, find in ((False, bisect.bisect_left), (True, bisect.bisect_right)):
        want = [[find(ordered.tolist(), v) for v in row] for row in values.tolist()]
        assert handtorch.searchsorted(from_numpy(ordered), from_numpy(values), right=right).tolist() == want
        assert handtorch.bucketize(from_numpy(values), from_numpy(ordered), right=right).tolist() == want
    sorter = from_numpy(np.argsort(sequence, kind="stable"))
    np.testing.assert_array_equal(
        handtorch.searchsorted(from_numpy(sequence), from_numpy(values), sorter=sorter).array,
        np.searchsorted(ordered, values),
    )


def test_searchsorted_goes_row_by_row_and_says_what_does_not_fit():
    rows = handtorch.tensor([[1.0, 3, 5], [2, 4, 6]])
    found = handtorch.searchsorted(rows, handtorch.tensor([[3.0], [3.0]]), side="right", out_int32=True)
    assert found.tolist() == [[2], [1]] and found.dtype is handtorch.int32
    assert handtorch.searchsorted(rows[0], 4.5).item() == 2
    with pytest.raises(ShapeError, match="first N-1 dimensions"):
        handtorch.searchsorted(rows, handtorch.zeros(3, 1))
    with pytest.raises(RangeError, match="side"):
        handtorch.searchsorted(rows[0], 1.0, side="top")
    with pytest.raises(RangeError, match="opposites"):
        handtorch.searchsorted(rows[0], 1.0, side="left", right=True)
    with pytest.raises(ShapeError, match="1 dimension"):
        handtorch.bucketize(rows, rows)


def test_isin_takes_numbers_on_either_side():
    x = handtorch.tensor([[1, 2], [3, 4]])
    assert handtorch.isin(x, handtorch.tensor([2, 3, 9])).tolist() == [[False, True], [True, False]]
    assert handtorch.isin(x, 4, invert=True).tolist() == [[True, True], [True, False]]
    assert handtorch.isin(3, x).item() is True
