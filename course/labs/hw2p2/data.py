"""Where hw2p2's pictures come from, and how they are changed on their way into the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import MissingExtraError
from handtorch.vision import transforms as T
from handtorch.vision.datasets import ORLFaces, PicturesInMemory, VisionDataset
from handtorch.vision.faces import GeneratedFaces, Recipe

# The side of the part of a generated picture that the head fills, as a share of the picture's.
_MIDDLE = 0.8
TO_TENSOR = (T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3))


class PairedPictures(PicturesInMemory):
    """Pictures that a file pairs: who is in them is not told, but which show the same person."""

    first: npt.NDArray[np.int64]
    """(M,) places of the first pictures"""
    second: npt.NDArray[np.int64]
    """(M,) and of the second ones."""
    same: npt.NDArray[np.int64]
    """(M,) 1 for the same person, 0 for others, -1 where that is kept secret."""


@dataclass
class Faces:
    """People to learn from, and people to be judged on."""

    train: Any
    """A data set, with ``classes``. Changed by chance each time they are looked at."""
    held_out: Any
    """Other pictures of the people in ``train``."""
    strangers: dict[str, PicturesInMemory]
    """People who were never seen in training: ``val`` to choose settings by, ``test``, and real ones: ``orl``."""
    missing: dict[str, str] = field(default_factory=dict)
    """What to install to have the other sets, by name."""
    to_name: VisionDataset | None = None
    """Pictures for which somebody wants to be told who of the training set they show."""
    to_compare: PairedPictures | None = None
    """Pairs for which somebody wants to be told how alike they are."""

    def describe(self) -> str:
        """How much there is, in a line."""
        people = ", ".join(f"{len(faces):,} pictures in {name}" for name, faces in self.strangers.items())
        return (
            f"{len(self.train):,} pictures of {len(self.train.classes)} people to train on, {len(self.held_out):,} "
            f"held out; strangers: {people or 'none'}"
        )


def pairs_of(faces: PicturesInMemory) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The pairs that a set is judged on: those of its file, or each picture with every other; and who is the same."""
    if isinstance(faces, PairedPictures):
        return faces.first, faces.second, faces.same == 1
    people = faces.targets.numpy()
    first, second = np.triu_indices(len(people), 1)
    return first, second, people[first] == people[second]


def augmentation(size: int) -> T.Compose:
    """What may change in a picture without changing who is in it.

    Cameras differ in light and contrast; half of the pictures come without any colour, as those of ORL do; and faces
    are found a little off, or in another size.
    """
    return T.Compose(
        [
            T.RandomHorizontalFlip(),
            T.RandomResizedCrop(size, scale=(0.75 * _MIDDLE**2, 1.2 * _MIDDLE**2), ratio=(0.9, 1.1)),
            T.ColorJitter(brightness=0.3, contrast=0.3),
            T.RandomGrayscale(0.5),
            *TO_TENSOR,
        ]
    )


def middle(size: int, height: int) -> T.Compose:
    """The middle of a generated picture of this height, which the head fills."""
    return T.Compose([T.CenterCrop(round(_MIDDLE * height)), T.Resize((size, size)), *TO_TENSOR])


def square(size: int) -> T.Compose:
    """A picture of ORL, 92 x 112, with borders that make it a square, so that faces keep their shape.

    Its heads fill the height, as they do in the middle of a generated picture. Cut to 92 x 92 they would be larger than
    those that the network knows, and it does worse on them.
    """
    return T.Compose([T.Pad((10, 0), padding_mode="edge"), T.Grayscale(3), T.Resize((size, size)), *TO_TENSOR])


def faces(recipe: Recipe, size: int) -> Faces:
    """The faces that handtorch.vision.faces generates, and ORL's if they are installed; pictures (3, size, size)."""
    judged = middle(size, recipe.size)
    held_out, val, test = (GeneratedFaces(name, judged, recipe=recipe) for name in ("held_out", "val", "test"))
    strangers: dict[str, PicturesInMemory] = {"val": val, "test": test}
    missing = {}
    try:
        strangers["orl"] = ORLFaces(transform=square(size))
    except MissingExtraError as error:
        missing["orl"] = str(error)
    train = GeneratedFaces("train", augmentation(size), recipe=recipe)
    return Faces(train, held_out, strangers, missing)
