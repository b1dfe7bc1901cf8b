"""Text as it grows token by token: what each token adds, how likely it was, and where a stop text ends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from handtorch.text.tokenizers import Tokenizer

# So many tokens of a prompt say how the next one is written: no character has more bytes.
_BEFORE = 4


class Token(NamedTuple):
    """A token of a text and how likely it was.

    Attributes:
        id: its number.
        text: what it adds to the text before it; nothing while a character is incomplete.
        log_prob: ln p of it after all before, by the model itself (temperature 1); None of a text's first token.
        likeliest: the texts of the likeliest tokens at its place -> their ln p, the likeliest first.
    """

    id: int
    text: str
    log_prob: float | None
    likeliest: dict[str, float]


class Piece(NamedTuple):
    """What a text that is being written grows by.

    Attributes:
        text: what is certain now.
        tokens: those that begin in it.
        ended: None of a piece that is not the last; else ``"stop"``, at a stop text or the token between texts, or
            ``"length"``.
        drawn: tokens that were drawn for it, also those that are no part of the text.
    """

    text: str
    tokens: tuple[Token, ...]
    ended: str | None
    drawn: int = 0


class Reader:
    """Tokens one after the other, with what each adds to the text.

    Args:
        tokenizer: writes them.
        before: the tokens that the text goes on from.
    """

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._decoder = tokenizer.decoder()
        for token in before[-_BEFORE:]:
            self._decoder.add(token)
        self._last = list(before[-1:])

    def read(self, token: int, log_prob: float | None, alternatives: Sequence[tuple[int, float]] = ()) -> Token:
        """The next token.

        Args:
            token: its number.
            log_prob: ln p of it.
            alternatives: numbers and ln p of the likeliest tokens in its place, the likeliest first.
        """
        likeliest: dict[str, float] = {}
        for other, how_likely in alternatives:
            # Bytes that are no character by themselves look alike: the likeliest of them is told.
            likeliest.setdefault(self._instead(other), how_likely)
        self._last = [token]
        return Token(token, self._decoder.add(token), log_prob, likeliest)

    def end(self) -> str:
        """What is left of a character that is not whole: no token comes any more."""
        return self._decoder.end()

    def _instead(self, token: int) -> str:
        decode = self._tokenizer.decode
        return decode([*self._last, token])[len(decode(self._last)) :]


class Writer:
    """A text that is being written, given out in pieces as soon as they are certain.

    Args:
        reader: reads its tokens.
        stop: texts that end it; they are no part of it.

    Attributes:
        ended: whether the last piece was given.
    """

    def __init__(self, reader: Reader, stop: Sequence[str] = ()) -> None:
        self.ended = False
        self._reader, self._until = reader, UntilStop(stop)
        self._held: list[Token] = []  # their text may become part of a stop text
        self._count = 0

    def add(self, token: int, log_prob: float, alternatives: Sequence[tuple[int, float]] = ()) -> Piece | None:
        """The piece that became certain with a token; None if nothing did."""
        self._count += 1
        self._held.append(self._reader.read(token, log_prob, alternatives))
        text = self._until.add(self._held[-1].text)
        return self._piece(text, "stop" if self._until.stopped else None) if text or self._until.stopped else None

    def end(self, why: str, drawn: int = 0) -> Piece:
        """The last piece.

        Args:
            why: ``"stop"`` or ``"length"``.
            drawn: tokens that were drawn and are no part of the text.
        """
        self._count += drawn
        rest = self._until.add(self._reader.end())
        if not self._until.stopped:
            rest += self._until.finish()
        return self._piece(rest, "stop" if self._until.stopped else why)

    def _piece(self, text: str, ended: str | None) -> Piece:
        """A text with the tokens that begin in it."""
        told = at = 0
        while told < len(self._held) and (at < len(text) or not self._held[told].text):
            at += len(self._held[told].text)
            told += 1
        piece = Piece(text, tuple(self._held[:told]), ended, self._count)
        del self._held[:told]
        self._count, self.ended = 0, ended is not None
        return piece


class UntilStop:
    """Lets a text through up to the first of some texts; what may be the beginning of one is held back.

    Args:
        stop: texts that end it; they are no part of it.

    Attributes:
        stopped: whether one of them came.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self.stopped = False
        self._stop = [text for text in stop if text]
        self._held = ""

    def add(self, text: str) -> str:
        """What is certain now that was not before."""
        text = self._held + text
        found = [at for at in map(text.find, self._stop) if at >= 0]
        if found:
            self.stopped = True
            return text[: min(found)]
        certain = len(text) - max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[certain:]
        return text[:certain]

    def finish(self) -> str:
        """What was held back: nothing comes any more."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of a text may be the beginning of a stop text."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
