"""One recording of a data set, with whatever is known about it, and what all data sets have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np

from handtorch.audio.checks import Floats, check_positive


class Segment(NamedTuple):
    """A stretch of a waveform that has one label."""

    start: int
    """First sample."""
    end: int
    """Sample after the last."""
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One recording; what a data set does not have is ``None``.

    Every data set fills ``id`` and either ``waveform`` with ``sample_rate`` or ``features``.
    """

    id: str
    """Unique within the data set."""
    waveform: Floats | None = None
    """(S,) float32 in [-1, 1]."""
    sample_rate: int | None = None
    """Hz."""
    features: Floats | None = None
    """(T, F) float32."""
    labels: tuple[str, ...] | None = None
    """Phones or characters in the order spoken, or one for every frame; see :attr:`labels_each_frame`."""
    text: str | None = None
    """What was said, in words."""
    segments: tuple[Segment, ...] | None = None
    """Which samples have which label."""
    speaker: str | None = None
    """The speaker's name in the data set."""

    @property
    def labels_each_frame(self) -> bool:
        """Whether there are as many labels as frames of features, so that label t belongs to frame t."""
        return self.labels is not None and self.features is not None and len(self.labels) == len(self.features)


class Utterances(Sequence[Utterance]):
    """The recordings of a data set in a fixed order; each is read when it is asked for.

    A data set sets ``ids`` and defines ``_read``.
    """

    ids: list[str]
    """Their names, in order."""

    def _read(self, number: int) -> Utterance:
        """Recording ``number``, from 0 on."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Utterance: ...
    @overload
    def __getitem__(self, index: slice) -> list[Utterance]: ...
    def __getitem__(self, index: Any) -> Any:
        numbers = range(len(self))[index]
        return self._read(numbers) if isinstance(numbers, int) else [self._read(number) for number in numbers]


def frame_labels(
    segments: Sequence[Segment],
    n_frames: int,
    hop_length: int,
    *,
    frame_length: int = 0,
    default: str = "sil",
) -> tuple[str, ...]:
    """The label at the middle of every frame.

    Args:
        segments: in order of time, not overlapping; bounds in samples.
        n_frames: T.
        hop_length: samples from frame to frame.
        frame_length: samples in a frame for frames that start at sample ``t * hop_length`` (``center=False``);
            0 for frames centred on it (``center=True``).
        default: label of frames in no segment.

    Returns:
        T labels.
    """
    check_positive(hop_length=hop_length)
    if not segments:
        return (default,) * n_frames
    middles = np.arange(n_frames) * hop_length + frame_length // 2
    starts = np.array([segment.start for segment in segments])
    found = np.searchsorted(starts, middles, side="right") - 1
    return tuple(
        segments[i].label if i >= 0 and middle < segments[i].end else default
        for i, middle in zip(found, middles, strict=True)
    )
