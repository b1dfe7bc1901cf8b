"""Readers of speech data sets that people have on disk: each gives :class:`Utterance` objects by index.

- :class:`Cmu11785`: the features and transcripts of CMU's course 11-785.
- :class:`LibriSpeech`: read English with sentences (Panayotov et al. 2015).
- :class:`Timit`: read English with a phone for every stretch of samples (Garofolo et al. 1993).
- :class:`TuxPaint`: names of pictures in Spanish, French and other languages, with their text.
"""

from __future__ import annotations

from handtorch.audio.datasets.cmu11785 import Cmu11785
from handtorch.audio.datasets.librispeech import LibriSpeech
from handtorch.audio.datasets.timit import Timit
from handtorch.audio.datasets.timit_phones import fold, fold_segments
from handtorch.audio.datasets.tuxpaint import TuxPaint
from handtorch.audio.datasets.utterance import Segment, Utterance, Utterances, frame_labels

__all__ = [
    "Cmu11785",
    "LibriSpeech",
    "Segment",
    "Timit",
    "TuxPaint",
    "Utterance",
    "Utterances",
    "fold",
    "fold_segments",
    "frame_labels",
]
