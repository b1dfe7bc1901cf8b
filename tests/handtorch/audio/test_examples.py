"""Every data set's recordings become features and target symbols, and symbols become text again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handtorch import audio
from handtorch.audio.characters import characters_of, letters
from handtorch.audio.corpus.labels import Phone
from handtorch.audio.corpus.store import Recording, Split, label_recording, write_split
from handtorch.audio.datasets import Cmu11785, LibriSpeech, Timit, Utterance
from handtorch.audio.examples import Examples, labels_of, log_mel_features, runs
from handtorch.audio.phonemes import INDEX, PHONEMES, to_arpabet
from handtorch.audio.symbols import Symbols, phones, phones_of_11785
from handtorch.errors import ArgumentError, FormatError

RNG = np.random.default_rng(0)


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Two recordings in which an S follows an S, as in "this stone"."""
    recordings = []
    for number, length in enumerate((1600, 3200)):
        waveform = 0.1 * RNG.standard_normal(length).astype(np.float32)
        names = ["[SIL]", "IH", "S", "S", "T", "[SIL]"]
        bounds = np.linspace(0, length, len(names) + 1).astype(int).tolist()
        spans = [Phone(INDEX[name], *bounds[i : i + 2]) for i, name in enumerate(names)]
        recordings.append(label_recording(Recording(f"u{number}", "f1", "is st", waveform, spans), 40))
    write_split(tmp_path / "train", recordings)
    return Split(tmp_path / "train")


def test_the_corpus_gives_phones_without_times_and_equal_neighbours_stay_two(split: Split) -> None:
    examples = Examples(split, phones())
    assert len(examples) == 2
    assert examples.lengths.tolist() == [11, 21] == [len(example.features) for example in examples]  # type: ignore[attr-defined]
    first = examples[0]
    assert first.id == "u0"
    assert first.features.dtype == np.float32
    np.testing.assert_allclose(first.features.mean(axis=0), 0, atol=1e-5)
    assert first.targets is not None
    assert phones().decode(first.targets) == ("[SIL]", "IH", "S", "S", "T", "[SIL]")
    assert first.targets.tolist() == [INDEX[name] + 1 for name in ("[SIL]", "IH", "S", "S", "T", "[SIL]")]
    spoken = phones(silence=False)
    assert len(spoken) == 40
    targets = Examples(split, spoken)[-1].targets
    assert targets is not None
    assert spoken.decode(targets) == ("IH", "S", "S", "T")
    plain = Examples(split, spoken, normalise=None)[0].features
    np.testing.assert_array_equal(plain, split[0].features.astype(np.float32))


def test_the_corpus_gives_the_characters_of_its_sentences(split: Split) -> None:
    examples = Examples(split, letters(), labels=characters_of)
    targets = examples[0].targets
    assert targets is not None and letters().text(targets) == "is st"


def test_features_of_a_waveform_are_those_of_the_corpus(split: Split) -> None:
    utterance = split[0]
    np.testing.assert_array_equal(
        log_mel_features(utterance.waveform, 16000).astype(np.float16), np.asarray(utterance.features)
    )
    assert log_mel_features(utterance.waveform[::2].copy(), 8000, n_mels=20).shape == (11, 20)


def test_labels_of_frames_become_one_a_run() -> None:
    assert runs("AABBA") == ("A", "B", "A")
    assert runs(()) == ()
    features = np.zeros((5, 3), np.float32)
    assert labels_of(Utterance("a", features=features, labels=("S", "S", "T", "T", "S"))) == ("S", "T", "S")
    assert labels_of(Utterance("a", features=features, labels=("S", "S"))) == ("S", "S")
    assert labels_of(Utterance("a", features=features)) is None


def test_11785_folders_are_taken_with_and_without_labels(tmp_path: Path) -> None:
    for split_name, frames in (("train", 30), ("test", 40)):
        folder = tmp_path / split_name / "mfcc"
        folder.mkdir(parents=True)
        for name, more in (("a", 0), ("b", 7)):
            np.save(folder / f"{name}.npy", RNG.standard_normal((frames + more, 27)))
    (tmp_path / "train" / "transcript").mkdir()
    for name in "ab":
        np.save(tmp_path / "train" / "transcript" / f"{name}.npy", np.array(["[SOS]", "[SIL]", "NG", "IH", "[EOS]"]))
    symbols = phones_of_11785()
    train = Examples(Cmu11785(tmp_path, "train"), symbols)
    assert train.lengths.tolist() == [30, 37]
    assert train[1].features.shape == (37, 27)
    targets = train[0].targets
    assert targets is not None
    assert targets.tolist() == [1, 2, 40]
    assert symbols.text(targets) == "-GI"
    assert Examples(Cmu11785(tmp_path, "test"), symbols)[0].targets is None


