"""Speech of another kind than a network was trained on: other engines' voices and real recordings.

A network that labels unseen voices of its own engine well may have learned how that engine blends its phones. Its worth
shows on speech made in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from handtorch.audio.corpus import asterisk, festival, flite
from handtorch.audio.corpus.recipe import Recipe, plan
from handtorch.audio.corpus.store import Recording, Split, Utterance, label_recording, write_split
from handtorch.errors import ArgumentError
from handtorch.io.cache import cached
from handtorch.io.progress import progress


@dataclass(frozen=True, slots=True)
class Source:
    """Where labelled recordings of another kind come from."""

    title: str
    version: Callable[[], str]
    """Names what the recordings depend on; raises when something is not installed."""
    recordings: Callable[[Recipe], Iterator[Recording]]


def _sentences(recipe: Recipe) -> list[str]:
    """Sentences that were not trained on; engines time each sentence by itself, so those of two parts are left out."""
    texts = [job.voicing.text for job in plan(recipe, "test")]
    return [text for text in texts if not set(text[:-1]) & set(".?!")][: recipe.shifted]


SOURCES = {
    "flite": Source("voices of flite", flite.version, lambda recipe: flite.recordings(_sentences(recipe))),
    "festival": Source("voices of festival", festival.version, lambda recipe: festival.recordings(_sentences(recipe))),
    "asterisk": Source("telephone prompts", asterisk.version, lambda recipe: asterisk.recordings(recipe.shifted)),
}


def shifted_set(name: str, recipe: Recipe) -> Split:
    """The recordings of one source, built on first use.

    Raises:
        ArgumentError: no source has that name.
        MissingDataError: a program or recordings are not installed.
        MissingExtraError: a package is not installed.
        SynthesisError: a program failed.
    """
    if name not in SOURCES:
        raise ArgumentError(f"expected one of {', '.join(SOURCES)}, got {name!r}")
    source = SOURCES[name]

    def build(folder: Path) -> None:
        with progress(f"building {source.title}", recipe.shifted) as done:
            write_split(folder / name, _labelled(source, recipe, done))

    return Split(cached(f"{name}-{recipe.key(source.version())}", build) / name)


def _labelled(source: Source, recipe: Recipe, done: Callable[[], None]) -> Iterator[Utterance]:
    for recording in source.recordings(recipe):
        yield label_recording(recording, recipe.n_mels)
        done()
