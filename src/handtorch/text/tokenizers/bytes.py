"""GPT-2's way of cutting text into words, and of writing any byte as a character (Radford et al. 2019)."""

from __future__ import annotations

import re
from functools import cache

# What Unicode calls white space; Python's \s has four control characters more.
_BLANKS = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


@cache
def word_pattern() -> re.Pattern[str]:
    r"""The pattern that finds GPT-2's words, each with the one blank before it.

    Its authors wrote it for the package ``regex``::

        's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

    Python's own ``re`` knows no ``\p{L}`` and ``\p{N}``. But its ``\w`` is all letters, all numbers and ``_``, and its
    ``\d`` all numbers but such as ``²`` and ``Ⅷ``; so those few hundred are listed.
    """
    other_numbers = "".join(
        sign for sign in map(chr, range(0x110000)) if sign.isnumeric() and not sign.isdecimal() and not sign.isalpha()
    )
    letter, number = rf"[^\W\d_{other_numbers}]", rf"[\d{other_numbers}]"
    return re.compile(
        rf"'(?:[stmd]|re|ve|ll)| ?{letter}+| ?{number}+| ?(?:[^\w{_BLANKS}]|_)+"
        rf"|[{_BLANKS}]+(?![^{_BLANKS}])|[{_BLANKS}]+"
    )


def words_of(text: str) -> list[str]:
    """The words of a text; put together they are the text."""
    return word_pattern().findall(text)


@cache
def byte_characters() -> str:
    """The character that stands for each byte: itself where it is printed and no blank, else one from U+0100 on."""
    printed = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(0x100, 0x200))
    return "".join(chr(byte if byte in printed else next(others)) for byte in range(256))


def as_byte_characters(text: str) -> str:
    """The UTF-8 bytes of a text, each as its character."""
    return text.encode("utf-8", "replace").decode("latin-1").translate(_to_characters())


def bytes_of(characters: str) -> bytes:
    """The bytes that characters of :func:`byte_characters` stand for."""
    return characters.translate(_to_bytes()).encode("latin-1")


@cache
def _to_characters() -> dict[int, str]:
    return dict(enumerate(byte_characters()))


@cache
def _to_bytes() -> dict[int, int]:
    return {ord(character): byte for byte, character in enumerate(byte_characters())}