def test_recordings_get_features_and_a_label_without_a_class_is_named(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    folder = tmp_path / "84" / "1"
    folder.mkdir(parents=True)
    audio.write(folder / "84-1-0000.flac", 0.1 * RNG.standard_normal(8000).astype(np.float32), 8000)
    (folder / "84-1.trans.txt").write_text("84-1-0000 GO ON\n")
    data = LibriSpeech(tmp_path)
    symbols = Symbols.of_characters(["GO", "ON"])
    assert symbols.names == ("G", "N", "O")
    with pytest.raises(ArgumentError, match=r"utterance 84-1-0000: expected labels out of 'G', 'N', 'O', got ' '"):
        Examples(data, symbols)[0]
    symbols = Symbols.of_characters(["GO ON"])
    examples = Examples(data, symbols)
    assert examples[0].features.shape == (101, 40)
    assert examples.lengths.tolist() == [101]
    assert symbols.text(examples[0].targets) == "GO ON"  # type: ignore[arg-type]
    loudness = Examples(data, symbols, features=lambda x, rate: np.abs(x).reshape(-1, rate // 100), normalise=None)
    assert loudness[0].features.shape == (100, 80)
    with pytest.raises(FormatError, match="features or a waveform, utterance a has neither"):
        Examples([Utterance("a")], symbols)[0]


def test_timits_phones_count_as_those_of_the_corpus(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    folder = tmp_path / "TRAIN" / "DR1" / "FCJF0"
    folder.mkdir(parents=True)
    audio.write(folder / "SX1.wav", 0.1 * RNG.standard_normal(3200).astype(np.float32), 16000)
    (folder / "SX1.PHN").write_text("0 800 h#\n800 1600 sh\n1600 2000 ix\n2000 2400 tcl\n2400 3000 t\n3000 3200 h#\n")
    symbols = phones(rename=to_arpabet)
    targets = Examples(Timit(tmp_path), symbols)[0].targets
    assert targets is not None
    assert symbols.decode(targets) == ("[SIL]", "SH", "IH", "[SIL]", "T", "[SIL]")


def test_examples_kept_in_memory_are_made_once(split: Split) -> None:
    examples = Examples(split, phones(), in_memory=True)
    assert examples[1] is examples[1] is examples[-1]
    assert Examples(split, phones())[1] is not examples[1]
    with pytest.raises(IndexError):
        examples[2]


def test_symbols_are_written_as_course_11785_does() -> None:
    symbols = phones_of_11785()
    assert len(symbols) == 41
    assert set(symbols.names) == set(PHONEMES)
    # From the list in the homework.
    known = {"[SIL]": "-", "AE": "@", "EH": "E", "EY": "e", "SH": "S", "S": "s", "ZH": "Z", "AO": "c", "AA": "a"}
    for name, character in known.items():
        assert symbols.text(symbols.encode([name])) == character
    assert symbols.encode(["[SIL]", "NG", "AE", "AH", "IH"]).tolist() == [1, 2, 5, 26, 40]
    assert symbols.decode([0, 2, 0, 5]) == ("NG", "AE")


def test_symbols_rename_drop_and_come_back_from_their_state() -> None:
    symbols = phones(silence=False, rename=to_arpabet)
    assert symbols.decode(symbols.encode(["h#", "sh", "ix", "tcl", "AE1"])) == ("SH", "IH", "T", "AE")
    again = Symbols.from_state(symbols.state())
    assert again == symbols
    assert again.decode([1, 39]) == ("AA", "ZH")
    assert phones() != symbols
    with pytest.raises(ArgumentError, match="argument characters"):
        symbols.text([1])
    with pytest.raises(ArgumentError, match="names that occur once"):
        Symbols("aab")
    with pytest.raises(ArgumentError, match="one character for each of 2 names, got 'xx'"):
        Symbols(["AA", "AE"], characters="xx")
