"""A trained recognizer with all that it needs to hear: from a recording of any length to phones and their times."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

import handtorch
from handtorch.audio.batching import pad_batch
from handtorch.audio.blocks import overlapping, read_blocks
from handtorch.audio.checks import Floats, as_features, as_waveform
from handtorch.audio.decode import BeamSearch, Hypothesis, greedy
from handtorch.audio.examples import Example
from handtorch.audio.hearing import Listener, LogMel
from handtorch.audio.phonemes import SILENCE, PhoneSegment
from handtorch.audio.resampling import resample
from handtorch.audio.symbols import BLANK, Symbols
from handtorch.errors import ArgumentError
from handtorch.io import trained
from handtorch.models.ctc import CTCNetwork

# Frames of a recording that are heard together (a minute), and those that are looked at before and after them: what is
# said a second away no longer changes what the network hears.
_BLOCK_FRAMES = 6000
_FRAMES_AROUND = 200
# Steps that are decoded together, at most.
_STEPS = 3000

# CTC says that a phone was there, in a step or two of it, not how long it lasted. It is taken to last until halfway to
# its neighbours, but no further than this from the steps that heard it.
_REACH_SECONDS = 0.15


class Recognizer(Listener):
    """What is said in a recording.

    ::

        recognizer = Recognizer.load("runs/hw3p2/recognizer.safetensors")
        for phone, start, end in recognizer.transcribe("hello.wav"):
            print(f"{start:.2f} {phone}")

    Args:
        model: features and lengths to log probabilities and their lengths.
        symbols: names of its classes.
        features: how a waveform becomes features; None when the network was trained on features that came ready-made,
            and can therefore transcribe features only.

    Raises:
        ArgumentError: the model's width does not fit the symbols.
    """

    kind = trained.Kind("recognizer", 1, "make train LAB=hw3p2", "recognizer.safetensors")
    network = CTCNetwork

    def __init__(self, model: CTCNetwork, symbols: Symbols, features: LogMel | None = None) -> None:
        super().__init__(model, features)
        self.symbols = symbols
        if len(symbols) != model.settings["out_features"]:
            raise ArgumentError(
                f"expected a model with {len(symbols)} classes, the blank among them, "
                f"got one with {model.settings['out_features']}"
            )

    # -- on disk --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {"symbols": self.symbols.state()}

    @classmethod
    def from_state(cls, model: CTCNetwork, state: dict[str, Any], features: LogMel | None) -> Self:
        return cls(model, Symbols.from_state(state["symbols"]), features)

    # -- features in ----------------------------------------------------------------------------------------------

    def log_probs(self, features: npt.ArrayLike) -> Floats:
        """How likely each symbol is in each step.

        Args:
            features: (T, F) of one utterance, normalised as in training.

        Returns:
            (T', C) float32 natural logarithms; class 0 is the blank, and step t' is at frame ``t' * model.stride``.
        """
        x = as_features(features)
        if len(x) == 0:
            return np.zeros((0, len(self.symbols)), np.float32)
        return self.log_probs_of([Example("", x, None)])[0]

    def log_probs_of(self, examples: Sequence[Example]) -> list[Floats]:
        """:meth:`log_probs` of several utterances at once."""
        batch = pad_batch(examples)
        self.model.eval()
        with handtorch.no_grad():
            log_probs, lengths = self.model(batch.features, batch.lengths)
        return [one[:length] for one, length in zip(log_probs.numpy(), lengths.tolist(), strict=True)]

    # -- recordings in --------------------------------------------------------------------------------------------

    def transcribe(
        self,
        recording: str | os.PathLike[str] | npt.ArrayLike,
        sample_rate: int | None = None,
        *,
        search: BeamSearch | None = None,
    ) -> list[PhoneSegment]:
        """Which phones are said when.

        Args:
            recording: a file, of which a minute is in memory at a time; or a waveform (S,) in [-1, 1].
            sample_rate: Hz, of a waveform; changed to that of the features.
            search: finds the symbols; without one, the likeliest of each step is taken.

        Returns:
            segments in order, without gaps, from 0 to the end of the recording. Where a phone begins and ends is an
            estimate: the network learned which phones there are, not when.

        Raises:
            ArgumentError: a waveform without its rate, or the recognizer was trained on ready-made features.
            MissingFileError, FormatError: the file cannot be read.
        """
        if isinstance(recording, str | os.PathLike):
            return self.transcribe_stream(read_blocks(recording, self.sample_rate), search=search)
        if sample_rate is None:
            raise ArgumentError("expected the sample_rate of a waveform in Hz; try: transcribe(waveform, 16_000)")
        waveform = resample(as_waveform(recording), sample_rate, self.sample_rate)
        return self.transcribe_stream([waveform], search=search)

    def transcribe_stream(self, pieces: Iterable[Floats], *, search: BeamSearch | None = None) -> list[PhoneSegment]:
        """:meth:`transcribe` for a recording that comes as a stream at :attr:`sample_rate`, (S_n,) each."""
        features = self.heard_with
        seconds_per_step = self.model.stride * features.hop_length / features.sample_rate
        samples = 0

        def counted() -> Iterator[Floats]:
            nonlocal samples
            for piece in pieces:
                samples += len(piece)
                yield piece

        heard: list[PhoneSegment] = []
        for first, log_probs in cut_at_blanks(self._stream(counted()), _STEPS):
            found = _decode(log_probs, search)
            names = self.symbols.decode(found.symbols)
            heard += [
                PhoneSegment(name, (first + start - 0.5) * seconds_per_step, (first + end - 0.5) * seconds_per_step)
                for name, (start, end) in zip(names, found.times, strict=True)
            ]
        return _without_gaps(heard, samples / features.sample_rate)

    def _stream(self, pieces: Iterable[Floats]) -> Iterator[Floats]:
        """The log probabilities of a recording, a block of it at a time."""
        features, stride = self.heard_with, self.model.stride
        hop = features.hop_length
        # Blocks begin at a step, and see as much around them as normalisation and network look at.
        length = _BLOCK_FRAMES // stride * stride
        around = -(-(features.normalised_over + _FRAMES_AROUND) // stride) * stride
        for block in overlapping(pieces, length * hop, around * hop):
            log_probs = self.log_probs(features.normalise(features(block.samples)))
            first = block.before // hop // stride
            # The step at the first sample after a block belongs to the next one; the last block has it.
            yield log_probs[first : first + length // stride if block.after else None]


def cut_at_blanks(blocks: Iterable[Floats], most: int) -> Iterator[tuple[int, Floats]]:
    """Cut a stream of log probabilities into stretches that can be decoded one by one.

    A cut is made behind the step, in the second half of a stretch, where the blank is the likeliest. Where its
    probability is 1 the symbols of the whole are just those of its parts: a blank parts equal symbols, and nothing is
    prolonged over it.

    Args:
        blocks: (T_n, C) each, class 0 being the blank.
        most: steps in a stretch.

    Yields:
        the number of its first step, and the stretch (T, C).
    """
    held, first = np.zeros((0, 0), np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block]) if held.size else block
        while len(held) > most:
            cut = most // 2 + int(held[most // 2 : most, BLANK].argmax()) + 1
            yield first, held[:cut]
            held, first = held[cut:], first + cut
    if len(held):
        yield first, held


def _decode(log_probs: Floats, search: BeamSearch | None) -> Hypothesis:
    if search is None:
        return greedy(log_probs, blank=BLANK)
    found = search(log_probs)
    return found[0] if found else Hypothesis((), 0.0, 0.0, ())


def _without_gaps(heard: Sequence[PhoneSegment], seconds: float) -> list[PhoneSegment]:
    """Let phones last until halfway to their neighbours, within reach, and put silence where there is no phone."""
    segments: list[PhoneSegment] = []
    ends = [0.0, *(segment.end for segment in heard)]
    starts = [*(segment.start for segment in heard[1:]), seconds]
    position = 0.0
    for before, (phone, start, end), after in zip(ends, heard, starts, strict=False):
        if phone == SILENCE:
            continue
        begin = max(position, start - min(_REACH_SECONDS, (start - before) / 2))
        if begin > position:
            segments.append(PhoneSegment(SILENCE, position, begin))
        position = min(seconds, max(begin, end + min(_REACH_SECONDS, (after - end) / 2)))
        segments.append(PhoneSegment(phone, begin, position))
    if seconds > position:
        segments.append(PhoneSegment(SILENCE, position, seconds))
    return segments
