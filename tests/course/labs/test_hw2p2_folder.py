"""hw2p2 on pictures that somebody has on disk, in each of the layouts."""

import csv
import json
import shutil

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import handtorch
from handtorch.errors import FormatError
from handtorch.training.settings import read_settings
from handtorch.vision.images import write_image

LAB = "hw2p2"
SMALL = [
    *("--size", "16", "--widths", "8,16", "--depths", "1,1", "--embedding", "8", "--batch-size", "6"),
    *("--epochs", "2", "--arcface-epochs", "2"),
]
rng = np.random.default_rng(0)
FACES = rng.integers(0, 256, (12, 5, 5, 3))


def draw(path, person):
    """A picture of a person: 25 coloured squares, and some noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    squares = FACES[person].repeat(4, axis=0).repeat(4, axis=1)
    noisy = np.clip(squares + rng.normal(0, 25, squares.shape), 0, 255)
    write_image(path, noisy.astype(np.uint8))


def listed(root, split, people, count, labels=True):
    """``<root>/<split>/images`` and ``labels.txt``; the number of a person is ten times the person."""
    rows = []
    for number in range(count):
        person = people[number % len(people)]
        draw(root / split / f"images/{number:03d}.png", person)
        rows.append(f"{number:03d}.png {10 * person}" if labels else f"{number:03d}.png")
    (root / split / "labels.txt").write_text("\n".join(rows))


def paired(root, name, people, labels=True):
    """``<root>/<name>``: each of a few pictures in ``ver_data`` with each other one."""
    pictures = [(f"{name[:4]}{person}{copy}.png", person) for person in people for copy in "abc"]
    for file, person in pictures:
        draw(root / "ver_data" / file, person)
    pairs = [(a, b) for at, a in enumerate(pictures) for b in pictures[:at]]
    rows = [f"{a} {b} {int(x == y)}" if labels else f"{a} {b}" for (a, x), (b, y) in pairs]
    (root / name).write_text("\n".join(rows))
    return pairs


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The layout of 11-785, with secret tests."""
    root = tmp_path_factory.mktemp("11785")
    for split, count in (("train", 24), ("val", 8)):
        listed(root / "cls_data", split, range(4), count)
    listed(root / "cls_data", "test", range(4), 6, labels=False)
    pairs = {name: paired(root, f"{name}_pairs.txt", range(4, 8), name == "val") for name in ("val", "test")}
    return root, pairs


@pytest.fixture(scope="module")
def trained(lab, course, tmp_path_factory):
    """A run on it."""
    runs = tmp_path_factory.mktemp("runs")
    done = lab.call(runs, "--data", course[0], *SMALL, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), runs / "hw2p2"


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.reader(file))


def test_what_is_handed_in_is_in_the_form_that_the_course_takes(trained, course):
    header, *rows = rows_of(trained[1] / "predictions.csv")
    assert header == ["id", "label"]
    assert [row[0] for row in rows] == [f"{number:03d}.png" for number in range(6)]
    assert {row[1] for row in rows} <= {"0", "10", "20", "30"}
    header, *rows = rows_of(trained[1] / "verification.csv")
    assert header == ["ID", "Label"]
    assert [int(row[0]) for row in rows] == list(range(len(course[1]["test"])))
    assert all(-1 <= float(row[1]) <= 1 for row in rows)


def test_pairs_are_judged_by_what_is_handed_in_for_them(lab, trained, course):
    metrics, folder = trained
    assert set(metrics["verification"]) == {"val_pairs"} and metrics["top1"].keys() == {"classifier", "arcface"}
    network = lab.train.FaceNetwork(read_settings(lab.train.Settings, folder / "settings.json"))
    network.load_state_dict(handtorch.load(folder / "network.safetensors"))
    data = lab.folder.from_folder(course[0], 16, 0)
    scores = [float(score) for score in lab.report.compared(data.strangers["val_pairs"], network)]
    same = [x == y for (_, x), (_, y) in course[1]["val"]]
    assert metrics["verification"]["val_pairs"]["arcface"]["auc"] == pytest.approx(
        roc_auc_score(same, scores), abs=1e-3
    )
    assert (folder / "roc.png").exists() and (folder / "pairs-val_pairs.png").exists()
    handed_in = [float(row[1]) for row in rows_of(folder / "verification.csv")[1:]]
    assert [float(score) for score in lab.report.compared(data.to_compare, network)] == pytest.approx(
        handed_in, abs=1e-5
    )


def test_pictures_and_people_belong_together(lab, course):
    data = lab.folder.from_folder(course[0], 16, 0)
    assert data.train.classes == ["0", "10", "20", "30"]
    assert [target for _, target in data.train.samples] == [number % 4 for number in range(24)]
    assert data.train[5][0].shape == (3, 16, 16) and data.held_out[3][1] == 3
    assert "24 pictures of 4 people" in data.describe() and "12 pictures in val_pairs" in data.describe()
    assert not data.to_name.labelled and len(data.to_name) == 6


