import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from handtorch.audio import mean_variance_normalise
from handtorch.audio.corpus import Recipe, phoneme_corpus
from handtorch.audio.speller import BeamSearch, Speller

LAB = "hw4p2"
SAMPLE = Path(__file__).parents[4] / "shared/data/librispeech-sample"
LETTERS = "ABEST '"
SMALL = (
    "--channels 24 --strides 2 --hidden 24 --layers 1 --speller 48 --attention 24 --dropout 0 --time-width 0 "
    "--frequency-width 0 --frequency-warp 0 --label-smoothing 0.05 --batch-frames 320 --learning-rate 0.01 --beam 4"
).split()
EPOCHS = 24


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """The 11-785 layout of later terms, (F, T): every character has a vector of its own and lasts 4 to 8 frames."""
    root = tmp_path_factory.mktemp("11785")
    rng = np.random.default_rng(0)
    means = 3 * rng.standard_normal((len(LETTERS), 10))
    for split, count in (("train-clean-100", 96), ("dev-clean", 8), ("test-clean", 5)):
        for kind in ("fbank",) if split == "test-clean" else ("fbank", "text"):
            (root / split / kind).mkdir(parents=True)
        for number in range(count):
            said = rng.integers(0, len(LETTERS), int(rng.integers(3, 7)))
            frames = np.repeat(said, rng.integers(4, 9, len(said)))
            features = means[frames] + 0.3 * rng.standard_normal((len(frames), 10))
            np.save(root / split / "fbank" / f"u{number}.npy", features.T.astype(np.float32))
            if split != "test-clean":
                text = [LETTERS[letter] for i, letter in enumerate(said) if i == 0 or letter != said[i - 1]]
                np.save(root / split / "text" / f"u{number}.npy", np.array(text))
    return root


@pytest.fixture(scope="module")
def trained(lab, layout, tmp_path_factory):
    """A run: what it printed, and its folder."""
    runs = tmp_path_factory.mktemp("runs")
    done = lab.call(runs, "--data", layout, "--epochs", EPOCHS, *SMALL, "--json")
    assert done.exit_code == 0, done.output
    return done, runs / "hw4p2"


def test_it_learns_to_spell_what_it_was_never_told_the_times_of(trained):
    rates = json.loads(trained[0].stdout)["error_rates"]["dev"]
    # There is no rule to what follows what, so attention, which counts on one, is worse alone.
    assert max(rates["ctc"]["cer"], rates["beam"]["cer"]) < 0.2 and rates["greedy"]["cer"] < 0.6
    assert rates["beam"]["characters"] > 20


def test_a_run_leaves_everything_behind(trained):
    done, folder = trained
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        *(
            "metrics.json",
            "settings.json",
            "log.jsonl",
            "log.csv",
            "curves.png",
            "attention.png",
            "forming.png",
            "heard.html",
        ),
        *("heard.html", "predictions.csv", "speller.safetensors", "last.safetensors", "best.safetensors"),
    }
    metrics = json.loads(done.stdout)
    assert metrics == json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["error_rates"]["test"] is None


def test_what_is_handed_in_is_a_text_for_each_file_in_order(trained, layout):
    speller = Speller.load(trained[1] / "speller.safetensors")
    with (trained[1] / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "transcription"]
    assert [row[0] for row in rows[1:]] == list("01234")
    paths = sorted((layout / "test-clean/fbank").glob("*.npy"))
    search = BeamSearch(4)
    texts = [speller.spell_features(mean_variance_normalise(np.load(path).T), search=search) for path in paths]
    assert [row[1] for row in rows[1:]] == texts
    assert all(text and set(text) <= set(LETTERS) for text in texts)


def test_earlier_terms_hand_in_other_columns(lab, trained, tmp_path):
    speech = SimpleNamespace(columns=("index", "label"))
    result = lab.report.Result(["a", "b"], None, {"ctc": ["X", "Y"], "greedy": ["IT'S, SO", ""]})
    lab.report.hand_in(result, speech, tmp_path / "predictions.csv")
    assert (tmp_path / "predictions.csv").read_text("utf-8") == 'index,label\n0,"IT\'S, SO"\n1,\n'


