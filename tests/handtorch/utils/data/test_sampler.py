"""Orders: every index that should come comes, and the order for a seed is the one that PyTorch gives."""

import itertools

import numpy as np
import pytest
from scipy import stats

from handtorch.errors import ArgumentError
from handtorch.random import Generator, manual_seed, randint
from handtorch.utils.data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

WEIGHTS = [0.1, 0.9, 0.4, 0.7, 3.0, 0.6]

# Recorded from PyTorch 2.13.0 after torch.manual_seed(123).
RECORDED = [
    (lambda: RandomSampler(range(12)), [5, 3, 2, 6, 7, 9, 10, 1, 4, 11, 8, 0]),
    (lambda: RandomSampler(range(5), num_samples=13), [4, 2, 0, 3, 1, 3, 4, 0, 1, 2, 2, 1, 0]),
    (lambda: SubsetRandomSampler(range(100, 110)), [102, 100, 108, 101, 103, 107, 104, 109, 105, 106]),
    (lambda: WeightedRandomSampler(WEIGHTS, 10), [4, 0, 4, 1, 4, 4, 4, 4, 5, 1]),
    (lambda: WeightedRandomSampler(WEIGHTS, 5, replacement=False), [1, 3, 4, 5, 2]),
]


@pytest.mark.parametrize(("make", "order"), RECORDED)
def test_a_seed_gives_the_order_that_pytorch_gives(make, order):
    manual_seed(123)
    assert list(make()) == order


def test_a_random_sampler_draws_one_number_from_the_default_generator():
    manual_seed(123)
    list(RandomSampler(range(12)))
    assert randint(0, 1000, (1,)).tolist() == [102]  # recorded from PyTorch 2.13.0


def test_draws_with_replacement_come_in_the_chunks_that_pytorch_draws():
    sampler = RandomSampler(range(50), replacement=True, num_samples=35, generator=Generator().manual_seed(9))
    recorded = [20, 38, 24, 47, 2, 18, 17, 28, 43, 1, 8, 4, 21, 42, 26, 5, 14, 39]
    recorded += [21, 11, 23, 10, 28, 42, 6, 33, 0, 12, 34, 45, 2, 20, 28, 28, 10]
    assert list(sampler) == recorded


def test_draws_with_replacement_move_a_shared_generator_a_chunk_ahead():
    generator = Generator().manual_seed(9)
    next(iter(RandomSampler(range(50), replacement=True, num_samples=35, generator=generator)))
    assert randint(0, 1000, (1,), generator=generator).tolist() == [228]  # recorded from PyTorch 2.13.0


def test_a_sequential_sampler_counts():
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    assert len(SequentialSampler("abc")) == 3


@pytest.mark.parametrize("count", [1, 7, 10, 23])
def test_each_round_without_replacement_is_a_permutation(count):
    order = list(RandomSampler(range(10), num_samples=count))
    assert len(order) == count
    for start in range(0, count, 10):
        part = order[start : start + 10]
        assert len(set(part)) == len(part)
        assert set(part) <= set(range(10))


def test_every_pass_has_a_new_order_and_a_generator_repeats_them():
    sampler = RandomSampler(range(100), generator=Generator().manual_seed(0))
    first, second = list(sampler), list(sampler)
    assert first != second
    sampler.generator.manual_seed(0)
    assert [list(sampler), list(sampler)] == [first, second]


def test_a_random_sampler_follows_a_dataset_that_grows():
    data = [0, 0]
    sampler = RandomSampler(data)
    data.append(0)
    assert len(sampler) == 3
    assert sorted(sampler) == [0, 1, 2]


def test_weighted_draws_have_the_frequencies_of_their_weights():
    drawn = np.bincount(list(WeightedRandomSampler(WEIGHTS, 20_000, generator=Generator().manual_seed(0))), minlength=6)
    expected = np.array(WEIGHTS) / np.sum(WEIGHTS) * 20_000
    assert stats.chisquare(drawn, expected).pvalue > 1e-3


def test_weighted_draws_without_replacement_do_not_repeat():
    assert sorted(WeightedRandomSampler(WEIGHTS, 6, replacement=False)) == list(range(6))


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [1, 3, 5, 20])
def test_batches_cut_the_order_into_pieces(size, drop_last):
    sampler = BatchSampler(iter(range(10)), size, drop_last)
    whole = [list(range(10))[start : start + size] for start in range(0, 10, size)]
    expected = [batch for batch in whole if len(batch) == size or not drop_last]
    assert list(sampler) == expected
    assert len(BatchSampler(range(10), size, drop_last)) == len(expected)


def test_batches_of_an_endless_order_come_one_by_one():
    assert next(iter(BatchSampler(itertools.count(), 4, False))) == [0, 1, 2, 3]


def test_a_sampler_without_an_order_says_so():
    with pytest.raises(NotImplementedError, match="Mine defines no __iter__"):
        iter(type("Mine", (Sampler,), {})())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: RandomSampler([]), "num_samples=0"),
        (lambda: RandomSampler([1], num_samples=-1), "num_samples=-1"),
        (lambda: RandomSampler([1], num_samples=1.0), "num_samples=1.0"),
        (lambda: WeightedRandomSampler([1.0], True), "num_samples=True"),
        (lambda: WeightedRandomSampler([1.0], 1, replacement=0), "replacement=0"),
        (lambda: WeightedRandomSampler([[1.0]], 1), r"\(1, 1\)"),
        (lambda: BatchSampler([1], 0, False), "batch_size=0"),
        (lambda: BatchSampler([1], True, False), "batch_size=True"),
        (lambda: BatchSampler([1], 1, 1), "drop_last=1"),
    ],
)
def test_arguments_of_the_wrong_kind_are_named(make, reason):
    with pytest.raises(ArgumentError, match=reason):
        make()


def test_replacement_has_to_be_a_bool():
    with pytest.raises(TypeError, match="replacement=1"):
        RandomSampler([1], replacement=1)


def test_processes_share_a_dataset_without_gaps_and_a_wrong_rank_is_refused():
    shares = [list(DistributedSampler(range(10), num_replicas=3, rank=rank, shuffle=False)) for rank in range(3)]
    assert shares == [[0, 3, 6, 9], [1, 4, 7, 0], [2, 5, 8, 1]]
    with pytest.raises(ValueError, match="Invalid rank 3"):
        DistributedSampler(range(10), num_replicas=3, rank=3)
    with pytest.raises(ValueError, match="num_replicas and rank"):
        DistributedSampler(range(10))
