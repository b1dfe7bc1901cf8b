import os
from pathlib import Path

import numpy as np
import pytest

from handtorch.errors import FormatError, MissingFileError
from handtorch.text.datasets import WikiText

REAL = Path(__file__).parents[5] / "shared/data/wikitext2"

TRAIN = (
    " \n = Lobster = \n \n Homarus is <unk> . \n = = Life = = \n \n It lives . \n \n = Frank = \n \n Frank lives . \n"
)
VALID = " \n = Crab = \n It lives . \n"


@pytest.fixture
def plain(tmp_path):
    (tmp_path / "wiki.train.tokens").write_text(TRAIN)
    (tmp_path / "wiki.valid.tokens").write_text(VALID)
    return tmp_path


def test_plain_text_gets_the_ids_of_its_training_part(plain):
    train, dev = WikiText(plain), WikiText(plain, "valid")
    assert train.vocabulary == dev.vocabulary
    assert train.vocabulary[:3] == ["<unk>", "<eos>", "="]
    assert len(train) == 2
    assert train.tokenizer.decode(train[0]).split("\n")[1] == "= Lobster ="
    assert train.tokenizer.decode(train[1]).startswith("= Frank =")
    assert train.tokenizer.decode(train.tokens) == "\n".join(" ".join(line.split()) for line in TRAIN.split("\n"))
    assert dev.tokenizer.decode(dev.tokens) == "\n= <unk> =\nIt lives .\n"
    assert len(dev) == 1
    assert dev.split == "dev"


def test_arrays_with_offsets_are_read(tmp_path):
    np.savez(tmp_path / "train.npz", tokens=np.array([2, 1, 0], np.int32), offsets=np.array([0, 1, 3]))
    (tmp_path / "vocab.txt").write_text("<unk>\n\ufeff\na\n", encoding="utf-8")
    data = WikiText(tmp_path)
    assert data.vocabulary == ["<unk>", "\ufeff", "a"]
    assert [article.tolist() for article in data] == [[2], [1, 0]]
    assert data[-1].tolist() == [1, 0]
    assert data.tokenizer.decode(data.tokens) == "a \ufeff <unk>"


def test_the_arrays_of_course_11785_are_read_without_running_what_they_name(tmp_path):
    articles = np.empty(2, object)
    articles[:] = [np.array([2, 1, 0]), np.array([1])]
    np.save(tmp_path / "wiki.train.npy", articles, allow_pickle=True)
    np.save(tmp_path / "wiki.valid.npy", np.array([[0, 1], [1, 2]]))
    np.save(tmp_path / "vocab.npy", np.array(["<unk>", "<eos>", "a"]))
    train, dev = WikiText(tmp_path), WikiText(tmp_path, "dev")
    assert [article.tolist() for article in train] == [[2, 1, 0], [1]]
    assert dev.tokens.tolist() == [0, 1, 1, 2]
    assert train.tokenizer.decode(train[0]) == "a\n<unk>"

    words = np.empty(3, object)
    words[:] = ["<unk>", "<eos>", "b"]
    np.save(tmp_path / "vocab.npy", words, allow_pickle=True)
    assert WikiText(tmp_path).vocabulary == ["<unk>", "<eos>", "b"]

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    articles[1] = Evil()
    np.save(tmp_path / "wiki.train.npy", articles, allow_pickle=True)
    with pytest.raises(FormatError, match=r"mkdir.*could run code"):
        WikiText(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_what_is_missing_or_damaged_is_said(tmp_path, plain):
    with pytest.raises(MissingFileError, match=r"wiki\.test\.tokens, wiki\.test\.npy, test\.npz"):
        WikiText(plain, "test")
    with pytest.raises(MissingFileError, match="no folder"):
        WikiText(tmp_path / "absent")
    other = tmp_path / "other"
    other.mkdir()
    np.savez(other / "train.npz", tokens=np.array([5]), offsets=np.array([0, 1]))
    with pytest.raises(MissingFileError, match=r"vocab\.txt"):
        WikiText(other)
    (other / "vocab.txt").write_text("a\nb\n")
    with pytest.raises(FormatError, match="ids below 2"):
        WikiText(other)
    np.savez(other / "train.npz", tokens=np.array([1]), offsets=np.array([0, 2]))
    with pytest.raises(FormatError, match="rising offsets"):
        WikiText(other)
    np.savez(other / "train.npz", words=np.array([1]))
    with pytest.raises(FormatError, match="'tokens'"):
        WikiText(other)
    (other / "wiki.train.npy").write_bytes(b"no array")
    with pytest.raises(MissingFileError, match=r"vocab\.npy"):
        WikiText(other)
    np.save(other / "vocab.npy", np.array(["a"]))
    with pytest.raises(FormatError, match="cannot read"):
        WikiText(other)
    np.save(other / "wiki.train.npy", np.array([0.5]))
    with pytest.raises(FormatError, match="float64"):
        WikiText(other)


@pytest.mark.skipif(not REAL.is_dir(), reason="the sample of WikiText-2 is not here")
def test_the_sample_of_wikitext_2_reads_as_english():
    data = WikiText(REAL, "dev")
    assert (len(data), len(data.tokens), len(data.vocabulary)) == (59, 216_347, 33_278)
    assert data.tokenizer.decode(data[0][:12]) == "= Homarus gammarus =\nHomarus gammarus , known as the European"
    assert (data.tokenizer.encode_array(data.tokenizer.decode(data[0])) == data[0]).all()
