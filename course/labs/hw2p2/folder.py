"""Faces of your own instead of generated ones: the layouts of the course 11-785, or one folder a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from data import TO_TENSOR, Faces, PairedPictures

from handtorch.errors import FormatError
from handtorch.from_data import from_numpy
from handtorch.io.folders import contents, require_folder, wrong_layout
from handtorch.vision import transforms as T
from handtorch.vision.datasets import Cmu11785Faces, ImageFolder, PicturesInMemory, VerificationPairs, VisionDataset
from handtorch.vision.datasets.cmu11785 import UNKNOWN
from handtorch.vision.datasets.folder import IMG_EXTENSIONS
from handtorch.vision.images import open_image

LAYOUT = (
    "train/ and val/ (or dev/), each with images/ and labels.txt or with one folder a person, "
    "or else one folder a person and nothing besides"
)
# The course has named its folders differently over the years.
_ABOVE = ("", "cls_data", "classification_data")
_TRAIN, _VAL, _TEST = ("train", "train_data"), ("val", "dev", "val_data"), ("test", "test_data")
# Where nobody has split the pictures: of the people, and of the pictures of those who are left.
_VAL_SHARE, _TEST_SHARE, _HELD_OUT_SHARE = 0.1, 0.2, 0.2
_FEWEST_PEOPLE = 6
# Of those set aside each picture is compared with every other: more of them would be millions of pairs.
_MOST_VAL, _MOST_TEST, _MOST_PICTURES = 20, 40, 20

Sample = tuple[Path, str]


class PicturesOnDisk(VisionDataset):
    """Pictures that are read whenever they are looked at, so that there may be any number of them.

    Args:
        samples: paths, and who is in them.
        classes: all people; a picture's target is a place in this list, or -1 where nobody says who it is.
        transform: applied to PIL images.
    """

    def __init__(self, samples: Sequence[Sample], classes: list[str], transform: Any) -> None:
        super().__init__(transform=transform)
        numbers = {name: number for number, name in enumerate(classes)} | {"": UNKNOWN}
        strangers = sorted({name for _, name in samples} - numbers.keys())
        if strangers:
            raise FormatError(
                f"expected people of the training set only, got {', '.join(strangers[:5])} in {samples[0][0].parent}"
            )
        self.samples = [(path, numbers[name]) for path, name in samples]
        self.classes = classes

    @property
    def labelled(self) -> bool:
        """Whether it is told who is in them."""
        return all(target != UNKNOWN for _, target in self.samples)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self.transformed(open_image(path), target)


def from_folder(root: Path, size: int, seed: int) -> Faces:
    """The faces below a folder, as pictures (3, size, size).

    ``train``, ``val`` and ``test`` may stand in the folder or in its ``cls_data``. Files such as ``val_pairs.txt`` in
    the folder name the pairs that verification is judged on. Where nobody has split the pictures, some people are set
    aside to be judged on, chosen by the seed, and some pictures of everybody else.

    Raises:
        MissingFileError: something is not there.
        FormatError: the folder is laid out in another way, a file is damaged, or a person is not in the training set.
    """
    require_folder(root, LAYOUT)
    home = next((root / above for above in _ABOVE if _first(root / above, _TRAIN)), None)
    return _split(root, size, seed) if home is None else _given(root, home, size)


# ---- pictures that somebody has split --------------------------------------------------------------------------------


def _given(root: Path, home: Path, size: int) -> Faces:
    train, val, test = (_first(home, names) for names in (_TRAIN, _VAL, _TEST))
    assert train is not None
    if val is None:
        raise wrong_layout(home, LAYOUT)
    samples = _labelled(train)
    classes = _people(samples)
    faces = Faces(
        train=PicturesOnDisk(samples, classes, _augmentation(size)),
        held_out=PicturesOnDisk(_labelled(val), classes, _square(size)),
        strangers={},
    )
    if test is not None:
        faces.to_name = PicturesOnDisk(_perhaps_labelled(test, set(classes)), classes, _square(size))
    for file in sorted(root.glob("*pairs*.txt")):
        paired = _paired(root, file, size)
        if "test" in file.stem:
            faces.to_compare = paired
        if {0, 1} <= set(paired.same.tolist()):
            faces.strangers[file.stem] = paired
    return faces


def _first(folder: Path, names: Iterable[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)


def _labelled(folder: Path) -> list[Sample]:
    """The pictures of a split, and who is in them."""
    if (folder / "labels.txt").exists() or (folder / "images").is_dir():
        listed = Cmu11785Faces(folder.parent, folder.name)
        if UNKNOWN in listed.targets:
            raise FormatError(f"expected a picture and a number of a person in each line of {folder / 'labels.txt'}")
        return [(path, str(target)) for path, target in listed.samples]
    found = ImageFolder(folder)
    return [(Path(path), found.classes[target]) for path, target in found.samples]


def _perhaps_labelled(folder: Path, people: set[str]) -> list[Sample]:
    """The pictures of the test, of which nobody may have said who is in them."""
    if (folder / "labels.txt").exists():
        listed = Cmu11785Faces(folder.parent, folder.name)
        return [(path, "" if target == UNKNOWN else str(target)) for path, target in listed.samples]
    if any(entry.is_dir() and entry.name in people for entry in folder.iterdir()):
        return _labelled(folder)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMG_EXTENSIONS)
    if not paths:
        raise FormatError(f"expected pictures in {folder}, it holds {contents(folder)}")
    return [(path, "") for path in paths]


def _people(samples: Sequence[Sample]) -> list[str]:
    """Everybody, in the order of their numbers where they are numbers."""
    return sorted({name for _, name in samples}, key=lambda name: name.rjust(12, "0") if name.isdigit() else name)


def _paired(root: Path, file: Path, size: int) -> PairedPictures:
    pairs = VerificationPairs(root, file.name)
    place = {path: number for number, path in enumerate(pairs.paths)}
    pictures = PairedPictures(transform=T.Compose(TO_TENSOR))
    _hold(pictures, pairs.paths, [0] * len(place), [""], size)
    first, second, same = zip(*((place[a], place[b], same) for a, b, same in pairs.pairs), strict=True)
    pictures.first, pictures.second, pictures.same = (np.array(column) for column in (first, second, same))
    return pictures


# ---- pictures that nobody has split ----------------------------------------------------------------------------------


def _split(root: Path, size: int, seed: int) -> Faces:
    if not any(entry.is_dir() for entry in root.iterdir()):
        raise wrong_layout(root, LAYOUT)
    samples = _labelled(root)
    people = _people(samples)
    if len(people) < _FEWEST_PEOPLE:
        raise FormatError(
            f"expected {_FEWEST_PEOPLE} people or more in {root}, some of whom are set aside, got {len(people)}; "
            f"the other layout is {LAYOUT.split(', or else')[0]}"
        )
    pictures_of: dict[str, list[Path]] = {name: [] for name in people}
    for path, name in samples:
        pictures_of[name].append(path)
    rng = np.random.default_rng(seed)
    order = [people[number] for number in rng.permutation(len(people))]
    # Two people at least: of one alone there are no strangers.
    val = min(_MOST_VAL, max(2, round(_VAL_SHARE * len(people))))
    test = min(_MOST_TEST, max(2, round(_TEST_SHARE * len(people))))
    known = order[val + test :]
    train: list[Sample] = []
    held_out: list[Sample] = []
    for name in known:
        mixed = [(pictures_of[name][number], name) for number in rng.permutation(len(pictures_of[name]))]
        kept = max(1, len(mixed) - max(1, round(_HELD_OUT_SHARE * len(mixed))))
        train += mixed[:kept]
        held_out += mixed[kept:]
    if not held_out:
        raise FormatError(f"expected two pictures or more of most people in {root}, got one of each")
    return Faces(
        train=PicturesOnDisk(train, known, _augmentation(size)),
        held_out=PicturesOnDisk(held_out, known, _square(size)),
        strangers={
            "val_people": _set_aside(order[:val], pictures_of, size),
            "test_people": _set_aside(order[val : val + test], pictures_of, size),
        },
    )


def _set_aside(people: list[str], pictures_of: dict[str, list[Path]], size: int) -> PicturesInMemory:
    chosen = [(path, number) for number, name in enumerate(people) for path in pictures_of[name][:_MOST_PICTURES]]
    if len(chosen) == len(people):
        raise FormatError(
            f"expected two pictures or more of somebody among {', '.join(people[:5])} ..., who were set aside to be "
            "judged on, got one of each; try: another --seed, or only people of whom there are more"
        )
    pictures = PicturesInMemory(transform=T.Compose(TO_TENSOR))
    _hold(pictures, [path for path, _ in chosen], [number for _, number in chosen], people, size)
    return pictures


# ---- how they are looked at ------------------------------------------------------------------------------------------


def _augmentation(size: int) -> T.Compose:
    """What may change in a face that fills its picture."""
    return T.Compose(
        [
            T.RandomHorizontalFlip(),
            T.RandomResizedCrop(size, scale=(0.7, 1.0), ratio=(0.9, 1.1)),
            T.ColorJitter(brightness=0.3, contrast=0.3),
            *TO_TENSOR,
        ]
    )


def _square(size: int) -> T.Compose:
    """The middle, as large as it goes."""
    return T.Compose([_middle(size), *TO_TENSOR])


def _middle(size: int) -> T.Compose:
    return T.Compose([T.Resize(size), T.CenterCrop(size)])


def _hold(pictures: PicturesInMemory, paths: Sequence[Path], people: list[int], names: list[str], size: int) -> None:
    """Read pictures, each once, at the size at which they are judged: a thousand of 64 x 64 take 12 MB."""
    middle = _middle(size)
    array = np.stack([np.asarray(middle(open_image(path))) for path in paths])
    pictures.hold(from_numpy(array), from_numpy(np.array(people, np.int64)), names)
