"""TIMIT's folders are read in all spellings that are about, and its phones fold as published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handtorch.audio.datasets import Segment, Timit, fold, fold_segments, frame_labels
from handtorch.audio.datasets.timit import CORE_TEST_SPEAKERS
from handtorch.audio.datasets.timit_phones import PHONES_39, PHONES_61
from handtorch.audio.files import MissingFileError
from handtorch.errors import ArgumentError, FormatError

pytest.importorskip("soundfile")

PHONES = "0 1000 h#\n1000 1600 sh\n1600 2000 ix\n2000 2400 q\n2400 3000 ao\n3000 3200 h#\n"


def _write_sentence(folder: Path, name: str, end: str = ".WAV") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    samples = np.arange(3200, dtype="<i2")
    header = (
        "NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i 3200\nsample_rate -i 16000\nsample_n_bytes -i 2\n"
        "sample_byte_format -s2 01\nsample_sig_bits -i 16\nend_head\n"
    )
    lower = end == ".wav"
    (folder / f"{name}{end}").write_bytes(header.encode().ljust(1024) + samples.tobytes())
    (folder / f"{name}{'.phn' if lower else '.PHN'}").write_text(PHONES)
    (folder / f"{name}{'.txt' if lower else '.TXT'}").write_text("0 3200 She had your dark suit.\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for sentence in ("SA1", "SX127", "SI648"):
        _write_sentence(tmp_path / "TIMIT" / "TRAIN" / "DR1" / "FCJF0", sentence)
        _write_sentence(tmp_path / "TIMIT" / "TEST" / "DR1" / "MDAB0", sentence)
        _write_sentence(tmp_path / "TIMIT" / "TEST" / "DR2" / "MABC0", sentence)
    return tmp_path


def test_sentences_come_with_phones_in_samples(root: Path) -> None:
    data = Timit(root / "TIMIT")
    assert data.ids == ["dr1-fcjf0-si648", "dr1-fcjf0-sx127"]
    first = data[0]
    assert first.sample_rate == 16000
    np.testing.assert_array_equal(first.waveform, np.arange(3200, dtype=np.float32) / 32768)
    assert first.labels == ("sil", "sh", "ih", "aa", "sil")
    assert first.segments is not None
    assert first.segments[2] == Segment(1600, 2000, "ih")
    assert first.text == "She had your dark suit."
    assert first.speaker == "fcjf0"
    assert Timit(root / "TIMIT", fold=False)[0].labels == ("h#", "sh", "ix", "q", "ao", "h#")


def test_splits_are_those_of_the_corpus(root: Path) -> None:
    assert len(Timit(root, "test")) == 4
    assert Timit(root, "core").ids == ["dr1-mdab0-si648", "dr1-mdab0-sx127"]
    assert len(Timit(root, "test", with_sa=True)) == 6
    assert len(Timit(root, "test", limit=3)) == 3
    assert sum(map(len, CORE_TEST_SPEAKERS.values())) == 24
    for speakers in CORE_TEST_SPEAKERS.values():
        assert sorted(name[0] for name in speakers) == ["f", "m", "m"]


def test_small_letters_and_converted_copies_are_read_too(tmp_path: Path) -> None:
    _write_sentence(tmp_path / "data" / "train" / "dr1" / "fcjf0", "sx127", ".wav")
    _write_sentence(tmp_path / "data" / "train" / "dr1" / "fcjf0", "SX217", ".WAV.wav")
    _write_sentence(tmp_path / "data" / "train" / "dr1" / "fcjf0", "SX217", ".WAV")
    data = Timit(tmp_path)
    assert data.ids == ["dr1-fcjf0-sx127", "dr1-fcjf0-sx217"]
    assert all(item.labels == ("sil", "sh", "ih", "aa", "sil") and item.text for item in data)


def test_61_phones_fold_into_39_without_the_glottal_stop() -> None:
    assert (len(PHONES_61), len(PHONES_39)) == (61, 39)
    assert {fold(phone) for phone in PHONES_61} == {*PHONES_39, None}
    assert [phone for phone in PHONES_61 if fold(phone) is None] == ["q"]
    same = [{"aa", "ao"}, {"ah", "ax", "ax-h"}, {"er", "axr"}, {"hh", "hv"}, {"ih", "ix"}, {"l", "el"}, {"m", "em"}]
    same += [{"n", "en", "nx"}, {"ng", "eng"}, {"sh", "zh"}, {"uw", "ux"}]
    same += [{"pcl", "tcl", "kcl", "bcl", "dcl", "gcl", "h#", "pau", "epi"}]
    for group in same:
        assert len({fold(phone) for phone in group}) == 1
    alone = set(PHONES_61) - set().union(*same) - {"q"}
    assert all(fold(phone) == phone for phone in alone)
    assert len(alone) + len(same) == 39
    assert all(fold(phone) == phone for phone in PHONES_39)
    with pytest.raises(ArgumentError, match="61 phones, got 'zz'"):
        fold("zz")


def test_frames_get_the_label_at_their_middle() -> None:
    segments = fold_segments(
        [Segment(0, 1000, "h#"), Segment(1000, 1600, "sh"), Segment(1600, 2000, "q"), Segment(2000, 3200, "ae")]
    )
    labels = frame_labels(segments, 21, 160)
    middles = np.arange(21) * 160
    expected = ["sil" if m < 1000 or 1600 <= m < 2000 or m >= 3200 else "sh" if m < 1600 else "ae" for m in middles]
    assert list(labels) == expected
    assert frame_labels(segments, 3, 160, frame_length=1800) == ("sil", "sh", "sh")
    touching = [Segment(0, 160, "a"), Segment(160, 320, "b")]
    assert frame_labels(touching, 3, 160) == ("a", "b", "sil")
    assert frame_labels([], 2, 160, default="x") == ("x", "x")


def test_a_wrong_folder_is_explained_in_a_sentence(tmp_path: Path, root: Path) -> None:
    with pytest.raises(MissingFileError, match=r"expected the TIMIT layout .* no folder .*nowhere"):
        Timit(tmp_path / "nowhere")
    (tmp_path / "other" / "music").mkdir(parents=True)
    with pytest.raises(FormatError, match=r"expected a folder TRAIN of the TIMIT layout .* holds music/"):
        Timit(tmp_path / "other")
    (tmp_path / "bare" / "train").mkdir(parents=True)
    with pytest.raises(FormatError, match=r"holds nothing"):
        Timit(tmp_path / "bare")
    phones = root / "TIMIT" / "TRAIN" / "DR1" / "FCJF0" / "SI648.PHN"
    phones.write_text("0 100 h#\n100 x sh\n")
    with pytest.raises(FormatError, match="line 2 is '100 x sh'"):
        Timit(root)[0]
    phones.unlink()
    with pytest.raises(FormatError, match=r"in a \.PHN file beside it"):
        Timit(root)[0]
    with pytest.raises(ArgumentError, match="'train', 'test', 'core', got 'dev'"):
        Timit(root, "dev")
