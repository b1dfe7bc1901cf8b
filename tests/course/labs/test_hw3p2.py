import csv
import itertools
import json
import re

import numpy as np
import pytest

from handtorch.audio import mean_variance_normalise
from handtorch.audio.corpus import Recipe, phoneme_corpus
from handtorch.audio.recognizer import Recognizer
from handtorch.audio.symbols import phones_of_11785

LAB = "hw3p2"
PHONES = ("[SIL]", "AA", "B", "IY", "S", "T")
CHARACTERS = {"[SIL]": "-", "AA": "a", "B": "b", "IY": "i", "S": "s", "T": "t"}
SMALL = ["--channels", "16", "--hidden", "24", "--layers", "1", "--dropout", "0", "--time-width", "0"]
SMALL += ["--frequency-width", "0", "--batch-frames", "120", "--learning-rate", "0.01", "--beam", "4"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """The 11-785 layout with 8 values a frame, in which every phone has a vector of its own and lasts 4 to 8 frames."""
    root = tmp_path_factory.mktemp("11785")
    rng = np.random.default_rng(0)
    means = 3 * rng.standard_normal((len(PHONES), 8))
    for split, count in (("train-clean-100", 48), ("dev-clean", 8), ("test-clean", 5)):
        for kind in ("mfcc",) if split == "test-clean" else ("mfcc", "transcript"):
            (root / split / kind).mkdir(parents=True)
        for number in range(count):
            said = rng.integers(0, len(PHONES), int(rng.integers(4, 9)))
            frames = np.repeat(said, rng.integers(4, 9, len(said)))
            features = means[frames] + 0.3 * rng.standard_normal((len(frames), 8))
            np.save(root / split / "mfcc" / f"u{number}.npy", features.astype(np.float32))
            if split != "test-clean":
                # Two equal phones without anything between them are one longer phone to any ear.
                runs = [PHONES[phone] for i, phone in enumerate(said) if i == 0 or phone != said[i - 1]]
                np.save(root / split / "transcript" / f"u{number}.npy", np.array(["[SOS]", *runs, "[EOS]"]))
    return root


@pytest.fixture(scope="module")
def trained(lab, layout, tmp_path_factory):
    """A run: what it printed, and its folder."""
    runs = tmp_path_factory.mktemp("runs")
    done = lab.call(runs, "--data", layout, "--epochs", 16, *SMALL, "--json")
    assert done.exit_code == 0, done.output
    return done, runs / "hw3p2"


def test_it_learns_what_is_said_without_being_told_when(trained):
    rates = json.loads(trained[0].stdout)["error_rates"]["dev"]
    assert rates["greedy"]["per"] < 0.1 and rates["beam"]["per"] < 0.1
    assert rates["beam"]["phones"] > 20


def test_a_run_leaves_everything_behind(trained):
    done, folder = trained
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        *("metrics.json", "settings.json", "log.jsonl", "log.csv", "curves.png", "posteriogram.png", "heard.html"),
        *("predictions.csv", "recognizer.safetensors", "last.safetensors", "best.safetensors"),
    }
    metrics = json.loads(done.stdout)
    assert metrics == json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["error_rates"]["test"] is None


