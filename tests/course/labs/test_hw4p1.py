import itertools
import json
import math
import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import handtorch
from handtorch.text import TextModel, WordTokenizer
from handtorch.text.datasets import Shakespeare
from handtorch.training import Callback, Checkpoint, fit

LAB = "hw4p1"
# Every sentence is one of four animals, one of two verbs, and the food of that animal: 3 bits in 4 tokens.
FOOD = {"cat": "fish", "cow": "grass", "dog": "bones", "hen": "corn"}
VERBS = ("eats", "wants")
WORDS = ["wants", "fish", "cat", "grass", "<eol>", "dog", "cow", "corn", "eats", "<unk>", "bones", "hen"]
ENTROPY = math.log(8) / 4
BY_FREQUENCY = math.log(4) + (math.log(4) + math.log(2) + math.log(4)) / 4
SMALL = ["--width", "24", "--hidden", "24", "--batch", "4", "--window", "10", "--learning-rate", "0.03"]
SMALL += ["--dropout", "0", "--samples", "12"]


def sentences(count, seed):
    rng = np.random.default_rng(seed)
    animals = rng.choice(list(FOOD), count)
    return [[animal, str(rng.choice(VERBS)), FOOD[animal], "<eol>"] for animal in animals]


def article(count, seed):
    return ids(itertools.chain.from_iterable(sentences(count, seed)))


def ids(words):
    return np.array([WORDS.index(word) for word in words], np.int64)


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """The layout of 11-785 with a language of twelve words, and questions about it."""
    root = tmp_path_factory.mktemp("11785")
    for name in ("dataset", "fixtures"):
        (root / name).mkdir()
    np.save(root / "dataset/vocab.npy", np.array(WORDS))
    for split, count, seed in (("train", 80, 0), ("valid", 6, 1)):
        articles = np.empty(count, object)
        articles[:] = [article(12, 100 * seed + number) for number in range(count)]
        np.save(root / f"dataset/wiki.{split}.npy", articles)
    asked = [article(3, 1000 + number) for number in range(5)]
    np.savez(root / "fixtures/prediction.npz", inp=np.stack(asked)[:, :10], out=np.stack(asked)[:, 10])
    np.savez(root / "fixtures/prediction_test.npz", inp=np.stack(asked)[:, :6])
    np.save(root / "fixtures/generation.npy", np.stack(asked)[:, :9])
    np.save(root / "fixtures/generation_test.npy", np.stack(asked)[:, :8])
    return root


@pytest.fixture(scope="module")
def trained(lab, layout, tmp_path_factory):
    """A run: what it printed, and its folder."""
    runs = tmp_path_factory.mktemp("runs")
    done = lab.call(runs, "--data", layout, "--epochs", 24, *SMALL, "--json")
    assert done.exit_code == 0, done.output
    return done, runs / "hw4p1"


def test_it_learns_all_that_can_be_known_about_what_comes_next(trained):
    found = json.loads(trained[0].stdout)["perplexity"]["dev"]
    assert ENTROPY - 0.1 < found["nll"] < ENTROPY + 0.1
    assert found["token"] == pytest.approx(math.exp(found["nll"]), rel=1e-3)
    assert found["tokens"] == 6 * 12 * 4 - 1


def test_a_run_leaves_everything_behind(trained):
    done, folder = trained
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        *("metrics.json", "settings.json", "log.jsonl", "log.csv", "curves.png", "influence.png"),
        *("samples.txt", "samples.html", "model.safetensors", "last.safetensors", "best.safetensors"),
        *("predictions.npy", "generated.txt", "generated_test.txt"),
    }
    assert json.loads(done.stdout) == json.loads((folder / "metrics.json").read_text("utf-8"))


def test_predictions_are_in_the_order_of_the_courses_words(trained, layout):
    predictions = np.load(trained[1] / "predictions.npy")
    assert predictions.shape == (5, len(WORDS))
    with np.load(layout / "fixtures/prediction_test.npz") as asked:
        texts = asked["inp"]
    assert {WORDS[text[-1]] for text in texts} <= set(VERBS)
    assert [WORDS[best] for best in predictions.argmax(1)] == [FOOD[WORDS[text[-2]]] for text in texts]
    assert json.loads(trained[0].stdout)["questions"]["prediction_nll"] < 0.2  # after animal and verb


def test_generated_text_is_one_line_for_each_prompt_and_keeps_to_the_language(trained, layout):
    lines = (trained[1] / "generated.txt").read_text("utf-8").splitlines()
    prompts = np.load(layout / "fixtures/generation.npy")
    assert len(lines) == len(prompts)
    for number, (line, prompt) in enumerate(zip(lines, prompts, strict=True)):
        before, after = re.fullmatch(rf"Input \| Output #{number}: (.*) \| (.*)", line).groups()
        assert before.split() == [WORDS[token] for token in prompt]
        verb, food, end, *others = after.split()
        assert verb in VERBS and food == FOOD[before.split()[-1]] and end == "<eol>" and len(others) == 7


