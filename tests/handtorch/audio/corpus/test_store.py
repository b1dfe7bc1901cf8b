"""What is written comes back, mapped from disk; what is damaged is called so."""

from __future__ import annotations

import shutil
from pathlib import Path

import librosa
import numpy as np
import pytest

from handtorch.audio.corpus.labels import Phone
from handtorch.audio.corpus.store import Recording, Split, label_recording, write_split
from handtorch.errors import FormatError


def _recordings(count: int = 3) -> list[Recording]:
    rng = np.random.default_rng(0)
    recordings = []
    for number in range(count):
        length = 5000 + 1000 * number
        waveform = rng.uniform(-1, 1, length).astype(np.float32) * 0.5
        phones = [Phone(number, 0, 1700), Phone(39, 1700, length)]
        recordings.append(Recording(f"u{number}", f"voice{number % 2}", f"Text {number}.", waveform, phones))
    return recordings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_split(tmp_path / "part", [label_recording(recording, n_mels=40) for recording in _recordings()])
    return tmp_path / "part"


def test_what_is_written_comes_back(folder: Path) -> None:
    split = Split(folder)
    assert len(split) == 3
    assert split.frames == 32 + 38 + 44
    assert split.hours == pytest.approx(18_000 / 16_000 / 3600)
    assert split.voices == ("voice0", "voice1")
    for utterance, recording in zip(split, _recordings(), strict=True):
        assert (utterance.id, utterance.voice, utterance.text) == recording[:3]
        np.testing.assert_allclose(utterance.waveform, recording.waveform, atol=0.51 / 32768)
        assert utterance.waveform.dtype == np.float32
        assert utterance.spans == tuple(recording.phones)
        assert utterance.labels.tolist() == [recording.phones[0].label] * 11 + [39] * (len(utterance.labels) - 11)
        assert utterance.phones[1] == ("ZH", 0.10625, len(recording.waveform) / 16_000)


def test_features_are_the_log_mel_spectrum_of_the_waveform(folder: Path) -> None:
    for utterance in Split(folder):
        power = librosa.feature.melspectrogram(
            y=utterance.waveform, sr=16_000, n_fft=400, hop_length=160, n_mels=40, pad_mode="constant"
        )
        np.testing.assert_allclose(utterance.features, np.log(power).T, atol=0.02)
        assert utterance.features.dtype == np.float16


def test_a_split_is_a_sequence(folder: Path) -> None:
    split = Split(folder)
    assert split[-1].id == "u2"
    assert [utterance.id for utterance in split[1:]] == ["u1", "u2"]
    with pytest.raises(IndexError):
        split[3]
    assert "3 utterances" in repr(split)


def test_arrays_are_mapped_and_not_to_be_written_to(folder: Path) -> None:
    split = Split(folder)
    assert isinstance(split.samples, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        split[0].labels[0] = 1


def test_overloud_samples_are_clipped_not_wrapped(tmp_path: Path) -> None:
    loud = _recordings(1)[0]._replace(waveform=np.full(5000, 1.5, np.float32))
    assert label_recording(loud, 40).samples.tolist() == [32767] * 5000


@pytest.mark.parametrize("name", ["samples.npy", "features.npy", "utterances.json"])
def test_a_folder_that_lost_a_file_is_called_damaged(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(FormatError, match="delete it"):
        Split(folder)


def test_a_file_that_was_cut_short_is_called_damaged(folder: Path) -> None:
    path = folder / "labels.npy"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FormatError, match="delete it"):
        Split(folder)


def test_files_of_two_splits_are_not_mixed(folder: Path, tmp_path: Path) -> None:
    write_split(tmp_path / "other", [label_recording(recording, n_mels=40) for recording in _recordings(2)])
    shutil.copy(tmp_path / "other" / "samples.npy", folder / "samples.npy")
    with pytest.raises(FormatError, match="do not belong together"):
        Split(folder)
