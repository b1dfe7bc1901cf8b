"""ORL and the 11-785 layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handtorch.errors import FormatError, MissingExtraError, MissingFileError
from handtorch.vision.datasets import Cmu11785Faces, ORLFaces, VerificationPairs
from handtorch.vision.transforms import ToTensor


def test_orl_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for person in (1, 2, 10):
        (tmp_path / f"s{person}").mkdir()
        for number in (1, 2, 10):
            Image.new("L", (5, 6), 10 * person + number).save(tmp_path / f"s{person}/{number}.pgm")
    data = ORLFaces(tmp_path)
    assert data.data.numpy()[:, 0, 0].tolist() == [11, 12, 20, 21, 22, 30, 101, 102, 110]
    assert data.targets.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2] and data.classes == ["s1", "s2", "s10"]


def test_orl_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="ORL layout"):
        ORLFaces(tmp_path)
    with pytest.raises(MissingFileError):
        ORLFaces(tmp_path / "nowhere")


def test_the_real_orl_has_forty_people_whose_pictures_are_alike() -> None:
    try:
        data = ORLFaces()
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert data.data.shape == (400, 112, 92) and np.bincount(data.targets.numpy()).tolist() == [10] * 40
    x = data.data.numpy().reshape(400, -1).astype(np.float64)
    squares = (x * x).sum(axis=1)
    distances = squares[:, None] + squares - 2 * x @ x.T + np.diag(np.full(400, np.inf))
    assert (data.targets.numpy()[distances.argmin(axis=1)] == data.targets.numpy()).mean() > 0.9


@pytest.fixture
def course(tmp_path: Path) -> Path:
    for split in ("train", "test"):
        (tmp_path / split / "images").mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / split / f"images/{number}.png")
    lines = "images/2.png 7\n\nimages/0.png 3\n1.png, 7\n"
    (tmp_path / "train/labels.txt").write_text(lines)
    (tmp_path / "test/labels.txt").write_text("images/3.png\nimages/1.png\n")
    (tmp_path / "val_pairs.txt").write_text(
        "train/images/0.png train/images/2.png 0\ntrain/images/2.png test/images/1.png 1\n"
    )
    (tmp_path / "test_pairs.txt").write_text("test/images/0.png test/images/1.png\n")
    return tmp_path


def test_labels_are_read_in_the_order_of_their_file(course: Path) -> None:
    train, test = Cmu11785Faces(course, transform=ToTensor()), Cmu11785Faces(course, "test")
    assert train.targets == [7, 3, 7] and train.classes == [3, 7]
    assert [round(255 * float(train[i][0][0, 0, 0])) for i in range(3)] == [2, 0, 1]
    assert test.targets == [-1, -1] and test[0][0].getpixel((0, 0)) == (3, 0, 0)


def test_pairs_name_two_pictures_and_an_answer(course: Path) -> None:
    pairs = VerificationPairs(course, "val_pairs.txt", transform=ToTensor())
    first, second, same = pairs[1]
    assert [round(255 * float(p[0, 0, 0])) for p in (first, second)] == [2, 1] and same == 1
    assert len(pairs) == 2 and len(pairs.paths) == 3
    assert VerificationPairs(course, "test_pairs.txt").pairs[0].same == -1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("images/9.png 1", "lacks the picture"),
        ("a b c d", "1 or 2 words"),
        ("images/1.png x", "whole number"),
        ("", "empty"),
    ],
)
def test_lists_that_do_not_fit_are_refused(course: Path, lines: str, message: str) -> None:
    (course / "train/labels.txt").write_text(lines)
    with pytest.raises(FormatError, match=message):
        Cmu11785Faces(course)


def test_a_list_in_another_encoding_is_refused(course: Path) -> None:
    (course / "train/labels.txt").write_text("images/1.png 1", encoding="utf-16")
    with pytest.raises(FormatError, match="UTF-8"):
        Cmu11785Faces(course)


def test_what_is_missing_is_named(course: Path) -> None:
    with pytest.raises(MissingFileError, match="no folder"):
        Cmu11785Faces(course, "dev")
    with pytest.raises(MissingFileError, match="lists pictures"):
        VerificationPairs(course, "pairs.txt")
    (course / "val_pairs.txt").write_text("train/images/0.png train/images/2.png 2\n")
    with pytest.raises(FormatError, match="0 or 1"):
        VerificationPairs(course, "val_pairs.txt")
