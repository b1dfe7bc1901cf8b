"""A trained speller with all that it needs to hear: from a recording of any length to what is said in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

import handtorch
from handtorch.audio import decode
from handtorch.audio.batching import pad_batch
from handtorch.audio.blocks import overlapping, read_blocks
from handtorch.audio.checks import Floats, as_features, as_waveform
from handtorch.audio.examples import Example
from handtorch.audio.hearing import Listener, LogMel
from handtorch.audio.resampling import resample
from handtorch.audio.symbols import BLANK, Symbols
from handtorch.errors import ArgumentError
from handtorch.io import trained
from handtorch.models.encoder_decoder import ListenAttendSpell
from handtorch.models.encoder_decoder.clock import ClockedListenAttendSpell

# Frames of a recording that become features together (a minute).
_BLOCK_FRAMES = 6000
# Attention learned from sentences. What is longer than this many frames is cut where it is quietest: in the second half,
# over a fifth of a second.
_LONGEST = 600
_QUIET = 20
# In a step of 30 ms nobody says more than one character, if that much: what is longer has lost its way.
_LETTERS_PER_STEP = 1.0


_NETWORKS = {network.__name__: network for network in (ListenAttendSpell, ClockedListenAttendSpell)}


def _network(network: str, **settings: Any) -> Any:
    """The kind of network that a file names."""
    return _NETWORKS[network](**settings)


Search = Callable[[Any, Any], list[list[int]]]
"""``search(model, encoded)``: the likeliest tokens of each sequence of a batch, without start and end token."""


class Speller(Listener):
    """What is said in a recording, letter by letter.

    ::

        speller = Speller.load("runs/hw4p2/speller.safetensors")
        print(speller.spell("hello.wav"))

    Args:
        model: an encoder-decoder whose start token is the blank of the symbols and whose end token comes after them.
        symbols: the characters.
        features: how a waveform becomes features; None when the network was trained on features that came ready-made,
            and can therefore spell features only.

    Raises:
        ArgumentError: the model's tokens do not fit the symbols.
    """

    kind = trained.Kind("speller", 1, "make train LAB=hw4p2", "speller.safetensors")
    network = staticmethod(_network)

    def __init__(self, model: Any, symbols: Symbols, features: LogMel | None = None) -> None:
        super().__init__(model, features)
        self.symbols = symbols
        expected = (len(symbols) + 1, BLANK, len(symbols))
        found = (model.vocabulary, model.start_token, model.end_token)
        if found != expected:
            raise ArgumentError(
                f"expected a model with {expected[0]} tokens, start token {expected[1]} and end token {expected[2]}, "
                f"got {found[0]}, {found[1]} and {found[2]}"
            )

    def state(self) -> dict[str, Any]:
        network = {"network": type(self.model).__name__, **self.model.settings}
        return {"model": network, "symbols": self.symbols.state()}

    @classmethod
    def from_state(cls, model: Any, state: dict[str, Any], features: LogMel | None) -> Self:
        return cls(model, Symbols.from_state(state["symbols"]), features)

    # -- features in ----------------------------------------------------------------------------------------------

    def spell_features(self, features: npt.ArrayLike, *, search: Search | None = None) -> str:
        """What is said in features (T, F) of one utterance, normalised as in training."""
        x = as_features(features)
        return self.spell_all([Example("", x, None)], search=search)[0] if len(x) else ""

    def spell_all(self, examples: Sequence[Example], *, search: Search | None = None) -> list[str]:
        """What is said in several utterances, at once."""
        encoded = self._encoded(examples)
        with handtorch.no_grad():
            found = (search or greedy)(self.model, encoded)
        return ["".join(self.symbols.decode(tokens)) for tokens in found]

    def attend(self, example: Example) -> Floats:
        """Where the network looks for each character of a text, and for its end.

        Args:
            example: an utterance; without targets, of what it spells itself.

        Returns:
            (h, U + 1, T') weights of h heads for U characters and the end in the T' steps of the memory.
        """
        encoded = self._encoded([example])
        with handtorch.no_grad():
            text = greedy(self.model, encoded)[0] if example.targets is None else example.targets.tolist()
            read = handtorch.tensor([[self.model.start_token, *text]])
            _, state = self.model.decode(read, self.model.begin(encoded, watch=True))
        return state.watched[0].numpy()

    def _encoded(self, examples: Sequence[Example]) -> Any:
        batch = pad_batch([example._replace(targets=None) for example in examples])
        self.model.eval()
        with handtorch.no_grad():
            return self.model.encode(batch.features, batch.lengths)

    # -- recordings in --------------------------------------------------------------------------------------------

    def spell(
        self,
        recording: str | os.PathLike[str] | npt.ArrayLike,
        sample_rate: int | None = None,
        *,
        search: Search | None = None,
    ) -> str:
        """What is said.

        Args:
            recording: a file, of which a minute is in memory at a time; or a waveform (S,) in [-1, 1].
            sample_rate: Hz, of a waveform; changed to that of the features.
            search: finds the text; without one, the likeliest character follows each.

        Raises:
            ArgumentError: a waveform without its rate, or the speller was trained on ready-made features.
            MissingFileError, FormatError: the file cannot be read.
        """
        if isinstance(recording, str | os.PathLike):
            return " ".join(self.spell_stream(read_blocks(recording, self.sample_rate), search=search))
        if sample_rate is None:
            raise ArgumentError("expected the sample_rate of a waveform in Hz; try: spell(waveform, 16_000)")
        waveform = resample(as_waveform(recording), sample_rate, self.sample_rate)
        return " ".join(self.spell_stream([waveform], search=search))

    def spell_stream(self, pieces: Iterable[Floats], *, search: Search | None = None) -> Iterator[str]:
        """:meth:`spell` for a recording that comes as a stream at :attr:`sample_rate`, (S_n,) each: its parts."""
        for features in cut_where_quiet(self._stream(pieces), _LONGEST):
            text = self.spell_features(self.heard_with.normalise(features), search=search).strip()
            if text:
                yield text

    def _stream(self, pieces: Iterable[Floats]) -> Iterator[Floats]:
        """The features of a recording, a block of it at a time, not normalised."""
        features = self.heard_with
        hop, around = features.hop_length, -(-features.n_fft // features.hop_length) * features.hop_length
        for block in overlapping(pieces, _BLOCK_FRAMES * hop, around):
            first = block.before // hop
            # The frame at the first sample after a block belongs to the next one; the last block has it.
            yield features(block.samples)[first : first + _BLOCK_FRAMES if block.after else None]


def greedy(model: Any, encoded: Any) -> list[list[int]]:
    """Follow each token by the likeliest one, until it is the end token."""
    count, steps = encoded.memory.shape[:2]
    tokens = np.full((count, 1), model.start_token, np.int64)
    state, texts = model.begin(encoded), [tokens[:, :0]]
    running = np.ones(count, bool)
    for _ in range(int(_LETTERS_PER_STEP * steps)):
        logits, state = model.decode(handtorch.from_numpy(tokens), state)
        scores = logits.numpy()[:, -1]
        scores[:, model.start_token] = -np.inf
        tokens = scores.argmax(1, keepdims=True)
        running &= tokens[:, 0] != model.end_token
        if not running.any():
            break
        texts.append(np.where(running[:, None], tokens, model.end_token))
    return [[int(token) for token in row if token != model.end_token] for row in np.concatenate(texts, 1)]


def ctc_greedy(model: Any, encoded: Any) -> list[list[int]]:
    """What the CTC head alone finds: the likeliest token of each step, repetitions and blanks left out."""
    all_log_probs, lengths = model.ctc_log_probs(encoded).numpy(), encoded.lengths.tolist()
    found = (decode.greedy(each[:length]).symbols for each, length in zip(all_log_probs, lengths, strict=True))
    return [[symbol for symbol in symbols if symbol != model.end_token] for symbols in found]


def cut_where_quiet(blocks: Iterable[Floats], longest: int) -> Iterator[Floats]:
    """Cut a stream of log mel features into stretches of at most ``longest`` frames.

    A cut is made in the second half of a stretch, in the middle of the fifth of a second in which it is quietest.

    Args:
        blocks: (T_n, F) each.
        longest: frames in a stretch.

    Yields:
        (T, F), which put behind one another are the stream.
    """
    held = np.zeros((0, 0), np.float32)
    for block in blocks:
        held = np.concatenate([held, block]) if held.size else block
        while len(held) > longest:
            loudness = held[longest // 2 : longest].mean(1)
            over = min(_QUIET, len(loudness))
            smooth = np.convolve(loudness, np.ones(over), "valid")
            cut = longest // 2 + int(smooth.argmin()) + over // 2
            yield held[:cut]
            held = held[cut:]
    if len(held):
        yield held
