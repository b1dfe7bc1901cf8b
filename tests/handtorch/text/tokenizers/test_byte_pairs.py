"""Byte pairs held to the package ``tokenizers``."""

import json
import time

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers, trainers

from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.text import BytePairTokenizer, Tokenizer
from handtorch.text.tokenizers.bytes import words_of

WORDS = "the them then hen he hem low lower lowest newest widest wider now don't we'll I'm naïve 東京 ½ Ⅷ 12".split()
CORPUS = [" ".join(WORDS[: 3 + n % 17] * (1 + n % 3)) + "\n\n  " * (n % 2) for n in range(60)]

# Letters that Unicode has had for long: the two sides may know different versions of it.
LETTERS = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(max_codepoint=0x2FFF, exclude_categories=["Cn", "Cs"]), max_size=5),
    st.sampled_from(
        [" ", "  ", "\n", "\t\x1c", "\u3000", "_", "一二", "5三", "'s", "'S", "\x85", "\u200b", "😀", "²", "\U00020000"]
    ),
)
TEXTS = st.lists(LETTERS, max_size=20).map("".join)


def _peer(corpus, size, special=(), min_count=2, prefix_space=False):
    peer = tokenizers.Tokenizer(models.BPE())
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    peer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=min_count,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    peer.train_from_iterator(corpus, trainer)
    return peer


def _tokens_of(peer):
    return [token for token, _ in sorted(peer.get_vocab().items(), key=lambda item: item[1])]


TRAINED = BytePairTokenizer.train(CORPUS, 330, ["<|endoftext|>"])
PEER = _peer(CORPUS, 330, ["<|endoftext|>"])


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_text_is_cut_as_the_package_tokenizers_cuts_it_and_comes_back(text):
    encoding = PEER.encode(text)
    assert TRAINED.encode(text) == encoding.ids
    assert [TRAINED.vocabulary[number] for number in TRAINED.encode(text)] == encoding.tokens
    assert TRAINED.decode(TRAINED.encode(text)) == text
    assert "".join(words_of(text)) == text


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS | st.text("ab ", max_size=300), min_size=1, max_size=6), st.integers(1, 60), st.integers(1, 3))
def test_the_merges_learned_are_those_that_the_package_tokenizers_learns(corpus, merges, min_count):
    ours = BytePairTokenizer.train(corpus, 258 + merges, ["<s>", "</s>"], min_count=min_count)
    assert list(ours.vocabulary) == _tokens_of(_peer(corpus, 258 + merges, ["<s>", "</s>"], min_count))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, len(TRAINED) - 1), max_size=12))
def test_ids_in_any_order_are_decoded_as_the_package_tokenizers_decodes_them(ids):
    text = TRAINED.decode(ids)
    assert text == PEER.decode(ids, skip_special_tokens=False)
    assert "".join(TRAINED.decode_stream(ids)) == text


# Merges that no training would give: a later one may make what an earlier one needs.
PAIRS = st.permutations(["a b", "b a", "ab a", "a a", "aa a", "ab ab", "b b", "bb b", "a bb", "aa aa"])


@settings(deadline=None, max_examples=60)
@given(PAIRS, st.lists(st.text("ab", max_size=12), max_size=4))
def test_any_order_of_merges_is_applied_as_the_package_tokenizers_applies_it(pairs, words):
    merges = [tuple(pair.split()) for pair in pairs]
    vocabulary = list(dict.fromkeys(["a", "b", "Ġ", *("".join(pair) for pair in merges)]))
    peer = tokenizers.Tokenizer(models.BPE({token: number for number, token in enumerate(vocabulary)}, merges))
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    text = " ".join(words)
    assert BytePairTokenizer(vocabulary, merges).encode(text) == peer.encode(text).ids


def test_a_stream_shows_a_character_when_its_last_byte_has_come():
    sign = [TRAINED.index[token] for token in "ðŁĺĢ"]
    decoder = TRAINED.decoder()
    assert [decoder.add(number) for number in sign] == ["", "", "", "😀"]
    assert decoder.add(sign[0]) == ""
    assert decoder.end() == "\N{REPLACEMENT CHARACTER}"


def test_special_tokens_are_no_text_unless_asked_for():
    end = TRAINED.index["<|endoftext|>"]
    assert end not in TRAINED.encode("he<|endoftext|>")
    assert TRAINED.encode("he<|endoftext|>the", special=True) == PEER.encode("he<|endoftext|>the").ids
    assert TRAINED.decode([end, *TRAINED.encode("he")], special=False) == "he"


def test_gpt2_files_are_read(tmp_path):
    PEER.model.save(str(tmp_path))
    ours = BytePairTokenizer.from_files(tmp_path / "vocab.json", tmp_path / "merges.txt")
    assert ours == TRAINED
    assert ours.special == ("<|endoftext|>",)