def test_the_model_is_one_file_that_writes_the_language(trained):
    model = TextModel.load(trained[1] / "model.safetensors")
    for line in model.generate("", max_tokens=40, seed=3).splitlines()[:-1]:
        animal, verb, food = line.split()
        assert FOOD[animal] == food and verb in VERBS


def test_samples_are_shown_with_what_surprised_the_model(trained):
    page = (trained[1] / "samples.html").read_text("utf-8")
    plain = (trained[1] / "samples.txt").read_text("utf-8")
    assert page.count("<pre>") == 9 + 1 and plain.count("=" * 100) == 2 * 3
    assert "expected " in page and "<script" not in page and "http" not in page


def test_the_table_says_whether_the_bar_is_reached(trained, lab, capsys):
    lab.report.show(json.loads(trained[0].stdout), trained[1])
    told = capsys.readouterr().out
    assert "Bar on dev: nats a token 5.4, reached" in told and "influence.png" in told


def test_a_guess_leans_on_what_was_read_and_on_nothing_else(trained, lab, layout):
    network = TextModel.load(trained[1] / "model.safetensors").network.double()
    tokens = [1, 3, 2, 0, 5, 1]
    found = lab.pictures.influence(network, tokens)
    assert found.shape == (5, 5) and not np.triu(found, 1).any() and (np.diag(found) > 0).all()
    # The same by a difference: what a little step along the gradient's direction does is its length.
    table, step = network.embedding, 1e-4
    read = table(handtorch.tensor([tokens[:-1]])).detach()
    slopes = []
    for feature in range(read.shape[2]):
        ends = []
        for sign in (1, -1):
            moved = read.numpy().copy()
            moved[0, 1, feature] += sign * step
            hook = table.register_forward_hook(lambda *_, moved=moved: handtorch.from_numpy(moved))
            nll, _ = network.nll(handtorch.tensor([tokens[:-1]]), handtorch.tensor([tokens[1:]]))
            hook.remove()
            ends.append(nll[0, 4].item())
        slopes.append((ends[0] - ends[1]) / (2 * step))
    assert found[4, 1] == pytest.approx(np.linalg.norm(slopes), rel=1e-4)


