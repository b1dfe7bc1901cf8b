"""What the synthesised corpus consists of: a few numbers, from which every utterance is planned in advance."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

from handtorch.audio.corpus import text
from handtorch.audio.corpus.espeak import Voicing
from handtorch.audio.corpus.voices import VOICES
from handtorch.errors import ArgumentError

# Counts up whenever the same recipe begins to give other samples, features or labels.
LAYOUT = 1

# Utterances made together; babble in one is made of the others.
_CHUNK = 16

SPLITS = ("train", "dev", "test", "noisy")
"""Parts on disk; ``noisy`` holds the utterances of ``test`` once more, disturbed like those of ``train``."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How much of what.

    Equal recipes give equal bytes under the same releases of the engine and of NumPy on the same kind of processor.
    """

    train: int = 2000
    """Utterances in the training split, of about 3 s each."""
    dev: int = 150
    """Utterances in the split that settings are chosen on."""
    test: int = 300
    """Utterances of voices and sentences that occur nowhere else."""
    noisy_share: float = 0.5
    """Share of the training utterances that get noise, echo, or both; the rest get a hardly audible hiss."""
    shifted: int = 120
    """Utterances in each set of another kind of speech."""
    n_mels: int = 40
    """Mel bands of the features."""
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.train, self.dev, self.test, self.shifted) < 1:
            raise ArgumentError(f"expected at least 1 utterance in every part, got {self}")
        if not 0 <= self.noisy_share <= 1:
            raise ArgumentError(f"expected noisy_share from 0 to 1, got {self.noisy_share}")

    def size(self, split: str) -> int:
        """Number of utterances in one of :data:`SPLITS`."""
        return {"train": self.train, "dev": self.dev, "test": self.test, "noisy": self.test}[split]

    def key(self, engine: str) -> str:
        """12 hexadecimal digits that differ when recipe, engine or layout differ."""
        content = json.dumps([LAYOUT, engine, asdict(self)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happens to a clean utterance on its way to the microphone."""

    stretch: float
    """The tape runs slower by this factor: 1.1 gives a longer vocal tract, and lower and slower speech."""
    lead: float
    """Seconds of silence before."""
    tail: float
    """Seconds of silence after."""
    tilt: float
    """How much the microphone favours high over low frequencies, dB an octave."""
    reverberation: float
    """Seconds in which the room's echo falls by 60 dB; 0 for none."""
    noise: str
    """``"white"``, ``"pink"``, ``"brown"``, or ``"babble"`` of other utterances of the split."""
    snr: float
    """Speech above noise, dB."""
    level: float
    """Root mean square of the outcome, dB below full scale."""
    seed: int


@dataclass(frozen=True, slots=True)
class Job:
    """One utterance to be made."""

    id: str
    voicing: Voicing
    disturbance: Disturbance


@lru_cache(maxsize=8)
def plan(recipe: Recipe, split: str) -> tuple[Job, ...]:
    """All utterances of a split, the same on every computer and in every version of Python.

    No sentence is in two splits (but ``noisy`` has those of ``test``), and no voice.
    """
    if split == "noisy":
        return tuple(_in_noise(recipe, job) for job in plan(recipe, "test"))
    sentences = text.stream(recipe.seed)
    # The training split comes last, so that a larger one is tested on the same sentences.
    skipped = {"test": 0, "dev": recipe.test, "train": recipe.test + recipe.dev}[split]
    chosen = itertools.islice(sentences, skipped, skipped + recipe.size(split))
    return tuple(_job(recipe, split, number, sentence) for number, sentence in enumerate(chosen))


def chunk_of(jobs: Sequence[Job], chunk: int) -> Sequence[Job]:
    """The utterances that are made together as number ``chunk``, counted from 0."""
    return jobs[chunk * _CHUNK : (chunk + 1) * _CHUNK]


def chunks(recipe: Recipe) -> list[tuple[str, int]]:
    """Split and number of every chunk of the corpus."""
    return [(split, chunk) for split in SPLITS for chunk in range(-(-recipe.size(split) // _CHUNK))]


def _job(recipe: Recipe, split: str, number: int, sentence: str) -> Job:
    name = f"{split}-{number:05d}"
    rng = _rng(recipe, name)
    voices = VOICES[split]
    voicing = Voicing(
        text=sentence,
        voice=voices[number % len(voices)],
        words_per_minute=round(_between(rng, 130, 225)),
        pitch=round(_between(rng, 25, 75)),
        pitch_range=round(_between(rng, 20, 80)),
    )
    in_training = split == "train"
    noisy_share = recipe.noisy_share if in_training else 0.0
    return Job(name, voicing, _disturbance(rng, noisy_share, in_training))


def _in_noise(recipe: Recipe, job: Job) -> Job:
    name = job.id.replace("test", "noisy")
    return replace(job, id=name, disturbance=_disturbance(_rng(recipe, name), 1.0, False))


def _disturbance(rng: random.Random, noisy_share: float, stretched: bool) -> Disturbance:
    noisy = rng.random() < noisy_share
    kinds = ("white", "pink", "brown", "babble")
    return Disturbance(
        stretch=round(_between(rng, 0.88, 1.14), 2) if stretched else 1.0,
        lead=_between(rng, 0.05, 0.3),
        tail=_between(rng, 0.05, 0.3),
        tilt=_between(rng, -3, 3) if stretched or noisy else 0.0,
        reverberation=_between(rng, 0.1, 0.6) if noisy and rng.random() < 0.5 else 0.0,
        noise=kinds[int(rng.random() * len(kinds))] if noisy else "pink",
        snr=_between(rng, 5, 30) if noisy else _between(rng, 40, 60),
        level=_between(rng, -36, -16),
        seed=int(rng.random() * 2**31),
    )


def _rng(recipe: Recipe, name: str) -> random.Random:
    # A generator for each utterance, so that adding utterances changes none of the others.
    return random.Random(f"{recipe.seed}/{name}")


def _between(rng: random.Random, low: float, high: float) -> float:
    return round(low + (high - low) * rng.random(), 3)