def test_what_is_handed_in_is_a_string_of_characters_for_each_file_in_order(trained, layout):
    recognizer = Recognizer.load(trained[1] / "recognizer.safetensors")
    with (trained[1] / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["index", "label"]
    assert [row[0] for row in rows[1:]] == list("01234")
    for (_, label), path in zip(rows[1:], sorted((layout / "test-clean/mfcc").glob("*.npy")), strict=True):
        path_of_frames = recognizer.log_probs(mean_variance_normalise(np.load(path))).argmax(axis=1)
        runs = [now for now, before in zip(path_of_frames, [-1, *path_of_frames], strict=False) if now != before]
        greedy = "".join(CHARACTERS[phones_of_11785().names[symbol - 1]] for symbol in runs if symbol)
        assert label == greedy  # of so sure a network the beam finds the same


def test_reported_errors_are_those_that_the_page_shows(trained):
    beam = json.loads(trained[0].stdout)["error_rates"]["dev"]["beam"]
    page = (trained[1] / "heard.html").read_text("utf-8")
    assert page.count("<article>") == 8
    shown = len(re.findall(r'<span class="(?:substitute|insert|delete)">', page.split("sequence by sequence")[-1]))
    assert shown >= beam["substitutions"] + beam["insertions"] + beam["deletions"]


def test_a_run_that_stopped_is_resumed_to_the_same_numbers(lab, layout, trained, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    arguments = ["--data", layout, "--epochs", 16, *SMALL]
    with monkeypatch.context() as patched:
        patched.setattr(lab.report, "evaluate", stop)
        done = lab.call(tmp_path, *arguments)
    assert done.exit_code == 130 and 'make train LAB=hw3p2 ARGS="--resume' in done.stderr
    done = lab.call(tmp_path, "--resume", "--json")
    assert json.loads(done.stdout)["error_rates"] == json.loads(trained[0].stdout)["error_rates"]


def test_training_goes_on_from_a_recognizer(lab, layout, trained, tmp_path):
    start = trained[1] / "recognizer.safetensors"
    done = lab.call(tmp_path, "--data", layout, "--start", start, "--epochs", 1, *SMALL, "--learning-rate", "1e-4",
        "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["error_rates"]["dev"]["greedy"]["per"] < 0.1


def test_prompts_that_are_judged_have_no_phrase_of_those_that_are_learned_from(lab):
    pieces = [
        "please enter your number now",
        "followed by the pound key",
        "that is not a valid",
        "thank you",
        "goodbye",
    ]
    texts = (
        [f"{a}, {b}." for a, b in itertools.permutations(pieces, 2)] + [f"Word {n}." for n in range(60)] + ["WORD 7"]
    )
    learned, judged = lab.phrases.split_by_phrase(texts, 0.3, words=3)
    assert sorted(learned + judged) == list(range(len(texts)))
    assert 0.2 * len(texts) < len(judged) <= 0.3 * len(texts)

    def said(part):
        words = [re.findall(r"\w+", texts[place].lower()) for place in part]
        return {tuple(each[i : i + 3]) for each in words for i in range(max(len(each) - 2, 1))}

    assert not said(learned) & said(judged)


def test_a_users_mistake_is_one_sentence(lab, tmp_path):
    done = lab.call(tmp_path, "--data", tmp_path / "nowhere")
    assert done.exit_code == 1 and "expected the 11-785 layout" in done.stderr
    done = lab.call(tmp_path, "--data", tmp_path, "--real")
    assert done.exit_code == 1 and "expected --real or --data, got both" in done.stderr
    frames = tmp_path / "frames/train-clean-100"
    for kind, content in (("mfcc", np.zeros((20, 13), np.float32)), ("transcript", np.array(["AA"] * 20))):
        for split in ("train-clean-100", "dev-clean"):
            (frames.parent / split / kind).mkdir(parents=True)
            np.save(frames.parent / split / kind / "u.npy", content)
    done = lab.call(tmp_path, "--data", frames.parent)
    assert done.exit_code == 1 and "is it the data of hw1p2?" in done.stderr


def test_the_corpus_is_heard_from_its_waveforms_as_from_its_features(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("HANDTORCH_CACHE", str(tmp_path / "cache"))
    recipe = Recipe(train=12, dev=2, test=2, shifted=1)
    speech = lab.data.synthesised(recipe=recipe)
    settings = lab.train.Settings(channels=(8,), hidden=8, layers=1, epochs=2, batch_frames=900)
    recognizer, history = lab.train.train(speech, settings, tmp_path / "run")
    assert history.rows[-1]["train_loss"] < history.rows[0]["train_loss"]
    waveform = phoneme_corpus(recipe).test[0].waveform
    ready_made = recognizer.log_probs(speech.test[0].features)
    made = recognizer.log_probs(recognizer.features.normalise(recognizer.features(waveform)))
    # The corpus keeps its features in half precision.
    np.testing.assert_allclose(np.exp(made), np.exp(ready_made), atol=0.02)
