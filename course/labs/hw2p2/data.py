"""Where hw2p2's pictures come from, and how they are changed on their way into the network.

The network learns from renderings and is judged on photographs. All that differs between the two, and says nothing of
who somebody is, is either taken away (colour) or made to vary so much in training that it cannot be relied on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

import handtorch
from handtorch import random
from handtorch.errors import MissingExtraError
from handtorch.from_data import from_numpy
from handtorch.nn import functional as F
from handtorch.utils.data import default_collate
from handtorch.vision import transforms as T
from handtorch.vision.datasets import ORLFaces, PicturesInMemory, VisionDataset
from handtorch.vision.faces import GeneratedFaces, Recipe

# The side of the part of a generated picture that the head fills, as a share of the picture's.
_MIDDLE = 0.8
TO_TENSOR = (T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3))
_GREY = (T.Grayscale(), T.ToTensor())
# A 3 x 3 blur, as lenses have that are a little out of focus.
_BLUR = from_numpy(np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32)[None, None] / 16)

Batch = tuple[Any, Any]


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
    """A data set, with ``classes``."""
    held_out: Any
    """Other pictures of the people in ``train``."""
    strangers: dict[str, PicturesInMemory]
    """People who were never seen in training: ``val`` to choose settings by, ``test``, and real ones: ``orl``."""
    missing: dict[str, str] = field(default_factory=dict)
    """What to install to have the other sets, by name."""
    changes: Callable[[list[Batch]], Batch] | None = None
    """Makes a batch of samples of ``train``, another one each time; None where the samples change by themselves."""
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


class OtherCameras:
    """What may change in a batch of pictures without changing who is in them; a ``collate_fn``.

    A network that has only ever seen one camera's pictures learns the camera, too. So every picture is taken anew by
    another one, which stands a little elsewhere and higher or lower, has another lens and other film, the sun on its
    other side, and something before it now and then. That is done for all pictures of a batch at once, in half the time
    that one after the other would take.

    Args:
        size: H and W of what comes out.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, samples: list[Batch]) -> Batch:
        """Pictures (N, 1, size, size) and people (N,) of samples of grey pictures."""
        pictures, people = default_collate(samples)
        with handtorch.no_grad():
            return self.developed(self.taken(pictures)), people

    def taken(self, pictures: Any) -> Any:
        """Mirrored, turned by up to 8 degrees, shifted and zoomed; a part like that which :func:`middle` takes."""
        count = len(pictures)
        turn, zoom, stretch, right, down, mirror = random.uniform((6, count), -1.0, 1.0)
        across, along = _MIDDLE * np.exp(0.12 * zoom + 0.06 * stretch), _MIDDLE * np.exp(0.12 * zoom - 0.06 * stretch)
        cos, sin, side = np.cos(0.14 * turn), np.sin(0.14 * turn), np.where(mirror < 0, -1, 1)
        rows = [[side * across * cos, -along * sin, 0.08 * right], [side * across * sin, along * cos, 0.08 * down]]
        theta = from_numpy(np.stack([np.stack(row, axis=1) for row in rows], axis=1).astype(np.float32))
        grid = F.affine_grid(theta, [count, 1, self.size, self.size], align_corners=False)
        return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)

    def developed(self, pictures: Any) -> Any:
        """Lit from another side, out of focus, exposed and developed otherwise, with grain, and partly hidden."""
        count = len(pictures)
        left, top, light, gamma, blur, grain = random.uniform((6, count, 1, 1, 1), -1.0, 1.0)
        place = np.linspace(-1, 1, self.size)
        blurred = F.conv2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), _BLUR)
        x = pictures.numpy() + np.clip(1.5 * blur, 0, 1) * (blurred - pictures).numpy()
        x = x * np.exp(0.35 * left * place + 0.3 * top * place[:, None] + 0.25 * light)
        x = np.clip(x, 0, 1) ** np.exp(0.35 * gamma)
        x = x + 0.03 * np.clip(grain, 0, 1) * random.normal(x.shape)
        hidden, brightness = self.hidden(count), random.uniform((count, 1, 1, 1))
        return from_numpy(np.where(hidden, brightness, x).astype(np.float32))

    def hidden(self, count: int) -> npt.NDArray[np.bool_]:
        """Where something is before the camera: a rectangle of up to a tenth of the picture, in every fourth one."""
        place = np.linspace(0, 1, self.size)
        x, y, area, shape, chance = random.uniform((5, count, 1, 1, 1))
        width, height = np.sqrt(0.1 * area) * 2 ** (shape - 0.5), np.sqrt(0.1 * area) * 2 ** (0.5 - shape)
        inside = (np.abs(place - x) < width / 2) & (np.abs(place[:, None] - y) < height / 2)
        return inside & (chance < 0.25)


def middle(size: int, height: int) -> T.Compose:
    """The middle of a generated picture of this height, which the head fills, without colour."""
    return T.Compose([T.CenterCrop(round(_MIDDLE * height)), T.Resize((size, size)), *_GREY])


def square(size: int) -> T.Compose:
    """A picture of ORL, 92 x 112, with borders that make it a square, so that faces keep their shape.

    Its heads fill the height, as they do in the middle of a generated picture. Cut to 92 x 92 they would be larger than
    those that the network knows, and it does worse on them.
    """
    return T.Compose([T.Pad((10, 0), padding_mode="edge"), T.Resize((size, size)), *_GREY])


def faces(recipe: Recipe, size: int) -> Faces:
    """The faces that handtorch.vision.faces generates, and ORL's if they are installed; pictures (1, size, size)."""
    judged = middle(size, recipe.size)
    held_out, val, test = (GeneratedFaces(name, judged, recipe=recipe) for name in ("held_out", "val", "test"))
    strangers: dict[str, PicturesInMemory] = {"val": val, "test": test}
    missing = {}
    try:
        strangers["orl"] = ORLFaces(transform=square(size))
    except MissingExtraError as error:
        missing["orl"] = str(error)
    train = GeneratedFaces("train", T.Compose(_GREY), recipe=recipe)
    return Faces(train, held_out, strangers, missing, changes=OtherCameras(size))
