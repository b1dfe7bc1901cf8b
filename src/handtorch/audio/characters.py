"""Texts as a speller writes them: what of a text is heard, and the characters that stand for it."""

from __future__ import annotations

import string
import unicodedata
from typing import Any

from handtorch.audio.symbols import Symbols


def spoken(text: str) -> str:
    """What of a text is heard: its letters and apostrophes in small letters, with one blank between words.

    ``"¡Hola, Ñandú!"`` becomes ``"hola ñandú"``.
    """
    kept = [
        letter if unicodedata.category(letter)[0] in "LM" or letter == "'" else " "
        for letter in unicodedata.normalize("NFC", text.replace("’", "'")).lower()
    ]
    return " ".join("".join(kept).split())


def characters_of(utterance: Any) -> tuple[str, ...] | None:
    """The characters of what an utterance of any data set says, as :func:`spoken` writes them; None where unknown.

    For ``Examples(utterances, letters(), labels=characters_of)``.
    """
    return None if utterance.text is None else tuple(spoken(utterance.text))


def letters(others: str = "") -> Symbols:
    """The blank between words, the apostrophe, a to z, and ``others``, such as ``"áéíñóúü"``: what `spoken` writes."""
    return Symbols(" '" + string.ascii_lowercase + others)


def characters_of_11785() -> Symbols:
    """The characters in which course 11-785 hands in its homework 4: those of :func:`letters`, in capitals."""
    return Symbols(" '" + string.ascii_uppercase, rename=str.upper)
