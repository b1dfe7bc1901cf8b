import numpy as np
import pytest

import handtorch
from handtorch import from_numpy, nn, tensor
from handtorch.errors import ArgumentError, DimensionError, DtypeError, RangeError, ShapeError
from handtorch.nn import functional as F

INDEX = np.array([1, 2, 4, 4, 2, 0, 3, 3])
OFFSETS = np.array([0, 3, 3, 7])


def table(v=5, d=3):
    return from_numpy(np.random.default_rng(1).standard_normal((v, d))).requires_grad_()


def test_the_padding_gets_no_gradient_and_a_rare_word_as_much_as_a_frequent_one():
    w = table()
    F.embedding(tensor([[1, 4, 4], [1, 2, 1]]), w, padding_idx=-1, scale_grad_by_freq=True).sum().backward()
    np.testing.assert_allclose(w.grad.array, np.array([0, 1, 1, 0, 0])[:, None] * np.ones(3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_rows_that_are_named_often_add_up(dtype):
    index = np.random.default_rng(0).integers(0, 50, (30, 20))
    g = np.random.default_rng(1).standard_normal((30, 20, 130)).astype(dtype)
    w = from_numpy(np.zeros((50, 130), dtype)).requires_grad_()
    F.embedding(from_numpy(index), w).backward(from_numpy(g))
    want = np.zeros((50, 130))
    for place, row in np.ndenumerate(index):
        want[row] += g[place]
    np.testing.assert_allclose(w.grad.array, want, rtol=1e-4, atol=1e-4)


def test_only_rows_that_are_used_and_too_long_are_scaled_down():
    w = from_numpy(np.array([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]))
    y = F.embedding(tensor([0, 1, 0]), w, max_norm=1.0)
    np.testing.assert_allclose(w.array, [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-6)
    np.testing.assert_allclose(y.array, w.array[[0, 1, 0]])


def test_sparse_is_taken_and_gives_the_same_numbers_densely():
    w = table()
    F.embedding(tensor([1, 1]), w, sparse=True).sum().backward()
    assert w.grad.tolist() == [[0] * 3, [2] * 3, [0] * 3, [0] * 3, [0] * 3]


@pytest.mark.parametrize("padding", [None, 4])
@pytest.mark.parametrize(("mode", "reduce"), [("sum", np.sum), ("mean", np.mean), ("max", np.max)])
def test_bags_are_reduced_one_by_one_and_empty_ones_are_zero(mode, reduce, padding):
    w = table()
    y = F.embedding_bag(from_numpy(INDEX), w, from_numpy(OFFSETS), mode=mode, padding_idx=padding).array
    for bag, (low, high) in enumerate([(0, 3), (3, 3), (3, 7), (7, 8)]):
        rows = [i for i in INDEX[low:high] if i != padding]
        np.testing.assert_allclose(y[bag], reduce(w.array[rows], axis=0) if rows else 0)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_have_the_derivative_that_difference_quotients_find(mode):
    handtorch.autograd.gradcheck(
        lambda w: F.embedding_bag(from_numpy(INDEX), w, from_numpy(OFFSETS), mode=mode), (table(),)
    )


def test_weights_of_the_members_have_a_derivative_too():
    scale = from_numpy(np.linspace(-1, 1, 8)).requires_grad_()
    handtorch.autograd.gradcheck(
        lambda w, s: F.embedding_bag(
            from_numpy(INDEX), w, from_numpy(OFFSETS), mode="sum", per_sample_weights=s, padding_idx=2
        ),
        (table(), scale),
    )


def test_the_last_offset_may_be_the_end():
    w = table()
    without = F.embedding_bag(from_numpy(INDEX), w, from_numpy(OFFSETS))
    ended = F.embedding_bag(from_numpy(INDEX), w, from_numpy(np.append(OFFSETS, 8)), include_last_offset=True)
    np.testing.assert_array_equal(ended.array, without.array)


def test_a_table_that_was_learned_elsewhere_is_shared_and_frozen():
    given = handtorch.ones(4, 2)
    layer = nn.Embedding.from_pretrained(given)
    given[1] = 7
    assert layer(tensor([1])).tolist() == [[7, 7]]
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(given, freeze=False).weight.requires_grad


def test_the_row_of_the_padding_starts_at_zero():
    layer = nn.Embedding(4, 3, padding_idx=-2)
    assert layer.padding_idx == 2
    assert layer.weight[2].tolist() == [0, 0, 0]
    assert layer.weight.array.any(axis=1).tolist() == [True, True, False, True]


def test_one_hot_has_a_one_at_the_class():
    assert F.one_hot(tensor([[0, 2], [1, 0]]), 4).array.argmax(axis=-1).tolist() == [[0, 2], [1, 0]]
    assert F.one_hot(tensor([0, 2])).shape == (2, 3)


def test_mistakes_are_named():
    w = table()
    with pytest.raises(DimensionError, match="the table has 5 rows, got 5"):
        F.embedding(tensor([0, 5]), w)
    with pytest.raises(DtypeError, match="Long, Int"):
        F.embedding(tensor([0.5]), w)
    with pytest.raises(ShapeError, match="2-D"):
        F.embedding(tensor([0]), w[0])
    with pytest.raises(ArgumentError, match="padding_idx must be within num_embeddings"):
        nn.Embedding(3, 2, padding_idx=3)
    with pytest.raises(ArgumentError, match="Shape of weight"):
        nn.Embedding(3, 2, _weight=handtorch.ones(2, 3))
    with pytest.raises(RangeError, match=r"offsets\[0\] has to be 0"):
        F.embedding_bag(from_numpy(INDEX), w, tensor([1]))
    with pytest.raises(NotImplementedError, match="mode='sum'"):
        F.embedding_bag(from_numpy(INDEX[None]), w, per_sample_weights=handtorch.ones(1, 8).double())
    with pytest.raises(RangeError, match="smaller than num_classes"):
        F.one_hot(tensor([3]), 3)
