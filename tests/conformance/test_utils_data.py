"""Loading data against the installed PyTorch: the same seed gives the same batches, and moves the generator as far."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from handtorch import random as ht
from handtorch.factories import from_numpy
from handtorch.tensor import Tensor
from handtorch.utils import data as ours

torch = pytest.importorskip("torch")
theirs = pytest.importorskip("torch.utils.data")


def plain(value):
    """A batch as something that can be compared: types, shapes and values."""
    if isinstance(value, (Tensor, torch.Tensor)):
        return str(value.dtype).split(".")[-1], tuple(value.shape), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    return value


def assert_same(make):
    """``make(module, from_numpy, Generator)`` gives equal results and leaves both default generators equal."""
    torch.manual_seed(7)
    ht.manual_seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = plain(make(theirs, torch.from_numpy, torch.Generator))
        found = plain(make(ours, from_numpy, ht.Generator))
    assert found == expected
    assert int(ht.random_full(())) == torch.empty((), dtype=torch.int64).random_().item()


class Drawing:
    """Samples that depend on the random numbers of the worker that makes them."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return index, float(np.random.rand()), random.random()


WEIGHTS = np.linspace(0.1, 1, 100).tolist()


@pytest.mark.parametrize("n", [1, 5, 33, 100])
@pytest.mark.parametrize("k", [1, 31, 32, 64, 100, 250])
def test_orders_are_the_same(n, k):
    assert_same(lambda d, f, G: list(d.RandomSampler(range(n), num_samples=k)))
    assert_same(lambda d, f, G: list(d.RandomSampler(range(n), replacement=True, num_samples=k)))
    assert_same(lambda d, f, G: list(d.RandomSampler(range(n), num_samples=k, generator=G().manual_seed(3))))
    assert_same(lambda d, f, G: list(d.WeightedRandomSampler(WEIGHTS[:n], k)))
    assert_same(lambda d, f, G: list(d.WeightedRandomSampler(WEIGHTS[:n], min(k, n), replacement=False)))
    assert_same(lambda d, f, G: list(d.SubsetRandomSampler(range(0, 3 * n, 3))))


@pytest.mark.parametrize("fractions", [[0.5, 0.5], [0.3, 0.3, 0.4], [0.1] * 10, [0.999, 0.001]])
@pytest.mark.parametrize("n", [1, 10, 101])
def test_splits_are_the_same(n, fractions):
    assert_same(lambda d, f, G: [list(part.indices) for part in d.random_split(range(n), fractions)])


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("options", [{"shuffle": True}, {"batch_size": None, "shuffle": True}, {"sampler": [3, 1, 2]}])
def test_batches_of_two_passes_are_the_same(workers, options):
    options = {"batch_size": 3, **options, "num_workers": workers}
    assert_same(lambda d, f, G: [batch for loader in [d.DataLoader(range(10), **options)] * 2 for batch in loader])


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("prefetch", [1, 3])
@pytest.mark.parametrize("persistent", [False, True])
def test_workers_draw_the_same_random_numbers(workers, prefetch, persistent):
    options = {"num_workers": workers, "prefetch_factor": prefetch, "persistent_workers": persistent}

    def two_passes(d, f, G):
        loader = d.DataLoader(Drawing(11), batch_size=3, shuffle=True, generator=G().manual_seed(5), **options)
        return [list(loader)] + ([] if persistent else [list(loader)])

    assert_same(two_passes)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize(("size", "drop_last"), [(None, False), (1, False), (3, False), (3, True)])
@pytest.mark.parametrize("length", [0, 1, 7])
def test_batches_of_streams_are_the_same(workers, size, drop_last, length):
    def batches(d, f, G):
        class Stream(d.IterableDataset):
            def __iter__(self):
                worker = d.get_worker_info()
                number = 0 if worker is None else worker.id
                return iter(range(100 * number, 100 * number + length * (number + 1)))

        return list(d.DataLoader(Stream(), batch_size=size, drop_last=drop_last, num_workers=workers))

    assert_same(batches)


SAMPLES = [1, True, 1.5, "a", b"b", np.float32(2), np.int16(3), np.bool_(1), np.float64(1.5), 2**40, np.array(3.0)]
SAMPLES += [np.array([1, 2], np.int8), np.ones((2, 3), np.float16), [1, 2.0], (1, "a"), {"a": 1, "b": [2, "x"]}, [], ()]


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_samples_become_the_same_batch(sample):
    assert_same(lambda d, f, G: d.default_collate([sample, sample]))
    assert_same(lambda d, f, G: d.default_convert(sample))


def test_combined_datasets_are_the_same():
    def samples(d, f, G):
        rows = d.TensorDataset(f(np.arange(12.0).reshape(6, 2)), f(np.arange(6)))
        subset = d.Subset(rows, [4, 2, 0])
        parts = [rows, subset, d.ConcatDataset([rows, subset]), d.StackDataset(rows, range(6)), d.StackDataset(x=rows)]
        return [list(d.DataLoader(part, batch_size=4)) for part in parts] + [part[-1] for part in parts]

    assert_same(samples)


@pytest.mark.parametrize("length", [0, 1, 7, 12])
@pytest.mark.parametrize("replicas", [1, 3, 5])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_each_process_gets_pytorchs_share_of_every_epoch(length, replicas, drop_last, shuffle):
    for rank in range(replicas):
        arguments = {"num_replicas": replicas, "rank": rank, "shuffle": shuffle, "seed": 3, "drop_last": drop_last}
        mine = ours.DistributedSampler(range(length), **arguments)
        reference = theirs.DistributedSampler(range(length), **arguments)
        for epoch in range(2):
            mine.set_epoch(epoch)
            reference.set_epoch(epoch)
            assert list(mine) == list(reference)
            assert len(mine) == len(reference)
