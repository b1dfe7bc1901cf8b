"""The corpus is the same to the bit however it is built, and a death while building is an error, not a half corpus."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from handtorch.audio.corpus import PhonemeCorpus, Recipe, SynthesisError, phoneme_corpus
from handtorch.audio.corpus.synthesis import synthesise

_TINY = Recipe(train=20, dev=2, test=3)


def _digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_number_of_processes_changes_nothing(tmp_path: Path) -> None:
    chunks_done = []
    for processes in (1, 3):
        folder = tmp_path / str(processes)
        folder.mkdir()
        synthesise(_TINY, folder, processes, lambda: chunks_done.append(1))
    assert _digest(tmp_path / "1") == _digest(tmp_path / "3")
    assert len(_digest(tmp_path / "1")) == 4 * 6
    assert len(chunks_done) == 2 * 5


def test_more_utterances_leave_the_first_ones_as_they_are(corpus: PhonemeCorpus, tmp_path: Path) -> None:
    # The babble in an utterance comes from its own chunk, so whole chunks are compared.
    synthesise(Recipe(train=16, dev=9, test=18), tmp_path, 1, lambda: None)
    fewer = PhonemeCorpus(tmp_path, Recipe()).train
    for one, other in zip(fewer, corpus.train[:16], strict=True):
        assert one.samples.tobytes() == other.samples.tobytes()
        assert one.features.tobytes() == other.features.tobytes()


_SCRIPT = """
import signal
from handtorch.audio.corpus import Recipe, phoneme_corpus
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background would start out deaf to it
print(phoneme_corpus(Recipe(train=64, dev=2, test=3), processes=2).folder)
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that builds a corpus into ``tmp_path / "cache"``; without ``if __name__ == "__main__"``, as nothing
    runs it a second time."""
    monkeypatch.setenv("HANDTORCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "script.py"
    path.write_text(_SCRIPT)
    return path


def _start_and_signal(script: Path, built: Path, number: int) -> None:
    """Run the program until the first chunk is there, then send a signal to it and to all that it started."""
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not list(built.glob(".*.part/chunks/*/samples.npy")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, number)


def test_a_build_killed_on_the_way_leaves_no_corpus_and_is_made_up_for(tmp_path: Path, script: Path) -> None:
    built = tmp_path / "cache" / "corpus"
    _start_and_signal(script, built, signal.SIGKILL)
    assert not [folder for folder in built.iterdir() if not folder.name.startswith(".")]
    again = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    folder = Path(again.stdout.strip())
    assert folder.parent == built
    assert len(PhonemeCorpus(folder, Recipe()).train) == 64
    assert "building the phoneme corpus" in again.stderr


def test_an_interrupted_build_leaves_nothing_at_all(tmp_path: Path, script: Path) -> None:
    built = tmp_path / "cache" / "corpus"
    _start_and_signal(script, built, signal.SIGINT)
    assert list(built.iterdir()) == []


def _pretend_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let a shell script answer in the place of the process that speaks."""
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\n{program}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setenv("HANDTORCH_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("read line; kill -SEGV $$", r"ended \(status -11\) in chunk \d of (train|dev)"),
        ("exit 3", r"ended \(status 3\)"),
        ("read line; echo nonsense; read line", "ended"),
        ("""read line; echo '{"error": "espeak-ng refused"}'; read line""", "^espeak-ng refused$"),
    ],
    ids=["fault", "exit", "nonsense", "refusal"],
)
def test_a_process_that_fails_ends_in_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, message: str
) -> None:
    _pretend_python(tmp_path, monkeypatch, program)
    with pytest.raises(SynthesisError, match=message):
        phoneme_corpus(_TINY, processes=2)
    assert list((tmp_path / "cache" / "corpus").iterdir()) == []
