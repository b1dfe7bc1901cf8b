"""The 11-785 layout is read as its homeworks hand it out, and a wrong folder is explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handtorch.audio.datasets import Cmu11785
from handtorch.audio.files import MissingFileError
from handtorch.errors import ArgumentError, FormatError

SAMPLE = Path(__file__).parents[4].parent / "shared" / "data" / "librispeech-sample"


def _save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


@pytest.fixture
def frames_homework(tmp_path: Path) -> Path:
    """hw1p2: (T, 28) features and one phone a frame between [SOS] and [EOS]."""
    rng = np.random.default_rng(0)
    for split, names in (
        ("train-clean-100", ("103-1-0001", "103-1-0000", "20-5-0000")),
        ("test-clean", ("9-1-0", "8-1-0")),
    ):
        for number, name in enumerate(names):
            features = rng.standard_normal((50 + number, 28))
            _save(tmp_path / split / "mfcc" / f"{name}.npy", features)
            if split != "test-clean":
                labels = np.array(["[SOS]", *["[SIL]"] * 20, *["AH"] * (30 + number), "[EOS]"])
                _save(tmp_path / split / "transcript" / f"{name}.npy", labels)
    return tmp_path


def test_frames_have_a_phone_each(frames_homework: Path) -> None:
    data = Cmu11785(frames_homework)
    assert data.ids == ["103-1-0000", "103-1-0001", "20-5-0000"]
    utterance = data[2]
    assert utterance.id == "20-5-0000"
    assert utterance.speaker == "20"
    assert utterance.features is not None
    assert utterance.features.shape == (52, 28)
    assert utterance.features.dtype == np.float32
    assert utterance.labels == ("[SIL]",) * 20 + ("AH",) * 32
    assert utterance.labels_each_frame
    assert utterance.text is None
    assert [item.id for item in data] == data.ids
    assert data[-1].id == "20-5-0000"
    with pytest.raises(IndexError):
        data[3]


def test_the_test_split_has_no_labels_and_the_order_of_its_list(frames_homework: Path) -> None:
    assert Cmu11785(frames_homework, "test-clean").ids == ["8-1-0", "9-1-0"]
    listed = frames_homework / "test-clean" / "test_order.csv"
    for text in (
        "file\n9-1-0.npy\n8-1-0.npy\n",
        "9-1-0.npy\n8-1-0.npy\n",
        "id,file\n0,9-1-0.npy\n1,8-1-0.npy\n",
        "9-1-0\n8-1-0\n",
        "name\n9-1-0.npy\n8-1-0.npy",
    ):
        listed.write_text(text)
        data = Cmu11785(frames_homework, "test-clean")
        assert data.ids == ["9-1-0", "8-1-0"], text
        assert data[0].labels is None
    listed.write_text("file\n9-1-0.npy\n7-7-7.npy\n")
    with pytest.raises(FormatError, match=r"lists 1 utterances that .* lacks, such as 7-7-7\.npy"):
        Cmu11785(frames_homework, "test-clean")


def test_sequences_of_phones_need_not_match_the_frames(tmp_path: Path) -> None:
    _save(tmp_path / "train" / "mfcc" / "a.npy", np.zeros((50, 15)))
    _save(tmp_path / "train" / "transcript" / "a.npy", np.array(["[SOS]", "B", "IY", "[EOS]"]))
    utterance = Cmu11785(tmp_path, "train")[0]
    assert utterance.labels == ("B", "IY")
    assert utterance.text is None
    assert not utterance.labels_each_frame


def test_characters_are_joined_to_a_text_in_every_spelling(tmp_path: Path) -> None:
    spellings = {
        "a": np.array(list("SO IT")),
        "b": np.array(["<sos>", *"SO IT", "<eos>"]),
        "c": np.array("SO IT"),
        "d": np.array(list("SO IT"), dtype="S1"),
    }
    for name, array in spellings.items():
        _save(tmp_path / "dev" / "text" / f"{name}.npy", array)
        _save(tmp_path / "dev" / "fbank" / f"{name}.npy", np.zeros((80, 100 + ord(name))))
    for utterance in Cmu11785(tmp_path, "dev"):
        assert utterance.text == "SO IT"
        assert utterance.labels == ("S", "O", " ", "I", "T")
        assert utterance.features is not None
        assert utterance.features.shape == (100 + ord(utterance.id), 80)


def test_time_is_the_axis_that_differs_between_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    originals = {}
    for name, frames in (("a", 30), ("b", 70)):
        originals[name] = rng.standard_normal((frames, 40)).astype(np.float32)
        _save(tmp_path / "late" / "fbank" / f"{name}.npy", originals[name].T)
        _save(tmp_path / "early" / "mfcc" / f"{name}.npy", originals[name])
    for split in ("late", "early"):
        for utterance in Cmu11785(tmp_path, split):
            np.testing.assert_array_equal(utterance.features, originals[utterance.id])
    # With the short file alone the axes cannot be told apart, so it can be said.
    assert Cmu11785(tmp_path, "early", limit=1, time_axis=0)[0].features.shape == (30, 40)  # type: ignore[union-attr]


def test_a_wrong_folder_is_explained_in_a_sentence(tmp_path: Path, frames_homework: Path) -> None:
    with pytest.raises(
        MissingFileError, match=r"expected the 11-785 layout .* no folder .*dev-clean; .* holds .*train-clean-100/"
    ):
        Cmu11785(frames_homework, "dev-clean")
    (tmp_path / "odd" / "wavs").mkdir(parents=True)
    with pytest.raises(FormatError, match=r"expected a folder mfcc or fbank of \.npy files, but .* holds wavs/"):
        Cmu11785(tmp_path, "odd")
    (tmp_path / "odd" / "mfcc").mkdir()
    with pytest.raises(FormatError, match=r"files named \*\.npy, but .* holds nothing"):
        Cmu11785(tmp_path, "odd")
    (frames_homework / "train-clean-100" / "fbank").mkdir()
    with pytest.raises(ArgumentError, match="holds mfcc and fbank; say which"):
        Cmu11785(frames_homework)
    assert len(Cmu11785(frames_homework, features="mfcc")) == 3
    (frames_homework / "train-clean-100" / "transcript" / "20-5-0000.npy").unlink()
    with pytest.raises(FormatError, match=r"lacks 1: 20-5-0000\.npy"):
        Cmu11785(frames_homework, features="mfcc")


@pytest.mark.parametrize("bad", [b"", b"\x93NUMPY", b"text"])
def test_damaged_files_are_named(tmp_path: Path, bad: bytes) -> None:
    _save(tmp_path / "train" / "mfcc" / "a.npy", np.zeros((50, 15)))
    (tmp_path / "train" / "mfcc" / "a.npy").write_bytes(bad)
    with pytest.raises(FormatError, match=r"a\.npy"):
        Cmu11785(tmp_path, "train")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    _save(tmp_path / "train" / "mfcc" / "a.npy", np.zeros((50, 15)))
    _save(tmp_path / "train" / "transcript" / "a.npy", np.array(["B", "IY"], dtype=object))
    with pytest.raises(FormatError, match="pickled Python objects"):
        Cmu11785(tmp_path, "train")


def test_labels_that_are_no_strings_are_refused(tmp_path: Path) -> None:
    _save(tmp_path / "train" / "mfcc" / "a.npy", np.zeros((50, 15)))
    _save(tmp_path / "train" / "transcript" / "a.npy", np.arange(50))
    with pytest.raises(FormatError, match="labels as strings"):
        Cmu11785(tmp_path, "train")


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample of real data is not beside the checkout")
def test_real_features_and_text_are_read() -> None:
    data = Cmu11785(SAMPLE, "dev-clean")
    first = data[0]
    assert first.id == "1272-128104-0000"
    assert first.features is not None
    assert first.features.shape == (732, 80)
    assert first.text is not None
    assert first.text.startswith("MISTER QUILTER IS THE APOSTLE OF THE MIDDLE CLASSES")
    assert len(Cmu11785(SAMPLE, "train-clean-100")) == len(list((SAMPLE / "train-clean-100" / "fbank").glob("*.npy")))
    assert Cmu11785(SAMPLE, "test-clean")[0].labels is None
