"""The corpus as its users see it: splits by name, built when they are first asked for."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np

from handtorch.audio.corpus.errors import MissingDataError
from handtorch.audio.corpus.espeak import engine_version
from handtorch.audio.corpus.recipe import Recipe, chunks
from handtorch.audio.corpus.shifted import SOURCES, shifted_set
from handtorch.audio.corpus.store import Split
from handtorch.audio.corpus.synthesis import synthesise
from handtorch.errors import ArgumentError, MissingExtraError
from handtorch.io.cache import cached
from handtorch.io.progress import progress
from handtorch.kernels.threads import usable_cores


class PhonemeCorpus:
    """Sentences spoken by espeak-ng's voices, with the phone in every frame; and the same task on other speech.

    Got from :func:`phoneme_corpus`.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder = folder
        """Where it is cached."""
        self.recipe = recipe

    def __repr__(self) -> str:
        return f"<PhonemeCorpus {self.train!r} {self.dev!r} {self.test!r}>"

    @cached_property
    def train(self) -> Split:
        """To fit parameters on; half of it disturbed by noise and echo."""
        return Split(self.folder / "train")

    @cached_property
    def dev(self) -> Split:
        """Other voices and sentences, to choose settings on."""
        return Split(self.folder / "dev")

    @cached_property
    def test(self) -> Split:
        """Voices and sentences that occur nowhere else, to report on."""
        return Split(self.folder / "test")

    @cached_property
    def noisy(self) -> Split:
        """The utterances of ``test`` in noise and echo."""
        return Split(self.folder / "noisy")

    def shifted_set(self, name: str) -> Split:
        """Speech of another kind than that of ``train``, built on first use.

        Args:
            name: ``"noisy"`` (unseen voices in noise), ``"flite"`` and ``"festival"`` (other engines' voices) or
                ``"asterisk"`` (real recordings, see ``asterisk.py`` on how far their labels can be trusted).

        Raises:
            ArgumentError: no set has that name.
            MissingDataError: a program or recordings are not installed; the message names the Debian package.
            MissingExtraError: a package is not installed; the message names the extra.
            SynthesisError: a program failed.
        """
        return self.noisy if name == "noisy" else shifted_set(name, self.recipe)

    def shifted_sets(self) -> dict[str, Split]:
        """All sets of :meth:`shifted_set` for which everything is installed, by name."""
        missing = self.missing_sets()
        return {name: self.shifted_set(name) for name in ("noisy", *SOURCES) if name not in missing}

    def missing_sets(self) -> dict[str, str]:
        """Why each of the other sets cannot be had: one sentence that says what to install."""
        reasons = {}
        for name, source in SOURCES.items():
            try:
                source.version()
            except (MissingDataError, MissingExtraError) as error:
                reasons[name] = str(error)
        return reasons


def phoneme_corpus(recipe: Recipe | None = None, *, processes: int | None = None) -> PhonemeCorpus:
    """The synthesised phoneme corpus, built on first use and cached.

    ::

        corpus = phoneme_corpus()
        for utterance in corpus.train:
            utterance.features, utterance.labels  # (T, 40) float16 and (T,) uint8, 10 ms a frame

    Args:
        recipe: how much of what.
        processes: how many may build at once; the default is one for each core. The outcome is the same to the bit.

    Returns:
        the corpus; what it holds is mapped from disk, not read into memory.

    Raises:
        MissingExtraError: espeakng-loader is not installed (extra ``speech``).
        SynthesisError: the engine failed.
        CacheError: the cache folder cannot be written to; set ``HANDTORCH_CACHE`` to another.
        ArgumentError: a number that makes no sense.
    """
    chosen = recipe or Recipe()
    workers = usable_cores() if processes is None else processes
    if workers < 1:
        raise ArgumentError(f"expected processes >= 1, got {processes}")
    engine = engine_version()

    def build(folder: Path) -> None:
        with progress("building the phoneme corpus", len(chunks(chosen))) as done:
            synthesise(chosen, folder, workers, done)
        about = {"recipe": asdict(chosen), "engine": engine, "numpy": np.__version__}
        (folder / "about.json").write_text(json.dumps(about, indent=1), "utf-8")

    return PhonemeCorpus(cached(f"espeak-{chosen.key(engine)}", build), chosen)
