"""Datasets and the ways to combine them."""

import numpy as np
import pytest

from handtorch.errors import ArgumentError, HandtorchError
from handtorch.factories import from_numpy
from handtorch.random import Generator, manual_seed
from handtorch.utils.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Stream(IterableDataset):
    def __init__(self, *items):
        self.items = items

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)


@pytest.fixture
def pair():
    """Six samples of two features and a label."""
    return np.arange(12.0, dtype=np.float32).reshape(6, 2), np.arange(6) * 10


@pytest.fixture
def tensors(pair):
    return TensorDataset(*map(from_numpy, pair))


def test_a_tensor_dataset_gives_the_rows_of_its_tensors(pair, tensors):
    features, label = tensors[-2]
    np.testing.assert_array_equal(features.numpy(), pair[0][-2])
    assert label.item() == 40
    assert len(tensors) == 6


def test_tensors_of_different_lengths_are_refused_by_name_of_the_lengths():
    with pytest.raises(AssertionError, match=r"Size mismatch between tensors.*3, 2"):
        TensorDataset(from_numpy(np.zeros(3)), from_numpy(np.zeros(2)))


@pytest.mark.parametrize("indices", [[0], [3, 1, 1], [-1, 0], list(range(6))])
def test_a_batch_taken_at_once_equals_the_batch_collated_row_by_row(tensors, indices):
    at_once = next(iter(DataLoader(tensors, batch_sampler=[indices])))
    by_rows = next(iter(DataLoader([tensors[i] for i in range(6)], batch_sampler=[[i % 6 for i in indices]])))
    assert type(at_once) is type(by_rows)
    for ours, expected in zip(at_once, by_rows, strict=True):
        np.testing.assert_array_equal(ours.numpy(), expected.numpy())
        assert ours.dtype is expected.dtype


def test_a_batch_is_a_copy(pair, tensors):
    features, _ = next(iter(DataLoader(tensors, batch_size=6)))
    features.array[...] = -1
    assert pair[0].min() == 0


def test_batches_taken_at_once_carry_gradients_back_to_the_rows(pair):
    weights = from_numpy(pair[0].copy()).requires_grad_()
    (batch,) = next(iter(DataLoader(TensorDataset(weights), batch_sampler=[[4, 1, 4]])))
    batch.sum().backward()
    np.testing.assert_array_equal(weights.grad.numpy()[:, 0], [0, 1, 0, 0, 2, 0])


def test_a_subclass_that_changes_a_sample_is_asked_for_each_sample(pair):
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * tensor for tensor in super().__getitem__(index))

    (features, _) = next(iter(DataLoader(Doubled(*map(from_numpy, pair)), batch_size=6)))
    np.testing.assert_array_equal(features.numpy(), 2 * pair[0])
    subset = Subset(Doubled(*map(from_numpy, pair)), [5, 0])
    (features, _) = next(iter(DataLoader(subset, batch_size=2)))
    np.testing.assert_array_equal(features.numpy(), 2 * pair[0][[5, 0]])


def test_a_collate_fn_of_the_users_gets_samples(tensors):
    batch = next(iter(DataLoader(tensors, batch_size=3, collate_fn=lambda samples: samples)))
    assert [label.item() for _, label in batch] == [0, 10, 20]


def test_getitems_is_called_once_for_a_batch():
    class Counting(Dataset):
        calls = 0

        def __len__(self):
            return 10

        def __getitems__(self, indices):
            self.calls += 1
            return [i * i for i in indices]

    dataset = Counting()
    assert [batch.tolist() for batch in DataLoader(dataset, batch_size=4)] == [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]
    assert dataset.calls == 3


def test_a_subset_keeps_its_own_order_in_single_samples_lists_and_batches(tensors):
    subset = Subset(tensors, [4, 2, 0])
    assert subset[1][1].item() == 20
    assert [label.item() for _, label in subset.__getitems__([0, 2])] == [40, 0]
    assert [labels.tolist() for _, labels in DataLoader(subset, batch_size=2)] == [[40, 20], [0]]
    assert Subset(np.arange(10), [7, 8, 9])[[0, 2]].tolist() == [7, 9]
    assert len(subset) == 3


def test_a_subclass_of_subset_has_to_override_both_ways_to_ask():
    class Half(Subset):
        def __getitem__(self, index):
            return 0

    with pytest.raises(NotImplementedError, match="Half overrides __getitem__ but not __getitems__"):
        Half([1, 2], [0])


