"""The corpus as its users see it: what its splits hold, and what they are good for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from handtorch.audio import WindowedFrames, mean_variance_normalise
from handtorch.audio.corpus import PhonemeCorpus, Split, asterisk, phoneme_corpus
from handtorch.audio.corpus.voices import VOICES
from handtorch.audio.phonemes import PHONEMES
from handtorch.errors import ArgumentError, MissingExtraError

from .conftest import SMALL


def test_splits_have_the_planned_sizes_and_voices(corpus: PhonemeCorpus) -> None:
    for split, size in ((corpus.train, 70), (corpus.dev, 9), (corpus.test, 18), (corpus.noisy, 18)):
        assert len(split) == size
    for name in ("dev", "test"):
        assert set(getattr(corpus, name).voices) == {f"espeak-{voice}" for voice in VOICES[name]}


def test_frames_labels_and_phones_fit_each_other(corpus: PhonemeCorpus) -> None:
    for utterance in corpus.test:
        frames = 1 + len(utterance.samples) // 160
        assert utterance.features.shape == (frames, 40)
        assert utterance.labels.shape == (frames,)
        assert np.isfinite(utterance.features.astype(np.float32)).all()
        phones = utterance.phones
        assert phones[0].start == 0
        assert phones[-1].end == pytest.approx(len(utterance.waveform) / 16_000, abs=2 / 16_000)
        for frame in range(0, frames - 1, 7):
            (inside,) = (phone for phone in phones if phone.start <= frame / 100 < phone.end)
            assert PHONEMES[utterance.labels[frame]] == inside.phone


def test_labels_say_what_physics_says(corpus: PhonemeCorpus) -> None:
    """In every voice a hiss has its power high up, a nasal low down, and a pause has less of it than a vowel."""
    for utterance in corpus.test:
        power = np.exp(utterance.features.astype(np.float64))
        height = power @ np.arange(40) / power.sum(axis=1)
        loudness = np.log(power.sum(axis=1))

        def median(values: np.ndarray, *names: str, labels: np.ndarray = utterance.labels) -> float:
            chosen = np.isin(labels, [PHONEMES.index(name) for name in names])
            return float(np.median(values[chosen])) if chosen.sum() > 5 else np.nan

        assert not median(height, "S", "SH", "CH") <= median(height, "M", "N", "NG")
        assert not median(loudness, "[SIL]") >= median(loudness, "AA", "AE", "AO", "AW", "AY", "EH") - 3


def test_a_linear_classifier_learns_unseen_voices_and_notices_labels_out_of_step(corpus: PhonemeCorpus) -> None:
    def windows(split: Split, shift: int) -> tuple[np.ndarray, np.ndarray]:
        features = (mean_variance_normalise(utterance.features) for utterance in split)
        labels = (np.roll(utterance.labels, shift) for utterance in split)
        frames = WindowedFrames(features, labels, context=4)
        return frames[np.arange(len(frames))]

    def accuracy(shift: int) -> float:
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(*windows(corpus.train, 0))
        return float(model.score(*windows(corpus.test, shift)))

    in_step = accuracy(0)
    assert in_step > 0.45
    assert in_step > max(accuracy(-2), accuracy(2)) + 0.03


def test_a_second_call_opens_what_the_first_one_built(
    corpus: PhonemeCorpus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert phoneme_corpus(SMALL).folder == corpus.folder
    assert capsys.readouterr().err == ""
    assert "70 utterances" in repr(corpus)


def test_wrong_arguments_are_refused(corpus: PhonemeCorpus) -> None:
    with pytest.raises(ArgumentError, match="processes >= 1"):
        phoneme_corpus(SMALL, processes=0)
    with pytest.raises(ArgumentError, match="'timit'"):
        corpus.shifted_set("timit")


def test_missing_engine_is_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'handtorch\[speech\]'"):
        phoneme_corpus(SMALL)


def test_missing_sets_are_left_out_and_each_says_in_a_sentence_what_to_install(
    corpus: PhonemeCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(asterisk, "TRANSCRIPTS", Path("/nowhere"))
    assert list(corpus.shifted_sets()) == ["noisy"]
    missing = corpus.missing_sets()
    assert missing["flite"].endswith("try: apt-get install flite")
    assert "apt-get install festival festvox-kallpc16k" in missing["festival"]
    assert "apt-get install asterisk-core-sounds-en-g722" in missing["asterisk"]
    with pytest.raises(FileNotFoundError, match="apt-get install flite"):
        corpus.shifted_set("flite")


def test_missing_aligner_is_one_sentence(
    corpus: PhonemeCorpus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "prompt.g722").write_bytes(b"")
    (tmp_path / "transcripts.gz").write_bytes(b"")
    monkeypatch.setattr(asterisk, "RECORDINGS", tmp_path)
    monkeypatch.setattr(asterisk, "TRANSCRIPTS", tmp_path / "transcripts.gz")
    monkeypatch.setitem(sys.modules, "G722", None)
    assert "pip install 'handtorch[speech]'" in corpus.missing_sets()["asterisk"]


def test_importing_the_corpus_imports_no_optional_package() -> None:
    program = (
        "import sys; from handtorch.audio.corpus import phoneme_corpus;"
        "optional = ('espeakng_loader', 'rich', 'soundfile', 'pocketsphinx', 'G722', 'scipy');"
        "print([name for name in optional if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
