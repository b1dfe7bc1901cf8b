"""Batches of like lengths hold every sequence once, stay within their bounds, and are the same under the same seed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handtorch.errors import ArgumentError
from handtorch.utils.data import BucketBatchSampler, DataLoader, Dataset

LENGTHS = np.random.default_rng(0).integers(20, 800, 500)


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 50), min_size=1, max_size=60),
    max_frames=st.integers(50, 300) | st.none(),
    batch_size=st.integers(1, 9) | st.none(),
    shuffle=st.booleans(),
    epoch=st.integers(0, 3),
)
def test_each_sequence_comes_once_in_batches_within_both_bounds(lengths, max_frames, batch_size, shuffle, epoch):
    if max_frames is None and batch_size is None:
        return
    sampler = BucketBatchSampler(lengths, max_frames, batch_size, shuffle=shuffle)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert sorted(itertools.chain(*batches)) == list(range(len(lengths)))
    for batch in batches:
        assert batch
        assert max_frames is None or max(lengths[i] for i in batch) * len(batch) <= max_frames
        assert batch_size is None or len(batch) <= batch_size


def test_an_epoch_depends_on_seed_and_number_only():
    first, again = BucketBatchSampler(LENGTHS, 4000, seed=3), BucketBatchSampler(LENGTHS, 4000, seed=3)
    again.set_epoch(5)
    list(again)
    again.set_epoch(0)
    assert list(first) == list(first) == list(again)
    again.set_epoch(1)
    assert list(again) != list(first)
    assert list(BucketBatchSampler(LENGTHS, 4000, seed=4)) != list(first)
    # Seed 3 in epoch 1 is not seed 4 in epoch 0, as a sum of the two would make it.
    assert list(BucketBatchSampler(LENGTHS, 4000, seed=4)) != list(again)


def test_little_of_a_batch_is_padding_and_neighbours_change():
    def padding(batches):
        padded = sum(len(batch) * LENGTHS[batch].max() for batch in batches)
        return 1 - LENGTHS.sum() / padded

    sampler = BucketBatchSampler(LENGTHS, 8000)
    assert padding(sampler) < 0.12
    assert padding(BucketBatchSampler(LENGTHS, 8000, jitter=0)) < 0.06
    in_any_order = np.random.default_rng(0).permutation(len(LENGTHS)).reshape(-1, 20)
    assert padding(in_any_order) > 0.4

    def pairs(batches):
        return {pair for batch in batches for pair in itertools.combinations(sorted(batch), 2)}

    before = pairs(sampler)
    sampler.set_epoch(1)
    assert len(before & pairs(sampler)) < 0.7 * len(before)


def test_batches_are_not_in_order_of_length_unless_asked():
    means = [LENGTHS[batch].mean() for batch in BucketBatchSampler(LENGTHS, 4000)]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.4
    sampler = BucketBatchSampler(LENGTHS, 4000, shuffle=False)
    batches = list(sampler)
    order = list(itertools.chain(*batches))
    assert order == list(np.argsort(LENGTHS, kind="stable"))
    sampler.set_epoch(1)
    assert list(sampler) == batches


def test_without_jitter_all_epochs_have_as_many_batches():
    sampler = BucketBatchSampler(LENGTHS, 4000, jitter=0)
    counts = set()
    for epoch in range(4):
        sampler.set_epoch(epoch)
        counts.add(len(sampler))
    assert len(counts) == 1


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_training_has_as_many_steps_as_its_epochs_have_batches(shuffle):
    sampler = BucketBatchSampler(np.random.default_rng(0).integers(1, 90, 300), max_frames=300, shuffle=shuffle)
    counts = []
    for epoch in range(5):
        sampler.set_epoch(epoch)
        counts.append(len(list(sampler)))
    sampler.set_epoch(2, done=1)
    assert sampler.total(5) == sum(counts) and sampler.total(0) == 0
    assert len(sampler) == counts[2] - 1
    assert len(set(counts)) > 1 or not shuffle


def test_an_epoch_goes_on_where_it_was_stopped():
    sampler = BucketBatchSampler(LENGTHS, 4000)
    sampler.set_epoch(2)
    whole = list(sampler)
    sampler.set_epoch(2, done=7)
    assert list(sampler) == whole[7:]
    assert len(sampler) == len(whole) - 7
    sampler.set_epoch(2, done=len(whole))
    assert list(sampler) == []


def test_what_is_done_to_a_batch_does_not_change_the_next_iteration():
    sampler = BucketBatchSampler([3, 3, 3], batch_size=3)
    for batch in sampler:
        batch.clear()
    assert [sorted(batch) for batch in sampler] == [[0, 1, 2]]


class _Squares(Dataset):
    def __len__(self):
        return len(LENGTHS)

    def __getitem__(self, index):
        return index * index


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader_takes_it(workers):
    sampler = BucketBatchSampler(LENGTHS, 4000)
    loader = DataLoader(_Squares(), batch_sampler=sampler, num_workers=workers)
    assert len(loader) == len(sampler)
    assert [batch.tolist() for batch in loader] == [[i * i for i in batch] for batch in sampler]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([5, 3],), {}, "max_frames, batch_size or both"),
        (([5, 9, 3], 8), {}, "max_frames = 8 frames, sequence 1 has 9"),
        (([], 8), {}, "lengths .N. of at least one sequence"),
        (([5, -1], 8), {}, "none below 0"),
        (([5], None, 0), {}, "batch_size of at least 1, got 0"),
        (([5], 8), {"jitter": 1.0}, r"jitter in \[0, 1\), got 1.0"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, options, message):
    with pytest.raises(ArgumentError, match=message):
        BucketBatchSampler(*arguments, **options)