def test_a_subclass_of_subset_that_overrides_both_is_asked_for_its_samples(tensors):
    class Labels(Subset):
        def __getitem__(self, index):
            return super().__getitem__(index)[1]

        def __getitems__(self, indices):
            return [self[i] for i in indices]

    assert [labels.tolist() for labels in DataLoader(Labels(tensors, [4, 2, 0]), batch_size=2)] == [[40, 20], [0]]


def test_concatenated_datasets_count_through_and_from_the_end(tensors):
    both = tensors + Subset(tensors, [5])
    assert isinstance(both, ConcatDataset)
    assert len(both) == 7
    assert [both[i][1].item() for i in (0, 5, 6, -1, -7)] == [0, 50, 50, 50, 0]
    assert both.cumulative_sizes == [6, 7]
    with pytest.raises(ValueError, match="should not exceed dataset length, got -8 for 7"):
        both[-8]
    with pytest.raises(IndexError):
        ConcatDataset([[1], [2]])[2]


def test_concatenation_refuses_nothing_and_streams():
    with pytest.raises(AssertionError, match="should not be an empty iterable"):
        ConcatDataset([])
    with pytest.raises(HandtorchError, match="ChainDataset"):
        ConcatDataset([Stream(1)])


def test_chained_streams_follow_each_other():
    chain = Stream(1, 2) + Stream(3)
    assert isinstance(chain, ChainDataset)
    assert list(chain) == [1, 2, 3]
    assert len(chain) == 3
    with pytest.raises(AssertionError, match="only supports IterableDataset, got list"):
        list(ChainDataset([[1]]))


def test_stacked_datasets_give_tuples_or_dicts(tensors):
    assert StackDataset([1, 2], "ab")[1] == (2, "b")
    assert StackDataset(x=[1, 2], y="ab")[0] == {"x": 1, "y": "a"}
    named = StackDataset(number=[1, 2, 3], letter="abc")
    assert named.__getitems__([2, 0]) == [{"number": 3, "letter": "c"}, {"number": 1, "letter": "a"}]
    nested = StackDataset(Subset(tensors, [3, 2]), [7, 8]).__getitems__([1, 0])
    assert [(sample[0][1].item(), sample[1]) for sample in nested] == [(20, 8), (30, 7)]


@pytest.mark.parametrize(
    ("args", "kwargs", "reason"),
    [
        ((), {}, "at least one"),
        (([1], [1, 2]), {}, r"\[1, 2\]"),
        (([1],), {"x": [1]}, "both"),
    ],
)
def test_datasets_that_cannot_be_stacked_are_refused(args, kwargs, reason):
    with pytest.raises(ArgumentError, match=reason):
        StackDataset(*args, **kwargs)


def test_a_nested_dataset_that_gives_too_few_samples_is_named():
    class Short(Dataset):
        def __len__(self):
            return 2

        def __getitems__(self, indices):
            return []

    with pytest.raises(ValueError, match="expected 2 samples from __getitems__, got 0"):
        StackDataset(Short()).__getitems__([0, 1])


def test_a_random_split_is_the_one_that_pytorch_makes():
    # recorded: [list(s.indices) for s in random_split(range(10), [.3, .3, .4], torch.Generator().manual_seed(42))]
    parts = random_split(range(10), [0.3, 0.3, 0.4], generator=Generator().manual_seed(42))
    assert [part.indices for part in parts] == [[2, 6, 1], [8, 4, 5], [0, 9, 3, 7]]


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [([7, 3], [7, 3]), ([0.5, 0.5], [5, 5]), ([1 / 3, 1 / 3, 1 / 3], [4, 3, 3]), ([0.98, 0.02], [10, 0])],
)
@pytest.mark.filterwarnings("ignore:Length of split")
def test_a_random_split_deals_every_sample_once(lengths, sizes):
    parts = random_split(range(10), lengths)
    assert [len(part) for part in parts] == sizes
    assert sorted(sample for part in parts for sample in part) == list(range(10))


def test_an_empty_part_of_a_split_is_warned_of():
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(10), [0.98, 0.02])


@pytest.mark.parametrize("lengths", [[5, 6], [0.5, 0.6], [-0.5, 1.5]])
def test_lengths_that_do_not_add_up_are_refused(lengths):
    with pytest.raises(ArgumentError):
        random_split(range(10), lengths)


def test_the_default_generator_decides_a_split():
    manual_seed(1)
    first = random_split(range(100), [50, 50])[0].indices
    manual_seed(1)
    assert random_split(range(100), [50, 50])[0].indices == first
    assert random_split(range(100), [50, 50])[0].indices != first
