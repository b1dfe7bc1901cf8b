"""Utterances of different lengths come in one batch with their lengths, and masks follow the seed."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import handtorch
from handtorch.audio import spec_augment
from handtorch.audio.batching import pad_batch
from handtorch.audio.examples import Example
from handtorch.errors import ArgumentError, ShapeError
from handtorch.utils.data import BucketBatchSampler, DataLoader, Dataset

RNG = np.random.default_rng(0)


def _example(frames, symbols, width=4):
    features = RNG.standard_normal((frames, width)).astype(np.float32)
    return Example(f"u{frames}", features, None if symbols is None else np.arange(1, symbols + 1))


def test_padding_stands_behind_and_is_zero():
    examples = [_example(3, 2), _example(5, 0), _example(1, 3)]
    batch = pad_batch(examples)
    assert batch.features.shape == (3, 5, 4)
    assert batch.features.dtype == handtorch.float32
    assert batch.lengths.tolist() == [3, 5, 1]
    for row, example in zip(batch.features.numpy(), examples, strict=True):
        np.testing.assert_array_equal(row[: len(example.features)], example.features)
        assert not row[len(example.features) :].any()
    assert batch.targets.tolist() == [[1, 2, 0], [0, 0, 0], [1, 2, 3]]
    assert batch.target_lengths.tolist() == [2, 0, 3]
    assert {field.dtype for field in (batch.lengths, batch.targets, batch.target_lengths)} == {handtorch.int64}
    assert batch.ids == ["u3", "u5", "u1"]


def test_utterances_of_unknown_content_have_no_targets():
    batch = pad_batch([_example(3, None), _example(2, None)])
    assert batch.targets is None
    assert batch.target_lengths is None
    with pytest.raises(ArgumentError, match="targets for all 2 examples or for none, got 1"):
        pad_batch([_example(3, None), _example(2, 1)])


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ArgumentError, match="at least one example"):
        pad_batch([])
    with pytest.raises(ShapeError, match=r"one width F, got widths \[\(3,\), \(4,\)\]"):
        pad_batch([_example(3, 1), _example(3, 1, width=3)])


class _Utterances(Dataset):
    lengths = np.arange(20, 60)

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, index):
        return Example(str(index), np.ones((self.lengths[index], 8), np.float32), np.ones(3, np.int64))


@pytest.mark.parametrize("workers", [0, 2])
def test_masks_follow_the_seed_and_leave_padding_and_data_alone(workers):
    dataset = _Utterances()
    masks = partial(spec_augment, time_width=10, frequency_width=3, value=5.0)
    loader = DataLoader(
        dataset,
        batch_sampler=BucketBatchSampler(dataset.lengths, 400),
        collate_fn=partial(pad_batch, augment=masks),
        num_workers=workers,
    )

    def epoch(seed):
        handtorch.manual_seed(seed)
        return list(loader)

    first, again, other = epoch(1), epoch(1), epoch(2)
    pairs = list(zip(first, again, strict=True))
    assert all(np.array_equal(a.features.numpy(), b.features.numpy()) for a, b in pairs)
    assert not all(np.array_equal(a.features.numpy(), b.features.numpy()) for a, b in zip(first, other, strict=True))
    masked = 0
    for batch in first:
        for row, length in zip(batch.features.numpy(), batch.lengths.tolist(), strict=True):
            assert set(np.unique(row[:length])) <= {1.0, 5.0}
            assert not row[length:].any()
            masked += (row[:length] == 5.0).sum()
    assert masked > 1000
    assert dataset[0].features.all()
