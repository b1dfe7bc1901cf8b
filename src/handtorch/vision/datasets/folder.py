"""Pictures in folders, one folder a class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handtorch.errors import ArgumentError, MissingFileError
from handtorch.io.folders import require_folder
from handtorch.vision.datasets.pictures import Transform, VisionDataset
from handtorch.vision.images import open_image

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def find_classes(directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
    """The names of a folder's folders, sorted, and the number of each.

    Raises:
        FileNotFoundError: the folder is not there, or holds none.
    """
    folder = require_folder(Path(directory), "a folder with one folder for each class")
    classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    if not classes:
        raise MissingFileError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: number for number, name in enumerate(classes)}


def make_dataset(
    directory: str | os.PathLike[str],
    class_to_idx: dict[str, int] | None = None,
    extensions: str | tuple[str, ...] | None = None,
    is_valid_file: Callable[[str], bool] | None = None,
    allow_empty: bool = False,
) -> list[tuple[str, int]]:
    """All files of all classes with the number of their class, sorted.

    Args:
        directory: holds one folder for each class, and these files, at any depth.
        class_to_idx: the classes wanted; by default all.
        extensions: endings of names to take; or else
        is_valid_file: says whether to take a path.
        allow_empty: a class may be without files.

    Raises:
        ValueError: both or neither of ``extensions`` and ``is_valid_file``, or no classes.
        FileNotFoundError: a class has no files.
    """
    if class_to_idx is None:
        _, class_to_idx = find_classes(directory)
    elif not class_to_idx:
        raise ArgumentError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ArgumentError("Both extensions and is_valid_file cannot be None or not None at the same time")
    if extensions is not None:
        endings = (extensions,) if isinstance(extensions, str) else tuple(extensions)

        def is_valid_file(path: str) -> bool:
            return path.lower().endswith(endings)

    assert is_valid_file is not None
    instances, empty = [], []
    for name in sorted(class_to_idx):
        found = []
        for root, _, files in sorted(os.walk(os.path.join(directory, name), followlinks=True)):
            found += [os.path.join(root, file) for file in sorted(files)]
        valid = [(path, class_to_idx[name]) for path in found if is_valid_file(path)]
        instances += valid
        empty += [] if valid else [name]
    if empty and not allow_empty:
        supported = f" Supported extensions are: {', '.join(endings)}" if extensions is not None else ""
        raise MissingFileError(f"Found no valid file for the classes {', '.join(empty)}.{supported}")
    return instances


def pil_loader(path: str) -> Any:
    """A picture as a PIL image with red, green and blue; upright, where torchvision's lies as the camera was held."""
    return open_image(path)


default_loader = pil_loader


class DatasetFolder(VisionDataset):
    """Files in folders, one folder a class; torchvision's semantics.

    Args:
        root: ``<root>/<class>/.../<file>``.
        loader: reads a path.
        extensions, is_valid_file: which files, one of the two; see :func:`make_dataset`.
        transform, target_transform: applied to what was read and to the number of its class.
        allow_empty: a class may be without files.

    ``samples`` are pairs (path, number of the class), ``targets`` the numbers alone, ``classes`` the names, sorted,
    ``class_to_idx`` their numbers.

    Raises:
        FileNotFoundError: a folder is not there, or a class has no files.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        loader: Callable[[str], Any],
        extensions: tuple[str, ...] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.classes, self.class_to_idx = self.find_classes(root)
        self.samples = make_dataset(root, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [target for _, target in self.samples]
        self.loader = loader
        self.extensions = extensions

    def find_classes(self, directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
        """The classes and their numbers; to be overridden where folders mean something else."""
        return find_classes(directory)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} files of {len(self.classes)} classes in {self.root}>"

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self.transformed(self.loader(path), target)


class ImageFolder(DatasetFolder):
    """Pictures in folders, one folder a class: ``<root>/<class>/.../<picture>``.

    Args:
        root: holds a folder for each class.
        transform, target_transform: applied to the PIL image and to the number of its class.
        loader: reads a path; by default as RGB.
        is_valid_file: says whether to take a path; by default the usual endings of pictures.
        allow_empty: a class may be without pictures.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        loader: Callable[[str], Any] = pil_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