def test_one_folder_a_person_is_split_by_the_seed(lab, tmp_path):
    for person in range(12):
        for number in range(5):
            draw(tmp_path / "people" / f"p{person:02d}" / f"{number}.png", person)
    done = lab.call(tmp_path, "--data", tmp_path / "people", *SMALL)
    assert done.exit_code == 0, done.output
    left = {path.name for path in (tmp_path / "hw2p2").iterdir()}
    assert "pairs-test_people.png" in left and not {"predictions.csv", "pairs-val_people.png"} & left
    first, again, other = (lab.folder.from_folder(tmp_path / "people", 16, seed) for seed in (0, 0, 1))
    assert first.train.classes == again.train.classes != other.train.classes
    groups = [set(first.train.classes), *(set(faces.classes) for faces in first.strangers.values())]
    assert [len(group) for group in groups] == [8, 2, 2] and len(set.union(*groups)) == 12
    learnt, kept = ({path for path, _ in part.samples} for part in (first.train, first.held_out))
    assert (len(learnt), len(kept)) == (32, 8) and not learnt & kept


def test_of_many_people_only_some_are_set_aside_with_some_of_their_pictures(lab, tmp_path, monkeypatch):
    for name, value in (("_MOST_VAL", 2), ("_MOST_TEST", 3), ("_MOST_PICTURES", 2)):
        monkeypatch.setattr(lab.folder, name, value)
    for person in range(30):
        for number in range(3 if person else 1):
            draw(tmp_path / str(person) / f"{number}.png", person % 12)
    data = lab.folder.from_folder(tmp_path, 16, 0)
    assert {name: (len(faces.classes), len(faces)) for name, faces in data.strangers.items()} == {
        "val_people": (2, 4),
        "test_people": (3, 6),
    }
    assert len(data.train.classes) == 25


def test_people_with_one_picture_each_are_refused(lab, tmp_path):
    for person in range(8):
        draw(tmp_path / str(person) / "0.png", person)
    with pytest.raises(FormatError, match="two pictures or more"):
        lab.folder.from_folder(tmp_path, 16, 0)


def test_train_and_val_with_a_folder_a_person_and_a_test_that_tells(lab, tmp_path):
    for split, count in (("train_data", 6), ("val_data", 2), ("test_data", 2)):
        for person in range(3):
            for number in range(count):
                draw(tmp_path / "classification_data" / split / str(person) / f"{number}.png", person)
    paired(tmp_path, "verification_pairs_test.txt", range(4, 7))
    done = lab.call(tmp_path, "--data", tmp_path, *SMALL, "--json")
    assert done.exit_code == 0, done.output
    metrics = json.loads(done.stdout)
    assert set(metrics["verification"]) == {"verification_pairs_test"}
    named = [row[1] for row in rows_of(tmp_path / "hw2p2/predictions.csv")[1:]]
    assert metrics["top1"]["test"] == pytest.approx(
        np.mean([a == b for a, b in zip(named, "001122", strict=True)]), abs=1e-4
    )


def test_a_test_without_any_list_is_named_in_the_order_of_its_files(lab, tmp_path):
    for split in ("train", "dev"):
        for person in range(3):
            for number in range(2):
                draw(tmp_path / split / str(person) / f"{number}.png", person)
    for name in ("b.png", "a.png"):
        draw(tmp_path / "test" / name, 0)
    done = lab.call(tmp_path, "--data", tmp_path, *SMALL)
    assert done.exit_code == 0, done.output
    assert [row[0] for row in rows_of(tmp_path / "hw2p2/predictions.csv")] == ["id", "a.png", "b.png"]
    assert "No pairs" in done.stdout and not (tmp_path / "hw2p2/roc.png").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: shutil.rmtree(root), "but there is no folder"),
        (lambda root: shutil.rmtree(root / "val"), "expected train/ and val/ (or dev/), each with images/"),
        (lambda root: (root / "train/labels.txt").unlink(), "labels.txt that lists pictures, found none"),
        (lambda root: (root / "train/labels.txt").write_text("000.png"), "a number of a person in each line"),
        (lambda root: (root / "val/labels.txt").write_text("000.png 7"), "people of the training set only, got 7"),
        (lambda root: (root / "val/labels.txt").write_text("9.png 0"), "lacks the picture 9.png"),
        (lambda root: (root / "val_pairs.txt").write_text("a.png b.png 1"), "lacks the picture a.png"),
        (lambda root: (root / "train/images/003.png").write_bytes(b""), "the file is empty"),
        (lambda root: (root / "train").rename(root / "tain"), "6 people or more"),
    ],
)
def test_a_mistake_in_the_folder_is_one_sentence(lab, tmp_path, change, message):
    root = tmp_path / "faces"
    for split, count in (("train", 8), ("val", 4)):
        listed(root, split, range(2), count)
    change(root)
    done = lab.call(tmp_path, "--data", root, *SMALL)
    assert done.exit_code == 1 and message in done.stderr and done.stderr.count("error:") == 1
