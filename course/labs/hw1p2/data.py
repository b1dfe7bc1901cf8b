"""Where hw1p2's windows come from: the synthesised corpus, or a folder in the layout of the course 11-785."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from handtorch.audio import WindowedFrames, mean_variance_normalise
from handtorch.audio.corpus import Recipe, Split, phoneme_corpus
from handtorch.audio.datasets import Cmu11785, Utterance
from handtorch.audio.hearing import LogMel
from handtorch.audio.phonemes import INDEX, PHONEMES
from handtorch.errors import FormatError

Labels = npt.NDArray[np.int64]
Features = npt.NDArray[np.float32]


@dataclass
class Speech:
    """Windows to learn from, to choose by, and to be judged on."""

    train: WindowedFrames
    dev: WindowedFrames
    test: WindowedFrames
    """Voices that are in neither of the others. Its labels may be unknown: then predictions are all there is."""
    shifted: dict[str, WindowedFrames] = field(default_factory=dict)
    """Speech of another kind: in noise, of other engines, of people."""
    missing: dict[str, str] = field(default_factory=dict)
    """What to install to have the other shifted sets, by name."""
    features: LogMel | None = None
    """How a recording becomes features; None when they came ready-made."""
    symbols: tuple[str, ...] = PHONEMES

    def describe(self) -> str:
        """How much there is, in a line."""
        return (
            f"{len(self.train):,} frames to train on, {len(self.dev):,} to choose by, {len(self.test):,} to be judged "
            f"on; a window is {2 * self.train.context + 1} frames of {self.train.n_features} values"
        )


def synthesised(context: int, utterances: int | None = None, recipe: Recipe | None = None) -> Speech:
    """The corpus that handtorch.audio.corpus builds by itself, and whatever shifted sets are installed."""
    corpus = phoneme_corpus(recipe)
    features = LogMel(n_mels=corpus.recipe.n_mels)

    def frames(split: Split, limit: int | None = None) -> WindowedFrames:
        # Microphone, room and loudness add a constant to log-mel features, and scale them a little; what a phone is
        # does not depend on either, so every utterance is moved to mean 0 and variance 1.
        chosen = split[:limit] if limit else split
        labels = [utterance.labels for utterance in chosen]
        return WindowedFrames((features.normalise(u.features) for u in chosen), labels, context=context)

    return Speech(
        train=frames(corpus.train, utterances),
        dev=frames(corpus.dev),
        test=frames(corpus.test),
        shifted={name: frames(split) for name, split in corpus.shifted_sets().items()},
        missing=corpus.missing_sets(),
        features=features,
    )


def from_folder(root: Path, context: int, utterances: int | None = None) -> Speech:
    """``<root>/{train-clean-100,dev-clean,test-clean}/{mfcc,transcript}/*.npy``, one phone a frame; test without."""

    def frames(split: str, limit: int | None = None) -> WindowedFrames:
        dataset = Cmu11785(root, split, limit=limit)
        labels: list[Labels] = []

        def features() -> Iterator[Features]:
            for utterance in dataset:
                if utterance.labels is not None:
                    labels.append(_indices(utterance, split))
                if utterance.features is not None:
                    yield mean_variance_normalise(utterance.features)

        # Half precision, as the real data has 36 million frames to train on. The features are read first, and with
        # them the labels.
        labelled = dataset[0].labels is not None
        return WindowedFrames(features(), labels if labelled else None, context=context, dtype=np.float16)

    return Speech(train=frames("train-clean-100", utterances), dev=frames("dev-clean"), test=frames("test-clean"))


def _indices(utterance: Utterance, split: str) -> Labels:
    """Class indices of an utterance whose labels are names of phones, one a frame."""
    names = utterance.labels or ()
    if not utterance.labels_each_frame:
        frames = 0 if utterance.features is None else len(utterance.features)
        raise FormatError(
            f"expected one phone for each of {frames} frames in {split}/{utterance.id}, got {len(names)} labels; "
            "this lab needs the data of hw1p2, not of hw3p2 or hw4p2"
        )
    strangers = sorted(set(names) - INDEX.keys())
    if strangers:
        raise FormatError(f"expected phones {PHONEMES[0]} {PHONEMES[1]} ... in {split}/{utterance.id}, got {strangers}")
    return np.array([INDEX[name] for name in names], np.int64)
