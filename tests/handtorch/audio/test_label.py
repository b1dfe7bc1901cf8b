import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from handtorch.audio import write
from handtorch.audio.commands import app
from handtorch.audio.frame_classifier import FrameClassifier
from handtorch.audio.hearing import LogMel
from handtorch.audio.phonemes import PHONEMES
from handtorch.models import MLP


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a recording of 2 s, loud from 0.5 s to 1.25 s, and a network that calls loud AA and soft [SIL]."""
    monkeypatch.chdir(tmp_path)
    model = MLP(40, [], len(PHONEMES))
    for parameter in model.parameters():
        parameter.array[...] = 0
    model.layers[0].weight.array[PHONEMES.index("AA")] = 1
    model.layers[0].weight.array[PHONEMES.index("[SIL]")] = -1
    FrameClassifier(model, PHONEMES, 0, LogMel()).save(tmp_path / "runs/hw1p2/classifier.safetensors")
    waveform = np.random.default_rng(0).standard_normal(44_100) * 1e-3
    waveform[11_025:27_562] *= 300
    write(tmp_path / "said.flac", waveform, 22_050)
    return tmp_path


def label(*arguments):
    return CliRunner().invoke(app, ["label", *arguments])


def test_a_recording_gets_a_table_and_a_picture(place):
    result = label("said.flac")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines() if line]
    assert [row[2] for row in rows[:3]] == ["[SIL]", "AA", "[SIL]"]
    assert float(rows[1][0]) == pytest.approx(0.5, abs=0.02) and float(rows[1][1]) == pytest.approx(1.25, abs=0.02)
    assert rows[3] == ["[SIL]", "AA", "[SIL]"]
    assert rows[4] == ["picture:", "said-phones.png"]
    assert (place / "said-phones.png").stat().st_size > 10_000


def test_a_long_recording_is_drawn_as_far_as_wanted(place):
    write(place / "talk.wav", np.random.default_rng(0).standard_normal(8000 * 30) * 0.1, 8000)
    result = label("talk.wav", "--max-pages", "1")
    assert result.exit_code == 0, result.output
    assert "drawn: the first 1 of 2 pages; --max-pages 2 draws all" in result.stdout
    assert [path.name for path in place.glob("*.png")] == ["talk-phones.png"]


def test_json_says_the_same(place):
    result = label("said.flac", "--json", "--out", "drawn/a.png")
    found = json.loads(result.stdout)
    assert (found["file"], found["seconds"], found["sample_rate"]) == ("said.flac", 2.0, 22_050)
    assert [segment["phone"] for segment in found["segments"]] == ["[SIL]", "AA", "[SIL]"]
    assert found["segments"][0]["start"] == 0.0 and found["segments"][-1]["end"] == 2.0
    assert found["pictures"] == ["drawn/a.png"] and (place / "drawn/a.png").exists()


def test_csv_says_the_same_and_no_picture_is_none(place):
    result = label("said.flac", "--csv", "--no-picture")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["phone"] for row in rows] == ["[SIL]", "AA", "[SIL]"]
    assert float(rows[-1]["end"]) == 2.0
    assert not list(place.glob("*.png"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.wav"], "expected a recording at nowhere.wav, found no file"),
        (["notes.txt"], "cannot read notes.txt: expected wav, flac, ogg"),
        (["said.flac", "--model", "other.safetensors"], "found no file; run: make train"),
        (["said.flac", "--model", "notes.txt"], "safetensors"),
        (["said.flac", "--out", "a.bmp"], "expected a picture ending in .png"),
    ],
)
def test_a_users_mistake_is_one_sentence_and_status_1(place, arguments, told):
    (place / "notes.txt").write_text("these are notes and no recording", "utf-8")
    result = label(*arguments)
    assert result.exit_code == 1
    assert told in result.stderr
    assert "Traceback" not in result.output
    assert not list(place.glob("*.png"))


def test_json_and_csv_at_once_are_a_wrong_usage(place):
    result = label("said.flac", "--json", "--csv")
    assert result.exit_code == 2 and "one of --json and --csv" in result.stderr


def test_the_module_runs_as_a_program_and_explains_itself():
    done = subprocess.run(
        [sys.executable, "-m", "handtorch.audio", "label", "--help"], capture_output=True, text=True, check=True
    )
    assert "python -m handtorch.audio label hello.wav" in done.stdout
    assert "--model" in done.stdout
