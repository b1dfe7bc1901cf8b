"""Recordings survive being written and read; broken ones are refused with a sentence that says what is wrong."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from handtorch import audio
from handtorch.audio.files import MissingFileError
from handtorch.errors import ArgumentError, FormatError, HandtorchError, MissingExtraError, ShapeError

soundfile = pytest.importorskip("soundfile")


def _tone(samples: int = 8000) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(samples) / 16000)).astype(np.float32)


def sphere(samples: np.ndarray, rate: int = 16000, coding: str = "pcm") -> bytes:
    """A NIST SPHERE file written by hand: a text header of 1024 bytes, then 16-bit samples."""
    fields = [
        "NIST_1A",
        "   1024",
        "database_id -s5 TIMIT",
        "channel_count -i 1",
        f"sample_count -i {len(samples)}",
        f"sample_rate -i {rate}",
        "sample_n_bytes -i 2",
        "sample_byte_format -s2 01",
        "sample_sig_bits -i 16",
        f"sample_coding -s{len(coding)} {coding}",
        "end_head",
    ]
    header = ("\n".join(fields) + "\n").encode("ascii")
    return header.ljust(1024) + samples.astype("<i2").tobytes()


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_what_is_written_without_loss_comes_back_within_a_16_bit_step(tmp_path: Path, suffix: str) -> None:
    audio.write(tmp_path / f"a{suffix}", _tone(), 16000)
    back, rate = audio.read(tmp_path / f"a{suffix}")
    assert rate == 16000
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, _tone(), atol=1.01 / 32768)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_ogg_comes_back_nearly_the_same(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.ogg", _tone(200_000), 16000)
    back, rate = audio.read(tmp_path / "a.ogg")
    assert (rate, len(back)) == (16000, 200_000)
    assert np.abs(back - _tone(200_000))[1000:-1000].max() < 0.05


def test_wav_is_read_as_the_standard_library_wrote_it(tmp_path: Path) -> None:
    values = np.array([0, 16384, -32768, 32767], "<i2")
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 4, "NONE", ""))
        file.writeframes(values.tobytes())
    back, rate = audio.read(tmp_path / "a.wav")
    assert rate == 8000
    np.testing.assert_array_equal(back, values / 32768)


def test_channels_are_averaged_or_kept(tmp_path: Path) -> None:
    stereo = np.stack([_tone(), np.zeros(8000, np.float32)], axis=1)
    audio.write(tmp_path / "a.wav", stereo, 16000)
    np.testing.assert_allclose(audio.read(tmp_path / "a.wav")[0], _tone() / 2, atol=1e-4)
    np.testing.assert_allclose(audio.read(tmp_path / "a.wav", mono=False)[0], stereo, atol=1e-4)
    assert audio.read(tmp_path / "a.wav", mono=False, sample_rate=8000)[0].shape == (4000, 2)


def test_reading_can_change_the_sample_rate(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", _tone(), 16000)
    back, rate = audio.read(tmp_path / "a.wav", sample_rate=8000)
    assert rate == 8000
    np.testing.assert_allclose(back, audio.resample(audio.read(tmp_path / "a.wav")[0], 16000, 8000))


def test_what_leaves_full_scale_is_clipped_not_wrapped(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", np.array([2.0, -2.0], np.float32), 16000)
    np.testing.assert_allclose(audio.read(tmp_path / "a.wav")[0], [1, -1], atol=1e-4)


def test_sphere_files_of_timit_are_read(tmp_path: Path) -> None:
    values = (_tone() * 32767).astype(np.int16)
    (tmp_path / "SX1.WAV").write_bytes(sphere(values))
    back, rate = audio.read(tmp_path / "SX1.WAV")
    assert rate == 16000
    np.testing.assert_array_equal(back, values / np.float32(32768))


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".sph"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    noise = np.random.default_rng(0).standard_normal(100_000).astype(np.float32) * 0.1
    if suffix == ".sph":
        whole.write_bytes(sphere(noise * 32767))
    else:
        audio.write(whole, noise, 16000)
    audio.read(whole)
    data = whole.read_bytes()
    cut.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(FormatError, match=r"cut short.*fetch it again"):
        audio.read(cut)


def test_a_wav_that_was_streamed_and_does_not_know_its_length_is_read(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", _tone(), 16000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    where = data.index(b"data") + 4
    data[where : where + 4] = b"\xff\xff\xff\xff"
    data[4:8] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(data)
    assert len(audio.read(tmp_path / "a.wav")[0]) == 8000


def test_an_ogg_cut_between_two_pages_is_refused(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.ogg", np.random.default_rng(0).standard_normal(100_000).astype(np.float32), 16000)
    data = (tmp_path / "a.ogg").read_bytes()
    (tmp_path / "a.ogg").write_bytes(data[: data.rindex(b"OggS")])
    with pytest.raises(FormatError, match="cut short"):
        audio.read(tmp_path / "a.ogg")


def test_a_wav_with_a_note_of_odd_length_before_its_samples_is_whole(tmp_path: Path) -> None:
    audio.write(tmp_path / "a.wav", _tone(), 16000)
    data = (tmp_path / "a.wav").read_bytes()
    where = data.index(b"data")
    note = b"note" + (3).to_bytes(4, "little") + b"abc\0"
    (tmp_path / "a.wav").write_bytes(data[:where] + note + data[where:])
    assert len(audio.read(tmp_path / "a.wav")[0]) == 8000


def test_missing_empty_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"found no file") as missing:
        audio.read(tmp_path / "nowhere.wav")
    assert isinstance(missing.value, HandtorchError)
    assert isinstance(missing.value, FileNotFoundError)
    (tmp_path / "empty.wav").touch()
    with pytest.raises(FormatError, match="is empty"):
        audio.read(tmp_path / "empty.wav")
    for name in ("text.wav", "text.raw"):
        (tmp_path / name).write_text("not a recording " * 100)
        with pytest.raises(FormatError, match="expected wav, flac, ogg or NIST SPHERE"):
            audio.read(tmp_path / name)
    audio.write(tmp_path / "none.wav", _tone(1), 16000)
    (tmp_path / "none.wav").write_bytes((tmp_path / "none.wav").read_bytes()[:-2].replace(b"data\x02", b"data\x00"))
    with pytest.raises(FormatError, match="holds no samples"):
        audio.read(tmp_path / "none.wav")
    (tmp_path / "short.wav").write_bytes(sphere(np.zeros(5), coding="pcm,embedded-shorten-v2.00"))
    with pytest.raises(FormatError, match="sph2pipe"):
        audio.read(tmp_path / "short.wav")


@pytest.mark.parametrize(
    "head", [b"RIFF", b"RIFF\x00\x00\x00\x00WAVE", b"NIST_1A\n", b"NIST_1A\n  abc\n", b"OggS", b"fLaC"]
)
def test_a_file_that_ends_within_its_header_is_refused(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(head)
    with pytest.raises(FormatError):
        audio.read(tmp_path / "a.wav")


def test_bad_arguments_of_write_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"ending in \.wav, \.flac, \.ogg"):
        audio.write(tmp_path / "a.mp3", _tone(), 16000)
    with pytest.raises(ShapeError, match="at least one sample"):
        audio.write(tmp_path / "a.wav", np.zeros(0), 16000)
    with pytest.raises(ArgumentError, match="sample_rate > 0"):
        audio.write(tmp_path / "a.wav", _tone(), 0)
    assert not list(tmp_path.iterdir())


def test_without_soundfile_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio.write(tmp_path / "a.wav", _tone(), 16000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"handtorch\[speech\]"):
        audio.read(tmp_path / "a.wav")


def test_importing_audio_and_its_features_loads_only_numpy() -> None:
    code = (
        "import sys; from handtorch import audio; audio.log_mel, audio.resample, audio.WindowedFrames, audio.read;"
        "heavy = {'soundfile', 'scipy', 'librosa', 'matplotlib', 'numba'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_table_of_contents_is_true() -> None:
    for name in audio.__all__:
        assert getattr(audio, name) is not None
        assert name in dir(audio)
    assert {"read", "log_mel", "WindowedFrames", "datasets", "corpus", "phonemes"} <= set(audio.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        audio.nothing  # noqa: B018
