"""The faces of CMU's course 11-785: classification by ``labels.txt``, verification by pairs.

::

    <root>/{train,val,test}/images/...      the pictures
    <root>/{train,val,test}/labels.txt      lines "<picture> <class>"; without the class where it is kept secret
    <root>/val_pairs.txt                    lines "<picture> <picture> <1 for the same person, else 0>"
    <root>/test_pairs.txt                   lines "<picture> <picture>"
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from handtorch.errors import FormatError, MissingFileError
from handtorch.io.folders import require_folder
from handtorch.utils.data import Dataset
from handtorch.vision.datasets.pictures import Transform, VisionDataset
from handtorch.vision.images import open_image

UNKNOWN = -1
"""The target of a picture or a pair whose label is not given."""


class Cmu11785Faces(VisionDataset):
    """The pictures of one split, in the order of ``labels.txt``.

    Args:
        root: the folder that holds the splits.
        split: ``"train"``, ``"val"``, ``"dev"``, ``"test"`` or any other folder.
        transform, target_transform: applied to PIL images and numbers of classes.

    ``samples`` are pairs (path, number of the class), which is -1 where the file does not tell it.

    Raises:
        MissingFileError: the split or its ``labels.txt`` is not there.
        FormatError: a line is of another form, or names a picture that is not there.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.folder = require_folder(Path(root) / split, f"the 11-785 layout <root>/{split}/images and labels.txt")
        rows = _read_lines(self.folder / "labels.txt", columns=(1, 2))
        self.samples = [(_picture(self.folder, row[0]), _whole(row[1:], self.folder / "labels.txt")) for row in rows]
        self.targets = [target for _, target in self.samples]
        self.classes = sorted(set(self.targets) - {UNKNOWN})
        """The numbers that occur."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} pictures of {len(self.classes)} classes in {self.folder}>"

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self.transformed(open_image(path), target)


class Pair(NamedTuple):
    """Two pictures, and whether they show the same person: 1, 0, or -1 where that is not told."""

    first: Path
    second: Path
    same: int


class VerificationPairs(Dataset[tuple[Any, Any, int]]):
    """Pairs of pictures out of a file such as ``val_pairs.txt``.

    Args:
        root: the folder that paths are relative to; its ``ver_data`` is looked at, too.
        pairs: the file, relative to ``root`` or not.
        transform: applied to both PIL images.

    ``dataset[i]`` is (picture, picture, same). ``pairs`` are the paths; ``paths`` names each picture once, so that it
    needs to go through a network only once.

    Raises:
        MissingFileError: the file is not there.
        FormatError: a line is of another form, or names a picture that is not there.
    """

    def __init__(
        self, root: str | os.PathLike[str], pairs: str | os.PathLike[str], transform: Transform | None = None
    ) -> None:
        home = Path(root)
        file = home / pairs
        rows = _read_lines(file, columns=(2, 3))
        self.pairs = [Pair(_picture(home, row[0]), _picture(home, row[1]), _whole(row[2:], file)) for row in rows]
        if any(pair.same not in (UNKNOWN, 0, 1) for pair in self.pairs):
            raise FormatError(f"expected 0 or 1 at the end of each line of {file}")
        self.paths = sorted({path for pair in self.pairs for path in pair[:2]})
        self.transform = transform

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: Any) -> tuple[Any, Any, int]:
        first, second, same = self.pairs[index]
        pictures = [open_image(path) for path in (first, second)]
        if self.transform is not None:
            pictures = [self.transform(picture) for picture in pictures]
        return pictures[0], pictures[1], same


def _read_lines(path: Path, columns: tuple[int, ...]) -> list[list[str]]:
    """The words of each line that is not empty; commas may stand between them, too."""
    if not path.is_file():
        raise MissingFileError(f"expected a file {path} that lists pictures, found none; check the root")
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"expected text in UTF-8 in {path} ({error}); save it so") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        words = line.replace(",", " ").split()
        if words and len(words) not in columns:
            raise FormatError(
                f"expected {' or '.join(map(str, columns))} words a line in {path}, line {number} is {line!r}"
            )
        if words:
            rows.append(words)
    if not rows:
        raise FormatError(f"expected lines in {path}, it is empty")
    return rows


def _picture(folder: Path, name: str) -> Path:
    """A picture named relative to a folder, or to where the course's archives keep them in it."""
    for place in ("", "images", "ver_data"):
        path = folder / place / name
        if path.is_file():
            return path
    raise FormatError(f"{folder} lacks the picture {name} that is listed; fetch the data again")


def _whole(words: list[str], file: Path) -> int:
    if not words:
        return UNKNOWN
    try:
        return int(words[0])
    except ValueError:
        raise FormatError(f"expected a whole number at the end of each line of {file}, got {words[0]!r}") from None
