import csv
import json
import signal
import time

import numpy as np
import pytest

from handtorch.audio import mean_variance_normalise
from handtorch.audio.corpus import Recipe, phoneme_corpus
from handtorch.audio.frame_classifier import FrameClassifier
from handtorch.audio.phonemes import PHONEMES

LAB = "hw1p2"
SMALL = ["--hidden", "32", "--context", "1", "--batch-size", "128"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """The 11-785 layout with 13 values a frame, from which the phone can be told only with its neighbours in view."""
    root = tmp_path_factory.mktemp("11785")
    rng = np.random.default_rng(0)
    means = rng.standard_normal((len(PHONEMES), 13))
    for split, count in (("train-clean-100", 40), ("dev-clean", 6), ("test-clean", 5)):
        for kind in ("mfcc",) if split == "test-clean" else ("mfcc", "transcript"):
            (root / split / kind).mkdir(parents=True)
        for number in range(count):
            phones = np.repeat(rng.integers(0, len(PHONEMES), 30), rng.integers(3, 12, 30))
            features = means[phones] + 0.7 * rng.standard_normal((len(phones), 13))
            np.save(root / split / "mfcc" / f"u{number}.npy", features.astype(np.float32))
            if split != "test-clean":
                marked = ["[SOS]", *(PHONEMES[phone] for phone in phones), "[EOS]"]
                np.save(root / split / "transcript" / f"u{number}.npy", np.array(marked))
    return root


@pytest.fixture(scope="module")
def trained(lab, layout, tmp_path_factory):
    """A run of three epochs: what it printed, and its folder."""
    runs = tmp_path_factory.mktemp("runs")
    done = lab.call(runs, "--data", layout, "--epochs", 3, *SMALL, "--json")
    assert done.exit_code == 0, done.output
    return done, runs / "hw1p2"


def test_a_run_leaves_everything_behind(trained):
    done, folder = trained
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        *("metrics.json", "settings.json", "log.jsonl", "log.csv", "curves.png", "confusion.png", "predictions.csv"),
        *("classifier.safetensors", "last.safetensors", "best.safetensors"),
    }
    metrics = json.loads(done.stdout)
    assert metrics == json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["frame_accuracy"]["test"] is None
    assert metrics["settings"]["hidden"] == [32]


def test_it_learns(trained):
    rows = list(csv.DictReader((trained[1] / "log.csv").open(encoding="utf-8")))
    assert len(rows) == 3
    assert float(rows[-1]["valid_accuracy"]) > 0.8


def test_predictions_are_those_of_the_saved_classifier_for_all_test_frames_in_order(trained, layout):
    classifier = FrameClassifier.load(trained[1] / "classifier.safetensors")
    expected = []
    for path in sorted((layout / "test-clean/mfcc").glob("*.npy")):
        features = mean_variance_normalise(np.load(path)).astype(np.float16)
        expected += classifier.log_probs(features).argmax(axis=1).tolist()
    with (trained[1] / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "label"]
    assert [int(row[0]) for row in rows[1:]] == list(range(len(expected)))
    agreement = np.mean(np.array([int(row[1]) for row in rows[1:]]) == expected)
    assert agreement > 0.995


def test_reported_accuracy_is_that_of_the_saved_classifier(trained, layout):
    classifier = FrameClassifier.load(trained[1] / "classifier.safetensors")
    right = total = 0
    for path in sorted((layout / "dev-clean/mfcc").glob("*.npy")):
        labels = np.load(layout / "dev-clean/transcript" / path.name)[1:-1]
        heard = classifier.log_probs(mean_variance_normalise(np.load(path))).argmax(axis=1)
        right += sum(PHONEMES[index] == label for index, label in zip(heard, labels, strict=True))
        total += len(labels)
    assert json.loads(trained[0].stdout)["frame_accuracy"]["dev"] == pytest.approx(right / total, abs=2e-3)


