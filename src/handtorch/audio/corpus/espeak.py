"""The espeak-ng library, called so that the same request gives the same samples, whatever was said before it.

The library keeps random numbers, oscillator phases and vibrato from one utterance to the next. Each utterance therefore
gets a library loaded afresh, which costs a few milliseconds. Calls into it belong in a process of their own (see
``worker.py``): a fault in C code cannot be caught.
"""

from __future__ import annotations

import _ctypes
import ctypes
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.audio.corpus.errors import SynthesisError
from handtorch.errors import require

# From espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2  # without a thread of its own, which would keep the library from being unloaded
_PHONEME_EVENTS, _DONT_EXIT = 0x0001, 0x8000
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4
_BY_CHARACTER, _UTF8 = 1, 1
_END_OF_LIST, _PHONEME = 0, 7

# Marks of stress and of word boundaries that stand around a mnemonic.
_MARKS = re.compile(r"^[',%=|]+|[|]+$")


@dataclass(frozen=True, slots=True)
class Voicing:
    """One request: what to say and how."""

    text: str
    voice: str
    """A variant's name, such as ``"m3"``: it changes the vocal tract and the glottis of American English."""
    words_per_minute: int = 175
    pitch: int = 50
    """From 0 to 99, 50 being the voice's own."""
    pitch_range: int = 50
    """From 0 (monotone) to 99."""


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """What the engine said, and when each phone began."""

    samples: npt.NDArray[np.int16]
    """(S,)"""
    sample_rate: int
    """Hz."""
    events: tuple[tuple[int, str], ...]
    """First sample and mnemonic of each phone, in order; the last one lasts until the end."""


class _Name(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Name),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def engine_version() -> str:
    """Name and version of the engine's package, part of the key under which its speech is cached.

    Raises:
        MissingExtraError: the package is not installed.
    """
    require("espeakng_loader", extra="speech")
    return f"espeakng-loader-{metadata.version('espeakng-loader')}"


def speak(voicing: Voicing) -> Speech:
    """Say a text; the same request gives the same bits in any order and any process.

    Args:
        voicing: text and manner.

    Returns:
        the samples and the start of every phone.

    Raises:
        MissingExtraError: the engine is not installed.
        SynthesisError: the engine does not know the voice, or gave no sound or no phones.
    """
    package = require("espeakng_loader", extra="speech")
    _check(voicing, Path(package.get_data_path()))
    library = ctypes.CDLL(package.get_library_path())
    try:
        return _speak(library, package.get_data_path(), voicing)
    finally:
        _unload(library)


def _check(voicing: Voicing, data_path: Path) -> None:
    # The library itself takes another voice for one that it does not know, and a moment of silence for no words.
    if not (data_path / "voices" / "!v" / voicing.voice).is_file():
        raise SynthesisError(f"espeak-ng has no voice variant {voicing.voice!r} in {data_path / 'voices' / '!v'}")
    if not any(map(str.isalnum, voicing.text)):
        raise SynthesisError(f"expected a text with at least one word, got {voicing.text!r}")


def _speak(library: ctypes.CDLL, data_path: str, voicing: Voicing) -> Speech:
    pieces: list[npt.NDArray[np.int16]] = []
    events: list[tuple[int, str]] = []

    def receive(samples: Any, count: int, event: Any) -> int:
        if samples and count > 0:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while event[index].type != _END_OF_LIST:
            if event[index].type == _PHONEME:
                events.append((event[index].sample, bytes(event[index].id.string).decode("utf-8", "replace")))
            index += 1
        return 0

    callback = _Callback(receive)
    sample_rate = library.espeak_Initialize(_SYNCHRONOUS, 0, os.fsencode(data_path), _PHONEME_EVENTS | _DONT_EXIT)
    if sample_rate <= 0:
        raise SynthesisError(f"espeak-ng did not start: its data at {data_path} is missing or of another version")
    try:
        library.espeak_SetSynthCallback(callback)
        _seed(library)
        _set_manner(library, voicing)
        text = voicing.text.encode() + b"\0"
        status = library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, _BY_CHARACTER, 0, _UTF8, None, None)
    finally:
        library.espeak_Terminate()
    if status != 0 or not pieces or not events:
        raise SynthesisError(
            f"espeak-ng said nothing (status {status}) for {voicing.text!r} in voice {voicing.voice!r}"
        )
    return Speech(np.concatenate(pieces), sample_rate, tuple((at, _MARKS.sub("", name)) for at, name in events))


def _set_manner(library: ctypes.CDLL, voicing: Voicing) -> None:
    if library.espeak_SetVoiceByName(f"en-us+{voicing.voice}".encode()) != 0:
        raise SynthesisError(f"espeak-ng refused voice {voicing.voice!r}: its American English is missing")
    for parameter, value in (
        (_RATE, voicing.words_per_minute),
        (_PITCH, voicing.pitch),
        (_PITCH_RANGE, voicing.pitch_range),
    ):
        library.espeak_SetParameter(parameter, value, 0)


def _seed(library: ctypes.CDLL) -> None:
    # Breath comes from C's rand(), the rest from a generator of the library's own.
    _c_library().srand(ctypes.c_uint(1))
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))


@lru_cache(maxsize=1)
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None if os.name == "posix" else "ucrtbase")


def _unload(library: ctypes.CDLL) -> None:
    # ctypes has the call, but no public name for it.
    release = getattr(_ctypes, "dlclose" if os.name == "posix" else "FreeLibrary")
    release(library._handle)
