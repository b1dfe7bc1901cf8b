"""A speller is one file, hears recordings of any length, and says what does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import handtorch
from handtorch.audio.characters import letters
from handtorch.audio.examples import Example
from handtorch.audio.hearing import LogMel
from handtorch.audio.speller import BeamSearch, Speller, ctc_greedy, cut_where_quiet
from handtorch.errors import ArgumentError
from handtorch.models.encoder_decoder import ClockedListenAttendSpell, EncoderDecoderTransformer, ListenAttendSpell

RNG = np.random.default_rng(0)


LISTENER = {"channels": (8,), "strides": (3,), "hidden_size": 8, "num_layers": 1}
LSTM = {"embedding_dim": 8, "hidden_size": 8, "attention_size": 8}
TRANSFORMER = {"width": 8, "heads": 1, "num_layers": 1}


@pytest.fixture(
    params=[(ListenAttendSpell, LSTM), (ClockedListenAttendSpell, LSTM), (EncoderDecoderTransformer, TRANSFORMER)],
    ids=lambda param: param[0].__name__,
)
def speller(request: pytest.FixtureRequest) -> Speller:
    handtorch.manual_seed(0)
    symbols = letters()
    network, decoder = request.param
    model = network(40, len(symbols) + 1, encoder=LISTENER, decoder=decoder, end_token=len(symbols))
    return Speller(model, symbols, LogMel())


def test_a_speller_comes_back_from_its_file(speller: Speller, tmp_path: Path) -> None:
    speller.save(tmp_path / "speller.safetensors")
    again = Speller.load(tmp_path / "speller.safetensors")
    example = Example("", RNG.standard_normal((60, 40)).astype(np.float32), None)
    for search in (None, ctc_greedy, BeamSearch(2)):
        assert again.spell_all([example], search=search) == speller.spell_all([example], search=search)
    waveform = RNG.standard_normal(8000).astype(np.float32) / 10
    assert again.spell(waveform, 16_000) == speller.spell(waveform, 16_000)


def test_what_is_spelled_together_is_what_is_spelled_alone(speller: Speller) -> None:
    examples = [Example("", RNG.standard_normal((length, 40)).astype(np.float32), None) for length in (30, 61, 45)]
    assert speller.spell_all(examples) == [speller.spell_all([example])[0] for example in examples]


def test_attention_is_told_for_each_character_and_the_end(speller: Speller) -> None:
    targets = speller.symbols.encode("abc")
    weights = speller.attend(Example("", RNG.standard_normal((30, 40)).astype(np.float32), targets))
    assert weights.shape == (1, 4, 10)
    np.testing.assert_allclose(weights.sum(2), 1, atol=1e-5)


def test_a_stream_is_cut_where_it_is_quiet_and_nothing_is_lost() -> None:
    stream = np.ones((1000, 3), np.float32)
    stream[330:360] = stream[700:730] = -5
    parts = list(cut_where_quiet([stream[:300], stream[300:]], 400))
    np.testing.assert_array_equal(np.concatenate(parts), stream)
    assert [len(part) for part in parts] == [pytest.approx(345, abs=10), pytest.approx(370, abs=20), len(parts[2])]


def test_tokens_have_to_fit_the_characters(speller: Speller) -> None:
    with pytest.raises(ArgumentError, match="expected a model with 31 tokens"):
        Speller(speller.model, letters("ñ"))
    with pytest.raises(ArgumentError, match="ready-made features"):
        Speller(speller.model, letters()).spell(np.zeros(1600, np.float32), 16_000)
