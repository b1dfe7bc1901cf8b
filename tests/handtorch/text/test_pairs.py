import pytest

import handtorch
from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.text import CharacterTokenizer, EncodedPairs, WordTokenizer, pad_pairs
from handtorch.text.datasets import TextPairs
from handtorch.utils.data import BucketBatchSampler, DataLoader

LETTERS = CharacterTokenizer("abc", special=["<s>"])
SOUNDS = WordTokenizer(["<s>", "A", "B"], None, special=["<s>"])


def test_pairs_are_cut_and_padded():
    pairs = EncodedPairs([("ab", "A B", "page 1"), ("c", "A B A"), ("", "A")], LETTERS, SOUNDS)
    assert len(pairs) == 2
    assert pairs.lengths == [2, 3]
    batch = pad_pairs([pairs[0], pairs[1]])
    assert batch.sources.tolist() == [[1, 2], [3, 0]]
    assert batch.lengths.tolist() == [2, 1]
    assert batch.targets.tolist() == [[1, 2, 0], [1, 2, 1]]
    assert batch.target_lengths.tolist() == [2, 3]
    assert batch.sources.dtype == batch.target_lengths.dtype == handtorch.int64
    assert "CharacterTokenizer of 4" in repr(pairs)


def test_long_pairs_are_left_out_and_one_tokenizer_serves_both_sides():
    pairs = EncodedPairs([("ab", "c"), ("abc", "c"), ("a", "abc")], LETTERS, max_tokens=2)
    assert [LETTERS.decode(pair.source) for pair in pairs] == ["ab"]
    assert LETTERS.decode(pairs[0].target) == "c"


def test_a_data_loader_gives_batches_of_pairs():
    pairs = EncodedPairs([("abc"[: 1 + n % 3], "cab"[: 1 + n % 2]) for n in range(20)], LETTERS)
    sampler = BucketBatchSampler(pairs.lengths, max_frames=12)
    batches = list(DataLoader(pairs, batch_sampler=sampler, collate_fn=pad_pairs))
    assert sum(len(batch.sources) for batch in batches) == 20
    assert all(max(batch.sources.numel(), batch.targets.numel()) <= 12 for batch in batches)
    with pytest.raises(ArgumentError, match="at least one pair"):
        pad_pairs([])


def test_a_file_of_pairs_is_read(tmp_path):
    path = tmp_path / "spa.txt"
    path.write_text("Go.\tVe.\tCC-BY\nGo.\tVete. \tCC-BY\n\nThat is all.\tEso es todo.\tCC-BY\n", encoding="utf-8")
    assert list(TextPairs(path, "all")) == [("Go.", "Ve."), ("Go.", "Vete."), ("That is all.", "Eso es todo.")]
    assert TextPairs(path, "all", columns=(1, 0), max_length=8)[1] == ("Vete.", "Go.")
    parts = [{pair.source for pair in TextPairs(path, split)} for split in ("train", "dev", "test")]
    assert sum(map(len, parts)) == 2
    with pytest.raises(FormatError, match="4 columns between tabs in line 1"):
        TextPairs(path, columns=(0, 3))
    with pytest.raises(MissingFileError, match="no file"):
        TextPairs(tmp_path / "absent.tsv")
    with pytest.raises(ArgumentError, match="split"):
        TextPairs(path, "valid")
