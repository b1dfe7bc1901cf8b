"""Reading and writing between brackets: NumPy is the oracle where it has PyTorch's rules, counting where it has not."""

import numpy as np
import pytest

import handtorch
from handtorch.errors import DimensionError, DtypeError, ShapeError

ROWS = np.array([2, 0, 2])
KEYS = [
    0,
    -1,
    (1, 2),
    slice(1, None),
    (slice(None), None, -1),
    (..., 1),
    (slice(0, 3, 2), slice(None)),
    ROWS,
    (ROWS, np.array([3, 3, 1])),
    (slice(None), ROWS),
    (ROWS[:, None], np.array([0, 1])),
    np.array([True, False, True]),
    (slice(None), np.array([True, False, True, False])),
    [0, 1],
    True,
]


def leaf(*shape):
    return handtorch.from_numpy(np.random.default_rng(shape).standard_normal(shape)).requires_grad_()


def key_of_tensors(key):
    if isinstance(key, np.ndarray):
        return handtorch.from_numpy(key)
    return tuple(map(key_of_tensors, key)) if isinstance(key, tuple) else key


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_reading_gives_the_elements_and_its_gradient_counts_how_often_each_was_named(key):
    x = leaf(3, 4)
    y = x[key_of_tensors(key)]
    np.testing.assert_array_equal(y.detach().array, x.array[key])
    y.sum().backward()
    counts = np.bincount(np.arange(12).reshape(3, 4)[key].ravel(), minlength=12)
    np.testing.assert_array_equal(x.grad.array.ravel(), counts)


@pytest.mark.parametrize("key", [k for k in KEYS if k is not ROWS and not isinstance(k, tuple)], ids=repr)
def test_writing_replaces_the_elements_and_the_gradient_goes_to_the_value(key):
    x, v = leaf(3, 4), leaf()
    y = x * 1
    y[key_of_tensors(key)] = v
    want = x.array.copy()
    want[key] = v.array
    np.testing.assert_array_equal(y.detach().array, want)
    y.sum().backward()
    written = np.zeros((3, 4))
    written[key] = 1
    np.testing.assert_array_equal(x.grad.array, 1 - written)
    assert v.grad.item() == written.sum()


def test_an_integer_beside_a_tensor_is_taken_first_unlike_in_numpy():
    x = handtorch.arange(24).reshape(2, 3, 4)
    picked = x[0, :, [0, 1]]
    assert picked.tolist() == [[0, 1], [4, 5], [8, 9]]
    assert np.arange(24).reshape(2, 3, 4)[0, :, [0, 1]].tolist() == [[0, 4, 8], [1, 5, 9]]
    x[0, :, [0, 1]] = handtorch.tensor([[-1, -2]])
    assert x[0].tolist() == [[-1, -2, 2, 3], [-1, -2, 6, 7], [-1, -2, 10, 11]]


def test_a_list_with_more_than_numbers_in_it_is_a_tuple():
    x = handtorch.arange(12).reshape(3, 4)
    assert x[[[0, 1], [1, 0]]].tolist() == [1, 4]
    assert x[[slice(0, 2), 1]].tolist() == [1, 5]


def test_a_tensor_of_bytes_is_a_mask():
    assert handtorch.arange(3)[handtorch.tensor([1, 0, 1], dtype=handtorch.uint8)].tolist() == [0, 2]


def test_basic_keys_give_views_and_tensors_give_copies():
    x = handtorch.zeros(3, 4)
    for view in (x[1], x[:, 2:], x[None, ..., 0], x[0, 0]):
        assert np.shares_memory(view.array, x.array)
    for copy in (x[[0, 1]], x[x == 0], x[handtorch.tensor([1])]):
        assert not np.shares_memory(copy.array, x.array)


def test_values_are_cast_and_broadcast():
    x = handtorch.zeros(2, 3, dtype=handtorch.int32)
    x[0] = 2.7
    x[1] = handtorch.tensor([[1.5, 2.5, 3.5]])
    assert x.tolist() == [[2, 2, 2], [1, 2, 3]]
    byte = handtorch.zeros(1, dtype=handtorch.uint8)
    byte[0] = -1
    assert byte.item() == 255


@pytest.mark.parametrize(
    ("key", "error", "said"),
    [
        (3, DimensionError, "index 3 is out of bounds for dimension 0 with size 3"),
        ((0, 0, 0), DimensionError, "too many indices for tensor of dimension 2"),
        (slice(None, None, -1), ValueError, "step must be greater than zero"),
        (1.5, DimensionError, "only integers, slices"),
        (np.array([0.5]), DimensionError, "tensors used as indices must be long, int, byte or bool tensors"),
        (np.array([True, False]), DimensionError, "The shape of the mask"),
        (([0, 1], [0, 1, 2]), DimensionError, "shape mismatch: indexing tensors could not be broadcast"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_refused_by_name(key, error, said):
    x = handtorch.zeros(3, 4)
    with pytest.raises(error, match=said):
        x[key_of_tensors(key)]
    with pytest.raises(error, match=said):
        x[key_of_tensors(key)] = 1


def test_values_that_do_not_fit_are_refused():
    x = handtorch.zeros(3, 4, dtype=handtorch.uint8)
    with pytest.raises(ShapeError, match=r"value tensor of shape \[5\].*indexing result of shape \[4\]"):
        x[0] = handtorch.ones(5)
    with pytest.raises(DtypeError, match="without overflow"):
        x[0] = 300
    with pytest.raises(TypeError, match="can't assign a list"):
        x[0] = [1, 2, 3, 4]
    with pytest.raises(ShapeError, match="single memory location"):
        x[0].expand(2, 4)[0] = 1


def test_gather_and_scatter_refuse_places_counted_from_the_end():
    x, place = handtorch.zeros(3), handtorch.tensor([-1])
    for call in (
        lambda: x.gather(0, place),
        lambda: x.scatter(0, place, 1.0),
        lambda: x.index_select(0, place),
        lambda: x.index_add(0, place, handtorch.ones(1)),
    ):
        with pytest.raises(DimensionError, match="index -1 is out of bounds for dimension 0 with size 3"):
            call()
    assert x.take(place).shape == (1,)