def test_a_run_that_was_killed_is_resumed_to_the_same_numbers(lab, trained, layout, tmp_path):
    process = lab.start(tmp_path, "--data", layout, "--epochs", 3, *SMALL)
    wait_for(process, tmp_path / "hw1p2/log.jsonl", '"event": "epoch"')
    process.kill()
    process.communicate()
    # Its settings are those that it began with, not the defaults.
    done = lab.call(tmp_path, "--resume", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["frame_accuracy"] == json.loads(trained[0].stdout)["frame_accuracy"]
    for name in ("classifier.safetensors", "predictions.csv"):
        assert (tmp_path / "hw1p2" / name).read_bytes() == (trained[1] / name).read_bytes()


def test_ctrl_c_says_how_to_go_on(lab, layout, tmp_path):
    process = lab.start(tmp_path, "--data", layout, "--epochs", 500, *SMALL)
    wait_for(process, tmp_path / "hw1p2/log.jsonl", '"event": "epoch"')
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f'continue with: make train ARGS="--resume --runs {tmp_path}"' in told
    assert "Traceback" not in told


def wait_for(process, log, text):
    deadline = time.monotonic() + 60
    while not (log.is_file() and text in log.read_text("utf-8")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)


def test_a_run_is_not_overwritten_unless_wanted(lab, trained, layout):
    runs = trained[1].parent
    before = (trained[1] / "last.safetensors").read_bytes()
    done = lab.call(runs, "--data", layout, *SMALL)
    assert done.exit_code == 1
    assert "already holds a run with 3 epochs done; try: --resume" in done.stderr
    assert (trained[1] / "last.safetensors").read_bytes() == before
    elsewhere = runs / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "last.safetensors").write_bytes(before)
    done = lab.call(runs, "--name", "elsewhere", "--data", layout, "--epochs", 1, *SMALL, "--overwrite")
    assert done.exit_code == 0, done.output
    assert json.loads((elsewhere / "metrics.json").read_text("utf-8"))["epochs"] == 1
    assert "labels unknown" in done.stdout


def test_a_users_mistake_is_one_sentence(lab, tmp_path):
    done = lab.call(tmp_path, "--data", tmp_path / "nowhere")
    assert done.exit_code == 1 and "expected the 11-785 layout" in done.stderr
    done = lab.call(tmp_path, "--hidden", "big")
    assert done.exit_code == 1 and "--hidden: expected whole numbers from 1" in done.stderr
    wrong = tmp_path / "sequences/train-clean-100"
    for kind, content in (("mfcc", np.zeros((20, 13), np.float32)), ("transcript", np.array(["AA", "B"]))):
        (wrong / kind).mkdir(parents=True)
        np.save(wrong / kind / "u.npy", content)
    done = lab.call(tmp_path, "--data", tmp_path / "sequences")
    assert done.exit_code == 1 and "one phone for each of 20 frames" in done.stderr


def test_a_classifier_of_the_corpus_hears_a_waveform_as_it_heard_the_features(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("HANDTORCH_CACHE", str(tmp_path / "cache"))
    recipe = Recipe(train=24, dev=2, test=3, shifted=1)
    speech = lab.data.synthesised(context=4, recipe=recipe)
    settings = lab.train.Settings(context=4, hidden=(64,), epochs=3, batch_size=256)
    classifier, history = lab.train.train(speech, settings, tmp_path / "run")
    results = lab.report.evaluate(classifier, speech, tmp_path / "run")
    assert results["test"].accuracy > 0.2
    assert history.rows[-1]["train_loss"] < 0.8 * history.rows[0]["train_loss"]
    heard = speech.test.split(classifier.predict(speech.test))[0]
    segments = classifier.label(phoneme_corpus(recipe).test[0].waveform, 16_000, penalty=0)
    times = np.arange(len(heard)) / 100
    phones = [next(s.phone for s in reversed(segments) if s.start <= time + 1e-6) for time in times]
    # Not all agree, as the corpus keeps its features in half precision.
    assert np.mean([phone == PHONEMES[index] for phone, index in zip(phones, heard, strict=True)]) > 0.97
