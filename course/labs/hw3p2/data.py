"""Where hw3p2's utterances come from: the synthesised corpus, real prompts, or a folder in the layout of 11-785."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phrases import split_by_phrase

from handtorch.audio.corpus import Recipe, phoneme_corpus
from handtorch.audio.corpus.shifted import shifted_set
from handtorch.audio.datasets import Cmu11785
from handtorch.audio.examples import Examples
from handtorch.audio.hearing import LogMel
from handtorch.audio.symbols import Symbols, phones_of_11785
from handtorch.errors import FormatError

# More than there are.
_ALL_PROMPTS = 1000
_TEST_SHARE, _DEV_SHARE = 0.2, 0.1


@dataclass
class Speech:
    """Utterances to learn from, to choose by, and to be judged on; a target is a phone or a pause."""

    train: Examples
    dev: Examples
    test: Examples
    """Voices, or phrases, that are in neither of the others. What is said in it may be unknown."""
    shifted: dict[str, Examples] = field(default_factory=dict)
    """Speech of another kind."""
    missing: dict[str, str] = field(default_factory=dict)
    """What to install to have the other sets, by name."""
    features: LogMel | None = None
    """How a recording becomes features; None when they came ready-made."""
    symbols: Symbols = field(default_factory=phones_of_11785)

    @property
    def judged(self) -> dict[str, Examples]:
        """All sets but the one to learn from, by name."""
        return {"dev": self.dev, "test": self.test, **self.shifted}

    def describe(self) -> str:
        """How much there is, in a line."""
        minutes = self.train.lengths.sum() / 6000
        return (
            f"{len(self.train):,} utterances ({minutes:.0f} min) to train on, {len(self.dev):,} to choose by, "
            f"{len(self.test):,} to be judged on"
        )


def synthesised(utterances: int | None = None, recipe: Recipe | None = None) -> Speech:
    """The corpus that handtorch.audio.corpus builds by itself, and whatever other speech is installed."""
    corpus = phoneme_corpus(recipe)
    features = LogMel(n_mels=corpus.recipe.n_mels)
    return Speech(
        train=_examples(corpus.train[:utterances], features),
        dev=_examples(corpus.dev, features),
        test=_examples(corpus.test, features),
        shifted={name: _examples(split, features) for name, split in corpus.shifted_sets().items()},
        missing=corpus.missing_sets(),
        features=features,
    )


def real(utterances: int | None = None) -> Speech:
    """Recorded prompts of one speaker, split so that no phrase of the test is in what is learned from.

    The phones are those of PocketSphinx's dictionary (CMUdict), in the pronunciation that fits the recording best.

    Raises:
        MissingDataError, MissingExtraError: they are not installed; the message says what to install.
    """
    recipe = Recipe(shifted=_ALL_PROMPTS)
    prompts = shifted_set("asterisk", recipe)
    features = LogMel(n_mels=recipe.n_mels)
    # Prompts that share three words in a row stay together.
    rest, test = _split(list(prompts), _TEST_SHARE)
    train, dev = _split(rest, _DEV_SHARE)
    return Speech(*(_examples(part, features) for part in (train[:utterances], dev, test)), features=features)


def _split(prompts: list[Any], share: float) -> tuple[list[Any], list[Any]]:
    parts = split_by_phrase([prompt.text for prompt in prompts], share, words=3)
    return [prompts[place] for place in parts[0]], [prompts[place] for place in parts[1]]


def from_folder(root: Path, utterances: int | None = None) -> Speech:
    """``<root>/{train-clean-100,dev-clean,test-clean}/{mfcc,transcript}/*.npy``; test without transcripts.

    Raises:
        FormatError: the transcripts have a phone for each frame: that is the data of hw1p2.
    """
    train, dev = Cmu11785(root, "train-clean-100", limit=utterances), Cmu11785(root, "dev-clean")
    if train[0].labels_each_frame:
        raise FormatError(f"expected phones without times in {root}, got one for each frame; is it the data of hw1p2?")
    symbols = phones_of_11785()
    sets = (Examples(utterances, symbols, in_memory=True) for utterances in (train, dev, Cmu11785(root, "test-clean")))
    return Speech(*sets, symbols=symbols)


def _examples(utterances: Sequence[Any], features: LogMel) -> Examples:
    # Microphone, room and loudness add a constant to log-mel features, and scale them a little; what a phone is does
    # not depend on either, so every utterance is moved to mean 0 and variance 1.
    return Examples(utterances, phones_of_11785(), normalise=features.normalise, in_memory=True)
