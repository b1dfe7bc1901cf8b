"""A trained frame classifier with all that it needs to hear: its features, its context, the names of its classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

import handtorch
from handtorch.audio.blocks import overlapping
from handtorch.audio.checks import Floats, as_features, as_waveform
from handtorch.audio.hearing import Listener, LogMel
from handtorch.audio.phonemes import PhoneSegment
from handtorch.audio.resampling import resample
from handtorch.audio.smoothing import SmoothPath, runs
from handtorch.audio.windows import WindowedFrames
from handtorch.errors import ArgumentError
from handtorch.io import trained
from handtorch.models import MLP

# What a change of phone costs, in nats: chosen for the fewest wrong phones in the voices of the dev split.
PENALTY = 5.0

# Frames classified at once, and frames of a recording that are in memory together (a minute).
_BATCH = 4096
_BLOCK_FRAMES = 6000


class FrameClassifier(Listener):
    """Which phone is heard in each frame of a recording.

    Args:
        model: (N, (2 c + 1) F) windows to (N, C) scores, C being the number of symbols.
        symbols: names of the classes by index.
        context: c, frames seen before and after the one to be labelled.
        features: how a waveform becomes features; None when the network was trained on features that came ready-made,
            and can therefore label features only.

    Raises:
        ArgumentError: the model's widths do not fit the context or the symbols.
    """

    kind = trained.Kind("frame classifier", 1, "make train", "classifier.safetensors")
    network = MLP

    def __init__(self, model: MLP, symbols: Sequence[str], context: int, features: LogMel | None = None) -> None:
        super().__init__(model, features)
        self.symbols, self.context = tuple(symbols), context
        self.n_features, left = divmod(model.settings["in_features"], 2 * context + 1)
        if left or len(self.symbols) != model.settings["out_features"]:
            raise ArgumentError(
                f"expected a model from a multiple of {2 * context + 1} frames to {len(self.symbols)} symbols, "
                f"got one from {model.settings['in_features']} values to {model.settings['out_features']}"
            )

    # -- on disk --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {"symbols": self.symbols, "context": self.context}

    @classmethod
    def from_state(cls, model: MLP, state: dict[str, Any], features: LogMel | None) -> Self:
        return cls(model, state["symbols"], state["context"], features)

    # -- features in ----------------------------------------------------------------------------------------------

    def log_probs(self, features: npt.ArrayLike) -> Floats:
        """How likely each phone is in each frame.

        Args:
            features: (T, F) of one utterance, normalised as in training.

        Returns:
            (T, C) float32 natural logarithms.
        """
        x = as_features(features)
        if len(x) == 0:
            return np.zeros((0, len(self.symbols)), np.float32)
        return np.concatenate(list(self._scores(WindowedFrames([x], context=self.context))))

    def predict(self, frames: WindowedFrames) -> npt.NDArray[np.int64]:
        """The likeliest class of every frame, (total frames,) indices of :attr:`symbols`."""
        return np.concatenate([scores.argmax(axis=1) for scores in self._scores(frames)])

    def _scores(self, frames: WindowedFrames) -> Iterator[Floats]:
        self.model.eval()
        for start in range(0, len(frames), _BATCH):
            with handtorch.no_grad():
                windows = handtorch.from_numpy(frames.windows(slice(start, start + _BATCH)))
                yield handtorch.log_softmax(self.model(windows), 1).numpy()

    # -- recordings in --------------------------------------------------------------------------------------------

    def label(self, waveform: npt.ArrayLike, sample_rate: int, *, penalty: float = PENALTY) -> list[PhoneSegment]:
        """Which phones are heard when.

        Args:
            waveform: (S,) in [-1, 1].
            sample_rate: Hz; changed to that of the features.
            penalty: nats that a change of phone costs, see :class:`~handtorch.audio.smoothing.SmoothPath`.

        Returns:
            segments in order, without gaps, from 0 to the end of the recording.

        Raises:
            ArgumentError: the classifier was trained on ready-made features.
        """
        return self.label_stream([resample(as_waveform(waveform), sample_rate, self.sample_rate)], penalty=penalty)

    def label_stream(self, pieces: Iterable[Floats], *, penalty: float = PENALTY) -> list[PhoneSegment]:
        """:meth:`label` for a recording of any length, of which a minute is in memory at a time.

        Args:
            pieces: the waveform as a stream at :attr:`sample_rate`, (S_n,) each; of a file,
                ``read_blocks(path, classifier.sample_rate)``.
            penalty: nats that a change of phone costs.
        """
        features = self.heard_with
        hop = features.hop_length
        # As much around a block as normalisation and context look at, so that where blocks end changes nothing.
        around = features.normalised_over + self.context + -(-features.n_fft // hop)
        path, samples = SmoothPath(penalty), 0
        for block in overlapping(pieces, _BLOCK_FRAMES * hop, around * hop):
            log_probs = self.log_probs(features.normalise(features(block.samples)))
            first = block.before // hop
            # The frame centred on the first sample after a block belongs to the next one; the last block has it.
            last = first + block.length // hop if block.after else len(log_probs)
            path.add(log_probs[first:last])
            samples += block.length
        return self._segments(path.labels(), samples)

    def _segments(self, labels: npt.NDArray[np.int64], samples: int) -> list[PhoneSegment]:
        """A frame stands for the time that is nearer to its middle than to that of any other frame."""
        features = self.heard_with
        end_of_all = samples / features.sample_rate

        def seconds(frame: int) -> float:
            return min(max(0.0, (frame - 0.5) * features.hop_length / features.sample_rate), end_of_all)

        return [
            PhoneSegment(self.symbols[label], seconds(start), end_of_all if end == len(labels) else seconds(end))
            for label, start, end in runs(labels)
        ]