@pytest.mark.parametrize("prefix_space", [False, True])
def test_tokenizer_json_is_read(tmp_path, prefix_space):
    peer = _peer(CORPUS, 300, ["<s>"], prefix_space=prefix_space)
    peer.add_special_tokens(["<late>"])
    peer.save(str(tmp_path / "tokenizer.json"))
    ours = BytePairTokenizer.from_tokenizer_json(tmp_path / "tokenizer.json")
    assert list(ours.vocabulary) == _tokens_of(peer)
    for text in ("he said", " he", "", "\nhe", "<late>he"):
        assert ours.encode(text, special=True) == peer.encode(text).ids


def test_words_with_an_end_mark_are_cut_as_the_package_tokenizers_cuts_them(tmp_path):
    corpus = ["low low low lower lower newest newest widest", "new low ⅷ x"]
    ours = BytePairTokenizer.train(corpus, 40, ["<eos>"], end_of_word="</w>", unknown="<unk>")
    assert ours.vocabulary[:2] == ("<unk>", "<eos>")
    peer = tokenizers.Tokenizer(
        models.BPE(ours.index, ours.merges, unk_token="<unk>", end_of_word_suffix="</w>", fuse_unk=False)
    )
    peer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    peer.decoder = decoders.BPEDecoder("</w>")
    for text in ("lowest low", "low\n  newer zed", "w", "zz lowz zlow"):
        assert ours.encode(text) == peer.encode(text).ids
        assert ours.decode(ours.encode(text)) == peer.decode(peer.encode(text).ids, skip_special_tokens=False)
        assert "".join(ours.decode_stream(ours.encode(text))) == ours.decode(ours.encode(text))
    peer.add_special_tokens(["<unk>", "<eos>"])
    peer.save(str(tmp_path / "tokenizer.json"))
    assert BytePairTokenizer.from_tokenizer_json(tmp_path / "tokenizer.json") == ours
    with pytest.raises(ArgumentError, match="'z</w>'"):
        BytePairTokenizer.train(corpus, 40, end_of_word="</w>").encode("z")


def test_the_merges_of_the_paper_are_learned():
    """The example of Sennrich et al. 2016, section 3.2; of its pairs with equal counts ours takes the first by id."""
    corpus = "low " * 5 + "lower " * 2 + "newest " * 6 + "widest " * 3
    ours = BytePairTokenizer.train(corpus, 100, end_of_word="</w>")
    assert {"es", "est</w>", "low</w>", "newest</w>"} <= set(ours.vocabulary)
    assert ours.merges[0] in [("e", "s"), ("s", "t</w>")]


def test_a_tokenizer_survives_its_settings_and_its_file(tmp_path):
    TRAINED.save(tmp_path / "own.json")
    assert Tokenizer.load(tmp_path / "own.json") == TRAINED
    copy = Tokenizer.from_settings(json.loads(json.dumps(TRAINED.settings)))
    assert copy.encode("the newest") == TRAINED.encode("the newest")


def test_a_word_of_a_hundred_thousand_letters_is_cut_in_seconds():
    begun = time.process_time()
    ids = TRAINED.encode("the" * 30_000 + "e" * 30_000)
    assert time.process_time() - begun < 5
    assert TRAINED.decode(ids) == "the" * 30_000 + "e" * 30_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalizer": {"type": "NFC"}}, "normalizer"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "pre_tokenizer ByteLevel"),
        ({"model": {"type": "Unigram"}}, "Unigram"),
        ({"model": {"type": "BPE", "vocab": {"a": 1}, "merges": []}}, "from 0 to 0"),
        ({"model": {"type": "BPE", "vocab": {"a": "x"}, "merges": []}}, "whole numbers"),
        ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}}, "merge of two"),
        ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]}}, "'b'"),
        ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [], "byte_fallback": True}}, "byte_fallback"),
        ({"model": None}, "'model'"),
    ],
)
def test_a_tokenizer_json_of_another_kind_is_refused(tmp_path, change, message):
    content = {
        "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
    }
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content))
    assert BytePairTokenizer.from_tokenizer_json(path).encode("a") == [0]
    path.write_text(json.dumps(content | change))
    with pytest.raises(FormatError, match=message):
        BytePairTokenizer.from_tokenizer_json(path)


def test_what_cannot_be_learned_or_read_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="above 256"):
        BytePairTokenizer.train("low", 256)
    with pytest.raises(ArgumentError, match="unknown"):
        BytePairTokenizer(["a"], [], unknown="?")
    with pytest.raises(MissingFileError, match=r"vocab\.json"):
        BytePairTokenizer.from_files(tmp_path / "vocab.json", tmp_path / "merges.txt")
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    with pytest.raises(MissingFileError, match=r"merges\.txt"):
        BytePairTokenizer.from_files(tmp_path / "vocab.json", tmp_path / "merges.txt")
    (tmp_path / "merges.txt").write_bytes(b"#version: 0.2\n\xff a\n")
    with pytest.raises(FormatError, match="UTF-8"):
        BytePairTokenizer.from_files(tmp_path / "vocab.json", tmp_path / "merges.txt")
