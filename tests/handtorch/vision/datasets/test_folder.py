"""Pictures in folders: torchvision's semantics, checked on small trees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handtorch.errors import FormatError
from handtorch.utils.data import DataLoader
from handtorch.vision.datasets import DatasetFolder, ImageFolder
from handtorch.vision.transforms import Compose, Resize, ToTensor


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for shade, name in enumerate(["dog/b.png", "dog/a.JPG", "cat/deep/er/c.bmp", "cat/z.png", "cat/notes.txt"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("no picture")
        else:
            Image.new("L" if shade == 0 else "RGB", (6, 4), shade if shade == 0 else (shade, 0, 0)).save(path)
    (tmp_path / "README").write_text("beside the classes")
    return tmp_path


def test_classes_are_folders_sorted_by_name_and_files_are_sorted_within(root: Path) -> None:
    data = ImageFolder(root)
    assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1}
    assert [(Path(path).relative_to(root).as_posix(), target) for path, target in data.samples] == [
        ("cat/z.png", 0),
        ("cat/deep/er/c.bmp", 0),
        ("dog/a.JPG", 1),
        ("dog/b.png", 1),
    ]
    assert data.imgs == data.samples and data.targets == [0, 0, 1, 1] and len(data) == 4


def test_every_picture_is_read_as_colours_and_transformed(root: Path) -> None:
    data = ImageFolder(root, transform=Compose([Resize((2, 3)), ToTensor()]), target_transform=lambda t: 10 * t)
    picture, target = data[3]
    assert picture.shape == (3, 2, 3) and target == 10
    batch, targets = next(iter(DataLoader(data, batch_size=4)))
    assert batch.shape == (4, 3, 2, 3) and targets.tolist() == [0, 0, 10, 10]


def test_other_files_have_their_own_loader_and_rule(root: Path) -> None:
    data = DatasetFolder(root, lambda path: Path(path).read_text(), extensions=(".txt",), allow_empty=True)
    assert [data[i] for i in range(len(data))] == [("no picture", 0)]
    chosen = ImageFolder(root, is_valid_file=lambda path: "z" in Path(path).name or "b" in Path(path).name)
    assert len(chosen) == 3


def test_a_class_without_pictures_is_an_error_unless_allowed(root: Path) -> None:
    (root / "bird").mkdir()
    with pytest.raises(FileNotFoundError, match=r"classes bird.*Supported extensions are: \.jpg"):
        ImageFolder(root)
    assert ImageFolder(root, allow_empty=True).classes == ["bird", "cat", "dog"]


def test_folders_that_are_missing_or_empty_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        ImageFolder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="any class folder"):
        ImageFolder(tmp_path)


def test_rules_that_contradict_each_other_are_refused(root: Path) -> None:
    with pytest.raises(ValueError, match="extensions and is_valid_file"):
        DatasetFolder(root, str)
    with pytest.raises(ValueError, match="extensions and is_valid_file"):
        DatasetFolder(root, str, extensions=(".png",), is_valid_file=lambda path: True)


def test_a_broken_picture_is_named_when_it_is_read(root: Path) -> None:
    (root / "cat/z.png").write_bytes(b"\x89PNG\r\n")
    data = ImageFolder(root)
    with pytest.raises(FormatError, match=r"z\.png"):
        data[0]
    assert np.array(data[2][0]).shape == (4, 6, 3)
