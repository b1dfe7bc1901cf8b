"""Texts become the characters that a speller writes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from handtorch.audio.characters import characters_of, characters_of_11785, letters, spoken
from handtorch.errors import ArgumentError


def test_of_a_text_its_letters_and_apostrophes_are_spoken() -> None:
    assert spoken("¡Hola,  Ñandú! «L’avió»-X") == "hola ñandú l'avió x"
    assert spoken("n\u0303") == "ñ"
    assert spoken("?!") == ""


def test_what_is_spoken_can_be_spelled() -> None:
    symbols = letters("ñ")
    said = characters_of(SimpleNamespace(text="The ñu's, please."))
    assert said is not None and symbols.text(symbols.encode(said)) == "the ñu's please"
    assert characters_of(SimpleNamespace(text=None)) is None
    with pytest.raises(ArgumentError, match="got 'ñ'"):
        letters().encode("ñ")


def test_11785_spells_in_capitals() -> None:
    symbols = characters_of_11785()
    assert len(symbols) == 29  # with the blank
    assert symbols.text(symbols.encode("IT's so")) == "IT'S SO"
