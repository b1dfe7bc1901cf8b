"""The data of CMU's course 11-785: one NumPy file of features and one of labels for each utterance.

::

    <root>/train-clean-100/mfcc/103-1240-0000.npy         features (T, F); later terms: fbank/, (80, T)
    <root>/train-clean-100/transcript/103-1240-0000.npy   strings: [SOS], one phone a frame or a phone sequence, [EOS]
    <root>/test-clean/mfcc/...                            no transcripts
    <root>/test-clean/test_order.csv                      the order in which predictions are handed in

The homework on frames (hw1p2) has one phone for every frame; those on sequences (hw3p2, hw4p2) have phones or
characters without times, in folders ``transcript``, ``transcripts`` or ``text``.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.audio.checks import Floats, as_features, check_choice
from handtorch.audio.datasets.utterance import Utterance, Utterances
from handtorch.errors import ArgumentError, FormatError
from handtorch.io.folders import contents, require_folder, wrong_layout

_FEATURE_FOLDERS = ("mfcc", "fbank")
_LABEL_FOLDERS = ("transcript", "transcripts", "text")
_MARKS = frozenset({"[SOS]", "[EOS]", "<sos>", "<eos>", "<sos/eos>"})

# Files looked at to find out which axis is time, and whether labels are phones or characters.
_FILES_COMPARED = 32


class Cmu11785(Utterances):
    """The utterances of one split, in the order of ``test_order.csv`` where there is one, else sorted by name.

    Args:
        root: the folder that holds the splits.
        split: the folder of the split: ``"train-clean-100"``, ``"dev-clean"``, ``"test-clean"`` or any other.
        features: the folder of features, ``"mfcc"`` or ``"fbank"``; by default the one that is there.
        labels: the folder of labels, ``"transcript"``, ``"transcripts"`` or ``"text"``; by default the one that is
            there. A split without any has utterances whose ``labels`` are ``None``.
        time_axis: which axis of the feature files is time, 0 for (T, F) or 1 for (F, T); by default the one along which
            the files differ in length.
        limit: take only so many utterances, the first ones.

    ``dataset[i]`` reads the files of utterance i: ``features`` (T, F) float32 with time first whatever the files have;
    ``labels`` without the marks of start and end; ``text``, the labels run together, when they are characters.

    Raises:
        MissingFileError: the root or the split is not there.
        FormatError: the folder is laid out otherwise, or a transcript or a test file is missing; on reading, a file
            that is damaged or holds Python objects instead of strings.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train-clean-100",
        *,
        features: str | None = None,
        labels: str | None = None,
        time_axis: int | None = None,
        limit: int | None = None,
    ) -> None:
        folder = require_folder(Path(root) / split, f"the 11-785 layout <root>/{split}/mfcc/*.npy")
        feature_folder = _pick(folder, features, _FEATURE_FOLDERS)
        if feature_folder is None:
            raise wrong_layout(folder, f"a folder {' or '.join(_FEATURE_FOLDERS)} of .npy files")
        label_folder = _pick(folder, labels, _LABEL_FOLDERS)
        self.ids = _ordered_ids(folder, feature_folder)[:limit]
        """Names of the files without ``.npy``."""
        self.features_folder = feature_folder.name
        """``"mfcc"`` or ``"fbank"``, unless another was asked for."""
        self._features = feature_folder
        self._labels = label_folder
        some = self.ids[:_FILES_COMPARED]
        if time_axis is None:
            time_axis = _time_axis([feature_folder / f"{name}.npy" for name in some])
        check_choice("time_axis", time_axis, (0, 1))
        self.time_axis = time_axis
        """Which axis of the files is time: 0 for (T, F), 1 for (F, T)."""
        self.labels_are_characters = False
        """Whether the labels are characters of a text; otherwise they are phones."""
        if label_folder is not None:
            _check_labels_are_there(self.ids, label_folder)
            self.labels_are_characters = all(
                len(label) == 1 for name in some for label in _load_labels(label_folder / f"{name}.npy")
            )

    def lengths(self) -> npt.NDArray[np.int64]:
        """(N) frames of each utterance; only the headers of the feature files are read."""
        shapes = [_load(self._features / f"{name}.npy", mmap_mode="r").shape for name in self.ids]
        return np.array([shape[self.time_axis] for shape in shapes], np.int64)

    def _read(self, number: int) -> Utterance:
        name = self.ids[number]
        features = _load_features(self._features / f"{name}.npy", self.time_axis)
        labels = None if self._labels is None else _load_labels(self._labels / f"{name}.npy")
        return Utterance(
            id=name,
            features=features,
            labels=labels,
            text="".join(labels) if labels is not None and self.labels_are_characters else None,
            speaker=name.split("-")[0] if "-" in name else None,
        )


