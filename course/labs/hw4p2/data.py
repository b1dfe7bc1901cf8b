"""Where hw4p2's utterances come from: synthesised sentences, recorded Spanish, or a folder in the layout of 11-785."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handtorch.audio.characters import characters_of, characters_of_11785, letters
from handtorch.audio.corpus import Recipe, phoneme_corpus
from handtorch.audio.datasets import Cmu11785, TuxPaint
from handtorch.audio.examples import Examples
from handtorch.audio.hearing import LogMel
from handtorch.audio.symbols import Symbols
from handtorch.errors import FormatError

# Sentences cost seconds to make and are kept. With twice as many as hw3p2 has, each word is met some 15 times; with as
# many again the network would meet none of them twice in its time.
SENTENCES = Recipe(train=4000)

# One alphabet for both languages, so that a speller of one can go on with the other.
ALPHABET = letters("áéíñóúü")


@dataclass
class Speech:
    """Utterances to learn from, to choose by, and to be judged on; a target is a character."""

    train: Examples
    dev: Examples
    test: Examples
    """Voices and sentences that are in neither of the others. What is said in it may be unknown."""
    shifted: dict[str, Examples] = field(default_factory=dict)
    """Speech of another kind."""
    missing: dict[str, str] = field(default_factory=dict)
    """What to install to have the other sets, by name."""
    features: LogMel | None = None
    """How a recording becomes features; None when they came ready-made."""
    symbols: Symbols = ALPHABET
    columns: tuple[str, str] = ("index", "label")
    """Of the file that is handed in."""

    @property
    def judged(self) -> dict[str, Examples]:
        """All sets but the one to learn from, by name."""
        return {"dev": self.dev, "test": self.test, **self.shifted}

    def describe(self) -> str:
        """How much there is, in a line."""
        minutes = self.train.lengths.sum() / 6000
        return (
            f"{len(self.train):,} utterances ({minutes:.0f} min) to train on, {len(self.dev):,} to choose by, "
            f"{len(self.test):,} to be judged on; {len(self.symbols) - 1} characters"
        )


def synthesised(utterances: int | None = None, recipe: Recipe = SENTENCES) -> Speech:
    """The sentences of the corpus that handtorch.audio.corpus builds, and whatever other speech is installed."""
    corpus = phoneme_corpus(recipe)
    features = LogMel(n_mels=corpus.recipe.n_mels)
    return Speech(
        train=_spelled(corpus.train[:utterances] if utterances else corpus.train, features),
        dev=_spelled(corpus.dev, features),
        test=_spelled(corpus.test, features),
        shifted={name: _spelled(split, features) for name, split in corpus.shifted_sets().items()},
        missing=corpus.missing_sets(),
        features=features,
    )


def spanish(stamps: Path | None = None, utterances: int | None = None) -> Speech:
    """What Tux Paint says of its pictures in Spanish: people's voices. No text is in two of the parts.

    Raises:
        MissingDataError: the package is not installed; the message says what to install.
    """
    features = LogMel()

    def part(split: str, limit: int | None = None) -> Examples:
        stories = TuxPaint("es", split, root=stamps, sample_rate=features.sample_rate, limit=limit)
        return _spelled(stories, features)

    return Speech(part("train", utterances), part("dev"), part("test"), features=features)


def from_folder(root: Path, utterances: int | None = None) -> Speech:
    """``<root>/{train-clean-100,dev-clean,test-clean}/{fbank or mfcc,text or transcript}/*.npy``; test without text.

    Raises:
        FormatError: the transcripts are phones: that is the data of hw1p2 or hw3p2.
    """
    symbols = characters_of_11785()
    splits = [
        Cmu11785(root, "train-clean-100", limit=utterances),
        Cmu11785(root, "dev-clean"),
        Cmu11785(root, "test-clean"),
    ]
    if not splits[0].labels_are_characters:
        raise FormatError(f"expected transcripts of characters in {root}, got phones; is it the data of hw3p2?")
    # A hundred hours of 80 bands are 11 GB: they are read as they are needed.
    columns = ("id", "transcription") if splits[0].features_folder == "fbank" else ("index", "label")
    return Speech(*(Examples(split, symbols) for split in splits), symbols=symbols, columns=columns)


def _spelled(utterances: Sequence[Any], features: LogMel) -> Examples:
    return Examples(
        utterances, ALPHABET, features=lambda waveform, _: features(waveform), normalise=features.normalise,
        labels=characters_of, in_memory=True,
    )  # fmt: skip
