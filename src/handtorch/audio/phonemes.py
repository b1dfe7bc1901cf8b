"""The 40 phones that a recognizer tells apart, and how the phone names of speech engines become them.

They are the 39 phonemes of American English in ARPAbet without stress, and silence, in the order of their class
indices: ``PHONEMES[0]`` is ``[SIL]``, the others follow alphabetically.
"""

from __future__ import annotations

from typing import NamedTuple

from handtorch.errors import ArgumentError

SILENCE = "[SIL]"

PHONEMES: tuple[str, ...] = (
    SILENCE,
    *(
        "AA",
        "AE",
        "AH",
        "AO",
        "AW",
        "AY",
        "B",
        "CH",
        "D",
        "DH",
        "EH",
        "ER",
        "EY",
        "F",
        "G",
        "HH",
        "IH",
        "IY",
        "JH",
        "K",
    ),
    *("L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"),
)
"""Names by class index."""

INDEX: dict[str, int] = {name: index for index, name in enumerate(PHONEMES)}
"""Class index by name."""


class PhoneSegment(NamedTuple):
    """A phone and when it sounds."""

    phone: str
    """One of :data:`PHONEMES`."""
    start: float
    """Seconds from the start of the recording."""
    end: float
    """Seconds from the start of the recording."""


_ESPEAK_ALIKE = {
    "[SIL]": "_ _: _| _!",
    "AA": "0 A: A",
    "AE": "a aa",
    "AH": "V @ @2 @5 a# V2",
    "AO": "O: O2 O",
    "AW": "aU",
    "AY": "aI",
    "B": "b",
    "CH": "tS",
    "D": "d d#",
    "DH": "D",
    "EH": "E E2 e",
    "ER": "3 3:",
    "EY": "eI",
    "F": "f",
    "G": "g",
    "HH": "h",
    "IH": "I I2 I#",
    "IY": "i i:",
    "JH": "dZ",
    "K": "k x",
    "L": "l l# L",
    "M": "m m-",
    "N": "n n-",
    "NG": "N",
    "OW": "oU",
    "OY": "OI",
    "P": "p",
    "R": "r r- r/ R",
    "S": "s",
    "SH": "S",
    # The tap of "forty" and the glottal stop of "button" are both a T in a dictionary.
    "T": "t t# t2 ?",
    "TH": "T",
    "UH": "U",
    "UW": "u: u",
    "V": "v",
    "W": "w",
    "Y": "j ;",
    "Z": "z z#",
    "ZH": "Z",
}
# Two ARPAbet phones that espeak-ng speaks and times as one; the first takes the share of it that stands behind.
_ESPEAK_PAIRS = {
    "A@": ("AA", "R", 0.5),
    "O@": ("AO", "R", 0.5),
    "o@": ("AO", "R", 0.5),
    "e@": ("EH", "R", 0.5),
    "U@": ("UH", "R", 0.5),
    "i@3": ("IH", "R", 0.5),
    "i@": ("IY", "AH", 0.5),
    "aI@": ("AY", "AH", 0.6),
    "aI3": ("AY", "ER", 0.6),
    "@L": ("AH", "L", 0.4),
}

ESPEAK_TO_ARPABET: dict[str, tuple[tuple[str, float], ...]] = {
    **{name: ((arpabet, 1.0),) for arpabet, names in _ESPEAK_ALIKE.items() for name in names.split()},
    **{name: ((first, share), (second, 1.0 - share)) for name, (first, second, share) in _ESPEAK_PAIRS.items()},
}
"""Phones of an espeak-ng mnemonic (American English, marks of stress taken off) and the share of its time each has."""

_ARPABET_LIKE = {
    SILENCE: "sil SIL SPN pau h# epi q brth ssil <sil> [NOISE] +NSN+ +SPN+",
    "AH": "ax ax-h",
    "B": "bcl",
    "D": "dcl",
    "ER": "axr",
    "G": "gcl",
    "HH": "hv",
    "IH": "ix",
    "K": "kcl",
    "L": "el",
    "M": "em",
    "N": "en nx",
    "NG": "eng",
    "P": "pcl",
    "T": "tcl dx",
    "UW": "ux",
}
_FOLD = {
    **{name: phone for phone, names in _ARPABET_LIKE.items() for name in names.split()},
    **{name.lower(): name for name in PHONEMES[1:]},
}


def to_arpabet(name: str) -> str:
    """The one of :data:`PHONEMES` for a phone name of TIMIT, flite, festival, CMUdict or Sphinx.

    A closure counts as its stop, a tap as T, a syllabic consonant as the plain one; digits for stress are taken off.

    Raises:
        ArgumentError: no phone has that name.
    """
    plain = name.rstrip("012")
    if plain in INDEX:
        return plain
    if plain not in _FOLD:
        raise ArgumentError(f"expected a phone of ARPAbet or of TIMIT, such as 'AE1', 'ax' or 'tcl', got {name!r}")
    return _FOLD[plain]