def _pick(folder: Path, wanted: str | None, known: tuple[str, ...]) -> Path | None:
    """The subfolder that is wanted, or the only known one that is there."""
    if wanted is not None:
        return require_folder(folder / wanted, f"a folder {wanted} of .npy files")
    there = [name for name in known if (folder / name).is_dir()]
    if len(there) > 1:
        raise ArgumentError(f"{folder} holds {' and '.join(there)}; say which of them to read")
    return folder / there[0] if there else None


def _ordered_ids(split: Path, features: Path) -> list[str]:
    names = {path.stem for path in features.glob("*.npy")}
    if not names:
        raise wrong_layout(features, "files named *.npy")
    listed = next((path for path in (split / "test_order.csv", features / "test_order.csv") if path.is_file()), None)
    if listed is None:
        return sorted(names)
    order = _read_order(listed)
    absent = [name for name in order if name not in names]
    if absent:
        raise FormatError(f"{listed} lists {len(absent)} utterances that {features} lacks, such as {absent[0]}.npy")
    return order


def _read_order(path: Path) -> list[str]:
    """The names in ``test_order.csv``: its column ``file`` if it has a header with one, else its first column."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    column = 0
    if rows and "file" in rows[0]:
        column = rows[0].index("file")
        rows = rows[1:]
    elif rows and not rows[0][0].endswith(".npy") and all(row[0].endswith(".npy") for row in rows[1:]):
        rows = rows[1:]
    return [row[column].removesuffix(".npy") for row in rows]


def _check_labels_are_there(ids: list[str], folder: Path) -> None:
    names = {path.stem for path in folder.glob("*.npy")}
    if not names:
        raise FormatError(f"expected label files *.npy in {folder}, found {contents(folder)}")
    absent = [name for name in ids if name not in names]
    if absent:
        raise FormatError(f"expected one label file for each utterance, {folder} lacks {len(absent)}: {absent[0]}.npy")


def _load(path: Path, mmap_mode: Any = None) -> npt.NDArray[Any]:
    try:
        return np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        if "allow_pickle" in str(error):
            raise FormatError(
                f"{path} holds pickled Python objects, which could run code when read; if you trust it, save it again "
                "as plain strings or numbers: np.save(path, array.astype(str))"
            ) from None
        raise FormatError(f"cannot read {path} as a NumPy file, it is damaged or cut short ({error})") from None


def _time_axis(paths: list[Path]) -> int:
    """The axis along which files differ in length; features have the same width in all of them."""
    shapes = [_load(path, mmap_mode="r").shape for path in paths]
    bad = next((i for i, shape in enumerate(shapes) if len(shape) != 2), None)
    if bad is not None:
        raise FormatError(f"expected features of shape (T, F) or (F, T) in {paths[bad]}, got {shapes[bad]}")
    sizes = [{shape[axis] for shape in shapes} for axis in (0, 1)]
    if len(sizes[0]) > 1 and len(sizes[1]) > 1:
        raise FormatError(f"expected features of one width, {paths[0].parent} holds {shapes[0]}, {shapes[1]} and so on")
    if len(sizes[0]) == len(sizes[1]) == 1:
        # All alike, such as a single file: speech has more frames than features.
        return 0 if shapes[0][0] >= shapes[0][1] else 1
    return 0 if len(sizes[0]) > 1 else 1


def _load_features(path: Path, time_axis: int) -> Floats:
    array = as_features(_load(path), f"features in {path}")
    return array if time_axis == 0 else np.ascontiguousarray(array.T)


def _load_labels(path: Path) -> tuple[str, ...]:
    array = _load(path)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if array.dtype.kind != "U" or array.ndim > 1:
        raise FormatError(f"expected labels as strings of shape (L,) in {path}, got {array.dtype} {array.shape}")
    # A single string is a whole sentence: its labels are its characters.
    labels = tuple(array.tolist()) if array.ndim else tuple(str(array))
    start = 1 if labels and labels[0] in _MARKS else 0
    stop = len(labels) - 1 if len(labels) > start and labels[-1] in _MARKS else len(labels)
    return labels[start:stop]