def test_reported_errors_are_those_that_the_page_shows(trained):
    beam = json.loads(trained[0].stdout)["error_rates"]["dev"]["beam"]
    page = (trained[1] / "heard.html").read_text("utf-8")
    assert page.count("<article>") == 8
    shown = len(re.findall(r'<span class="(?:substitute|insert|delete)">', page.split("<article>", 1)[-1]))
    assert shown == beam["substitutions"] + beam["insertions"] + beam["deletions"]


def test_a_run_that_stopped_is_resumed_to_the_same_numbers(lab, layout, trained, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    arguments = ["--data", layout, "--epochs", EPOCHS, *SMALL]
    own = lab.lessons.Lessons.on_epoch_start

    def stop_in_the_middle(lessons, run):
        own(lessons, run)
        if run.epoch == 9:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(lab.lessons.Lessons, "on_epoch_start", stop_in_the_middle)
        done = lab.call(tmp_path, *arguments)
    assert done.exit_code == 130 and 'make train LAB=hw4p2 ARGS="--resume' in done.stderr
    done = lab.call(tmp_path, "--resume", "--json")
    assert json.loads(done.stdout)["error_rates"] == json.loads(trained[0].stdout)["error_rates"]


def test_training_goes_on_from_a_speller_of_the_same_characters(lab, layout, trained, tmp_path):
    start = trained[1] / "speller.safetensors"
    arguments = ["--start", start, "--epochs", 1, *SMALL, "--learning-rate", "1e-4", "--json"]
    done = lab.call(tmp_path, "--data", layout, *arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["error_rates"]["dev"]["beam"]["cer"] < 0.25
    settings = lab.train.Settings(start=start)
    with pytest.raises(lab.train.ArgumentError, match="expected a speller of"):
        lab.train.network(SimpleNamespace(symbols=lab.data.ALPHABET), settings)


def test_the_teacher_withdraws(lab):
    lessons = lab.lessons.Lessons(None, None, ctc_weight=0.3, label_smoothing=0, own=0.2)
    shares = []
    for epoch in range(1, 6):
        lessons.on_epoch_start(SimpleNamespace(epoch=epoch, epochs=5))
        shares.append(lessons.own)
    np.testing.assert_allclose(shares, [0, 0.05, 0.1, 0.15, 0.2])


def test_a_users_mistake_is_one_sentence(lab, tmp_path):
    done = lab.call(tmp_path, "--data", tmp_path / "nowhere")
    assert done.exit_code == 1 and "expected the 11-785 layout" in done.stderr
    done = lab.call(tmp_path, "--data", tmp_path, "--spanish")
    assert done.exit_code == 1 and "expected --spanish or --data, got both" in done.stderr
    done = lab.call(tmp_path, "--strides", "2,2,2")
    assert done.exit_code == 1 and "expected a stride for each of 2 convolutions" in done.stderr
    phones = tmp_path / "phones"
    for split in ("train-clean-100", "dev-clean", "test-clean"):
        for kind, content in (("mfcc", np.zeros((20, 13), np.float32)), ("transcript", np.array(["AA", "B"]))):
            (phones / split / kind).mkdir(parents=True)
            np.save(phones / split / kind / "u.npy", content)
    done = lab.call(tmp_path, "--data", phones)
    assert done.exit_code == 1 and "is it the data of hw3p2?" in done.stderr


def test_the_corpus_is_spelled_from_its_waveforms_as_from_its_features(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("HANDTORCH_CACHE", str(tmp_path / "cache"))
    recipe = Recipe(train=12, dev=2, test=2, shifted=1)
    speech = lab.data.synthesised(recipe=recipe)
    settings = lab.train.Settings(channels=(8, 8), hidden=8, layers=1, speller=16, epochs=2, batch_frames=900)
    speller, history = lab.train.train(speech, settings, tmp_path / "run")
    assert history.rows[-1]["train_loss"] < history.rows[0]["train_loss"]
    waveform = phoneme_corpus(recipe).test[0].waveform
    assert speller.spell(waveform, 16_000) == speller.spell_features(speech.test[0].features).strip()


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample of LibriSpeech is not here")
def test_librispeech_in_the_layout_of_11785_can_be_read(lab):
    speech = lab.data.from_folder(SAMPLE, utterances=3)
    assert speech.train[0].features.shape[1] == 80
    assert speech.symbols.text(speech.dev[0].targets).startswith("MISTER QUILTER IS THE APOSTLE")
    assert speech.test[0].targets is None
    assert speech.columns == ("id", "transcription")