def test_a_transformer_reads_the_same_text_and_shows_where_it_looks(lab, layout, tmp_path):
    done = lab.call(tmp_path, "--wikitext", layout / "dataset", "--model", "transformer", "--layers", 2, "--heads", 2,
        "--epochs", 6, *SMALL, "--learning-rate", 0.01, "--window", 20, "--samples", 6, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["perplexity"]["dev"]["nll"] < 1.5 < BY_FREQUENCY and "questions" not in found
    assert found["pictures"] == ["attention-1.png", "attention-2.png"]
    assert all((tmp_path / "hw4p1" / name).stat().st_size > 10_000 for name in found["pictures"])
    network = TextModel.load(tmp_path / "hw4p1/model.safetensors").network
    weights = lab.pictures.attention(network, [1, 3, 2, 0, 5, 1])
    assert weights.shape == (2, 2, 6, 6) and not np.triu(weights, 1).any()
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


def test_plays_are_read_as_byte_pairs_and_the_held_out_ones_are_judged(lab, tmp_path, monkeypatch):
    for number, play in enumerate(("hamlet", "othello", "twelfth_night", "macbeth", "tempest")):
        lines = [f"{words[0].upper()}.\n{' '.join(words[:3])}." for words in sentences(200, number)]
        (tmp_path / f"{play}_gut.txt").write_text("\n\n".join(lines), "utf-8")
    monkeypatch.setattr(lab.data, "Shakespeare", partial(Shakespeare, root=tmp_path))
    done = lab.call(tmp_path, "--vocabulary", 290, "--epochs", 3, "--tokens", 2000, *SMALL, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["vocabulary"] == 290 and set(found["perplexity"]) == {"dev", "test"}
    test = found["perplexity"]["test"]
    assert test["character"] == pytest.approx(math.exp(test["nll"] * test["tokens"] / test["characters"]), rel=1e-3)
    assert TextModel.load(tmp_path / "hw4p1/model.safetensors").tokenizer.decode([0])


def test_poems_come_by_character_and_end(lab, tmp_path):
    folder = tmp_path / "chinese-poetry/dist/quantangshi"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    couplets = (f"{a}{b}{c}，{c}{b}{a}。" for a, b, c in rng.choice(list("春風明月山水花鳥人"), (300, 3)))
    poems = [{"author": "", "title": str(number), "paragraphs": [couplet]} for number, couplet in enumerate(couplets)]
    (folder / "poet.tang.0.json").write_text(json.dumps(poems), "utf-8")
    done = lab.call(tmp_path, "--poems", tmp_path / "chinese-poetry", "--epochs", 20, *SMALL, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["vocabulary"] == 2 + 9 + 2 and found["perplexity"]["test"]["character"] < 6
    poem = TextModel.load(tmp_path / "hw4p1/model.safetensors").generate("", temperature=0)
    assert re.fullmatch("[春風明月山水花鳥人，]+。", poem) and len(poem) < 20


class Stop(Callback):
    """Ctrl-C after so many steps."""

    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, run):
        if run.step == self.steps:
            raise KeyboardInterrupt


@pytest.mark.parametrize("steps", [3, 6, 13])
def test_a_run_that_stopped_in_a_text_goes_on_with_what_it_had_read(lab, tmp_path, steps):
    tokens = np.random.default_rng(0).integers(0, 9, 400)

    def fitted(folder, *callbacks, resume=False):
        handtorch.manual_seed(0)
        model = lab.train.network(9, lab.recipes.recipe("shakespeare", None, width=6, hidden=6, layers=2))
        text = lab.reading.Parts(tokens, 4, 10, 2)
        reading = lab.reading.Reading(text, carries=True)
        fit(
            model, None, handtorch.optim.SGD(model.parameters(), lr=1.0), text, text, epochs=4, run=folder,
            callbacks=[reading, Checkpoint(every_steps=3), *callbacks], step=reading.step, resume=resume,
            progress="off",
        )  # fmt: skip
        return model.state_dict()

    whole = fitted(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "stopped", Stop(steps))
    for name, value in fitted(tmp_path / "stopped", resume=True).items():
        assert np.array_equal(value.numpy(), whole[name].numpy()), name


def test_parts_of_a_pass_are_one_text_and_passes_begin_elsewhere(lab):
    tokens = np.arange(1000)
    text = lab.reading.Parts(tokens, 4, 5, 3)
    read = {}
    for text.number in range(6):
        read[text.number] = [window for window in text]
        assert len(read[text.number]) == len(text) == 16
        for window in read[text.number]:
            assert np.array_equal(window.targets.numpy(), (window.tokens.numpy() + 1) % 1000)
    rows = np.concatenate([window.tokens.numpy() for part in range(3) for window in read[part]], axis=1)
    assert np.array_equal(rows, np.arange(4)[:, None] * 250 + np.arange(240))
    begins = [read[number][0].tokens.numpy()[0, 0] for number in (0, 3)]
    assert begins[0] == 0 != begins[1]


def test_every_part_has_whole_windows_whatever_the_length_of_the_text(lab):
    for length in range(24, 60):
        text = lab.reading.Parts(np.arange(length), 2, 3, 3)
        for text.number in range(3):
            assert all(window.targets.shape == window.tokens.shape == (2, 3) for window in text)


def test_the_state_makes_windows_and_parts_one_text(lab):
    handtorch.manual_seed(0)
    model = lab.train.network(9, lab.recipes.recipe("shakespeare", None, width=6, hidden=6, dropout=0.0))
    tokens = np.random.default_rng(0).integers(0, 9, 41)
    costs = {}
    for length, parts in ((10, 1), (40, 1), (5, 4)):
        reading = lab.reading.Reading(lab.reading.Parts(tokens, 1, length, parts), carries=True)
        costs[length] = []
        for part in range(parts):
            reading.on_epoch_start(SimpleNamespace(epoch=part + 1, epoch_step=0))
            costs[length] += [reading.step(model, None, window).loss.item() for window in reading.text]
            reading.on_validation_start(None)
            model.eval()
            reading.step(model, None, next(iter(reading.text)))
            model.train()
    assert np.mean(costs[10]) == pytest.approx(np.mean(costs[40]), rel=1e-6)
    assert np.mean(costs[5]) == pytest.approx(np.mean(costs[40]), rel=1e-6)


def test_words_are_numbered_from_the_most_frequent_one_down(lab, layout):
    corpus = lab.data.wikitext(layout / "dataset")
    counts = np.bincount(corpus.train, minlength=len(WORDS))
    assert (np.diff(counts) <= 0).all() and isinstance(corpus.tokenizer, WordTokenizer)
    first = np.load(layout / "dataset/wiki.train.npy", allow_pickle=True)[0]
    assert corpus.tokenizer.decode(corpus.train[:3]) == " ".join(WORDS[token] for token in first[:3])


def test_a_users_mistake_is_one_sentence(lab, layout, tmp_path):
    done = lab.call(tmp_path, "--wikitext", tmp_path, "--data", tmp_path)
    assert done.exit_code == 1 and "expected one text, got --wikitext and --data" in done.stderr
    done = lab.call(tmp_path, "--model", "rnn")
    assert done.exit_code == 1 and "expected --model lstm or transformer, got 'rnn'" in done.stderr
    done = lab.call(tmp_path, "--data", layout, "--tokens", 40)
    assert done.exit_code == 1 and "expected at least 4512 tokens for 32 rows of 35, got 40" in done.stderr
    done = lab.call(tmp_path, "--wikitext", tmp_path / "nowhere", "--name", "other")
    assert done.exit_code == 1 and "WikiText" in done.stderr
