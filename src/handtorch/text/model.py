"""TextModel: a language model that reads and writes text, with its tokenizer in one file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import handtorch
from handtorch.errors import ArgumentError
from handtorch.io import trained
from handtorch.models import generation, language
from handtorch.models.generation.sampling import likeliest as likeliest_of
from handtorch.models.language.gpt2 import load_gpt2
from handtorch.text.pieces import Piece, Reader, Token, Writer
from handtorch.text.surprise import Perplexity, perplexity
from handtorch.text.tokenizers import BytePairTokenizer, Tokenizer

_KIND = trained.Kind("language model", 1, "make train LAB=hw4p1", "model.safetensors")
_NETWORKS = ("LSTMLanguageModel", "TransformerLanguageModel")
# What tokenizers call the token that stands between two texts.
_BETWEEN_TEXTS = ("<|endoftext|>", "<eos>", "</s>")
# Logits of so many steps of one text exist at once, when it is scored.
_STEPS = 256


class TextModel:
    """A language model for text.

    ::

        model = TextModel.load("runs/hw4p1/model.safetensors")
        print(model.generate("ROMEO.", max_tokens=100, temperature=0.8))

    Args:
        network: tokens (N, T) and a state to logits (N, T, V) and a state; its ``settings`` give one of the same shape.
        tokenizer: text to tokens.

    Attributes:
        between: the token that stands between two texts, at which one that is written ends; None where there is none.
        start: the token after which a text begins that is written without a prompt: that one, or the end of a line.

    Raises:
        ArgumentError: the network is for another number of tokens.
    """

    def __init__(self, network: Any, tokenizer: Tokenizer) -> None:
        self.network, self.tokenizer = network, tokenizer
        if network.vocabulary != len(tokenizer):
            raise ArgumentError(
                f"expected a network with {len(tokenizer)} tokens, the tokenizer's, got one with {network.vocabulary}"
            )
        line = getattr(tokenizer, "end_of_line", None)
        between = (name for name in _BETWEEN_TEXTS if name in tokenizer.special and name != line)
        self.between = next((tokenizer.index[name] for name in between), None)
        self.start = tokenizer.index[line] if self.between is None and line is not None else self.between

    @property
    def max_length(self) -> int | None:
        """Tokens in the longest text that the network can read, and so write; None where there is no longest."""
        return getattr(getattr(self.network, "positions", None), "max_length", None)

    # -- on disk --------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file: the weights, and network and tokenizer as JSON in its metadata."""
        settings = {
            "network": type(self.network).__name__,
            "settings": self.network.settings,
            "tokenizer": self.tokenizer.settings,
        }
        trained.save(path, _KIND, self.network, settings)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TextModel:
        """Read what :meth:`save` wrote; the network is in evaluation mode.

        Raises:
            MissingFileError: there is no such file.
            FormatError: the file is damaged, or holds something else.
        """

        def restore(settings: dict[str, Any], weights: Any) -> TextModel:
            if settings["network"] not in _NETWORKS:
                raise ArgumentError(f"a network of the unknown kind {settings['network']!r}")
            most = sum(weight.numel() for weight in weights.values())
            for name, size in settings["settings"].items():
                if name != "max_length" and isinstance(size, int | float) and size > most:
                    raise ArgumentError(f"expected {name} for a network of {most} weights, got {size}")
            network = getattr(language, settings["network"])(**settings["settings"])
            network.load_state_dict(weights)
            network.eval()
            return cls(network, Tokenizer.from_settings(settings["tokenizer"]))

        return trained.load(path, _KIND, restore)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> TextModel:
        """A model of either kind: the file of :meth:`save`, or its folder, or the folder of :meth:`from_gpt2`."""
        inside = Path(path) / _KIND.called
        if inside.is_file() and not (Path(path) / "config.json").exists():
            return cls.load(inside)
        return cls.from_gpt2(path) if Path(path).is_dir() else cls.load(path)

    @classmethod
    def from_gpt2(cls, folder: str | os.PathLike[str]) -> TextModel:
        """A GPT-2 checkpoint in the layout of Hugging Face's transformers.

        Args:
            folder: ``config.json``, ``model.safetensors`` or ``pytorch_model.bin``, and ``vocab.json`` and
                ``merges.txt``, or ``tokenizer.json``.

        Raises:
            MissingFileError, FormatError: a file is not there, or holds something else.
        """
        folder, network = Path(folder), load_gpt2(folder)
        if (folder / "vocab.json").is_file():
            tokenizer = BytePairTokenizer.from_files(folder / "vocab.json", folder / "merges.txt")
        else:
            tokenizer = BytePairTokenizer.from_tokenizer_json(folder / "tokenizer.json")
        return cls(network, tokenizer)

    # -- reading --------------------------------------------------------------------------------------------------

    def score(self, text: str | Iterable[int], likeliest: int = 0) -> list[Token]:
        """How likely each token of a text is after those before it.

        Args:
            text: text, or its tokens.
            likeliest: how many of the likeliest tokens at each place are told as well.

        Raises:
            ArgumentError: the text is longer than the network can read.
        """
        tokens = self.tokenizer.encode(text) if isinstance(text, str) else [int(token) for token in text]
        if self.max_length is not None and len(tokens) > self.max_length:
            raise ArgumentError(f"expected at most {self.max_length} tokens, the network's, got {len(tokens)}")
        reader = Reader(self.tokenizer)
        scored = [reader.read(token, None) for token in tokens[:1]]
        for token, row in zip(tokens[1:], self._log_probs_after(tokens[:-1]), strict=True):
            alternatives = likeliest_of(row[None], likeliest)[0] if likeliest else []
            scored.append(reader.read(token, float(row[token]), alternatives))
        return scored

    def perplexity(self, text: str, **options: Any) -> Perplexity:
        """How well the network foresees a text; the options of :func:`handtorch.text.perplexity`.

        By default an LSTM reads it from its beginning to its end, and a Transformer in windows of its ``max_length``,
        of which the second half counts: every token is foreseen from at least half of that.
        """
        longest = self.network.settings.get("max_length")
        windows = {} if longest is None else {"length": longest, "stride": (longest + 1) // 2}
        return perplexity(self.network, text, self.tokenizer, **({"start": self.start} | windows | options))

    def _log_probs_after(self, tokens: Sequence[int]) -> Iterator[np.ndarray]:
        """For each token ln p of all that may follow it (V,)."""
        state = None
        for start in range(0, len(tokens), _STEPS):
            with _evaluating(self.network):
                log_probs, state = self.network.log_probs(handtorch.tensor([tokens[start : start + _STEPS]]), state)
            yield from log_probs.numpy()[0]

    # -- writing --------------------------------------------------------------------------------------------------

    def generate(self, prompt: str = "", **options: Any) -> str:
        """The text that goes on from a prompt; the options of :meth:`pieces`."""
        return "".join(self.stream(prompt, **options))

    def stream(self, prompt: str = "", **options: Any) -> Iterator[str]:
        """:meth:`generate` piece by piece, as soon as it is written."""
        return (piece.text for _, piece in self.pieces([self.tokenizer.encode(prompt)], **options))

    def begun(self, prompt: Iterable[int]) -> list[int]:
        """The tokens of a prompt, or for an empty one :attr:`start`.

        Raises:
            ArgumentError: there is neither.
        """
        tokens = [int(token) for token in prompt]
        if tokens:
            return tokens
        if self.start is None:
            raise ArgumentError("expected a prompt with something in it: this model has no token to begin with")
        return [self.start]

    def pieces(
        self,
        prompts: Sequence[Iterable[int]],
        *,
        max_tokens: int = 200,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        stop: str | Sequence[str] = (),
        seed: int | None = None,
        likeliest: int = 0,
    ) -> Iterator[tuple[int, Piece]]:
        """Go on from prompts, all at once, and tell all about it.

        Args:
            prompts: tokens each.
            max_tokens: the most that are written for each.
            temperature: 0 takes the likeliest token, 1 draws by the model's own probabilities.
            top_k, top_p: draw from so many of the likeliest, or from the fewest that are so probable together.
            repetition_penalty: above 1 makes tokens that were there less likely.
            stop: a text, or several, that end it; they are no part of it.
            seed: of the drawing; None for another text each time.
            likeliest: how many of the likeliest tokens at each place are told as well.

        Yields:
            the number of a prompt, and what its text grows by; the last piece of each has ``ended``.

        Raises:
            ArgumentError: an empty prompt for a model that has no token to begin with, more tokens than the network
                can read, or a setting outside its range.
        """
        begun = [self.begun(prompt) for prompt in prompts]
        longest = max(map(len, begun), default=0)
        if self.max_length is not None and longest + max_tokens > self.max_length:
            raise ArgumentError(
                f"expected a prompt and max_tokens of at most {self.max_length} tokens together, the network's, got "
                f"{longest} + {max_tokens}"
            )
        sampling = generation.Sampling(temperature, top_k, top_p, repetition_penalty)
        generator = handtorch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        between = () if self.between is None else (self.between,)
        drawn = generation.draws(self._step, begun, sampling, max_tokens, between, likeliest, None, generator)
        stops = [stop] if isinstance(stop, str) else stop
        writers = [Writer(Reader(self.tokenizer, prompt), stops) for prompt in begun]
        return (
            self._written(drawn, writers) if max_tokens else ((i, Piece("", (), "length")) for i in range(len(begun)))
        )

    def _written(self, drawn: Iterator[Any], writers: Sequence[Writer]) -> Iterator[tuple[int, Piece]]:
        for step in drawn:
            for i, row in enumerate(step.rows):
                writer = writers[row]
                if writer.ended:
                    continue
                if step.tokens[i] == self.between:
                    yield row, writer.end("stop", drawn=1)
                    continue
                alternatives = step.alternatives[i] if step.alternatives else ()
                piece = writer.add(step.tokens[i], step.log_probs[i], alternatives)
                if piece is not None:
                    yield row, piece
                if step.ended[i] and not writer.ended:
                    yield row, writer.end(step.ended[i])
            if all(writer.ended for writer in writers):
                return

    def _step(self, tokens: Any, state: Any) -> tuple[Any, Any]:
        """The network's logits after the last token alone: those of a long prompt would take a lot of memory."""
        with _evaluating(self.network):
            if tokens.shape[1] > 1:
                _, state = self.network.read(tokens[:, :-1], state)
            return self.network(tokens[:, -1:], state)


@contextlib.contextmanager
def _evaluating(network: Any) -> Iterator[None]:
    """Without dropout and gradients."""
    training = network.training
    if training:
        network.eval()
    try:
        with handtorch.no_grad():
            yield
    finally:
        if training:
            network.train()
