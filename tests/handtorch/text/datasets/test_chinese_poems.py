import json

import pytest

from handtorch.errors import ArgumentError, FormatError, MissingFileError
from handtorch.text.datasets import ChinesePoems

STILL_NIGHT = ["牀前看月光，疑是地上霜。", "舉頭望山月，低頭思故鄉。"]
AUTUMN = ["銀燭秋光冷畫屏，輕羅小扇撲流螢。", "天階夜色涼如水，坐看牽牛織女星。"]


def _poem(lines, title="無題", author="佚名"):
    return {"author": author, "paragraphs": lines, "title": title, "id": "1"}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "node_modules/chinese-poetry/dist/quantangshi"
    folder.mkdir(parents=True)
    first = [_poem(STILL_NIGHT, "靜夜思", "李白"), _poem(["綬吐芽猶嫩，冰□已鏤津。"]), _poem([]), _poem(STILL_NIGHT)]
    (folder / "poet.tang.0.json").write_text(json.dumps(first), encoding="utf-8")
    (folder / "poet.tang.1000.json").write_text(json.dumps([_poem(AUTUMN, "秋夕", "杜牧")]), encoding="utf-8")
    (folder / "poet.song.0.json").write_text(
        json.dumps([_poem(["須臾走向天上來，逐却殘星趕却月。"])]), encoding="utf-8"
    )
    return folder.parents[1]


def test_poems_are_whole_and_come_once(package):
    poems = ChinesePoems(split="all", root=package)
    assert list(poems) == ["\n".join(STILL_NIGHT), "\n".join(AUTUMN)]
    assert poems.titles == ["靜夜思", "秋夕"]
    assert poems.authors == ["李白", "杜牧"]
    assert poems.text == "\n".join(STILL_NIGHT) + "\n\n" + "\n".join(AUTUMN)


def test_poems_are_chosen_by_dynasty_form_and_number(package):
    assert len(ChinesePoems("all", "all", root=package)) == 3
    assert ChinesePoems("song", "all", root=package)[0].startswith("須臾")
    assert ChinesePoems(split="all", form=(5, 4), root=package).titles == ["靜夜思"]
    assert ChinesePoems(split="all", form=(7, 4), root=package / "dist/quantangshi").titles == ["秋夕"]
    assert ChinesePoems(split="all", limit=1, root=package).titles == ["靜夜思"]


def test_every_poem_is_in_one_split(package):
    couplets = [[f"{sign}前看月光，疑是地上霜。"] for sign in map(chr, range(0x4E00, 0x4E00 + 400))]
    (package / "dist/quantangshi/poet.tang.0.json").write_text(json.dumps(list(map(_poem, couplets))))
    train, dev, test = ({*ChinesePoems(split=split, root=package)} for split in ("train", "dev", "test"))
    assert len(train) + len(dev) + len(test) == len(train | dev | test) == 401
    assert 8 <= len(dev) <= 35
    assert 8 <= len(test) <= 35


def test_the_package_is_found_here_and_above(package, tmp_path, monkeypatch):
    below = tmp_path / "work/deeper"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert len(ChinesePoems(split="all")) == 2
    monkeypatch.setattr("handtorch.text.datasets.chinese_poems._GLOBAL_FOLDERS", ())
    monkeypatch.chdir("/")
    with pytest.raises(MissingFileError, match=r"npm install chinese-poetry@2\.0\.1"):
        ChinesePoems()


def test_what_holds_no_poems_is_refused(package, tmp_path):
    with pytest.raises(ArgumentError, match="dynasty"):
        ChinesePoems("ming", root=package)
    with pytest.raises(ArgumentError, match="split"):
        ChinesePoems(split="valid", root=package)
    with pytest.raises(MissingFileError, match="no folder"):
        ChinesePoems(root=tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match=r"poet\.tang"):
        ChinesePoems(root=tmp_path / "empty")
    for content in ("[", "{}", '[{"paragraphs": "text"}]', '["text"]'):
        (package / "dist/quantangshi/poet.tang.0.json").write_text(content)
        with pytest.raises(FormatError, match=r"poet\.tang\.0"):
            ChinesePoems(root=package)
