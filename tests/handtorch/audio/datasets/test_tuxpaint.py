"""Tux Paint's stamps are read in any language, without texts that do not say how they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handtorch import audio
from handtorch.audio.corpus import MissingDataError
from handtorch.audio.datasets import TuxPaint, tuxpaint
from handtorch.audio.datasets.tuxpaint import STAMPS
from handtorch.errors import ArgumentError, FormatError, MissingFileError

pytest.importorskip("soundfile")

STAMP_TEXTS = {
    "animals/hen": ("A hen.", "Una gallina."),
    "animals/cow": ("A cow.", "¡Una  vaca, pequeña!"),
    "money/coin": ("A $2 coin.", "Una moneda de 2 dólares."),
    "signs/plus": ("Plus", "Más"),
    "signs/none": ("None", ""),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, (name, (english, spanish)) in enumerate(STAMP_TEXTS.items()):
        path = tmp_path / "stamps" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [english, "ca.utf8=Altra cosa", f"es.utf8={spanish}", "es_MX.utf8=Otra cosa"]
        path.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        sound = 0.1 * np.random.default_rng(number).standard_normal(3200 + 160 * number).astype(np.float32)
        for ending in ("_desc.ogg", "_desc_es.ogg", ".ogg"):
            audio.write(path.with_name(path.name + ending), sound, 32000)
    return tmp_path / "stamps"


def test_recordings_come_with_the_text_of_their_language(root: Path) -> None:
    data = TuxPaint(root=root)
    assert data.ids == ["animals/cow", "animals/hen", "signs/plus"]
    cow = data[0]
    assert cow.text == "¡Una  vaca, pequeña!"
    assert cow.labels == tuple("una vaca pequeña")
    assert cow.sample_rate == 16000
    assert cow.waveform is not None
    assert len(cow.waveform) == 1680
    assert [item.text for item in TuxPaint("en", root=root)] == ["A cow.", "A hen.", "None", "Plus"]
    assert TuxPaint(root=root, sample_rate=None)[-1].sample_rate == 32000
    assert [item.id for item in TuxPaint(root=root, limit=2)[:]] == data.ids[:2]


def test_splits_part_the_texts(root: Path) -> None:
    whole = TuxPaint(root=root).ids
    parts = [TuxPaint(root=root, split=split).ids for split in ("train", "dev", "test")]
    assert sorted(parts[0] + parts[1] + parts[2]) == whole
    for number in range(40):
        for name, text in (("a", f"word {'x' * number}"), ("b", f"Word, {'x' * number}!")):
            path = root / f"{name}{number}.txt"
            path.write_text(f"\nes.utf8={text}\n")
            path.with_name(f"{name}{number}_desc_es.ogg").write_bytes(b"")
    sizes = [len(TuxPaint(root=root, split=split)) for split in ("train", "dev", "test")]
    assert sum(sizes) == 83
    assert sizes[0] > 50 > 1 < min(sizes)
    train = set(TuxPaint(root=root, split="train").ids)
    assert all((f"a{number}" in train) == (f"b{number}" in train) for number in range(40))


def test_what_is_missing_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuxpaint, "STAMPS", root / "nowhere")
    with pytest.raises(MissingDataError, match="apt-get install tuxpaint-stamps-default"):
        TuxPaint()
    with pytest.raises(MissingFileError, match="the stamps of Tux Paint, but there is no folder"):
        TuxPaint(root=root / "nowhere")
    with pytest.raises(FormatError, match=r"recordings named \*_desc_fr\.ogg in it or below, but .* animals/"):
        TuxPaint("fr", root=root)
    with pytest.raises(ArgumentError, match="split"):
        TuxPaint(root=root, split="valid")
    (root / "animals" / "hen.txt").write_bytes(b"es.utf8=Una ni\xf1a\n")
    with pytest.raises(FormatError, match=r"expected UTF-8 in .*hen\.txt"):
        TuxPaint(root=root)
    (root / "animals" / "hen.txt").unlink()
    assert TuxPaint(root=root).ids == ["animals/cow", "signs/plus"]


@pytest.mark.skipif(not STAMPS.is_dir(), reason="the package tuxpaint-stamps-default is not installed")
def test_the_installed_stamps_are_read() -> None:
    data = TuxPaint("es")
    assert len(data) > 800
    frog = data[data.ids.index("animals/amphibians/frog-1")]
    assert frog.labels == tuple("una rana")
    assert frog.waveform is not None
    assert 0.5 < len(frog.waveform) / 16000 < 3
    sizes = [len(TuxPaint("es", split)) for split in ("train", "dev", "test")]
    assert sum(sizes) == len(data)
    assert min(sizes) > 40
