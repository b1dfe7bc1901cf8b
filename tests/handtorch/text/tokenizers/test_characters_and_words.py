import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.text import CharacterTokenizer, Tokenizer, WordTokenizer

TEXT = "To be, or not to be:\nthat is the question."


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_characters_come_back_as_they_were(text):
    tokenizer = CharacterTokenizer.of([text, TEXT], special=["<eos>"])
    ids = tokenizer.encode(text)
    assert len(ids) == len(text)
    assert tokenizer.decode(ids) == "".join(tokenizer.decode_stream(ids)) == text
    assert tokenizer.encode_array(text).tolist() == ids
    assert list(tokenizer.vocabulary[1:]) == sorted(set(text + TEXT))


def test_rare_and_unknown_characters_become_the_unknown_token():
    tokenizer = CharacterTokenizer.of("aabbc", unknown="?", min_count=2)
    assert tokenizer.vocabulary == ("?", "a", "b")
    assert tokenizer.encode("abcé𝄞") == [1, 2, 0, 0, 0]
    with pytest.raises(ArgumentError, match="'c' at character 2"):
        CharacterTokenizer("ab").encode("abcd")


def test_special_tokens_are_found_in_a_text_only_where_asked():
    tokenizer = CharacterTokenizer("<eos>!", special=["<eos>", "<eos>!"])
    assert tokenizer.encode("<eos>") == [tokenizer.index[sign] for sign in "<eos>"]
    assert tokenizer.encode("<eos>", special=True) == [0]
    assert tokenizer.encode("s<eos>!s<eos>", special=True) == [tokenizer.index["s"], 1, tokenizer.index["s"], 0]
    assert tokenizer.encode_array("<eos>", special=True).tolist() == [0]
    assert tokenizer.decode([0, 1]) == "<eos><eos>!"
    assert tokenizer.decode(np.array([0, tokenizer.index["s"], 1]), special=False) == "s"


def test_words_are_ordered_by_frequency_then_alphabet():
    tokenizer = WordTokenizer.train(["b a b", "c a\nd"], end_of_line="<eos>")
    assert tokenizer.vocabulary == ("<unk>", "<eos>", "a", "b", "c", "d")
    assert tokenizer.encode("a\nx d") == [2, 1, 0, 5]
    assert tokenizer.decode([2, 1, 0, 5]) == "a\n<unk> d"
    assert tokenizer.decode([2, 1, 0, 5], special=False) == "a\nd"
    assert WordTokenizer.train("b a b c a", 3).vocabulary == ("<unk>", "a", "b")
    assert WordTokenizer.train("b a b c a", min_count=2).vocabulary == ("<unk>", "a", "b")


def test_words_may_have_other_special_tokens_and_no_unknown_one():
    tokenizer = WordTokenizer.train("HH AH L OW", unknown=None, special=["<s>", "</s>"])
    assert tokenizer.vocabulary == ("<s>", "</s>", "AH", "HH", "L", "OW")
    assert tokenizer.encode("<s> L", special=True) == [0, 4]
    assert Tokenizer.from_settings(tokenizer.settings) == tokenizer
    with pytest.raises(ArgumentError, match="'ZH'"):
        tokenizer.encode("ZH")


def test_signs_are_taken_off_words_and_put_back():
    tokenizer = WordTokenizer.train(TEXT, cut="punctuation", end_of_line="<eos>")
    assert tokenizer.words("don't (stop)!\n") == ["don't", "(", "stop", ")", "!", "<eos>"]
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT
    assert "".join(tokenizer.decode_stream(tokenizer.encode(TEXT))) == TEXT
    lower = WordTokenizer.train(TEXT, cut="punctuation", lower=True)
    assert lower.encode("TO Be") == lower.encode("to be") != [0, 0]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 12), max_size=15))
def test_words_of_a_stream_put_together_are_the_text(ids):
    tokenizer = WordTokenizer(
        ["<unk>", "<eos>", *"a be . , ( ) ! ' [ ] ;".split()], end_of_line="<eos>", cut="punctuation"
    )
    assert "".join(tokenizer.decode_stream(ids)) == tokenizer.decode(ids)


@pytest.mark.parametrize(
    "tokenizer",
    [
        CharacterTokenizer("ab\n中", special=["<s>"], unknown="?"),
        WordTokenizer.train(TEXT, 9, end_of_line="<eos>", cut="punctuation", lower=True),
    ],
    ids=lambda tokenizer: tokenizer.kind,
)
def test_a_tokenizer_survives_its_settings_its_file_and_a_pickle(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    settings = json.loads(json.dumps(tokenizer.settings))
    for copy in (
        Tokenizer.from_settings(settings),
        Tokenizer.load(tmp_path / "tokenizer.json"),
        pickle.loads(pickle.dumps(tokenizer)),
    ):
        assert copy == tokenizer
        assert copy.vocabulary == tokenizer.vocabulary
        assert copy.special == tokenizer.special
        assert copy.encode("ab\nab") == tokenizer.encode("ab\nab")


def test_what_is_no_tokenizer_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="'a' twice"):
        CharacterTokenizer("aba")
    with pytest.raises(ArgumentError, match="special"):
        WordTokenizer(["a"])
    with pytest.raises(ArgumentError, match="cut"):
        WordTokenizer.train("a", cut="letters")
    with pytest.raises(ArgumentError, match="0 to 1, got -1"):
        CharacterTokenizer("ab").decode([0, -1])
    with pytest.raises(FormatError, match=r"'byte pairs' or 'characters' or 'words'.*'letters'"):
        Tokenizer.from_settings({"kind": "letters"})
    with pytest.raises(FormatError, match="settings of a CharacterTokenizer"):
        Tokenizer.from_settings({"kind": "characters", "letters": "ab"})
    with pytest.raises(MissingFileError, match="no file"):
        Tokenizer.load(tmp_path / "absent.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(FormatError, match="JSON"):
        Tokenizer.load(tmp_path / "broken.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(FormatError, match="object"):
        Tokenizer.load(tmp_path / "list.json")
