"""From the recordings of any data set to what a network that hears is trained on: features and target symbols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats, as_features
from handtorch.audio.corpus import store
from handtorch.audio.datasets import Cmu11785, Utterance
from handtorch.audio.mel import log_mel
from handtorch.audio.normalise import mean_variance_normalise
from handtorch.audio.resampling import resample
from handtorch.audio.symbols import Symbols
from handtorch.errors import ArgumentError, FormatError
from handtorch.utils.data import Dataset


class Example(NamedTuple):
    """One utterance as a network sees it."""

    id: str
    features: Floats
    """(T, F) float32."""
    targets: npt.NDArray[np.int64] | None
    """(S) class indices in the order spoken, without blanks; None where the data set does not say what was spoken."""


class Examples(Dataset[Example]):
    """The utterances of a data set as features and target symbols.

    ::

        symbols = phones()
        train = Examples(phoneme_corpus().train, symbols)  # espeak, 10 ms a frame
        train = Examples(phoneme_corpus().shifted_set("asterisk"), symbols)  # recorded prompts
        train = Examples(Cmu11785(root), phones_of_11785())  # one phone a frame becomes one a run
        train = Examples(Timit(root), phones(rename=to_arpabet))
        train = Examples(LibriSpeech(root), characters_of_11785())
        train = Examples(phoneme_corpus().train, letters(), labels=characters_of)  # its sentences, to be spelled

    Args:
        utterances: a data set of :mod:`handtorch.audio.datasets` or a split of :mod:`handtorch.audio.corpus`.
        symbols: the classes.
        features: makes features (T, F) of a waveform (S,) and its sample rate in Hz; not used where the data set comes
            with features.
        normalise: what features go through then; None for nothing.
        labels: what is to be heard in an utterance, such as :func:`~handtorch.audio.characters.characters_of`; by
            default :func:`labels_of`.
        in_memory: keep what was once made, for data sets that fit; workers of a data loader each keep their own.

    Raises:
        ArgumentError: on reading, an utterance with a label for which there is no class; it is named.
    """

    def __init__(
        self,
        utterances: Sequence[Any],
        symbols: Symbols,
        *,
        features: Callable[[Floats, int], Floats] | None = None,
        normalise: Callable[[Floats], Floats] | None = mean_variance_normalise,
        labels: Callable[[Any], Sequence[str] | None] | None = None,
        in_memory: bool = False,
    ) -> None:
        self.utterances, self.symbols = utterances, symbols
        self._labels = labels or labels_of
        self._features = features or log_mel_features
        self._normalise = normalise
        self._kept: dict[int, Example] | None = {} if in_memory else None
        self._lengths: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, index: int) -> Example:
        if self._kept is None:
            return self._example(self.utterances[index])
        number = range(len(self))[index]
        if number not in self._kept:
            self._kept[number] = self._example(self.utterances[number])
        return self._kept[number]

    def _example(self, utterance: Any) -> Example:
        features = self._features_of(utterance)
        labels = self._labels(utterance)
        try:
            targets = None if labels is None else self.symbols.encode(labels)
        except ArgumentError as error:
            raise ArgumentError(f"utterance {utterance.id}: {error}") from None
        return Example(utterance.id, features if self._normalise is None else self._normalise(features), targets)

    def _features_of(self, utterance: Any) -> Floats:
        if utterance.features is not None:
            return as_features(utterance.features)
        if utterance.waveform is None:
            raise FormatError(f"expected features or a waveform, utterance {utterance.id} has neither")
        return as_features(self._features(utterance.waveform, utterance.sample_rate))

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(N) frames of each utterance, for :class:`~handtorch.utils.data.BucketBatchSampler`.

        Where the data set does not know them, each utterance is read once.
        """
        if self._lengths is None:
            self._lengths = np.asarray(self._count_frames(), np.int64)
        return self._lengths

    def _count_frames(self) -> Any:
        if isinstance(self.utterances, store.Split):
            return np.diff(self.utterances.offsets[:, 1])
        if isinstance(self.utterances, Cmu11785):
            return self.utterances.lengths()
        return [len(self[index].features) for index in range(len(self))]


def labels_of(utterance: Utterance | store.Utterance) -> tuple[str, ...] | None:
    """The phones or characters of an utterance in the order spoken, or None where they are not known.

    Pauses are among them where the data set has them. Two equal phones that follow each other stay two where the data
    set tells them apart; where there is nothing but a label for each frame, they are one run.
    """
    if isinstance(utterance, store.Utterance):
        return tuple(phone.phone for phone in utterance.phones)
    if utterance.labels is not None and utterance.labels_each_frame:
        return runs(utterance.labels)
    return utterance.labels


def runs(labels: Sequence[str]) -> tuple[str, ...]:
    """The label of each run of equal ones: A A B B A gives A B A."""
    return tuple(label for label, _ in groupby(labels))


def log_mel_features(waveform: Floats, sample_rate: int, n_mels: int = 40) -> Floats:
    """Features as the synthesised corpus has them: (T, n_mels) log mel bands of 25 ms every 10 ms, at 16 kHz.

    Args:
        waveform: (S,) at ``sample_rate`` Hz.
    """
    if sample_rate != store.SAMPLE_RATE:
        waveform = resample(waveform, sample_rate, store.SAMPLE_RATE)
    return log_mel(waveform, store.SAMPLE_RATE, n_mels=n_mels, n_fft=store.WINDOW_LENGTH, hop_length=store.HOP_LENGTH)
