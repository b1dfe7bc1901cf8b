"""LibriSpeech's folders are read with their sentences, and a wrong folder is explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handtorch import audio
from handtorch.audio.datasets import LibriSpeech
from handtorch.audio.files import MissingFileError
from handtorch.errors import FormatError

pytest.importorskip("soundfile")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for speaker, chapter, count in (("84", "121123", 2), ("1272", "128104", 1)):
        folder = tmp_path / "LibriSpeech" / "dev-clean" / speaker / chapter
        folder.mkdir(parents=True)
        lines = []
        for number in range(count):
            name = f"{speaker}-{chapter}-{number:04d}"
            audio.write(folder / f"{name}.flac", 0.1 * rng.standard_normal(1600 + number).astype(np.float32), 16000)
            lines.append(f"{name} GO DO YOU HEAR {'X' * number}".strip())
        (folder / f"{speaker}-{chapter}.trans.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "LibriSpeech"


def test_recordings_come_with_their_sentences(root: Path) -> None:
    data = LibriSpeech(root, "dev-clean")
    assert data.ids == ["1272-128104-0000", "84-121123-0000", "84-121123-0001"]
    last = data[-1]
    assert last.text == "GO DO YOU HEAR X"
    assert last.labels == tuple("GO DO YOU HEAR X")
    assert last.speaker == "84"
    assert last.sample_rate == 16000
    assert last.waveform is not None
    assert last.waveform.shape == (1601,)
    assert [item.id for item in LibriSpeech(root / "dev-clean", limit=2)] == data.ids[:2]
    assert [item.id for item in data[:0:-1]] == data.ids[:0:-1]


def test_the_sample_rate_can_be_changed(root: Path) -> None:
    first = LibriSpeech(root, "dev-clean", sample_rate=8000)[0]
    assert first.sample_rate == 8000
    assert first.waveform is not None
    assert len(first.waveform) == 800


def test_a_wrong_folder_is_explained_in_a_sentence(root: Path) -> None:
    with pytest.raises(MissingFileError, match=r"LibriSpeech layout .* no folder .*test-clean; .* holds dev-clean/"):
        LibriSpeech(root, "test-clean")
    with pytest.raises(FormatError, match=r"expected the LibriSpeech layout .*, but .* holds dev-clean/"):
        LibriSpeech(root)
    transcript = root / "dev-clean" / "84" / "121123" / "84-121123.trans.txt"
    transcript.write_text("84-121123-0000 GO\n84-121123-0009 GO\n")
    with pytest.raises(FormatError, match=r"line 2 names 84-121123-0009\.flac, which is not beside it"):
        LibriSpeech(root, "dev-clean")
    transcript.write_text("84-121123-0000\n")
    with pytest.raises(FormatError, match="line 1 has no sentence"):
        LibriSpeech(root, "dev-clean")
