"""The loop over batches: orders, sizes, what it refuses, and that workers change nothing but the process."""

import itertools
import pickle

import numpy as np
import pytest

from handtorch.errors import ArgumentError
from handtorch.factories import from_numpy
from handtorch.random import Generator, manual_seed, randint
from handtorch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    SequentialSampler,
    TensorDataset,
    get_worker_info,
)


class Squares(Dataset):
    def __init__(self, length=10):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return np.full(3, index, np.float32), index * index


class Shared(IterableDataset):
    """Numbers of which each worker gives its share."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __iter__(self):
        worker = get_worker_info()
        return iter(range(self.length)) if worker is None else iter(range(worker.id, self.length, worker.num_workers))


class Copied(Shared):
    """Numbers of which each worker gives all, a hundred apart, and each worker more than the one before it."""

    def __iter__(self):
        worker = get_worker_info()
        return iter(range(100 * worker.id, 100 * worker.id + self.length * (worker.id + 1)))


def batches(loader):
    return [batch.tolist() for batch in loader]


def second(loader):
    return [labels.tolist() for _, labels in loader]


@pytest.mark.parametrize("workers", [0, 2])
def test_shuffled_passes_are_those_that_pytorch_makes(workers):
    manual_seed(123)
    loader = DataLoader(range(10), batch_size=4, shuffle=True, num_workers=workers)
    # recorded from PyTorch 2.13.0 after torch.manual_seed(123)
    assert batches(loader) == [[8, 2, 6, 7], [0, 3, 9, 1], [5, 4]]
    assert batches(loader) == [[5, 9, 2, 7], [8, 6, 4, 0], [1, 3]]


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("prefetch", [1, 2, 5])
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_batches_do_not_depend_on_the_number_of_workers(workers, prefetch):
    def load(**options):
        generator = Generator().manual_seed(4)
        loader = DataLoader(Squares(23), batch_size=4, shuffle=True, generator=generator, **options)
        return [[part.tolist() for part in batch] for _ in range(2) for batch in loader]

    assert load(num_workers=workers, prefetch_factor=prefetch) == load()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_pass_moves_the_default_generator_equally_far_with_and_without_workers(workers):
    manual_seed(123)
    list(DataLoader(range(10), batch_size=4, shuffle=True, num_workers=workers))
    assert randint(0, 1000, (1,)).tolist() == [580]  # recorded from PyTorch 2.13.0


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"batch_size": 4}, [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]),
        ({"batch_size": 4, "drop_last": True}, [[0, 1, 4, 9], [16, 25, 36, 49]]),
        ({"batch_size": 2, "sampler": [3, 1, 2]}, [[9, 1], [4]]),
        ({"batch_sampler": [[0, 1], [2], [3, 3]]}, [[0, 1], [4], [9, 9]]),
        ({"batch_sampler": BatchSampler(SequentialSampler(range(3)), 2, True)}, [[0, 1]]),
    ],
)
def test_the_sampler_decides_what_is_in_a_batch(workers, options, expected):
    loader = DataLoader(Squares(), num_workers=workers, **options)
    assert len(loader) == len(expected)
    assert second(loader) == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_without_a_batch_size_samples_come_converted_one_by_one(workers):
    loader = DataLoader(Squares(3), batch_size=None, num_workers=workers)
    assert len(loader) == 3
    samples = list(loader)
    assert [label for _, label in samples] == [0, 1, 4]
    assert samples[2][0].tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize(("size", "drop"), [(None, False), (1, False), (3, False), (3, True)])
@pytest.mark.parametrize("length", [0, 1, 7, 12])
def test_a_stream_gives_each_sample_once_when_workers_share_it(workers, size, drop, length):
    seen = batches_or_samples(DataLoader(Shared(length), batch_size=size, num_workers=workers, drop_last=drop))
    flat = seen if size is None else list(itertools.chain(*seen))
    if drop:
        assert all(len(batch) == 3 for batch in seen)
        assert len(set(flat)) == len(flat)
    else:
        assert sorted(flat) == list(range(length))


def batches_or_samples(loader):
    return [item if isinstance(item, int) else item.tolist() for item in loader]


def test_streams_of_different_lengths_take_turns_until_each_has_ended():
    loader = DataLoader(Copied(2), batch_size=1, num_workers=2)
    assert batches(loader) == [[0], [100], [1], [101], [102], [103]]


def test_persistent_workers_begin_their_streams_anew():
    loader = DataLoader(Copied(1), batch_size=2, num_workers=2, persistent_workers=True)
    assert batches(loader) == batches(loader) == [[0], [100, 101]]


@pytest.mark.filterwarnings("ignore:Length of IterableDataset")
def test_the_length_of_a_stream_is_an_estimate_that_is_warned_of_when_wrong():
    loader = DataLoader(Shared(5), batch_size=2)
    assert len(loader) == 3
    assert len(DataLoader(Shared(5), batch_size=2, drop_last=True)) == 2
    assert len(DataLoader(Shared(5), batch_size=None)) == 5
    copied = DataLoader(Copied(3), batch_size=None, num_workers=2)
    len(copied)
    with pytest.warns(UserWarning, match="reported to be 3 .* 4 samples have been fetched; each worker iterates"):
        list(copied)


@pytest.mark.parametrize("workers", [0, 2])
def test_two_passes_can_run_at_once(workers):
    loader = DataLoader(range(4), num_workers=workers)
    assert [(a.item(), b.item()) for a, b in zip(loader, loader, strict=True)] == [(i, i) for i in range(4)]


def test_out_of_order_batches_are_all_there():
    loader = DataLoader(range(50), batch_size=3, num_workers=2, in_order=False)
    assert sorted(itertools.chain(*batches(loader))) == list(range(50))


def test_a_fast_worker_is_not_held_up_when_order_does_not_matter():
    class FirstIsSlow(Squares):
        def __getitem__(self, index):
            if index == 0:
                import time

                time.sleep(0.5)
            return index

    loader = DataLoader(FirstIsSlow(6), num_workers=2, in_order=False)
    assert batches(loader)[0] != [0]


def test_an_empty_dataset_gives_no_batches():
    assert list(DataLoader(TensorDataset(from_numpy(np.ones((0, 2)))), num_workers=2)) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"num_workers": -1}, "non-negative"),
        ({"timeout": -1}, "non-negative"),
        ({"prefetch_factor": 2}, "num_workers > 0"),
        ({"num_workers": 1, "prefetch_factor": 0}, "positive"),
        ({"persistent_workers": True}, "num_workers > 0"),
        ({"sampler": [1], "shuffle": True}, "mutually exclusive with shuffle"),
        ({"batch_sampler": [[1]], "batch_size": 2}, "mutually exclusive"),
        ({"batch_sampler": [[1]], "shuffle": True}, "mutually exclusive"),
        ({"batch_sampler": [[1]], "drop_last": True}, "mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, "mutually exclusive"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"multiprocessing_context": "fork"}, "num_workers=0"),
        ({"multiprocessing_context": "thread", "num_workers": 1}, "valid start method"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(options, reason):
    with pytest.raises(ArgumentError, match=reason):
        DataLoader(Squares(), **options)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}])
def test_a_stream_has_its_own_order(options):
    with pytest.raises(ValueError, match="DataLoader with IterableDataset: expected unspecified"):
        DataLoader(Shared(3), **options)


def test_a_context_has_to_be_one():
    with pytest.raises(TypeError, match="got 3"):
        DataLoader(Squares(), num_workers=1, multiprocessing_context=3)


def test_without_workers_there_is_no_timeout():
    with pytest.raises(ArgumentError, match="num_workers=1"):
        iter(DataLoader(Squares(), timeout=1))


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]
)
def test_what_decides_the_batches_stays(name):
    with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoader"):
        setattr(DataLoader(Squares()), name, 1)


def test_more_workers_than_cores_are_warned_of():
    with pytest.warns(UserWarning, match="will create 4096 worker processes"):
        DataLoader(Squares(), num_workers=4096)


def test_a_pass_cannot_be_pickled():
    with pytest.raises(NotImplementedError, match="pass on its DataLoader"):
        pickle.dumps(iter(DataLoader(Squares())))


def test_a_sampler_without_a_length_gives_a_loader_without_one():
    with pytest.raises(TypeError):
        len(DataLoader(Squares(), sampler=iter([1, 2])))
