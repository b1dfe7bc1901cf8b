import struct
import zlib

import pytest

from handtorch.errors import ArgumentError, DimensionError, FormatError, MissingFileError
from handtorch.text.datasets import Verses
from handtorch.text.datasets.splits import is_in
from handtorch.text.datasets.verses import ENGLISH, SPANISH

FIRST = 4  # the place of Genesis 1:1 in an index: after headings of testament, book and chapter
SECOND_CHAPTER = FIRST + 31 + 1


def _write_module(root, name, verses, versification="KJV"):
    """A compressed SWORD module with texts at places of the Old Testament's index."""
    (root / "mods.d").mkdir(parents=True, exist_ok=True)
    (root / f"mods.d/{name}.conf").write_text(
        f"[{name}]\nDataPath=./modules/texts/ztext/{name}/\nModDrv=zText\nSourceType=OSIS\nEncoding=UTF-8\n"
        f"CompressType=ZIP\nBlockType=BOOK\nVersification={versification}\n"
    )
    folder = root / f"modules/texts/ztext/{name}"
    folder.mkdir(parents=True)
    records, block = [], b""
    for place in range(max(verses) + 1):
        text = verses.get(place, "").encode()
        records.append(struct.pack("<IIH", 0, len(block), len(text)))
        block += text
    packed = zlib.compress(block)
    (folder / "ot.bzv").write_bytes(b"".join(records))
    (folder / "ot.bzs").write_bytes(struct.pack("<III", 0, len(packed), len(block)))
    (folder / "ot.bzz").write_bytes(packed)


@pytest.fixture
def roots(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDTORCH_CACHE", str(tmp_path / "cache"))
    english = {
        FIRST: "In the <w>beginning</w>  God created the heaven and the earth. ",
        FIRST + 1: " ¶ And God said, Let there be light.",
        FIRST + 2: "And God saw the light, that it was good.",
        FIRST + 3: "And God said, Let there be light.",
        FIRST + 4: "And God called the light Day.",
        SECOND_CHAPTER: "Thus the heavens were finished.",
    }
    spanish = {
        FIRST: "EN el principio crió Dios los cielos y la tierra.",
        FIRST + 1: "Y dijo Dios: Sea la luz.",
        FIRST + 2: "Y vió.",
        FIRST + 3: "Y dijo Dios: Sea la luz.",
        SECOND_CHAPTER: "Y FUERON acabados los cielos.",
    }
    _write_module(tmp_path / "en", ENGLISH, english)
    _write_module(tmp_path / "es", SPANISH, spanish)
    return [tmp_path / "en", tmp_path / "es"]


def test_verses_stand_beside_their_translation(roots):
    verses = Verses("all", root=roots)
    assert list(verses) == [
        (
            "In the beginning God created the heaven and the earth.",
            "EN el principio crió Dios los cielos y la tierra.",
            "Genesis 1:1",
        ),
        ("And God said, Let there be light.", "Y dijo Dios: Sea la luz.", "Genesis 1:2"),
        ("Thus the heavens were finished.", "Y FUERON acabados los cielos.", "Genesis 2:1"),
    ]
    assert repr(verses) == "<Verses: 3 pairs>"
    with pytest.raises(DimensionError):
        verses[3]


def test_directions_and_lengths_are_chosen(roots):
    back = Verses("all", source=SPANISH, target=ENGLISH, root=roots, max_length=35)
    assert [verse.source for verse in back] == ["Y dijo Dios: Sea la luz.", "Y FUERON acabados los cielos."]


def test_a_chapter_is_in_one_split(roots):
    for split in ("train", "dev", "test"):
        for verse in Verses(split, root=roots):
            assert is_in(split, verse.place.rpartition(":")[0])
    assert sum(len(Verses(split, root=roots)) for split in ("train", "dev", "test")) == 3


def test_texts_are_read_once(roots, capsys):
    Verses(root=roots)
    assert "reading" in capsys.readouterr().err
    Verses("dev", root=roots)
    assert "reading" not in capsys.readouterr().err


def test_what_is_missing_or_damaged_is_said(roots, tmp_path):
    with pytest.raises(ArgumentError, match="split"):
        Verses("valid", root=roots)
    with pytest.raises(ArgumentError, match="max_length"):
        Verses(max_length=0, root=roots)
    with pytest.raises(MissingFileError, match=r"spaRV1909eb in .*en.*apt-get install sword-text-sparv"):
        Verses(root=tmp_path / "en")
    with pytest.raises(MissingFileError, match="installmgr"):
        Verses(source="other", root=roots)
    _write_module(tmp_path / "en", "catholic", {FIRST: "text"}, versification="Vulg")
    with pytest.raises(FormatError, match="Vulg"):
        Verses(source="catholic", root=roots)
    (tmp_path / f"es/modules/texts/ztext/{SPANISH}/ot.bzz").write_bytes(b"damaged")
    with pytest.raises(FormatError, match="none that could be unpacked"):
        Verses(root=roots)
