"""WikiText-2 and WikiText-103 (Merity et al. 2017; CC BY-SA 3.0) in the three forms they are handed around in.

::

    wiki.train.tokens, wiki.valid.tokens, wiki.test.tokens    plain text, words between blanks, <unk> written out
    wiki.train.npy, wiki.valid.npy + vocab.npy                course 11-785: arrays of articles, each an array of ids
    train.npz, valid.npz + vocab.txt                          arrays ``tokens`` and ``offsets``; a word in each line

"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from handtorch.errors import FormatError, MissingFileError
from handtorch.io.folders import contents, require_folder
from handtorch.text.datasets.installed import read_text
from handtorch.text.datasets.objects import read_arrays
from handtorch.text.datasets.splits import check_split
from handtorch.text.datasets.texts import item_at
from handtorch.text.tokenizers.words import WordTokenizer
from handtorch.utils.data import Dataset

Ids = npt.NDArray[np.int32]

_UNKNOWN = "<unk>"
_LINE_ENDS = ("<eos>", "<eol>")
_NAMES = {"train": ("train",), "dev": ("valid", "val", "dev"), "test": ("test",)}


class WikiText(Dataset[Ids]):
    """Articles of Wikipedia as token ids.

    Args:
        root: a folder with one of the three forms above.
        split: ``"train"``, ``"dev"`` (also ``"valid"``) or ``"test"``.

    ``dataset[i]`` is article i, (L_i,) int32; ``tokens`` (L,) is all of them, ``offsets`` says where they begin,
    ``vocabulary`` which word has which id, and ``tokenizer`` turns ids into text. Plain text gets the ids of a
    vocabulary of all words of its training part, sorted by frequency, and ``<eos>`` at the end of each line.

    Raises:
        MissingFileError: the folder is not there, or has no file for the split or the vocabulary.
        FormatError: a file is damaged, or has ids without a word.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train") -> None:
        split = "dev" if split == "valid" else split
        check_split(split, _NAMES)
        folder = require_folder(Path(root), "WikiText's files wiki.*.tokens, wiki.*.npy or *.npz")
        path, read = _file_of(folder, split)
        self.split = split
        self.tokens: Ids
        """(L,) int32, every article after the other."""
        self.offsets: npt.NDArray[np.int64]
        """(articles + 1,) int64: article i is ``tokens[offsets[i] : offsets[i + 1]]``."""
        self.vocabulary: list[str]
        """Word of each id."""
        self.tokens, self.offsets, self.vocabulary = read(folder, path)
        if self.tokens.size and not 0 <= self.tokens.min() <= self.tokens.max() < len(self.vocabulary):
            raise FormatError(
                f"expected ids below {len(self.vocabulary)}, the words of the vocabulary, got {self.tokens.max()} "
                f"in {path}"
            )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: Any) -> Ids:
        begin, end = self.offsets[item_at(range(len(self)), index) + np.arange(2)]
        return self.tokens[begin:end]

    def __repr__(self) -> str:
        return f"<WikiText {self.split}: {len(self)} articles, {len(self.tokens):,} tokens>"

    @cached_property
    def tokenizer(self) -> WordTokenizer:
        """Between the words and their ids."""
        line_end = next((token for token in _LINE_ENDS if token in self.vocabulary), None)
        return WordTokenizer(self.vocabulary, _UNKNOWN, line_end)


Read = tuple[Ids, npt.NDArray[np.int64], list[str]]


def _file_of(folder: Path, split: str) -> tuple[Path, Callable[[Path, Path], Read]]:
    """The file of a split, and the function that reads files like it."""
    forms = {"wiki.{}.tokens": _read_text, "wiki.{}.npy": _read_npy, "{}.npz": _read_npz}
    for pattern, read in forms.items():
        for name in _NAMES[split]:
            path = folder / pattern.format(name)
            if path.is_file():
                return path, read
    wanted = ", ".join(pattern.format(_NAMES[split][0]) for pattern in forms)
    raise MissingFileError(f"expected one of {wanted} for split {split!r} in {folder}, which holds {contents(folder)}")


def _read_text(folder: Path, path: Path) -> Read:
    training = _file_of(folder, "train")[0]
    tokenizer = WordTokenizer.train(read_text(training), end_of_line="<eos>")
    text = read_text(path)
    starts = _articles(text)
    pieces = [
        tokenizer.encode_array(text[begin:end]) for begin, end in zip(starts, [*starts[1:], len(text)], strict=True)
    ]
    return *_joined(pieces), list(tokenizer.vocabulary)


def _articles(text: str) -> list[int]:
    """Where articles begin: at lines `` = Title = `` after a blank one; what comes before the first belongs to it."""
    starts, place, blank_before = [], 0, True
    for line in text.splitlines(keepends=True):
        words = line.split()
        if blank_before and len(words) > 2 and words[0] == words[-1] == "=" and words[1] != "=":
            starts.append(place)
        blank_before = not words
        place += len(line)
    return [0, *starts[1:]]


def _read_npy(folder: Path, path: Path) -> Read:
    vocabulary = next((folder / name for name in ("vocab.npy", "vocabulary.npy") if (folder / name).is_file()), None)
    if vocabulary is None:
        raise MissingFileError(f"expected vocab.npy beside {path}; {folder} holds {contents(folder)}")
    words = [str(word) for array in read_arrays(vocabulary, "U") for word in np.atleast_1d(array).ravel()]
    return *_joined(read_arrays(path, "iu")), words


def _read_npz(folder: Path, path: Path) -> Read:
    vocabulary = folder / "vocab.txt"
    if not vocabulary.is_file():
        raise MissingFileError(f"expected vocab.txt beside {path}; {folder} holds {contents(folder)}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            tokens, offsets = arrays["tokens"].astype(np.int32), arrays["offsets"].astype(np.int64)
    except (KeyError, ValueError, OSError, EOFError) as error:
        raise FormatError(f"expected arrays 'tokens' and 'offsets' in {path}: {error}") from None
    if tokens.ndim != 1 or offsets.ndim != 1 or not offsets.size or (np.diff(offsets, append=tokens.size) < 0).any():
        raise FormatError(f"expected tokens (L,) and rising offsets up to L in {path}")
    words = vocabulary.read_text(encoding="utf-8").split("\n")
    return tokens, offsets, words[:-1] if words[-1] == "" else words


def _joined(pieces: list[Any]) -> tuple[Ids, npt.NDArray[np.int64]]:
    tokens = np.concatenate([np.zeros(0, np.int32), *pieces]).astype(np.int32)
    return tokens, np.cumsum([0, *map(len, pieces)], dtype=np.int64)
