"""Labelled recordings on disk: a folder of plain NumPy files that are mapped, not read, when opened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats
from handtorch.audio.corpus.labels import Phone, frame_labels, join_silences
from handtorch.audio.mel import log_mel
from handtorch.audio.phonemes import PHONEMES, PhoneSegment
from handtorch.errors import FormatError

SAMPLE_RATE = 16_000
"""Hz."""
HOP_LENGTH = 160
"""Samples from frame to frame: 10 ms."""
WINDOW_LENGTH = 400
"""Samples in a frame: 25 ms, centred on sample ``t * HOP_LENGTH``."""

_ARRAYS = ("samples", "features", "labels", "phones", "offsets")
_TEXTS = "utterances.json"


class Recording(NamedTuple):
    """What a source of speech hands over: a waveform, and which phones it holds when."""

    id: str
    voice: str
    text: str
    waveform: Floats
    """(S,) at 16 kHz in [-1, 1]."""
    phones: Sequence[Phone]
    """Without gaps, from sample 0 on."""


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One labelled recording; S samples at 16 kHz, T frames of 10 ms."""

    id: str
    """Unique within the corpus."""
    voice: str
    text: str
    samples: npt.NDArray[np.int16]
    """(S,)"""
    features: npt.NDArray[np.float16]
    """(T, n_mels) natural logarithm of the power in each mel band."""
    labels: npt.NDArray[np.uint8]
    """(T,) class index of the phone in the middle of each frame."""
    spans: tuple[Phone, ...]
    """Class index, first sample and sample after the last of each phone, without gaps."""

    @property
    def waveform(self) -> Floats:
        """(S,) float32 in [-1, 1]."""
        return self.samples.astype(np.float32) / np.float32(32768)

    @property
    def phones(self) -> tuple[PhoneSegment, ...]:
        """Name, start and end in seconds of each phone."""
        return tuple(
            PhoneSegment(PHONEMES[label], start / SAMPLE_RATE, end / SAMPLE_RATE) for label, start, end in self.spans
        )


def label_recording(recording: Recording, n_mels: int) -> Utterance:
    """Round a waveform to 16 bits, take its features, and give every frame its label.

    Args:
        recording: what was heard.
        n_mels: width of the features.
    """
    samples = np.clip(np.round(recording.waveform * 32768), -32768, 32767).astype(np.int16)
    rounded = samples.astype(np.float32) / np.float32(32768)
    features = log_mel(rounded, SAMPLE_RATE, n_mels=n_mels, n_fft=WINDOW_LENGTH, hop_length=HOP_LENGTH)
    phones = join_silences(recording.phones)
    labels = frame_labels(phones, len(features), HOP_LENGTH)
    return Utterance(
        recording.id,
        recording.voice,
        recording.text,
        samples,
        features.astype(np.float16),
        labels,
        tuple(phones),
    )


class Split(Sequence[Utterance]):
    """Labelled recordings of one folder, in a fixed order.

    Args:
        folder: as written by :func:`write_split`.

    Raises:
        FormatError: the folder lacks a file, or its files do not belong together.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
            self._texts: list[dict[str, str]] = json.loads((folder / _TEXTS).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise FormatError(f"{folder} is no split of a corpus, or a damaged one ({error}); delete it") from error
        self.samples: npt.NDArray[np.int16] = arrays["samples"]
        """(total S,) all utterances behind one another."""
        self.features: npt.NDArray[np.float16] = arrays["features"]
        """(total T, n_mels)"""
        self.labels: npt.NDArray[np.uint8] = arrays["labels"]
        """(total T,)"""
        self._phones = arrays["phones"]
        self.offsets: npt.NDArray[np.int64] = arrays["offsets"]
        """(N + 1, 3) first sample, frame and phone of each utterance, and the totals."""
        lengths = (len(self.samples), len(self.features), len(self._phones))
        if len(self.offsets) != len(self._texts) + 1 or tuple(self.offsets[-1]) != lengths:
            raise FormatError(f"the files in {folder} do not belong together; delete it")

    def __repr__(self) -> str:
        return f"<Split {self.folder.name}: {len(self)} utterances, {self.hours:.2f} h, {self.frames} frames>"

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Utterance: ...
    @overload
    def __getitem__(self, index: slice) -> list[Utterance]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        (sample, frame, phone), (last_sample, last_frame, last_phone) = self.offsets[number : number + 2].tolist()
        return Utterance(
            **self._texts[number],
            samples=self.samples[sample:last_sample],
            features=self.features[frame:last_frame],
            labels=self.labels[frame:last_frame],
            spans=tuple(Phone(*span) for span in self._phones[phone:last_phone].tolist()),
        )

    @property
    def frames(self) -> int:
        """Frames of all utterances."""
        return len(self.labels)

    @property
    def hours(self) -> float:
        """Length of all utterances."""
        return len(self.samples) / SAMPLE_RATE / 3600

    @property
    def voices(self) -> tuple[str, ...]:
        """Who speaks, each once, sorted."""
        return tuple(sorted({text["voice"] for text in self._texts}))


def write_split(folder: Path, utterances: Iterable[Utterance]) -> None:
    """Write labelled recordings into a new folder, for :class:`Split` to open."""
    parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _ARRAYS}
    texts = []
    for utterance in utterances:
        phones = np.array(utterance.spans, np.int32).reshape(-1, 3)
        parts["samples"].append(utterance.samples)
        parts["features"].append(utterance.features)
        parts["labels"].append(utterance.labels)
        parts["phones"].append(phones)
        parts["offsets"].append(np.array([[len(utterance.samples), len(utterance.features), len(phones)]]))
        texts.append({"id": utterance.id, "voice": utterance.voice, "text": utterance.text})
    folder.mkdir(parents=True)
    for name, arrays in parts.items():
        joined = np.concatenate(arrays)
        if name == "offsets":
            joined = np.concatenate([[[0, 0, 0]], np.cumsum(joined, axis=0)])
        np.save(folder / f"{name}.npy", joined)
    (folder / _TEXTS).write_text(json.dumps(texts, indent=0), "utf-8")


def utterances_of(folders: Iterable[Path]) -> Iterator[Utterance]:
    """The utterances of several splits behind one another."""
    for folder in folders:
        yield from Split(folder)
