"""GPT-2's way of cutting text into words, and of writing any byte as a character (Radford et al. 2019)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import groupby

# What Unicode calls white space; Python's \s has four control characters more.
_BLANKS = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_ASCII_BLANKS = "\t-\r "

_NO_LETTERS_FROM = 0x40000  # Unicode's planes from the fourth on hold no letters and no numbers


def words_of(text: str) -> list[str]:
    r"""GPT-2's words of a text, each with the one blank before it; put together they are the text.

    Its authors wrote the pattern for the package ``regex``::

        's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

    Python's own ``re`` knows no ``\p{L}`` and ``\p{N}``, so the ranges of letters and numbers are listed. English needs
    none of them, and a pattern without them is four times as fast.
    """
    return (_ascii_pattern() if text.isascii() else _pattern_of_unicode()).findall(text)


@cache
def _ascii_pattern() -> re.Pattern[str]:
    return _pattern("A-Za-z", "0-9", _ASCII_BLANKS)


@cache
def _pattern_of_unicode() -> re.Pattern[str]:
    letters = _ranges(str.isalpha)
    numbers = _ranges(lambda sign: sign.isnumeric() and not sign.isalpha())  # not the Chinese signs for numbers
    return _pattern(letters, numbers, _BLANKS)


def _pattern(letters: str, numbers: str, blanks: str) -> re.Pattern[str]:
    return re.compile(
        rf"'(?:[stmd]|re|ve|ll)| ?[{letters}]+| ?[{numbers}]+| ?[^{blanks}{letters}{numbers}]+"
        rf"|[{blanks}]+(?![^{blanks}])|[{blanks}]+"
    )


def _ranges(belongs: Callable[[str], bool]) -> str:
    """The characters that belong to a class, as a pattern names them: ``A-Za-z`` and so on."""
    runs = (list(run) for inside, run in groupby(map(chr, range(_NO_LETTERS_FROM)), belongs) if inside)
    return "".join(f"{run[0]}-{run[-1]}" for run in runs)


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
