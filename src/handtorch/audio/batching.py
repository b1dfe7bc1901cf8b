"""Utterances of different lengths in one batch: padded at their ends, with masks of SpecAugment where wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from handtorch.audio.checks import Floats
from handtorch.audio.examples import Example, Examples
from handtorch.audio.symbols import BLANK
from handtorch.errors import ArgumentError, ShapeError
from handtorch.factories import from_numpy
from handtorch.utils.data import BucketBatchSampler, DataLoader
from handtorch.utils.data.sampler import draw_seed


class Batch(NamedTuple):
    """N utterances, the longest of T frames; its fields are what ``ctc_loss`` and a recognizer take."""

    features: Any
    """(N, T, F) float32, 0 after the end of an utterance."""
    lengths: Any
    """(N) int64, frames of each utterance."""
    targets: Any
    """(N, S) int64 class indices, blank after the last of an utterance; None where there are none."""
    target_lengths: Any
    """(N) int64, symbols of each utterance; None where there are none."""
    ids: list[str]


def pad_batch(
    examples: Sequence[Example],
    *,
    augment: Callable[[Floats, np.random.Generator], Floats] | None = None,
) -> Batch:
    """Put utterances into one batch; the ``collate_fn`` of a data loader.

    ::

        masks = functools.partial(spec_augment, time_masks=2, frequency_masks=2)
        loader = DataLoader(
            train,
            batch_sampler=BucketBatchSampler(train.lengths, max_frames=8000),
            collate_fn=functools.partial(pad_batch, augment=masks),
            num_workers=2,
        )

    which :func:`utterance_batches` does in one call where no workers are wanted.

    Args:
        examples: of :class:`~handtorch.audio.examples.Examples`, or any with the same fields.
        augment: changes the features (T, F) of each utterance before padding; it may change T. Its random generator is
            seeded by Handtorch's default one, so that ``manual_seed`` settles the masks, in workers as well.

    Raises:
        ArgumentError: no example, or some with and some without targets.
        ShapeError: features of different widths.
    """
    if not examples:
        raise ArgumentError("expected at least one example for a batch, got none")
    features = [example.features for example in examples]
    if augment is not None:
        rng = np.random.default_rng(draw_seed())
        features = [augment(each, rng) for each in features]
    widths = {each.shape[1:] for each in features}
    if len(widths) > 1:
        raise ShapeError(f"expected features (T, F) of one width F, got widths {sorted(widths)}")
    padded, lengths = _pad(features, 0.0)
    targets = [example.targets for example in examples if example.targets is not None]
    if targets and len(targets) < len(examples):
        raise ArgumentError(f"expected targets for all {len(examples)} examples or for none, got {len(targets)}")
    padded_targets, target_lengths = _pad(targets, BLANK) if targets else (None, None)
    return Batch(padded, lengths, padded_targets, target_lengths, [example.id for example in examples])


def utterance_batches(
    examples: Examples,
    max_frames: int,
    *,
    training: bool,
    seed: int = 0,
    augment: Callable[[Floats, np.random.Generator], Floats] | None = None,
) -> DataLoader:
    """A loader of batches of utterances that are about equally long, each of which takes about the same time.

    Args:
        examples: the utterances.
        max_frames: frames in a batch, padding counted; one longer utterance is a batch of its own.
        training: whether the batches come in random order, augmented; else they are the same in every epoch.
        seed: of the order.
        augment: as of :func:`pad_batch`.
    """
    longest = int(examples.lengths.max())
    sampler = BucketBatchSampler(examples.lengths, max(max_frames, longest), shuffle=training, seed=seed)
    collate = partial(pad_batch, augment=augment if training else None)
    return DataLoader(examples, batch_sampler=sampler, collate_fn=collate)


def _pad(rows: Sequence[np.ndarray], value: float) -> tuple[Any, Any]:
    """Rows (L_i, *) as one tensor (N, longest, *), and their lengths (N)."""
    lengths = np.array([len(row) for row in rows], np.int64)
    padded = np.full((len(rows), lengths.max(), *rows[0].shape[1:]), value, rows[0].dtype)
    for place, row in zip(padded, rows, strict=True):
        place[: len(row)] = row
    return from_numpy(padded), from_numpy(lengths)
